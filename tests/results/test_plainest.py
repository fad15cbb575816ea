"""Of results that say the same, the one is shown that the plainest request shows."""

from __future__ import annotations

import msgspec
import pytest
from support.commands import device_grant, lines_of
from support.samples import exchange, result

from device_grant.results.merge import merge, worse_of

ID = "rfc9110-15.6-no-5xx-on-client-error"


def crashed(body, purpose, *, message="token answered 500", check="invariants::no_server_error"):
    sent = msgspec.structs.replace(exchange(body=body, status=500), purpose=purpose)
    return result(ID, "fail", check=check, message=message, steps=[sent])


SHORT = crashed("refresh_token=0", "generated")
WITHOUT_A_CODE = crashed("grant_type=urn:ietf:params:oauth:grant-type:device_code&client_id=me", "poll")


@pytest.mark.parametrize("pair", [(SHORT, WITHOUT_A_CODE), (WITHOUT_A_CODE, SHORT)])
def test_a_good_request_that_lacks_one_thing_is_plainer_than_a_short_one(pair):
    kept = worse_of(*pair)
    assert kept.steps == WITHOUT_A_CODE.steps
    assert kept.judged == 2
    (shown, *_) = merge(list(pair))[ID].worst
    assert shown is WITHOUT_A_CODE


def test_another_message_is_another_defect():
    # A baseline expects the one that came first.
    other = crashed("x=1", "poll", message="device_authorization answered 500")
    assert worse_of(SHORT, other).message == SHORT.message
    assert worse_of(other, SHORT).message == other.message


def test_of_two_of_one_kind_the_shorter_one_is_shown():
    longer = crashed("refresh_token=0&scope=everything", "generated")
    assert merge([longer, SHORT])[ID].worst == (SHORT, longer)


def test_a_crash_without_a_device_code_is_shown_by_a_poll_without_one(tmp_path):
    run = ("run", "embedded:rfc8628", "--fault", "missing_device_code_500", "--report", str(tmp_path))
    checks = ("--check", "polling::*", "--check", "malformed_input::*")
    done = device_grant(*run, *checks, "--only", ID)
    assert done.returncode == 1
    sent = done.stdout[done.stdout.index("sent:") : done.stdout.index("came:")]
    assert "grant_type=urn" in sent
    assert "refresh_token" not in sent
    again = device_grant(*run, "--check", "polling::test_missing_device_code", "--only", ID)
    assert again.returncode == 1
    assert [line for line in lines_of(tmp_path) if line.get("verdict") == "fail"]
