"""The AWS dialect of the reference server, honest; what is expected comes from the service model where it says it."""

from __future__ import annotations

import base64
import json
import re
import uuid

import pytest
from support.reference import START, Server

from device_grant.protocol import AWS_SSO_OIDC, DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT, Client, Operation, service_model
from device_grant.targets.config import KnownClient

DAYS_90 = 90 * 86_400


@pytest.fixture
def server():
    return Server(AWS_SSO_OIDC)


def described(outcome):
    return outcome.status, outcome.code


def assert_modelled(server, outcome):
    shape = service_model.errors_by_name()[server.last.headers["x-amzn-errortype"]]
    assert (outcome.status, server.body()["error"]) == (shape.status, shape.code)
    assert set(server.body()) <= set(shape.members)


def test_registration(server):
    client = server.register()
    body = server.body()
    assert server.last.status_code == 200
    assert set(body) <= {member.name for member in service_model.operation("RegisterClient").output}
    assert (body["clientIdIssuedAt"], body["clientSecretExpiresAt"]) == (START, START + DAYS_90)
    assert 800 <= len(client.secret) <= 1_300
    header, payload, _ = client.secret.split(".")
    assert json.loads(base64.urlsafe_b64decode(header + "=="))["alg"] == "HS384"
    assert json.loads(json.loads(base64.urlsafe_b64decode(payload + "=="))["serialized"])["clientId"] == client.id
    assert server.register().secret != client.secret


def test_device_authorization(server):
    grant = server.start()
    body = server.body()
    assert set(body) == {member.name for member in service_model.operation("StartDeviceAuthorization").output}
    assert (body["expiresIn"], body["interval"]) == (600, 1)
    assert re.fullmatch(r"[A-Z]{4}-[A-Z]{4}", body["userCode"])
    assert body["verificationUriComplete"] == f"{body['verificationUri']}?user_code={grant.user_code}"


def test_every_response_has_a_request_id_and_bare_json(server):
    seen = set()
    grant = server.start()
    grant.poll()
    server.http.get("/nothing")
    for response in (server.last, server.http.get("/nothing"), server.http.put("/token")):
        seen.add(str(uuid.UUID(response.headers["x-amzn-requestid"])))
        assert response.headers["content-type"] == "application/json"
    assert len(seen) == 3


def test_pending_then_approved_then_redeemed_once(server):
    grant = server.start()
    pending = grant.poll()
    assert (pending.status, pending.code, pending.error_type) == (
        400, "authorization_pending", "AuthorizationPendingException"
    )  # fmt: skip
    assert server.last.headers["x-amzn-errortype"] == "AuthorizationPendingException"
    grant.approve()
    success = grant.poll()
    assert success.ok
    assert set(server.body()) == {"accessToken", "tokenType", "expiresIn", "refreshToken"}
    assert (server.body()["tokenType"], server.body()["expiresIn"]) == ("Bearer", 28_800)
    assert grant.poll().code == "invalid_grant"


def test_decisions_expiry_and_pace(server):
    denied, expired, hasty = server.start(), server.start(), server.start()
    denied.deny()
    assert denied.polls(2) == ["access_denied", "access_denied"]
    assert hasty.polls(2, after=0) == ["authorization_pending", "slow_down"]
    assert hasty.polls(2, after=6) == ["authorization_pending", "authorization_pending"]
    assert set(hasty.polls(5, after=6)) == {"authorization_pending"}
    server.clock.now = START + 600
    assert expired.poll(after=0).code == "expired_token"


def test_one_second_polls_are_polite(server):
    assert set(server.start().polls(10, after=1)) == {"authorization_pending"}


def test_refresh(server):
    grant = server.start()
    grant.approve()
    token = grant.poll().members["refresh_token"]
    other = server.register()
    assert grant.refresh(token, other).code == "invalid_grant"
    renewed = grant.refresh(token)
    assert renewed.ok
    assert renewed.members["refresh_token"] != token
    assert grant.refresh("aor-nothing").code == "invalid_grant"


@pytest.mark.parametrize(
    ("members", "refreshes"),
    [
        ({"scopes": None}, False),
        ({"scopes": ["sso:account:access"]}, True),
        ({"scopes": None, "grant_types": [DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT]}, True),
        ({"grant_types": [DEVICE_CODE_GRANT]}, False),
    ],
    ids=str,
)
def test_refresh_tokens_need_scopes_or_the_grant(server, members, refreshes):
    client = server.register(**members)
    grant = server.start(client)
    grant.approve()
    assert ("refresh_token" in grant.poll().members) is refreshes


def test_registrations_expire_after_ninety_days(server):
    client = server.register()
    server.clock.now = START + DAYS_90 - 1
    grant = server.start(client)
    server.clock.now = START + DAYS_90
    assert described(server.try_start(client)) == (401, "invalid_client")
    assert described(grant.poll(after=0)) == (401, "invalid_client")
    assert_modelled(server, grant.poll(after=0))


def test_wrong_secret_and_foreign_client(server):
    grant = server.start()
    grant.approve()
    wrong = Client(grant.client.id, grant.client.secret + "x")
    assert described(grant.poll(client=wrong)) == (401, "invalid_client")
    assert server.last.headers["www-authenticate"]
    assert described(server.try_start(wrong)) == (401, "invalid_client")
    assert grant.poll(client=server.register()).code == "invalid_grant"
    assert grant.poll().ok


REGISTRATIONS = [
    ({"clientName": None}, "InvalidRequestException"),
    ({"clientType": None}, "InvalidRequestException"),
    ({"clientType": "confidential"}, "InvalidClientMetadataException"),
    ({"clientType": "PUBLIC"}, "InvalidClientMetadataException"),
    ({"clientName": ""}, "InvalidClientMetadataException"),
    ({"clientName": 5}, "SerializationException"),
    ({"scopes": "sso:account:access"}, "SerializationException"),
    ({"scopes": [None]}, "SerializationException"),
    ({"scopes": ["nope:nope"]}, "InvalidScopeException"),
    ({"grantTypes": ["password"]}, "UnsupportedGrantTypeException"),
    ({"grantTypes": ["authorization_code"]}, "InvalidScopeException"),
    ({"redirectUris": ["http://evil.example/"]}, "InvalidRedirectUriException"),
    ({"issuerUrl": False}, "SerializationException"),
]


@pytest.mark.parametrize(("change", "name"), REGISTRATIONS, ids=str)
def test_bad_registrations(server, change, name):
    members = {"clientName": "TV", "clientType": "public"} | change
    outcome = server.raw(Operation.REGISTRATION, json.dumps(members).encode())
    assert outcome.error_type == name
    if name == "SerializationException":
        assert outcome.status == 400
    else:
        assert_modelled(server, outcome)


def test_good_registrations(server):
    rich = {
        "clientName": "Fernseher \u2615 <b>",
        "clientType": "public",
        "grantTypes": ["authorization_code", DEVICE_CODE_GRANT],
        "scopes": ["sso:account:access"],
        "redirectUris": ["http://127.0.0.1/oauth/callback"],
        "entitledApplicationArn": None,
        "unknown": [1],
    }
    assert server.raw(Operation.REGISTRATION, json.dumps(rich).encode()).ok
    assert server.raw(Operation.REGISTRATION, b'{"clientName":"x","clientType":"public","scopes":[]}').ok


def test_registration_without_the_device_grant(server):
    client = server.register(grant_types=[REFRESH_TOKEN_GRANT])
    outcome = server.try_start(client)
    assert outcome.code == "unauthorized_client"
    assert_modelled(server, outcome)


@pytest.mark.parametrize(
    "url", ["", "nonsense", "ftp://a.example/start", "https://", "https://[x", "/start", "https://a b/"]
)
def test_bad_start_urls(server, url):
    outcome = server.try_start(server.register(), start_url=url)
    assert outcome.code == "invalid_request"
    assert_modelled(server, outcome)


@pytest.mark.parametrize("name", ["clientId", "clientSecret", "grantType", "deviceCode", "null deviceCode"])
def test_required_members_of_create_token(server, name):
    grant = server.start()
    body = json.loads(server.request(Operation.TOKEN, grant.members(), grant.client).content)
    if name.startswith("null "):
        body[name.removeprefix("null ")] = None
    else:
        del body[name]
    outcome = server.raw(Operation.TOKEN, json.dumps(body).encode())
    assert outcome.code == "invalid_request"
    assert_modelled(server, outcome)


def test_grant_types_at_create_token(server):
    client = server.register()
    assert server.token(client, grant_type="authorization_code", code="x").code == "unauthorized_client"
    for grant_type in ("password", "", DEVICE_CODE_GRANT.upper()):
        outcome = server.token(client, grant_type=grant_type, code="x", device_code="x")
        assert outcome.code == "unsupported_grant_type"
    device_only = server.register(grant_types=[DEVICE_CODE_GRANT])
    assert server.token(device_only, grant_type=REFRESH_TOKEN_GRANT, refresh_token="x").code == "unauthorized_client"
    assert server.token(client, grant_type=REFRESH_TOKEN_GRANT).code == "invalid_request"


def test_scope_at_create_token_has_no_effect(server):
    grant = server.start()
    grant.approve()
    assert server.token(grant.client, **grant.members(), scope=["nope"]).ok


def test_names_are_case_sensitive(server):
    body = b'{"ClientName":"x","client_type":"public","clientType":"public"}'
    assert server.raw(Operation.REGISTRATION, body).code == "invalid_request"


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b'"x"',
        b"null",
        b"{",
        b"{} x",
        b"\xff",
        b"\xef\xbb\xbf{}",
        b'{"clientId":NaN}',
        b'{"a":1,"a":2}',
        b"[" * 100000,
        b'{"clientName":"\\ud800","clientType":"public"}',
    ],
    ids=lambda body: repr(body)[:30],
)
@pytest.mark.parametrize("operation", [Operation.REGISTRATION, Operation.DEVICE_AUTHORIZATION, Operation.TOKEN])
def test_bodies_that_are_no_structure(server, operation, body):
    outcome = server.raw(operation, body)
    assert described(outcome) == (400, "SerializationException")


def test_empty_body_is_an_empty_structure(server):
    assert described(server.raw(Operation.TOKEN, b"")) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("headers", "status", "name"),
    [
        ({"Content-Type": "application/json; charset=utf-8"}, 200, ""),
        ({}, 200, ""),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415, "UnsupportedMediaTypeException"),
        ({"Content-Encoding": "br"}, 415, "UnsupportedMediaTypeException"),
        ({"Accept": "application/*;q=0.5, text/html"}, 200, ""),
        ({"Accept": "text/html"}, 406, "NotAcceptableException"),
        ({"Accept": "application/json;q=0"}, 406, "NotAcceptableException"),
        ({"Authorization": "AWS4-HMAC-SHA256 Credential=x"}, 200, ""),
    ],
    ids=str,
)
def test_headers(server, headers, status, name):
    content = b'{"clientName":"x","clientType":"public"}'
    response = server.http.post("/client/register", content=content, headers=headers)
    assert (response.status_code, response.headers.get("x-amzn-errortype", "")) == (status, name)


def test_routing(server):
    content = b'{"clientName":"x","clientType":"public"}'
    assert server.http.post("/client/register/?x=y", content=content).status_code == 200
    for path in ("/Client/Register", "//client/register", "/", "/register"):
        response = server.http.post(path, content=content)
        assert (response.status_code, response.headers["x-amzn-errortype"]) == (404, "UnknownOperationException")
    response = server.http.get("/token")
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    response = server.http.post("/token?aws_iam=t", content=b'{"clientId":"a","clientSecret":"b","grantType":"c"}')
    assert response.status_code == 403


def test_large_bodies(server):
    assert server.raw(Operation.REGISTRATION, b'{"clientName":"' + b"x" * 3_000_000 + b'"}').status == 413


def test_descriptions_reflect_nothing(server):
    needle = 'needle"\u00e4'
    outcomes = [
        server.try_start(Client(needle, needle)),
        server.token(server.register(), grant_type=needle),
        server.token(server.register(), grant_type=DEVICE_CODE_GRANT, device_code=needle),
        server.call(Operation.REGISTRATION, {"client_name": needle, "client_type": needle}),
        server.try_start(server.register(), start_url=needle),
    ]
    for outcome in outcomes:
        assert outcome.status in (400, 401)
        assert re.fullmatch(r"[\x20\x21\x23-\x5b\x5d-\x7e]+", outcome.members["error_description"])
        assert "needle" not in str(outcome.members)


def test_known_clients():
    server = Server(AWS_SSO_OIDC, settings={"clients": (KnownClient(id="mine", secret="hush"),)})
    assert server.try_start(Client("mine", "hush")).ok
    assert server.try_start(Client("mine", "")).code == "invalid_client"
