"""boto3 and all four operations of the reference: sign-in by a browser, signed requests, and every modelled error."""

from __future__ import annotations

import time
from urllib.parse import parse_qsl, urlencode, urlsplit

import boto3
import httpx
import jwt
import pytest
from botocore import UNSIGNED, xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

from device_grant.protocol import AWS_SSO_OIDC, DEVICE_CODE_GRANT, service_model
from device_grant.reference.server import user
from device_grant.reference.server.code_grant.codes import challenge_of
from device_grant.reference.server.signed.operation import JWT_BEARER, REFRESH_TOKEN, TOKEN_EXCHANGE
from device_grant.reference.server.signed.settings import ELSEWHERE, SignedSettings
from device_grant.reference.server.testing import DeviceGrantServer

START_URL = "https://example.awsapps.com/start"
REGISTERED = "http://127.0.0.1/oauth/callback"
CALLBACK = "http://127.0.0.1:49152/oauth/callback"
VERIFIER = "Qm9yZWQtYnV0LWxvbmctZW5vdWdoLXZlcmlmaWVyX2Zvci10aGlzLXNhbXBsZX4u"
OPTIONS = {"retries": {"total_max_attempts": 1}, "proxies": {}}
KEYS = SignedSettings()


@pytest.fixture(scope="module")
def server():
    with DeviceGrantServer(AWS_SSO_OIDC) as started:
        yield started


def _sdk(server, region=KEYS.region, secret=KEYS.secret_key, **options):
    config = Config(**OPTIONS, **options)
    return boto3.client(
        "sso-oidc",
        region_name=region,
        endpoint_url=server.url,
        aws_access_key_id=KEYS.access_key,
        aws_secret_access_key=secret,
        config=config,
    )


@pytest.fixture(scope="module")
def sdk(server):
    """boto3 with keys: it signs CreateTokenWithIAM, and sends the other operations as they are."""
    return _sdk(server)


@pytest.fixture(scope="module")
def registered(sdk):
    answer = sdk.register_client(
        clientName="the command line",
        clientType="public",
        grantTypes=["authorization_code", "refresh_token"],
        redirectUris=[REGISTERED],
        issuerUrl=START_URL,
        scopes=["sso:account:access"],
    )
    return {name: answer[name] for name in ("clientId", "clientSecret")}


def _url(server, own, verifier=VERIFIER, **changes):
    query = {
        "response_type": "code",
        "client_id": own,
        "redirect_uri": CALLBACK,
        "state": "5f0c2f3e-3f51-4d53-9d63-6c9f6a2f8a10",
        "code_challenge_method": "S256",
        "scopes": "sso:account:access",
        "code_challenge": challenge_of(verifier),
    } | changes
    return f"{server.url}/authorize?{urlencode({name: value for name, value in query.items() if value is not None})}"


def _callback(server, own, decide=user.authorize, **changes):
    with httpx.Client(base_url=server.url, trust_env=False) as browser:
        return decide(browser, _url(server, own, **changes))


def _code(server, own, **changes):
    answer = dict(parse_qsl(urlsplit(_callback(server, own, **changes).headers["location"]).query))
    return answer["code"]


def _assertion(**changes):
    claims = {
        "iss": KEYS.issuer,
        "aud": KEYS.audience,
        "sub": "alice",
        "exp": 4_000_000_000,
        "jti": str(time.perf_counter_ns()),
    } | changes
    return jwt.encode(claims, KEYS.issuer_key, "HS256")


def _signed(sdk, **members):
    return sdk.create_token_with_iam(**({"clientId": KEYS.application, "grantType": JWT_BEARER} | members))


def _error(call, **members):
    with pytest.raises(ClientError) as caught:
        call(**members)
    return caught.value.response


def test_a_sign_in_as_the_command_line_does_it(server, sdk, registered):
    location = _callback(server, registered["clientId"]).headers["location"]
    answer = dict(parse_qsl(urlsplit(location).query))
    assert location.startswith(f"{CALLBACK}?")
    assert answer["state"] == "5f0c2f3e-3f51-4d53-9d63-6c9f6a2f8a10"

    asked = {"grantType": "authorization_code", "redirectUri": CALLBACK, "codeVerifier": VERIFIER}
    tokens = sdk.create_token(**registered, **asked, code=answer["code"])
    assert tokens["tokenType"] == "Bearer"
    assert _error(sdk.create_token, **registered, **asked, code=answer["code"])["Error"]["Code"] == (
        "InvalidGrantException"
    )
    # Who comes with a code a second time may have been first: the tokens of both end.
    refresh = {"grantType": "refresh_token", "refreshToken": tokens["refreshToken"]}
    assert _error(sdk.create_token, **registered, **refresh)["error"] == "invalid_grant"

    tokens = sdk.create_token(**registered, **asked, code=_code(server, registered["clientId"]))
    refreshed = sdk.create_token(**registered, grantType="refresh_token", refreshToken=tokens["refreshToken"])
    assert refreshed["accessToken"] != tokens["accessToken"]


def test_a_refusal_comes_back_with_the_state(server, registered):
    location = _callback(server, registered["clientId"], user.refuse).headers["location"]
    answer = dict(parse_qsl(urlsplit(location).query))
    assert (answer["error"], answer["state"]) == ("access_denied", "5f0c2f3e-3f51-4d53-9d63-6c9f6a2f8a10")


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "https://example.com/oauth/callback"},
        {"redirect_uri": "http://127.0.0.1:1/other"},
        {"redirect_uri": "http://localhost:1/oauth/callback"},
        {"redirect_uri": "http://127.0.0.1.example.com/oauth/callback"},
        {"redirect_uri": "http://127.0.0.1@example.com/oauth/callback"},
        {"redirect_uri": "http://[/oauth/callback"},
        {"redirect_uri": None},
        {"client_id": "nobody"},
        {"state": "1&state=2"},
    ],
)
def test_nobody_is_sent_where_the_client_is_not(server, registered, changes):
    url = _url(server, registered["clientId"], **changes).replace("%26state%3D", "&state=")
    with httpx.Client(base_url=server.url, trust_env=False) as browser:
        assert user.authorize(browser, url).status_code == 400
        user.sign_in(browser)
        assert "location" not in user.authorize(browser, url).headers


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scopes": "codecatalyst:read_write"}, "invalid_scope"),
    ],
)
def test_what_is_wrong_with_a_request_comes_back(server, registered, changes, error):
    location = _callback(server, registered["clientId"], **changes).headers["location"]
    assert dict(parse_qsl(urlsplit(location).query))["error"] == error


def test_a_page_that_was_not_opened_decides_nothing(server, registered):
    with httpx.Client(base_url=server.url, trust_env=False) as browser:
        url = _url(server, registered["clientId"])
        assert "password" in browser.get(url).text
        user.sign_in(browser)
        forged = {"csrf_token": "guessed", "request": urlsplit(url).query, "action": "approve"}
        assert browser.post("/authorize", data=forged).status_code == 400
        policy = browser.get(url).headers["content-security-policy"]
        assert "form-action 'self' http://127.0.0.1:49152;" in policy


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"codeVerifier": VERIFIER[:-1] + "v"}, "invalid_grant"),
        ({"codeVerifier": VERIFIER + "="}, "invalid_grant"),
        ({"codeVerifier": ""}, "invalid_request"),
        ({"codeVerifier": None}, "invalid_request"),
        ({"redirectUri": REGISTERED}, "invalid_grant"),
        ({"redirectUri": None}, "invalid_request"),
        ({"code": "made-up"}, "invalid_grant"),
        ({"code": None}, "invalid_request"),
        ({"clientSecret": "wrong"}, "invalid_client"),
    ],
)
def test_a_code_is_worth_nothing_with_something_else(server, sdk, registered, changes, error):
    members = {
        **registered,
        "grantType": "authorization_code",
        "redirectUri": CALLBACK,
        "codeVerifier": VERIFIER,
        "code": _code(server, registered["clientId"]),
    } | changes
    answer = _error(sdk.create_token, **{name: value for name, value in members.items() if value is not None})
    assert answer["error"] == error


def test_codes_belong_to_one_client(server, sdk, registered):
    asked = {"grantType": "authorization_code", "redirectUri": CALLBACK, "codeVerifier": VERIFIER}
    other = sdk.register_client(
        clientName="other",
        clientType="public",
        grantTypes=["authorization_code"],
        redirectUris=[REGISTERED],
        scopes=["sso:account:access"],
    )
    foreign = {name: other[name] for name in ("clientId", "clientSecret")}
    code = _code(server, registered["clientId"])
    assert _error(sdk.create_token, **foreign, **asked, code=code)["error"] == "invalid_grant"


def test_codes_end():
    with DeviceGrantServer(AWS_SSO_OIDC) as server:
        sdk = _sdk(server)
        client = sdk.register_client(
            clientName="short",
            clientType="public",
            grantTypes=["authorization_code"],
            redirectUris=[REGISTERED],
            scopes=["sso:account:access"],
        )
        own = {name: client[name] for name in ("clientId", "clientSecret")}
        code = _code(server, own["clientId"])
        server.advance(301)
        asked = {"grantType": "authorization_code", "redirectUri": CALLBACK, "codeVerifier": VERIFIER}
        assert _error(sdk.create_token, **own, **asked, code=code)["error"] == "expired_token"


def test_the_application_signs(server, sdk):
    first = _signed(sdk, assertion=_assertion())
    assert first["scope"] == ["sts:identity_context", "openid", "aws"]
    assert first["issuedTokenType"] == REFRESH_TOKEN
    claims = jwt.decode(first["idToken"], options={"verify_signature": False})
    assert claims["sts:identity_context"] == first["awsAdditionalDetails"]["identityContext"]
    assert claims["sub"] == "alice"

    refreshed = _signed(sdk, grantType="refresh_token", refreshToken=first["refreshToken"], scope=["openid"])
    assert refreshed["scope"] == ["openid"]
    exchange = {"grantType": TOKEN_EXCHANGE, "subjectToken": refreshed["accessToken"]}
    kind = "urn:ietf:params:oauth:token-type:access_token"
    exchanged = _signed(sdk, **exchange, subjectTokenType=kind, requestedTokenType=kind)
    assert exchanged["issuedTokenType"] == kind
    assert "refreshToken" not in exchanged

    code = _code(server, KEYS.application, scopes="sts:identity_context")
    by_code = {"grantType": "authorization_code", "code": code, "redirectUri": CALLBACK, "codeVerifier": VERIFIER}
    assert _signed(sdk, **by_code)["scope"] == ["sts:identity_context"]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"signature_version": UNSIGNED}, "MissingAuthenticationTokenException"),
        ({"secret": "wrong"}, "InvalidSignatureException"),
        ({"region": "eu-west-1"}, "InvalidSignatureException"),
    ],
)
def test_a_signature_that_does_not_fit_is_refused(server, options, error):
    answer = _error(_sdk(server, **options).create_token_with_iam, clientId="a", grantType=JWT_BEARER)
    assert answer["Error"]["Code"] == error
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_temporary_keys_sign_too(server):
    session = boto3.Session(KEYS.access_key, KEYS.secret_key, KEYS.session_token, KEYS.region)
    sdk = session.client("sso-oidc", endpoint_url=server.url, config=Config(**OPTIONS))
    assert _signed(sdk, assertion=_assertion())["tokenType"] == "Bearer"


def test_the_signature_of_the_published_vector():
    from device_grant.reference.server.faults import Faults
    from device_grant.reference.server.http import Call
    from device_grant.reference.server.signed.signature import require_signature

    body = (
        b'{"clientId": "arn:aws:sso::111122223333:application/ssoins-0123456789abcdef/apl-fedcba9876543210", '
        b'"grantType": "urn:ietf:params:oauth:grant-type:jwt-bearer", '
        b'"assertion": "eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl"}'
    )
    authorization = (
        b"AWS4-HMAC-SHA256 Credential=AKIDMADEUPFORTESTS00/20261127/eu-west-1/sso-oauth/aws4_request, "
        b"SignedHeaders=content-type;host;x-amz-date, "
        b"Signature=4107565956bd709ad38dd320aac32d25722eeb572cceeec0dd6232888f90e614"
    )
    headers = [
        (b"host", b"127.0.0.1:8080"),
        (b"content-type", b"application/json"),
        (b"x-amz-date", b"20261127T120000Z"),
        (b"authorization", authorization),
    ]
    scope = {"method": "POST", "path": "/token", "query_string": b"aws_iam=t", "headers": headers}
    settings = SignedSettings(region="eu-west-1")
    require_signature(Call(scope, body, too_large=False), settings, Faults(), 1_795_780_800.0)
    with pytest.raises(Exception, match="InvalidSignature"):
        require_signature(Call(scope, body + b" ", too_large=False), settings, Faults(), 1_795_780_800.0)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"clientId": "arn:aws:sso::1:application/none"}, "InvalidClientException"),
        ({"grantType": DEVICE_CODE_GRANT}, "UnsupportedGrantTypeException"),
        ({"grantType": JWT_BEARER.upper()}, "UnsupportedGrantTypeException"),
        ({}, "InvalidRequestException"),
        ({"assertion": "no.jwt"}, "InvalidGrantException"),
        ({"assertion": _assertion(aud="somebody else")}, "InvalidGrantException"),
        ({"assertion": _assertion(iss="https://elsewhere.example")}, "InvalidGrantException"),
        ({"assertion": _assertion(sub="nobody")}, "InvalidGrantException"),
        ({"assertion": _assertion(exp=1)}, "ExpiredTokenException"),
        ({"assertion": _assertion(sub="bob")}, "AccessDeniedException"),
        ({"assertion": "x", "scope": ["more"]}, "InvalidScopeException"),
        ({"grantType": TOKEN_EXCHANGE}, "InvalidRequestException"),
        ({"grantType": "refresh_token", "refreshToken": "none"}, "InvalidGrantException"),
        ({"grantType": "refresh_token", "refreshToken": f"{ELSEWHERE}1"}, "InvalidRequestRegionException"),
    ],
)
def test_each_error_of_the_signed_operation_is_its_exception(sdk, changes, error):
    members = {"clientId": KEYS.application, "grantType": JWT_BEARER} | changes
    with pytest.raises(getattr(sdk.exceptions, error)) as caught:
        sdk.create_token_with_iam(**members)
    shape = service_model.errors_by_name()[error]
    assert caught.value.response["error"] == shape.code
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == shape.status
    if error == "InvalidRequestRegionException":
        assert caught.value.response["region"] == "eu-central-1"


def test_an_assertion_works_once(sdk):
    assertion = _assertion()
    _signed(sdk, assertion=assertion)
    assert _error(sdk.create_token_with_iam, clientId=KEYS.application, grantType=JWT_BEARER, assertion=assertion)[
        "error"
    ] == ("invalid_grant")


MINIMAL = {
    "RegisterClient": {"clientName": "a", "clientType": "public"},
    "StartDeviceAuthorization": {"clientId": "a", "clientSecret": "b", "startUrl": START_URL},
    "CreateToken": {"clientId": "a", "clientSecret": "b", "grantType": "authorization_code"},
    "CreateTokenWithIAM": {"clientId": "a", "grantType": JWT_BEARER},
}


@pytest.mark.parametrize("operation", MINIMAL)
def test_a_test_can_ask_for_each_modelled_exception(server, sdk, operation):
    call = getattr(sdk, {"CreateTokenWithIAM": "create_token_with_iam"}.get(operation, xform_name(operation)))
    for shape in service_model.operation(operation).errors:
        if shape.name == "InvalidRequestRegionException":
            continue  # as the test above shows, by a token of the other region
        server.answer_next(shape.code, operation=operation)
        with pytest.raises(getattr(sdk.exceptions, shape.name)) as caught:
            call(**MINIMAL[operation])
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == shape.status


def test_the_portal_answers_whoever_has_signed_in(server, sdk, registered):
    asked = {"grantType": "authorization_code", "redirectUri": CALLBACK, "codeVerifier": VERIFIER}
    tokens = sdk.create_token(**registered, **asked, code=_code(server, registered["clientId"]))
    token = tokens["accessToken"]
    config = Config(signature_version=UNSIGNED, **OPTIONS)
    portal = boto3.client("sso", region_name=KEYS.region, endpoint_url=server.url, config=config)
    accounts = portal.list_accounts(accessToken=token)["accountList"]
    assert accounts[0]["emailAddress"] == "alice@example.com"
    account = accounts[0]["accountId"]
    roles = portal.list_account_roles(accessToken=token, accountId=account)["roleList"]
    keys = portal.get_role_credentials(accessToken=token, accountId=account, roleName=roles[0]["roleName"])
    assert "canned" in keys["roleCredentials"]["secretAccessKey"]
    assert keys["roleCredentials"]["expiration"] > time.time() * 1000

    with pytest.raises(portal.exceptions.ResourceNotFoundException):
        portal.get_role_credentials(accessToken=token, accountId=account, roleName="Nobody")
    with pytest.raises(portal.exceptions.ResourceNotFoundException):
        portal.list_account_roles(accessToken=token, accountId="000000000000")
    portal.logout(accessToken=token)
    for late in (token, "made-up"):
        with pytest.raises(portal.exceptions.UnauthorizedException):
            portal.list_accounts(accessToken=late)


def test_the_paths_of_the_portal_are_those_of_the_service_model():
    from botocore.loaders import create_loader
    from botocore.model import ServiceModel

    from device_grant.reference import Faults, Settings
    from device_grant.reference.server.portal import Portal
    from device_grant.reference.server.store import Store

    model = ServiceModel(create_loader().load_service_model("sso", "service-2"), "sso")
    paths = {model.operation_model(name).http["requestUri"] for name in model.operation_names}
    assert Portal(Store(Settings(dialect=AWS_SSO_OIDC), Faults(), time.time)).handlers().keys() == paths
