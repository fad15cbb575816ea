"""What the checks on registration and metadata share: places, issuers, test rigs, TLS."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import contextmanager
from types import SimpleNamespace

import msgspec
import pytest

from device_grant.catalogue import Verdict, load
from device_grant.engine import run_check
from device_grant.judging import Inconclusive, NotApplicable, Untestable
from device_grant.protocol import AWS_SSO_OIDC, RFC8628, Exchange, Outcome, Request, Response
from device_grant.reference import Settings
from device_grant.reference.embedded import embedded
from device_grant.server.checks.metadata import test_metadata as metadata
from device_grant.server.checks.metadata.published import is_absolute, issuer_of, listed, places, reachable
from device_grant.server.checks.registration import test_code_points as code_points
from device_grant.server.session import registering, scopes
from device_grant.server.session.run import new_run
from device_grant.server.sockets import transport
from device_grant.targets.addresses import is_test_rig
from device_grant.targets.config import KnownClient

AT = "https://as.example.com"


@pytest.mark.parametrize(
    ("url", "rig"),
    [
        ("http://127.0.0.1:8080/x", True),
        ("http://[::1]/", True),
        ("http://10.1.2.3/", True),
        ("http://localhost/", True),
        ("http://keycloak:8080/", True),
        ("http://target.test/", True),
        ("http://login.example.com/", False),
        ("http://8.8.8.8/", False),
    ],
)
def test_test_rigs(url, rig):
    assert is_test_rig(url) is rig
    assert transport.plain_http_allowed(url) is rig
    assert transport.plain_http_allowed(url.replace("http:", "https:"))


@pytest.mark.parametrize(
    ("url", "in_process", "judged"),
    [
        ("http://127.0.0.1/", False, False),
        ("http://login.example.com/", False, True),
        ("http://login.example.com/", True, True),
        ("https://login.example.com/", False, True),
        ("https://login.example.com/", True, False),
    ],
)
def test_where_tls_is_judged(url, in_process, judged):
    case = SimpleNamespace(run=SimpleNamespace(target=SimpleNamespace(in_process=in_process)))
    if judged:
        transport.require_tls_matters(case, url)
    else:
        with pytest.raises(NotApplicable):
            transport.require_tls_matters(case, url)


def test_the_request_in_clear_keeps_everything_but_the_scheme():
    request = Request("POST", "https://as.example.com:8443/r?a=1", (("A", "b"),), b"x")
    assert transport.in_clear(request) == Request("POST", "http://as.example.com:8443/r?a=1", (("A", "b"),), b"x")


def test_versions_that_are_spoken(monkeypatch):
    monkeypatch.setattr(transport, "_attempt", lambda _url, context: context.minimum_version.name == "TLSv1_3")
    assert transport.tls_versions("https://as.example.com/") == ("TLS 1.3",)


def test_handshakes_with_what_speaks_no_tls_and_with_nothing():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def refuse():
            for _ in range(2):
                peer, _ = server.accept()
                with peer:
                    peer.recv(4096)
                    peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=refuse)
        thread.start()
        url = f"https://127.0.0.1:{server.getsockname()[1]}/"
        assert transport.tls_versions(url) == ()
        thread.join(10)
    for probe in (transport.tls_versions, transport.speaks_old_tls):
        with pytest.raises(Inconclusive, match="no socket reaches the server"):
            probe(url)


@contextmanager
def hanging_up(*, reset):
    """A server that takes connections and breaks them off in the handshake, by a reset or without a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            while True:
                try:
                    peer, _ = server.accept()
                except OSError:
                    return
                with peer:
                    peer.recv(4096)
                    if reset:
                        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        threading.Thread(target=serve, daemon=True).start()
        yield f"https://127.0.0.1:{server.getsockname()[1]}/"
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("reset", [True, False])
def test_a_connection_that_breaks_off_is_no_refusal_of_tls(reset):
    with hanging_up(reset=reset) as url:
        with pytest.raises(Inconclusive, match=r"broke off in a handshake with TLS 1\.2"):
            transport.tls_versions(url)
        # Of a host that was found to speak TLS, hanging up on old versions alone is a refusal of them.
        assert not transport.speaks_old_tls(url)


def test_a_server_that_falls_silent_is_no_refusal_of_tls(monkeypatch):
    monkeypatch.setattr(transport, "_TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(Inconclusive, match="broke off"):
        transport.tls_versions(f"https://127.0.0.1:{server.getsockname()[1]}/")


def test_one_accident_of_the_network_decides_nothing(monkeypatch):
    answers = iter([None, True, True])
    monkeypatch.setattr(transport, "_attempt", lambda *_: next(answers))
    assert transport.tls_versions("https://as.example.com/") == ("TLS 1.2", "TLS 1.3")


@pytest.mark.parametrize(
    ("url", "issuer"),
    [
        (f"{AT}/.well-known/oauth-authorization-server", AT),
        (f"{AT}/.well-known/oauth-authorization-server/a/b", f"{AT}/a/b"),
        (f"{AT}/a/.well-known/openid-configuration", f"{AT}/a"),
        (f"{AT}/.well-known/openid-configuration/a", f"{AT}/a"),
        (f"{AT}/.well-known/openid-configurations", None),
        (f"{AT}/metadata.json", None),
    ],
)
def test_issuer_of_a_metadata_url(url, issuer):
    assert issuer_of(url) == issuer


def test_places_of_metadata():
    inserted, appended = places(f"{AT}/ignored", "/a/")
    assert inserted[0] == f"{AT}/.well-known/oauth-authorization-server/a"
    assert appended[1] == f"{AT}/a/.well-known/openid-configuration"
    assert places(AT, "")[1] == ()


def test_members_of_documents():
    assert listed({}, "x", ("default",)) == ("default",)
    assert listed({"x": "text"}, "x", ("default",)) == ()
    assert listed({"x": ["a", 1]}, "x") == ("a",)
    assert is_absolute("https://a.example/x")
    assert not any(map(is_absolute, ("/x", None, 5, "ftp://a/", "https://[broken")))


def test_nothing_is_sent_where_a_test_rig_only_says_that_it_is():
    case = SimpleNamespace(run=SimpleNamespace(target=SimpleNamespace(base="http://127.0.0.1:81")))
    assert reachable(case, f"{AT}/token?x=1") == "http://127.0.0.1:81/token?x=1"
    case.run.target.base = AT
    assert reachable(case, "https://tokens.example.com/token") == "https://tokens.example.com/token"


def test_jwt_parts():
    assert metadata._jwt("eyJhbGciOiJub25lIn0.e30.") == ({"alg": "none"}, {}, "")
    assert metadata._jwt("eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJhIn0.c2ln")[0:2] == ({"alg": "ES256"}, {"iss": "a"})
    for broken in (5, None, "x", "a.b", "!.!.!", "W10.W10.x"):
        assert metadata._jwt(broken)[0:2] == ({}, {})


def test_everything_is_escaped():
    assert code_points._escaped({"a": ["b", None, True, 1]}) == '{"\\u0061":["\\u0062",null,true,1]}'


@pytest.mark.parametrize(
    ("kind", "lifetime", "verdict"),
    [
        ("travel", 90 * 86_400, Verdict.PASS),
        ("real", 61, Verdict.UNTESTABLE),
        ("real", 50, Verdict.PASS),
    ],
)
def test_how_long_an_expiry_is_awaited(monkeypatch, kind, lifetime, verdict):
    settings = Settings(dialect=AWS_SSO_OIDC, registration_lifetime=lifetime)
    with embedded(AWS_SSO_OIDC, settings=settings) as target:
        monkeypatch.setattr(target.clock, "kind", kind)
        said = run_check(target, "registration::test_expired_registration_is_refused")
    assert said.worst is verdict


def test_a_registration_without_an_answer_gets_advice_of_its_own():
    request = Request("POST", "http://127.0.0.1/register")
    silent = Exchange(request, None, Outcome(0, "no-response"), 0, 0, 0, "ReadTimeout: timed out")
    assert str(registering.refused(silent)).startswith(
        "registration got no response (ReadTimeout): see what the server"
    )
    refused = Exchange(request, Response(400, (), b""), Outcome(400, "invalid_request"), 0, 0, 0)
    assert "members that the server insists on go under" in str(registering.refused(refused))


@pytest.mark.parametrize(
    ("configured", "advertised", "known", "any_two"),
    [
        ("openid read", ["write", 7, "read"], ["read", "write", "openid"], ("read", "write")),
        ("openid", "no array", ["openid"], ("openid", "openid")),
        ("", None, [], ("read", "write")),
    ],
)
def test_scopes_that_a_target_has(configured, advertised, known, any_two):
    device = _device(configured, advertised)
    assert scopes.known_scopes(device) == known
    assert scopes.any_two_scopes(device) == any_two
    if len(known) < 2:
        with pytest.raises(Untestable, match="fewer than two scopes"):
            scopes.two_scopes(device)
    else:
        assert scopes.two_scopes(device) == tuple(sorted(known[:2]))


def test_scopes_that_a_client_was_registered_for_come_before_those_of_the_metadata():
    device = _device("", ["read", "write", "admin"], {"scope": "write openid"})
    assert scopes.two_scopes(device) == ("openid", "write")


def test_a_server_that_lists_one_scope_has_not_two():
    device = _device("", ["read"])
    assert scopes.one_scope(device) == "read"
    with pytest.raises(NotApplicable, match="lists fewer than two scopes"):
        scopes.two_scopes(device)


def _device(configured, advertised, registered=None):
    target = SimpleNamespace(config=SimpleNamespace(request=SimpleNamespace(scope=configured)))
    endpoints = SimpleNamespace(document={"scopes_supported": advertised})
    run = SimpleNamespace(target=target, endpoints=endpoints)
    return SimpleNamespace(case=SimpleNamespace(run=run), client=SimpleNamespace(registered=registered or {}))


def test_a_form_of_a_client_that_sends_no_member_can_be_escaped():
    known = KnownClient(id="probe", secret="probe-secret", authentication="client_secret_basic")
    with embedded(RFC8628) as target:
        run = new_run(target, RFC8628, load())
        registered = run.client("confidential")
        target.config = msgspec.structs.replace(
            target.config, clients=(msgspec.structs.replace(known, id=registered.id, secret=registered.secret),)
        )
        run.close()
        said = run_check(target, "device_authorization::test_form_encodings")
    assert said.transcript.entries[-1].request.content == b"%78_probe=1"
    assert said.worst is Verdict.PASS
