"""The same login in every format that people capture it in comes to the same verdicts as its HAR."""

from __future__ import annotations

import pytest
from support.captured import aws, har, rfc
from support.foreign import FORMATS, mitmproxy
from support.judged import failing, judged

from device_grant.recordings.formats.capture import PARTIES

WAITS = "rfc8628-3.5-client-waits-before-each-request"
LOGINS = {"rfc8628": rfc, "aws-sso-oidc": aws}
OF_OCTETS = {"rfc8259-8.1-no-bom", "rfc8259-8.1-utf8"}
"""What text cannot show, nor JSON that was read and written again."""
OF_FORMS = {"rfc6749-B-utf8-encode", "rfc8628-3.1-client-utf8"}
"""What is gone once a form was broken into lines, or into parameters."""
LOST = {"markdown": OF_FORMS, "postman": OF_FORMS}
TIMED = {"aws-debug", "charles", "fiddler"}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("login", LOGINS)
def test_a_login_is_judged_as_its_har_is(tmp_path, name, login):
    write, file = FORMATS[name]
    traffic = LOGINS[login]().changed(1, status=201)
    expected = judged(tmp_path, har(traffic))
    assert len(failing(expected)) > 0
    result = judged(tmp_path, write(traffic), name=file, parties=PARTIES)
    left_out = expected.keys() - result.keys()
    assert left_out <= OF_OCTETS | LOST.get(name, set())
    assert result.keys() <= expected.keys()
    for requirement, one in result.items():
        if one["verdict"] != expected[requirement]["verdict"]:
            assert name not in TIMED, requirement
            assert one["verdict"] == "inconclusive", requirement
            assert "time" in one["message"] or "how long" in one["message"], requirement


@pytest.mark.parametrize("login", LOGINS)
def test_a_dump_of_mitmproxy_is_judged_as_its_har_is(tmp_path, login):
    # Its versions that need what the suite needs ask for Python 3.12; on older ones there is nothing to be read with.
    pytest.importorskip("mitmproxy.io")
    traffic = LOGINS[login]().changed(1, status=201)
    result = judged(tmp_path, mitmproxy(traffic), name="login.flows", parties=PARTIES)
    expected = judged(tmp_path, har(traffic))
    assert {name: one["verdict"] for name, one in result.items()} == {
        name: one["verdict"] for name, one in expected.items()
    }
