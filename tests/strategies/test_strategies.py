"""Valid requests, polling schedules and typed user codes."""

import re
import subprocess
import sys
import unicodedata

import pytest
from botocore.validate import ParamValidator
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument, NoSuchExample

import device_grant_strategies as strategies
from device_grant.protocol import service_model
from device_grant.protocol.exchange import DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT

profile = settings(
    derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck), max_examples=200
)
exists = settings(profile, max_examples=3000, phases=[Phase.generate])

SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+( [\x21\x23-\x5B\x5D-\x7E]+)*")
VSCHAR = re.compile(r"[\x20-\x7E]+")


def problems(operation, members):
    shape = service_model.botocore_model().operation_model(operation).input_shape
    report = ParamValidator().validate(members, shape)
    return report.generate_report() if report.has_errors() else ""


@pytest.mark.parametrize(
    ("operation", "strategy"),
    [
        ("RegisterClient", strategies.register_client_requests()),
        ("StartDeviceAuthorization", strategies.start_device_authorization_requests()),
        ("CreateToken", strategies.create_token_requests()),
        ("CreateTokenWithIAM", strategies.create_token_with_iam_requests()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_aws_inputs_pass_botocore(operation, strategy):
    seen = set()

    @settings(profile, max_examples=500)
    @given(strategy)
    def check(members):
        seen.update(members)
        assert not problems(operation, members)
        assert all(value != "" for value in members.values())

    check()
    assert seen == {member.name for member in service_model.operation(operation).input}


def test_optional_members_come_and_go():
    for name in ("scopes", "issuerUrl", "grantTypes", "entitledApplicationArn"):
        find(strategies.register_client_requests(), lambda members, name=name: name in members, settings=exists)
        find(strategies.register_client_requests(), lambda members, name=name: name not in members, settings=exists)


@settings(profile)
@given(strategies.register_client_requests())
def test_a_registration_does_not_mix_the_device_and_the_code_grant(members):
    grants = members.get("grantTypes", [])
    assert not ({DEVICE_CODE_GRANT, "authorization_code"} <= set(grants))
    assert ("redirectUris" in members) == ("authorization_code" in grants)
    assert len(members.get("scopes", [])) <= 25


@settings(profile)
@given(strategies.create_token_requests())
def test_a_token_request_has_the_member_of_its_grant_alone(members):
    own = {DEVICE_CODE_GRANT: "deviceCode", REFRESH_TOKEN_GRANT: "refreshToken", "authorization_code": "code"}
    assert [name for name in own.values() if name in members] == [own[members["grantType"]]]
    assert "codeVerifier" not in members or members["grantType"] == "authorization_code"


@settings(profile)
@given(strategies.create_token_with_iam_requests())
def test_a_signed_request_has_the_members_of_its_grant_alone(members):
    needed = {
        "urn:ietf:params:oauth:grant-type:jwt-bearer": {"assertion"},
        "urn:ietf:params:oauth:grant-type:token-exchange": {"subjectToken", "subjectTokenType"},
        REFRESH_TOKEN_GRANT: {"refreshToken"},
        "authorization_code": {"code"},
    }
    free = {"scope", "requestedTokenType", "redirectUri", "codeVerifier"}
    assert members.keys() - free == {"clientId", "grantType"} | needed[members["grantType"]]
    assert "codeVerifier" not in members or "code" in members
    assert "requestedTokenType" not in members or "subjectToken" in members


def test_client_names_are_rich():
    names = st.builds(lambda members: members["clientName"], strategies.register_client_requests())
    for wanted in (
        lambda name: any(unicodedata.bidirectional(c) in ("R", "AL") for c in name),
        lambda name: any(unicodedata.combining(c) for c in name),
        lambda name: "\U0001f469" in name,
        lambda name: "<script>" in name,
        lambda name: '"' in name,
        lambda name: len(name) > 1000,
    ):
        find(names, wanted, settings=exists)
    with pytest.raises(NoSuchExample):
        find(names, lambda name: any(unicodedata.category(c) == "Cc" for c in name), settings=profile)


def test_secrets_are_long_and_codes_have_colons():
    find(strategies.client_secrets(), lambda secret: len(secret) > 4000, settings=exists)
    find(strategies.refresh_tokens(), lambda token: token.startswith("aor") and ":" in token, settings=exists)
    find(strategies.device_codes(), lambda code: ":" in code, settings=exists)


@settings(profile)
@given(strategies.scopes(), strategies.client_ids(), strategies.client_secrets())
def test_values_keep_to_their_syntax(scope, client_id, secret):
    assert SCOPE.fullmatch(scope)
    assert VSCHAR.fullmatch(client_id)
    assert VSCHAR.fullmatch(secret)


@settings(profile)
@given(
    strategies.device_authorization_requests(), strategies.token_requests(), strategies.client_registration_requests()
)
def test_rfc_requests(device, token, registration):
    assert {"client_id"} <= set(device) <= {"client_id", "scope"}
    own = "device_code" if token["grant_type"] == DEVICE_CODE_GRANT else "refresh_token"
    assert {"grant_type", "client_id", own} <= set(token) <= {"grant_type", "client_id", own, "scope"}
    assert DEVICE_CODE_GRANT in registration["grant_types"]
    assert registration.get("response_types", []) == []
    assert SCOPE.fullmatch(registration.get("scope", "x"))


@settings(profile, max_examples=50)
@given(
    strategies.create_token_requests(clientId="id", clientSecret="s", refreshToken="r", scope=None),
    strategies.token_requests(DEVICE_CODE_GRANT, device_code=st.sampled_from(["a", "b"]), client_secret="s"),
    strategies.client_registration_requests(redirect_uris=[], client_name=None, vendor_member=1),
    strategies.register_client_requests(grantTypes=["authorization_code"]),
)
def test_members_can_be_fixed(aws, rfc, registration, native):
    assert aws == {"clientId": "id", "clientSecret": "s", "refreshToken": "r", "grantType": REFRESH_TOKEN_GRANT}
    assert rfc["device_code"] in "ab"
    assert rfc["client_secret"] == "s"
    assert registration["redirect_uris"] == []
    assert registration["vendor_member"] == 1
    assert "client_name" not in registration
    assert native["grantTypes"] == ["authorization_code"]
    assert native["redirectUris"]
    registration["redirect_uris"].append("must not be seen by the next example")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: strategies.create_token_requests(clientID="x"), "no 'clientID'; did you mean clientId"),
        (lambda: strategies.create_token_requests("device_code"), "no 'device_code'"),
        (lambda: strategies.create_token_requests(grantType=st.just("x")), "must be a string"),
        (lambda: strategies.create_token_with_iam_requests(DEVICE_CODE_GRANT), "there is no 'urn"),
        (lambda: strategies.create_token_with_iam_requests(clientSecret="x"), "there is no 'clientSecret'"),
        (lambda: strategies.create_token_with_iam_requests(grantType=3), "must be a string"),
        (lambda: strategies.token_requests("password"), "no 'password'"),
        (lambda: strategies.token_requests(grant_type=st.just("x")), "must be a string"),
        (lambda: strategies.device_authorization_requests(scopes="x"), "did you mean scope"),
        (lambda: strategies.polling_schedules(5, max_total=3), "at least one poll"),
        (lambda: strategies.polling_schedules(-1), "must not be negative"),
        (lambda: strategies.user_code_typings("--"), "no letter or digit"),
    ],
)
def test_bad_arguments_are_refused_at_once(call, message):
    with pytest.raises(InvalidArgument, match=message):
        call()


@settings(profile)
@given(
    st.sampled_from([0.0, 1.0, 5.0, 30.0]).flatmap(lambda n: strategies.polling_schedules(n, max_total=90, max_polls=8))
)
def test_schedules_keep_their_bounds(schedule):
    assert 1 <= len(schedule) <= 8
    assert schedule.total <= 90
    assert list(schedule) == list(schedule.waits)
    polite = schedule.interval + 1.0
    for wait, pace in zip(schedule.waits, schedule.paces, strict=True):
        match pace:
            case "polite":
                assert wait == polite
            case "late":
                assert 2 * polite <= wait <= 3.4 * polite
            case "early":
                assert 0 <= wait <= 0.8 * schedule.interval
            case "burst":
                assert wait == 0
            case _:
                pytest.fail(f"unknown pace {pace}")
    assert schedule.polite == all(wait >= polite for wait in schedule.waits)


@pytest.mark.parametrize("pace", ["polite", "late", "early", "burst"])
def test_every_pace_is_drawn_and_mixed(pace):
    result = find(strategies.polling_schedules(), lambda s: pace in s.paces and len(set(s.paces)) > 1, settings=exists)
    assert pace in result.paces


def test_typings_mean_the_code():
    seen = set()

    @settings(profile)
    @given(strategies.user_code_typings("WDJB-MJHT"))
    def check(typed):
        seen.add(typed)
        assert "".join(filter(str.isalnum, typed)).upper() == "WDJBMJHT"

    check()
    assert {"WDJB-MJHT", "wdjb-mjht", "WDJBMJHT"} <= seen
    assert any(typed != typed.strip() for typed in seen)
    assert any("\u2013" in typed or "\u2014" in typed for typed in seen)


def test_importing_strategies_imports_no_http_client_and_no_target():
    code = "import sys, strategies; print([m for m in sys.modules if m.startswith(('httpx', 'device_grant.targets'))])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
