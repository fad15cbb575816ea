"""The scripted server on real sockets: what its answers are octet by octet, and what it notes of the requests."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import ssl
import time
from contextlib import suppress

import pytest

from device_grant.client.drivers.config import ClientConfig, EndpointSection, ResponseSection, RunSection, StaticAnswer
from device_grant.client.scripted.authority import MOST_REQUESTS, Authority
from device_grant.client.scripted.certificates import Certificates
from device_grant.client.scripted.network import Listener, Loop, Proxy
from device_grant.client.scripted.steps import (
    Script,
    change,
    delayed,
    error,
    fails,
    framed,
    half,
    honest,
    labelled,
    lost,
    pending,
    redirect,
    shuffled,
    status,
    text,
    truncated,
)
from device_grant.protocol import DEVICE_CODE_GRANT, Operation, Purpose, Request, Secrets, dialect

FORM = (("Content-Type", "application/x-www-form-urlencoded"),)


@pytest.fixture(scope="module")
def loop():
    with Loop() as running:
        yield running


def authority_of(dialect_name="rfc8628", forever=(), steps=None, **sections):
    config = ClientConfig(name="x", dialect=dialect_name, run=RunSection(command=("x",)), **sections)
    script = Script(steps or {}, frozenset(forever))
    return Authority(dialect(dialect_name), config, Secrets(), script, "http://127.0.0.1:1")


@pytest.fixture
def serve(loop):
    opened = []

    def start(authority, context=None, scale=1.0):
        listener = Listener(authority, time.monotonic(), scale)
        port = loop.call(listener.open(context))
        opened.append(listener)
        authority.base = f"http://127.0.0.1:{port}"
        return port

    yield start
    for listener in opened:
        loop.call(listener.close())


def exchanged(port, octets, *, shut=True):
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(octets)
        if shut:
            # A server that has reset the connection already is met at the next read.
            with suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
        received = b""
        while part := connection.recv(65536):
            received += part
        return received


def post(path, body, *headers):
    head = [f"POST {path} HTTP/1.1", "Host: x", "Connection: close", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*head, "", body]).encode()


def start_request():
    return Request("POST", "http://127.0.0.1:1/device_authorization", FORM, b"client_id=me")


def poll_request(code):
    grant = DEVICE_CODE_GRANT.replace(":", "%3A")
    return Request("POST", "http://127.0.0.1:1/token", FORM, f"grant_type={grant}&device_code={code}".encode())


def test_an_honest_flow(serve):
    authority = authority_of(steps={"token": [pending()]})
    port = serve(authority)
    head, _, body = exchanged(port, post("/device_authorization", "client_id=me")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    result = json.loads(body)
    grant = DEVICE_CODE_GRANT.replace(":", "%3A")
    form = f"grant_type={grant}&device_code={result['device_code']}"
    assert b'"authorization_pending"' in exchanged(port, post("/token", form))
    token = json.loads(exchanged(port, post("/token", form)).partition(b"\r\n\r\n")[2])
    assert token["token_type"] == "Bearer"
    assert authority.last("access_token") == token["access_token"]
    assert [(one.purpose, one.code, one.request.operation) for one in authority.exchanges] == [
        (Purpose.START, "ok", Operation.DEVICE_AUTHORIZATION),
        (Purpose.POLL, "authorization_pending", Operation.TOKEN),
        (Purpose.POLL, "ok", Operation.TOKEN),
    ]
    assert authority.exchanges[0].started <= authority.exchanges[0].ended <= authority.exchanges[1].started
    assert len({one.connection for one in authority.exchanges}) == 3


def test_a_kept_connection_is_one_connection(serve):
    authority = authority_of()
    port = serve(authority)
    request = post("/device_authorization", "client_id=me").replace(b"Connection: close\r\n", b"")
    received = exchanged(port, request * 2)
    assert received.count(b"HTTP/1.1 200") == 2
    assert {one.connection for one in authority.exchanges} == {"1"}


def test_chunked_unframed_and_strange_requests(serve):
    authority = authority_of()
    port = serve(authority)
    chunked = b"POST /token HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunked += b"3\r\na=1\r\n2;x=y\r\n&b\r\n0\r\n\r\n"
    exchanged(port, chunked, shut=False)
    exchanged(port, b"POST /token HTTP/1.1\r\nConnection: close\r\n\r\na=1", shut=False)
    assert [one.request.content for one in authority.exchanges] == [b"a=1&b", b"a=1"]
    assert exchanged(port, b"\x16\x03\x01 no HTTP at all\r\n\r\n") == b""
    expecting = post("/token", "a=1", "Expect: 100-continue")
    assert exchanged(port, expecting).startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400")


@pytest.mark.parametrize(
    ("step", "in_head", "in_body"),
    [
        (framed("chunked"), rb"Transfer-Encoding: chunked", rb"^[0-9a-f]+\r\n\{.*\r\n0\r\n\r\n$"),
        (framed("close"), rb"^(?!.*Content-Length).*Connection: close", rb"\}$"),
        (status(503, Retry_After="4"), rb" 503 .*Retry-After: 4", rb"^$"),
        (status(599), rb" 599 Unknown", rb"^$"),
        (text("<html>"), rb"text/html", rb"^<html>$"),
        (labelled("text/plain"), rb"text/plain", rb"^\{"),
        (labelled(None), rb"^(?!.*Content-Type)", rb"^\{"),
        (redirect(307, "{elsewhere}{path}"), rb"Location: http://e\.example/device_authorization", rb"^$"),
        (shuffled(), rb" 200 ", rb'^\{\s+"(?!device_code).*"device_code"'),
        (change(interval=..., x_y=1), rb" 200 ", rb'^(?!.*"interval").*"x_y": 1'),
    ],
)
def test_steps_on_the_wire(serve, step, in_head, in_body):
    authority = authority_of(steps={"start": [step]})
    authority.elsewhere = "http://e.example"
    head, _, body = exchanged(serve(authority), post("/device_authorization", "client_id=me")).partition(b"\r\n\r\n")
    assert re.search(in_head, head, re.DOTALL)
    assert re.search(in_body, body, re.DOTALL)


def test_a_redirect_can_keep_the_query(serve):
    authority = authority_of(steps={"start": [redirect(307, "{base}{path}{query}")] * 2})
    for path in ("/device_authorization?a=1&b=%20", "/device_authorization"):
        head = exchanged(serve(authority), post(path, "client_id=me"))
        assert f"Location: {authority.base}{path}\r\n".encode() in head


@pytest.mark.parametrize(("step", "whole_json"), [(truncated(), True), (half(), False)])
def test_answers_cut_short(serve, step, whole_json):
    authority = authority_of(steps={"start": [step]})
    head, _, body = exchanged(serve(authority), post("/device_authorization", "client_id=me")).partition(b"\r\n\r\n")
    promised = re.search(rb"Content-Length: (\d+)", head)
    assert promised is not None
    assert int(promised[1]) > len(body)
    assert body.endswith(b"}") is whole_json
    assert authority.exchanges[0].error.startswith("answer cut short")


def test_lost_answers(serve):
    authority = authority_of(steps={"start": [fails("reset"), fails("closed"), lost(), fails("hang")]})
    port = serve(authority)
    request = post("/device_authorization", "client_id=me")
    with pytest.raises(ConnectionResetError):
        exchanged(port, request)
    assert exchanged(port, request) == b""
    with pytest.raises(ConnectionResetError):
        exchanged(port, request)
    assert len(authority.issued["device_code"]) == 1  # the lost one was carried out
    with socket.create_connection(("127.0.0.1", port), timeout=0.2) as connection:
        connection.sendall(request)
        with pytest.raises(TimeoutError):
            connection.recv(1)
    errors = [one.error for one in authority.exchanges]
    assert errors == ["connection reset", "connection closed", "connection reset", "no answer"]
    assert all(one.response is None and one.code == "no-response" for one in authority.exchanges)


def test_time_is_the_clients(serve):
    authority = authority_of(steps={"start": [delayed(5)]})
    port = serve(authority, scale=50)
    began = time.monotonic()
    exchanged(port, post("/device_authorization", "client_id=me"))
    assert time.monotonic() - began < 2
    [entry] = authority.exchanges
    assert 5 <= entry.ended - entry.started < 50


def test_a_client_that_gave_up_is_told_from_one_that_only_sends_no_more(serve):
    authority = authority_of(steps={"start": [delayed(0.3), delayed(0.3)]})
    port = serve(authority)
    request = post("/device_authorization", "client_id=me")
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(request)
    assert b"device_code" in exchanged(port, request)
    ends = {one.error: one.response is None for one in authority.exchanges}
    assert ends == {"the client did not wait for the answer": True, "": False}


def test_a_request_whose_answer_is_under_way_at_the_end_is_kept(loop):
    authority = authority_of(steps={"start": [delayed(30), delayed(30)]})
    listener = Listener(authority, time.monotonic(), 1.0)
    port = loop.call(listener.open())
    request = post("/device_authorization", "client_id=me")
    gone = socket.create_connection(("127.0.0.1", port), timeout=5)
    gone.sendall(request)
    with socket.create_connection(("127.0.0.1", port), timeout=5) as waiting:
        waiting.sendall(request)
        time.sleep(0.2)
        gone.close()
        time.sleep(0.2)
        loop.call(listener.close())
    errors = sorted(one.error for one in authority.exchanges)
    assert errors == ["no answer", "the client did not wait for the answer"]


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


def test_certificates(serve, tmp_path):
    certificates = Certificates(tmp_path, ("login.example",))
    trusting = ssl.create_default_context(cafile=str(certificates.file))
    for kind, name, accepted in (
        ("good", "127.0.0.1", True),
        ("good", "login.example", True),
        ("untrusted", "127.0.0.1", False),
        ("wrong-name", "127.0.0.1", False),
    ):
        authority = authority_of()
        port = serve(authority, certificates.context(kind))
        with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
            if not accepted:
                with pytest.raises(ssl.SSLCertVerificationError):
                    trusting.wrap_socket(raw, server_hostname=name)
                assert authority.exchanges == []
                continue
            with trusting.wrap_socket(raw, server_hostname=name) as connection:
                connection.sendall(post("/device_authorization", "client_id=me"))
                assert connection.recv(65536).startswith(b"HTTP/1.1 200")


def test_the_proxy_knows_its_hosts(loop, serve, tmp_path):
    certificates = Certificates(tmp_path, ("login.example",))
    authority = authority_of(steps={"start": [honest(), fails("reset")]})
    proxy = Proxy({"login.example": serve(authority, certificates.context("good"))})
    port = loop.call(proxy.open())
    try:
        refused = exchanged(port, b"CONNECT other.example:443 HTTP/1.1\r\nHost: other.example\r\n\r\n")
        assert refused.startswith(b"HTTP/1.1 403")
        assert exchanged(port, b"GET http://login.example/ HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 403")
        assert proxy.refused == ["other.example", "http://login.example/"]
        trusting = ssl.create_default_context(cafile=str(certificates.file))
        for reset in (False, True):
            with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
                raw.sendall(b"CONNECT login.example:443 HTTP/1.1\r\nHost: login.example\r\n\r\n")
                assert raw.recv(1024).startswith(b"HTTP/1.1 200")
                with trusting.wrap_socket(raw, server_hostname="login.example") as connection:
                    connection.sendall(post("/device_authorization", "client_id=me"))
                    # Through TLS a reset may look like an end: Python forgives one that comes without notice.
                    received = b""
                    with contextlib.suppress(ConnectionResetError):
                        received = connection.recv(65536)
                    assert received.startswith(b"HTTP/1.1 200") is not reset
        assert [one.code for one in authority.exchanges] == ["ok", "no-response"]
    finally:
        loop.call(proxy.close())
