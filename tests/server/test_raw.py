"""The raw-socket client, and the proof that checks of HTTP itself notice what they are for."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager

import pytest
from support import REFERENCE_TARGET
from support.proof import catalogue, judges
from support.raw_proof import raw_broken, raw_faults, raw_verdicts
from support.raw_server import MISBEHAVIOURS

from device_grant.catalogue import Verdict
from device_grant.engine import BROKEN, run_check
from device_grant.judging import Untestable
from device_grant.protocol import Operation, Purpose, Request
from device_grant.protocol.http1 import parse_responses
from device_grant.reference.embedded import embedded
from device_grant.server.session.case import ServerCase
from device_grant.server.session.run import new_run
from device_grant.server.sockets import raw
from device_grant.server.sockets.raw import RawAnswer, RawClient
from device_grant.targets import open_target, resolve

CHECKS, _ = judges()
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
HONEST = {"http::test_tls_versions": "new_tls"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tls")


# Answers.


def test_refusals():
    def answer(*statuses, ending="open"):
        lines = b"".join(b"HTTP/1.1 %d x\r\nContent-Length: 0\r\n\r\n" % status for status in statuses)
        return RawAnswer(tuple(parse_responses(lines)[0]), ending)

    assert answer(400).refused
    assert answer(501).refused
    assert answer(ending="closed").refused
    assert answer(ending="reset").refused
    assert not answer(ending="timeout").refused
    assert not answer(200).refused
    assert not answer(400, 200).refused
    assert answer(400, 500).server_error
    assert not answer(501).server_error


# Connections.


@contextmanager
def peer(behave):
    """A listener that lets `behave` have one connection."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        connection, _ = listener.accept()
        with connection:
            behave(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/path?x=1"
    finally:
        thread.join(5)
        listener.close()


class _Quiet:
    """As much of a case as the client needs."""

    def __init__(self, dialect):
        with embedded(dialect) as target:
            run = new_run(target, dialect, catalogue())
        self.run, self.transcript = run, []
        self.run.target.in_process = False

    def now(self):
        return 0.0


def exchange_with(behave, octets=b"GET / HTTP/1.1\r\n\r\n", **options):
    case = _Quiet("rfc8628")
    with peer(behave) as url:
        request = Request("GET", url, (), b"", Operation.TOKEN)
        return (*RawClient(case, url).send(octets, "probe", request, **options), case)


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def answering(octets, *, wait=False):
    def behave(connection):
        connection.recv(65_536)
        connection.sendall(octets)
        if wait:
            connection.recv(1)

    return behave


def test_connection_that_stays_open():
    answer, exchange, case = exchange_with(answering(OK, wait=True))
    assert (answer.status, answer.ending) == (200, "open")
    assert exchange.status == 200
    assert (exchange.label, exchange.purpose) == ("raw: probe", Purpose.RAW)
    assert case.transcript == [exchange]


def test_connection_that_is_closed():
    answer, _, _ = exchange_with(answering(OK))
    assert (answer.status, answer.ending) == (200, "closed")


def test_connection_that_is_closed_without_a_word():
    answer, exchange, _ = exchange_with(lambda connection: connection.recv(65_536))
    assert (answer.status, answer.ending) == (0, "closed")
    assert (exchange.code, exchange.error) == ("no-response", "connection closed")


def test_connection_that_is_reset():
    answer, _, _ = exchange_with(reset)
    assert answer.ending == "reset"


def test_server_that_says_nothing(monkeypatch):
    monkeypatch.setattr(raw, "DEADLINE", 0.2)
    answer, _, _ = exchange_with(
        lambda connection: connection.recv(1) and connection.recv(65_536) and connection.recv(1)
    )
    assert (answer.status, answer.ending) == (0, "timeout")
    assert 0.1 < answer.elapsed < 2


def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    case = _Quiet("rfc8628")
    client = RawClient(case, f"http://127.0.0.1:{port}/")
    answer, exchange = client.send(b"x", "probe", Request("GET", "http://x/"))
    assert answer.ending == "reset"
    assert exchange.code == "no-response"


def test_message():
    case = _Quiet("rfc8628")
    client = RawClient(case, "http://127.0.0.1:1/path?x=1")
    request = Request("POST", "", (("A", "b"),), b"body")
    assert client.message(request, b"X: \0") == (
        b"POST /path?x=1 HTTP/1.1\r\nHost: 127.0.0.1:1\r\nA: b\r\nContent-Length: 4\r\nX: \0\r\n\r\nbody"
    )
    bare = client.message(request, host=None, length=None, method="BREW")
    assert bare == b"BREW /path?x=1 HTTP/1.1\r\nA: b\r\n\r\nbody"


def test_no_socket_in_process():
    with embedded("rfc8628") as target:
        run = new_run(target, "rfc8628", catalogue())
        case = ServerCase(run, CHECKS["raw_http::test_host"])
        said = run_check(run, case.check)
        with pytest.raises(Untestable, match="the target is called in process"):
            RawClient(case, "http://target.test/token")
    assert set(said.verdicts.values()) == {Verdict.UNTESTABLE}


def test_octets_go_to_plain_http_only():
    with pytest.raises(Untestable, match="plain HTTP only"):
        RawClient(_Quiet("rfc8628"), "https://127.0.0.1/token")


# The proof.


@pytest.mark.parametrize("name", sorted(raw_faults()))
def test_misbehaviour_of_http_is_noticed(name, folder):
    collected = {bad: raw_broken(name, bad, folder) for bad in raw_faults()[name]}
    assert all(collected.values()), collected
    assert set().union(*collected.values()) == set(CHECKS[name].requirements)


@pytest.mark.parametrize("dialect", ["rfc8628", "aws-sso-oidc"])
@pytest.mark.parametrize("name", sorted(raw_faults()))
def test_honest_http_passes(name, dialect, folder):
    result = raw_verdicts(name, HONEST.get(name, ""), folder, dialect)
    assert set(result.values()) == {Verdict.PASS}


def test_every_misbehaviour_is_used():
    assert {bad for every in raw_faults().values() for bad in every} == set(MISBEHAVIOURS)


def test_checks_without_a_fault_of_the_application_are_proved_here():
    assert {name for name, check in CHECKS.items() if not check.faults} <= set(raw_faults())


def test_a_real_http_server_passes():
    located = resolve(str(REFERENCE_TARGET), dialect=None)
    names = [name for name in raw_faults() if name != "http::test_tls_versions"]
    with open_target(located) as target:
        run = new_run(target, "rfc8628", catalogue())
        for name in names:
            said = run_check(run, name)
            assert not {key: claim for key, claim in said.claims.items() if claim.verdict in BROKEN}
        run.close()
