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
from support.scripted import authority_of

from device_grant.client.scripted.certificates import Certificates
from device_grant.client.scripted.network import Listener, Loop, Proxy
from device_grant.client.scripted.steps import (
    change,
    delayed,
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
from device_grant.protocol import DEVICE_CODE_GRANT, Operation, Purpose


@pytest.fixture(scope="module")
def loop():
    with Loop() as running:
        yield running


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
