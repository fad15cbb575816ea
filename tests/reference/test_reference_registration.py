"""Dynamic client registration (RFC 7591) at the reference server, honest."""

from __future__ import annotations

import pytest
from support.reference import FORM, START, Server, described

from device_grant.protocol import DEVICE_CODE_GRANT, Client, Operation


@pytest.fixture
def server():
    return Server()


def test_registration_repeats_metadata_and_the_client_works(server):
    sent = {
        "client_name": "TV",
        "client_name#de": "Fernseher",
        "grant_types": [DEVICE_CODE_GRANT],
        "redirect_uris": ["https://client.example/cb", "http://127.0.0.1:7/cb", "com.example.app:/cb"],
        "scope": "read nonexistent",
        "contacts": ["a@example.test"],
        "client_uri": "https://client.example/",
        "client_id": "my-own",
        "x_unknown": {"a": 1},
        "policy_uri": None,
    }
    outcome = server.call(Operation.REGISTRATION, sent)
    assert outcome.status == 201
    assert server.last.headers["cache-control"] == "no-store"
    body = server.body()
    kept = {name: sent[name] for name in sent if name not in ("client_id", "x_unknown", "policy_uri", "scope")}
    assert {name: body[name] for name in kept} == kept
    assert body["token_endpoint_auth_method"] == "client_secret_basic"
    assert body["scope"] == "read"
    assert body["client_id"] != "my-own"
    assert (body["client_id_issued_at"], body["client_secret_expires_at"]) == (START, 0)
    assert not {"x_unknown", "policy_uri"} & set(body)
    client = Client(body["client_id"], body["client_secret"], "client_secret_basic")
    assert server.try_start(client, scope="write").code == "invalid_scope"
    grant = server.start(client)
    grant.approve()
    granted = grant.poll()
    assert granted.members["scope"] == "read"
    assert "refresh_token" not in granted.members
    assert grant.refresh("x").code == "unauthorized_client"


def test_registration_of_a_public_client_issues_no_secret(server):
    client = server.register()
    assert "client_secret" not in client.registered
    assert server.try_start(client).ok


def test_registration_without_grant_types_means_authorization_code(server):
    outcome = server.call(Operation.REGISTRATION, {"token_endpoint_auth_method": "none"})
    assert outcome.members["grant_types"] == ["authorization_code"]
    assert outcome.members["response_types"] == ["code"]
    assert server.try_start(Client(outcome.members["client_id"])).code == "unauthorized_client"


def test_registered_secret_expires_when_it_says():
    server = Server(settings={"registration_lifetime": 100})
    client = server.register(token_endpoint_auth_method="client_secret_basic")
    assert client.registered["client_secret_expires_at"] == START + 100
    assert server.try_start(client).ok
    server.clock.now += 100
    assert server.try_start(client).code == "invalid_client"


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"redirect_uris": ["not a uri"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://a.example/#f"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["http://evil.example/"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://[broken"]}, "invalid_redirect_uri"),
        ({"redirect_uris": "https://a.example/"}, "invalid_client_metadata"),
        ({"grant_types": "device"}, "invalid_client_metadata"),
        ({"grant_types": ["x"]}, "invalid_client_metadata"),
        ({"grant_types": []}, "invalid_client_metadata"),
        ({"client_name": {}}, "invalid_client_metadata"),
        ({"client_uri": "no"}, "invalid_client_metadata"),
        ({"jwks": {}, "jwks_uri": "https://a.example/"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "magic"}, "invalid_client_metadata"),
        ({"response_types": ["code"], "grant_types": [DEVICE_CODE_GRANT]}, "invalid_client_metadata"),
        ({"response_types": ["x"]}, "invalid_client_metadata"),
        ({"scope": "nonexistent"}, "invalid_client_metadata"),
        ({"scope": 'bro"ken'}, "invalid_client_metadata"),
    ],
    ids=str,
)
def test_bad_metadata(server, members, code):
    assert described(server.call(Operation.REGISTRATION, members)) == (400, code)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'"x"',
        b"{",
        b"{} x",
        b"\xff",
        b"\xef\xbb\xbf{}",
        b'{"a":NaN}',
        b'{"a":1,"a":2}',
        b"[" * 100000,
        b'{"client_name":"\\ud800"}',
        b'{"x":' + b"9" * 5000 + b"}",
    ],
    ids=lambda body: repr(body)[:30],
)
def test_bad_registration_bodies(server, body):
    assert described(server.raw(Operation.REGISTRATION, body, "application/json")) == (400, "invalid_client_metadata")


def test_form_at_the_registration_endpoint(server):
    assert server.raw(Operation.REGISTRATION, b"client_name=x", FORM).status == 415
