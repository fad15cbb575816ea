"""The RFC dialect of the reference server, honest."""

from __future__ import annotations

import base64
import re

import pytest
from support.reference import BASIC_CLIENT, DEVICE_CLIENT, FORM, OTHER_CLIENT, POST_CLIENT, START, Server, described

from device_grant.errors import UsageError
from device_grant.protocol import AWS_SSO_OIDC, DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT, Client, Operation
from device_grant.protocol.dialects import basic_authorization
from device_grant.reference import Settings
from device_grant.reference.server import app
from device_grant.reference.server.issued.grant_codes import USER_CODE_ALPHABET
from device_grant.targets.config import KnownClient

DEVICE = Operation.DEVICE_AUTHORIZATION


@pytest.fixture
def server():
    return Server()


def test_device_authorization_has_all_members_and_is_not_stored(server):
    grant = server.start(scope="read write")
    body = server.body()
    assert set(body) == {
        "device_code", "user_code", "verification_uri", "verification_uri_complete", "expires_in", "interval"
    }  # fmt: skip
    assert re.fullmatch(rf"[{USER_CODE_ALPHABET}]{{4}}-[{USER_CODE_ALPHABET}]{{4}}", grant.user_code)
    assert len(grant.device_code) == 64
    assert (grant.expires_in, grant.interval) == (600, 5)
    assert grant.verification_uri == "http://target.test/device"
    assert grant.verification_uri_complete.endswith(f"?user_code={grant.user_code}")
    assert server.last.headers["cache-control"] == "no-store"
    assert server.last.headers["content-type"] == "application/json"


def test_codes_are_unique(server):
    grants = [server.start() for _ in range(50)]
    assert len({grant.device_code for grant in grants}) == len({grant.user_code for grant in grants}) == 50


def test_pending_then_approved_then_redeemed_once(server):
    grant = server.start(scope="write read")
    assert described(grant.poll()) == (400, "authorization_pending")
    grant.approve()
    success = grant.poll()
    assert success.ok
    assert success.members["token_type"] == "Bearer"
    assert success.members["expires_in"] == 3600
    assert success.members["scope"] == "write read"
    assert server.last.headers["cache-control"] == "no-store"
    assert server.last.headers["pragma"] == "no-cache"
    assert described(grant.poll()) == (400, "invalid_grant")


def test_parallel_redemption_yields_one_token(server):
    grant = server.start()
    grant.approve()
    answers = server.bridge.together(
        [server.request(Operation.TOKEN, grant.members(), grant.client) for _ in range(20)]
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 19


def test_denial_is_final(server):
    grant = server.start()
    grant.deny()
    assert grant.polls(2) == ["access_denied", "access_denied"]
    assert server.store.decide(grant.user_code, approve=True, subject="alice") is None
    server.clock.now += 10_000
    assert grant.poll().code == "access_denied"


def test_expiry_is_neither_early_nor_late_and_remembered(server):
    grant, approved, late = server.start(), server.start(), server.start()
    approved.approve()
    server.clock.now = START + 599
    assert grant.poll(after=0).code == "authorization_pending"
    late.approve()
    assert late.poll(after=0).ok
    server.clock.now = START + 600
    assert grant.poll(after=0).code == "expired_token"
    assert approved.poll(after=0).code == "expired_token"
    server.clock.now += 80_000
    server.start()
    assert grant.poll(after=0).code == "expired_token"


def test_slow_down_adds_five_seconds_each_time_and_honouring_it_is_enough(server):
    grant = server.start()
    assert grant.poll(after=0).code == "authorization_pending"
    assert grant.poll(after=1).code == "slow_down"
    assert grant.poll(after=8.9).code == "slow_down"
    assert grant.poll(after=15).code == "authorization_pending"
    grant.approve()
    assert grant.poll(after=15).ok


def test_polite_polling_is_never_slowed_down_even_a_second_early(server):
    grant = server.start()
    assert set(grant.polls(10, after=4.01)) == {"authorization_pending"}


def test_early_polls_are_tolerated_as_often_as_configured():
    grant = Server(settings={"early_polls": 1}).start()
    assert grant.polls(3, after=0) == ["authorization_pending", "authorization_pending", "slow_down"]


def test_approved_code_is_redeemed_however_early_the_poll(server):
    grant = server.start()
    grant.poll()
    grant.approve()
    assert grant.poll(after=0).ok


def test_codes_are_bound_to_their_client_and_survive_the_attempt(server):
    grant = server.start()
    grant.approve()
    assert grant.poll(client=OTHER_CLIENT).code == "invalid_grant"
    assert grant.poll().ok


@pytest.mark.parametrize(
    "change", [lambda _: "x", lambda g: g.user_code, lambda g: g.device_code[:-1], lambda g: g.device_code.swapcase()]
)
def test_only_the_exact_device_code_counts(server, change):
    grant = server.start()
    assert described(grant.poll(code=change(grant))) == (400, "invalid_grant")


@pytest.mark.parametrize("client", [BASIC_CLIENT, POST_CLIENT], ids=lambda client: client.authentication)
def test_confidential_clients_authenticate_at_both_endpoints(server, client):
    grant = server.start(client)
    grant.approve()
    for wrong in (Client(client.id), Client(client.id, "wrong", client.authentication)):
        assert described(server.try_start(wrong)) == (401, "invalid_client")
        assert described(grant.poll(client=wrong)) == (401, "invalid_client")
        assert server.last.headers["www-authenticate"].startswith("Basic ")
    assert grant.poll().ok


def test_public_clients_have_no_secret(server):
    assert server.try_start(Client("device-client", "anything", "client_secret_post")).code == "invalid_client"
    assert server.try_start(Client("device-client", "", "client_secret_basic")).ok


def basic(server, header, content=b"", **more):
    headers = [("Content-Type", FORM), ("Authorization", header), *more.items()]
    return server.outcome(DEVICE, server.http.post("/device_authorization", content=content, headers=headers))


def test_basic_scheme_in_any_case_without_client_id(server):
    header = basic_authorization(BASIC_CLIENT.id, BASIC_CLIENT.secret)
    for scheme in ("Basic", "basic", "BASIC"):
        assert basic(server, header.replace("Basic", scheme)).ok
    assert basic(server, header, f"client_id={BASIC_CLIENT.id}".encode()).ok


@pytest.mark.parametrize(
    ("header", "content", "expected"),
    [
        ("Basic !!!", b"", (401, "invalid_client")),
        ("Basic " + base64.b64encode(b"no-colon").decode(), b"", (401, "invalid_client")),
        ("Basic " + base64.b64encode(b"a%zz:b").decode(), b"", (401, "invalid_client")),
        ("Basic " + base64.b64encode(b"\xff:b").decode(), b"", (401, "invalid_client")),
        ("Bearer token", b"client_id=device-client", (401, "invalid_client")),
        (basic_authorization("confidential-client", "x"), b"client_secret=y", (400, "invalid_request")),
        (basic_authorization("confidential-client", "x"), b"client_id=other-client", (400, "invalid_request")),
    ],
)
def test_bad_authorization_headers(server, header, content, expected):
    assert described(basic(server, header, content)) == expected


def test_two_authorization_headers(server):
    headers = [("Content-Type", FORM), ("Authorization", "Basic YTpi"), ("Authorization", "Basic YTpi")]
    outcome = server.outcome(DEVICE, server.http.post("/device_authorization", headers=headers))
    assert described(outcome) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", (400, "invalid_request")),
        (b"client_id=", (400, "invalid_request")),
        (b"client_id=nobody", (401, "invalid_client")),
        (b"client_id=client-without-grants", (400, "unauthorized_client")),
        (b"client_id=device-client&client_id=device-client", (400, "invalid_request")),
        (b"client_id=device-client&scope=read&scope=read", (400, "invalid_request")),
        (b"client_id=%ff", (400, "invalid_request")),
        (b"client_id=\xff", (400, "invalid_request")),
        (b"client_id=%zz", (400, "invalid_request")),
        (b"client_id=device-client&scope=nope", (400, "invalid_scope")),
        (b"client_id=device-client&scope=read++write", (400, "invalid_scope")),
        (b"client_id=device-client&scope=%22", (400, "invalid_scope")),
        (b"a=1&" * 1_001, (400, "invalid_request")),
        (b"client_id=" + b"x" * 3_000_000, (413, "invalid_request")),
        (b"client_id=device-client", (200, "ok")),
        (b"&&client_id=device-client&", (200, "ok")),
        (b"%63lient_id=%64evice-client&scope=read+write", (200, "ok")),
        (b"client_id=device-client&scope=&further=a&further=b&=&n%C3%A4me=1", (200, "ok")),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_device_authorization_parameters(server, body, expected):
    assert described(server.raw(DEVICE, body)) == expected


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": DEVICE_CODE_GRANT}, "invalid_request"),
        ({"grant_type": REFRESH_TOKEN_GRANT}, "invalid_request"),
        ({"grant_type": REFRESH_TOKEN_GRANT, "refresh_token": "x"}, "invalid_grant"),
        ({"grant_type": DEVICE_CODE_GRANT, "device_code": "\0"}, "invalid_grant"),
    ],
)
def test_token_parameters(server, members, expected):
    assert described(server.token(DEVICE_CLIENT, **members)) == (400, expected)


def test_token_endpoint_refuses_clients_without_the_grant(server):
    client = Client("client-without-grants")
    outcome = server.token(client, grant_type=DEVICE_CODE_GRANT, device_code="x")
    assert outcome.code == "unauthorized_client"


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        (f"{FORM}; charset=UTF-8", 200),
        ("APPLICATION/X-WWW-FORM-URLENCODED;Charset=utf-8", 200),
        ("application/json", 415),
        ("multipart/form-data; boundary=x", 415),
    ],
)
def test_media_types(server, content_type, expected):
    outcome = server.raw(DEVICE, b"client_id=device-client", content_type)
    assert outcome.status == expected
    assert outcome.code == ("ok" if expected == 200 else "invalid_request")


def test_missing_media_type_and_content_coding(server):
    response = server.http.post("/device_authorization", content=b"client_id=device-client")
    assert described(server.outcome(DEVICE, response)) == (400, "invalid_request")
    headers = {"Content-Type": FORM, "Content-Encoding": "gzip"}
    response = server.http.post("/device_authorization", content=b"client_id=device-client", headers=headers)
    assert described(server.outcome(DEVICE, response)) == (415, "invalid_request")


def test_query_is_not_read(server):
    response = server.http.post("/device_authorization?client_id=device-client", headers={"Content-Type": FORM})
    assert server.outcome(DEVICE, response).code == "invalid_request"


@pytest.mark.parametrize("path", ["/device_authorization", "/token", "/register"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "FOO"])
def test_other_methods(server, path, method):
    response = server.http.request(method, f"{path}?client_id=device-client")
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert bool(response.content) == (method != "HEAD")


def test_unknown_path_is_a_json_404(server):
    response = server.http.get("/.well-known/oauth-authorization-server/tenant")
    assert response.status_code == 404
    assert response.json()["error"] == "invalid_request"


def test_descriptions_stay_within_the_charset_and_reflect_nothing(server):
    secret = 'needle"\\\n\u00e4'
    grant = server.start()
    outcomes = [
        server.token(Client(secret, secret, "client_secret_post"), **grant.members(secret)),
        server.token(DEVICE_CLIENT, **grant.members(secret)),
        server.try_start(DEVICE_CLIENT, scope=secret),
        server.call(Operation.REGISTRATION, {"client_name": 5, "scope": secret}),
        server.call(Operation.REGISTRATION, {"token_endpoint_auth_method": secret}),
    ]
    for outcome in outcomes:
        assert outcome.status in (400, 401)
        assert re.fullmatch(r"[\x20\x21\x23-\x5b\x5d-\x7e]+", outcome.members["error_description"])
        assert "needle" not in str(outcome.members)


def test_refresh_rotates_and_reuse_revokes_the_family(server):
    grant = server.start(scope="read")
    grant.approve()
    first = grant.poll().members["refresh_token"]
    second = grant.refresh(first).members["refresh_token"]
    assert first != second
    assert grant.refresh(first).code == "invalid_grant"
    assert grant.refresh(second).code == "invalid_grant"


def test_refresh_is_bound_to_its_client_and_survives_the_attempt(server):
    grant = server.start(BASIC_CLIENT)
    grant.approve()
    token = grant.poll().members["refresh_token"]
    assert grant.refresh(token, OTHER_CLIENT).code == "invalid_grant"
    assert grant.refresh(token, Client(BASIC_CLIENT.id)).code == "invalid_client"
    assert grant.refresh(token).ok


def test_refresh_narrows_the_access_token_only(server):
    grant = server.start(scope="read write")
    grant.approve()
    narrowed = grant.refresh(grant.poll().members["refresh_token"], scope="read")
    assert narrowed.members["scope"] == "read"
    token = narrowed.members["refresh_token"]
    assert grant.refresh(token, scope="read email").code == "invalid_scope"
    assert grant.refresh(token).members["scope"] == "read write"


def test_unused_refresh_tokens_expire():
    grant = Server(settings={"refresh_token_lifetime": 100}).start()
    grant.approve()
    token = grant.poll().members["refresh_token"]
    grant.server.clock.now += 100
    assert grant.refresh(token).code == "invalid_grant"


def test_metadata(server):
    document = server.http.get("/.well-known/oauth-authorization-server")
    assert document.headers["content-type"] == "application/json"
    body = document.json()
    assert body["issuer"] == "http://target.test"
    assert body["device_authorization_endpoint"] == "http://target.test/device_authorization"
    assert set(body["grant_types_supported"]) == {DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT}
    assert all(value for value in body.values())
    assert server.http.get("/.well-known/openid-configuration", headers={"Host": "evil.test"}).json() == body
    head = server.http.head("/.well-known/openid-configuration")
    assert (head.status_code, head.content) == (200, b"")
    post = server.http.post("/.well-known/openid-configuration")
    assert (post.status_code, post.headers["allow"]) == (405, "GET, HEAD")


def test_chosen_clients_and_issuer():
    settings = {"issuer": "https://login.example", "clients": (KnownClient(id="mine"),), "interval": 7}
    server = Server(settings=settings)
    grant = server.start(Client("mine"))
    assert grant.verification_uri == "https://login.example/device"
    assert grant.interval == 7
    assert server.try_start(DEVICE_CLIENT).code == "invalid_client"


@pytest.mark.parametrize(
    ("values", "part"),
    [
        ({"dialect": "oauth1"}, "unknown dialect 'oauth1'"),
        ({"interval": 0}, "interval is 0"),
        ({"expires_in": -5}, "expires_in is -5"),
        ({"early_polls": -1}, "early_polls is -1"),
        ({"issuer": "login.example"}, "issuer 'login.example'"),
        ({"issuer": "http://a.example/path"}, "without a path"),
        ({"users": {}}, "users is empty"),
        ({"default_scope": ("nope",)}, "default_scope names ['nope']"),
    ],
)
def test_impossible_settings_are_refused_in_one_line(values, part):
    with pytest.raises(UsageError) as caught:
        Settings(**values)
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr("device_grant.reference.server.store.MOST", 10)
    server = Server()
    first = server.start()
    for _ in range(20):
        server.start()
    assert len(server.store.grants) <= 10
    assert first.poll().code == "invalid_grant"


def test_of_grants_those_that_are_polled_stay(monkeypatch):
    monkeypatch.setattr("device_grant.reference.server.store.MOST", 10)
    server = Server()
    used = server.start()
    idle = server.start()
    for number in range(40):
        server.start()
        if number % 5 == 0:
            assert used.poll().code in ("authorization_pending", "slow_down")
    assert len(server.store.grants) <= 10
    assert idle.poll().code == "invalid_grant"
    server.store.decide(used.user_code, approve=True, subject="alice")
    server.clock.now += 60
    assert used.poll().ok


def test_default_applications_are_built_when_asked_for():
    assert app.app is app.app
    assert app.aws_app.state.store.settings.dialect == AWS_SSO_OIDC
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = app.nothing
