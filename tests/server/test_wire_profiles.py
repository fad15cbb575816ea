"""The octets in which each client writes one and the same request, and what a Host without port is worth."""

from __future__ import annotations

import hashlib
import json
from urllib.parse import urlsplit

import pytest

from device_grant.catalogue import Verdict
from device_grant.engine import run_check
from device_grant.protocol import AWS_SSO_OIDC, DEVICE_CODE_GRANT, Operation, Request
from device_grant.reference.embedded import embedded
from device_grant.reference.server.settings import Settings
from device_grant.server.checks.aws import wire_profiles
from device_grant.server.checks.aws.wire_profiles import (
    AWS_CLI,
    AWS_CLI_OF_2026,
    AWS_ELIXIR,
    BOTO3,
    JAVASCRIPT_2,
    JAVASCRIPT_3,
    SOTO,
    WireProfile,
    signed,
)

MEMBERS = {"deviceCode": "D/C", "grantType": DEVICE_CODE_GRANT, "clientSecret": "CS", "clientId": "CID"}
POLL = Request("POST", "http://127.0.0.1:8080/token", (), json.dumps(MEMBERS).encode(), Operation.TOKEN)
PROFILES = [value for value in vars(wire_profiles).values() if isinstance(value, WireProfile)]
GRANT = f'"grantType":"{DEVICE_CODE_GRANT}"'
SPACED_GRANT = GRANT.replace('":"', '": "')


@pytest.mark.parametrize(
    ("profile", "body"),
    [
        (AWS_CLI, f'{{{SPACED_GRANT}, "clientId": "CID", "clientSecret": "CS", "deviceCode": "D/C"}}'),
        (AWS_CLI_OF_2026, f'{{{SPACED_GRANT}, "clientId": "CID", "clientSecret": "CS", "deviceCode": "D/C"}}'),
        (BOTO3, f'{{"clientId": "CID", "clientSecret": "CS", {SPACED_GRANT}, "deviceCode": "D/C"}}'),
        (JAVASCRIPT_2, f'{{"clientId":"CID","clientSecret":"CS",{GRANT},"deviceCode":"D/C"}}'),
        (JAVASCRIPT_3, f'{{"clientId":"CID","clientSecret":"CS",{GRANT},"deviceCode":"D/C"}}'),
        (SOTO, f'{{"deviceCode":"D\\/C","clientSecret":"CS",{GRANT},"clientId":"CID"}}'),
        (AWS_ELIXIR, f'{{"clientId":"CID","clientSecret":"CS","deviceCode":"D/C",{GRANT}}}'),
    ],
    ids=lambda value: value.name if isinstance(value, WireProfile) else "",
)
def test_bodies(profile, body):
    assert profile.write(POLL).content.decode() == body


@pytest.mark.parametrize("profile", [*PROFILES, *map(signed, PROFILES)], ids=lambda profile: profile.name)
def test_the_request_is_the_same_one(profile):
    written = profile.write(POLL)
    assert json.loads(written.content) == MEMBERS
    assert (written.method, written.url, written.operation) == (POLL.method, POLL.url, POLL.operation)
    digest = written.header("x-amz-content-sha256")
    assert digest in (None, hashlib.sha256(written.content).hexdigest())


@pytest.mark.parametrize(
    ("url", "host"), [("http://127.0.0.1:8080/token", "127.0.0.1"), ("https://[::1]:8443/token", "[::1]")]
)
def test_aws_elixir_names_no_port(url, host):
    request = Request("POST", url, (), POLL.content, Operation.TOKEN)
    assert AWS_ELIXIR.write(request).header("host") == host
    assert AWS_ELIXIR.with_port().write(request).header("host") == urlsplit(url).netloc


@pytest.mark.parametrize(
    ("fault", "verdict"),
    [("", Verdict.PASS), ("host_compared_literally", Verdict.WARN), ("amz_json_refused", Verdict.FAIL)],
)
def test_a_port_that_is_missed_is_a_warning(fault, verdict):
    settings = Settings(dialect=AWS_SSO_OIDC, issuer="http://127.0.0.1:8080")
    with embedded(AWS_SSO_OIDC, [fault] if fault else [], settings=settings) as target:
        said = run_check(target, "wire_profiles::test_aws_elixir")
    assert said.verdicts["aws-request-sdk-forms"] is verdict


def test_what_the_plain_form_does_not_get_either_is_nobodys_fault():
    for check in ("wire_profiles::test_boto3", "wire_profiles::test_boto3_of_2020", "wire_profiles::test_aws_elixir"):
        outcome = run_check("embedded:aws-sso-oidc", check, faults=("pending_as_invalid_grant",))
        assert outcome.broken == frozenset()
        assert "the plain form is not served either: 400 invalid_grant" in str(outcome.stop)
