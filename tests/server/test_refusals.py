"""Protection and its name are two things: a refusal under another error code breaks no rule about what is granted."""

from __future__ import annotations

import pytest

from device_grant.catalogue import Verdict
from device_grant.engine import run_check
from device_grant.protocol.exchange import REFUSED, Outcome

OTHERWISE_NAMED = {
    "one_time_use::test_replay": "rfc8628-3.5-device-code-single-use",
    "refresh::test_refresh_by_another_client": "rfc6749-6-server-checks-binding",
    "refresh::test_altered_refresh_token": "rfc6749-10.4-refresh-unguessable",
    "user_decision::test_code_of_another_client": "rfc8628-3.4-code-bound-to-client",
}


def verdict(name, requirement, fault):
    return run_check("embedded:rfc8628", name, faults=[fault]).verdicts[requirement]


@pytest.mark.parametrize("name", OTHERWISE_NAMED)
def test_another_name_for_a_refusal_is_a_warning(name):
    assert verdict(name, OTHERWISE_NAMED[name], "error_code_unregistered") is Verdict.WARN


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("one_time_use::test_replay", "code_reusable"),
        ("refresh::test_refresh_by_another_client", "refresh_foreign_client"),
        ("user_decision::test_code_of_another_client", "foreign_client_redeems"),
    ],
)
def test_what_is_granted_is_a_failure(name, fault):
    assert verdict(name, OTHERWISE_NAMED[name], fault) is Verdict.FAIL


@pytest.mark.parametrize(
    ("status", "code", "refused"),
    [
        (400, "invalid_grant", True),
        (500, "http-500", True),
        (302, "http-302", True),
        (400, "authorization_pending", False),
        (400, "slow_down", False),
        (200, "ok", False),
        (0, "no-response", False),
    ],
)
def test_what_counts_as_refused(status, code, refused):
    assert (REFUSED in Outcome(status, code).names) is refused
