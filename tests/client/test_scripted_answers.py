"""The scripted server without its sockets: which answer a request gets, and what it says."""

from __future__ import annotations

import json

import pytest
from support.scripted import authority_of

from device_grant.client.drivers.config import EndpointSection, ResponseSection, StaticAnswer
from device_grant.client.scripted.authority import MOST_REQUESTS
from device_grant.client.scripted.steps import change, delayed, error, lost, pending, truncated
from device_grant.protocol import DEVICE_CODE_GRANT, Operation, Request

FORM = (("Content-Type", "application/x-www-form-urlencoded"),)


def start_request():
    return Request("POST", "http://127.0.0.1:1/device_authorization", FORM, b"client_id=me")


def poll_request(code):
    grant = DEVICE_CODE_GRANT.replace(":", "%3A")
    return Request("POST", "http://127.0.0.1:1/token", FORM, f"grant_type={grant}&device_code={code}".encode())


@pytest.mark.parametrize(
    ("form", "header", "members"),
    [
        ("both", "SlowDownException", {"error"}),
        ("suffix", "SlowDownException:http://internal.amazon.com/coral/com.amazonaws.sso.oidc/", {"error"}),
        ("header", "SlowDownException", set()),
        ("namespace", "com.amazonaws.ssooidc#SlowDownException", set()),
        ("type", None, {"__type"}),
        ("code", None, {"code"}),
        ("body", None, {"error"}),
    ],
)
def test_forms_of_an_aws_error(form, header, members):
    authority = authority_of("aws-sso-oidc", steps={"start": [error("slow_down", form=form, description=False)]})
    request = Request("POST", "http://127.0.0.1:1/device_authorization", (), b"{}")
    reply = authority.answer(request)
    assert (reply.status, dict(reply.headers).get("x-amzn-ErrorType"), set(reply.members)) == (400, header, members)
    assert authority.dialect.decode(Operation.TOKEN, reply.as_response()).code == "slow_down"


def test_scripts_end_in_honesty_or_go_on():
    steps = {"token": [pending(), error("access_denied")]}
    once, forever = authority_of(steps=steps), authority_of(steps=steps, forever=["token"])
    for authority, third in ((once, "ok"), (forever, "access_denied")):
        authority.answer(start_request())
        code = authority.last("device_code")
        replies = [authority.answer(poll_request(code)) for _ in range(3)]
        codes = [authority.dialect.decode(Operation.TOKEN, reply.as_response()).code for reply in replies]
        assert codes == ["authorization_pending", "access_denied", third]


def test_honest_refusals():
    authority = authority_of()
    assert authority.answer(poll_request("unknown")).members["error"] == "invalid_grant"
    wrong = Request("POST", "http://127.0.0.1:1/token", FORM, b"grant_type=device_code")
    assert authority.answer(wrong).members["error"] == "unsupported_grant_type"
    known = authority.issue("refresh_token", "RT.known")
    refresh = Request(
        "POST", "http://127.0.0.1:1/token", FORM, f"grant_type=refresh_token&refresh_token={known}".encode()
    )
    assert "access_token" in authority.answer(refresh).members
    assert authority.channel(refresh) == "refresh"


@pytest.mark.parametrize(
    "body",
    [
        "grant_type=device_code&device_code={code}",
        "grant_type=http%3A%2F%2Foauth.net%2Fgrant_type%2Fdevice%2F1.0&code={code}",
        "device_code={code}",
        '{{"grant_type": "device_code", "deviceCode": "{code}"}}',
    ],
)
def test_a_code_of_ours_makes_a_request_a_poll_and_is_good_for_one_token(body):
    authority = authority_of(steps={"token": [pending()]})
    authority.answer(start_request())
    content = body.format(code=authority.last("device_code")).encode()
    poll = Request("POST", "http://127.0.0.1:1/token", FORM, content)
    assert authority.channel(poll) == "token"
    answers = [authority.answer(poll).members for _ in range(3)]
    assert [answer.get("error") for answer in answers] == ["authorization_pending", None, "invalid_grant"]


def test_a_code_whose_token_was_lost_can_be_redeemed_again():
    authority = authority_of(steps={"token": [lost(), truncated(), delayed(2)]})
    authority.answer(start_request())
    replies = [authority.answer(poll_request(authority.last("device_code"))) for _ in range(5)]
    assert ["access_token" in reply.members for reply in replies] == [True, True, True, True, False]


def test_what_names_neither_grant_nor_code_before_anything_was_begun_is_no_poll():
    """Some clients send their device authorization request to the token endpoint."""
    authority = authority_of()
    lost_way = Request("POST", "http://127.0.0.1:1/token", FORM, b"client_id=me&scope=openid")
    assert (authority.channel(lost_way), authority.operation(lost_way)) == (None, Operation.TOKEN)
    assert (reply := authority.answer(lost_way)).members["error"] == "invalid_request"
    assert reply.status == 400
    authority.answer(start_request())
    assert authority.channel(lost_way) == "token"


def test_one_path_can_serve_both_endpoints():
    authority = authority_of(endpoints=EndpointSection(device_authorization="/token"))
    start = Request("POST", "http://127.0.0.1:1/token", FORM, b"client_id=me&response_type=device_code")
    assert "device_code" in authority.answer(start).members
    assert authority.channel(start) == "start"
    assert "access_token" in authority.answer(poll_request(authority.last("device_code"))).members


def test_a_flood_is_cut_off_and_enough_is_enough():
    authority = authority_of(steps={"token": [pending()]}, forever=["token"])
    authority.most = 3
    replies = [authority.answer(poll_request("x")) for _ in range(2)]
    assert not authority.enough
    authority.answer(poll_request("x"))
    assert authority.enough
    assert not authority.flooded
    replies = [authority.answer(poll_request("x")) for _ in range(MOST_REQUESTS)]
    assert authority.flooded
    assert replies[-1].fate == "closed"


def test_what_a_client_toml_changes():
    authority = authority_of(
        endpoints=EndpointSection(device_authorization="/login/device/code", issuer="/common", metadata="/meta"),
        response=ResponseSection(device_authorization={"message": "go", "interval": None}, token={"id_token": "x"}),
        answers=(StaticAnswer(path="/userinfo", body='{"iss": "{issuer}"}'),),
    )
    start = authority.answer(Request("POST", "http://127.0.0.1:1/login/device/code", FORM, b"client_id=me"))
    assert start.members["message"] == "go"
    assert "interval" not in start.members
    assert json.loads(authority.answer(Request("GET", "http://127.0.0.1:1/userinfo?x=1")).content) == {
        "iss": "http://127.0.0.1:1/common"
    }
    assert authority.answer(Request("POST", "http://127.0.0.1:1/userinfo")).status == 404
    for place in (
        "/.well-known/oauth-authorization-server/common",
        "/common/.well-known/openid-configuration",
        "/.well-known/openid-configuration/common",
        "/meta",
    ):
        document = authority.answer(Request("GET", f"http://127.0.0.1:1{place}")).members
        assert document["issuer"] == "http://127.0.0.1:1/common"
        assert document["device_authorization_endpoint"] == "http://127.0.0.1:1/login/device/code"


def test_placeholders_stand_for_the_request_the_answer_and_what_was_said_before():
    authority = authority_of(
        response=ResponseSection(
            device_authorization={"message": "{client_id} asks for {scope}: {device_code}"},
            token={"said": {"deep": ["{access_token}", "{user_code}"]}, "note": "{client_id} at {issuer}"},
            metadata={"revocation_endpoint": "{endpoint}/revoke", "jwks_uri": None},
        ),
        answers=(
            StaticAnswer(
                path="/me",
                headers={"X-Token": "{access_token}", "Cache-Control": "no-store"},
                content_type="text/plain",
                body='for "{client_id}"',
            ),
        ),
    )
    asks = Request("POST", "http://127.0.0.1:1/device_authorization", FORM, b"client_id=me&scope=openid+a")
    said = authority.answer(asks).members
    assert said["message"] == f"me asks for openid a: {said['device_code']}"
    token = authority.answer(poll_request(said["device_code"])).members
    assert token["said"] == {"deep": [token["access_token"], said["user_code"]]}
    assert token["note"] == "me at http://127.0.0.1:1"
    document = authority.answer(Request("GET", "http://127.0.0.1:1/.well-known/openid-configuration")).members
    assert document["revocation_endpoint"] == "http://127.0.0.1:1/revoke"
    assert "jwks_uri" not in document
    mine = authority.answer(Request("GET", "http://127.0.0.1:1/me"))
    assert mine.content == b'for "me"'
    assert mine.headers == (
        ("Content-Type", "text/plain"),
        ("X-Token", token["access_token"]),
        ("Cache-Control", "no-store"),
    )


def test_a_placeholder_for_itself_is_what_was_said_before():
    """A refresh whose answer repeats the token that there was."""
    authority = authority_of(response=ResponseSection(token={"refresh_token": "{refresh_token}"}))
    authority.issue("refresh_token", "RT.first")
    refresh = Request("POST", "http://127.0.0.1:1/token", FORM, b"grant_type=refresh_token&refresh_token=RT.first")
    assert authority.answer(refresh).members["refresh_token"] == "RT.first"


def test_secrets_are_known_from_their_birth():
    authority = authority_of(steps={"start": [change(device_code="DC.changed-on-the-way")]})
    authority.answer(start_request())
    assert "DC.changed-on-the-way" not in authority.secrets.redact("x DC.changed-on-the-way y")
    assert authority.last("verification_uri") in authority.secrets.redact(authority.last("verification_uri"))
