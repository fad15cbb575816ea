"""Servers that take client certificates and are broken: each is accused of what it breaks."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.certificate_servers import ALIASES, BOUND, FORM, LOOKS, REFRESH, TELLS, WORKS, broken, judge, metadata, of

from device_grant.catalogue import Verdict
from device_grant.protocol.certificates import CONFIRMATION, thumbprint
from device_grant.reference.server.http import Answer
from device_grant.reference.server.mutual_tls import connections
from device_grant.reference.server.mutual_tls.connections import Connections


@pytest.mark.parametrize(
    "aliases",
    [
        [],
        "https://mtls.target.test",
        {"token_endpoint": "/token"},
        {"token_endpoint": ["https://mtls.target.test/token"]},
        {"token_endpoint": "http://login.example.com/token"},
    ],
)
def test_aliases_that_nobody_can_use(aliases):
    assert FORM in broken(judge(metadata(lambda members: members.update({ALIASES: aliases}))))


@pytest.mark.parametrize("value", ["true", 1, [True], {}])
def test_binding_that_is_no_boolean(value):
    assert "rfc8705-3.3-metadata" in broken(judge(metadata(lambda members: members.update({BOUND: value}))))


def test_an_alias_at_which_nothing_is():
    def misplace(members):
        members[ALIASES]["device_authorization_endpoint"] += "/moved"

    assert broken(judge(metadata(misplace))) == {WORKS}


def test_an_alias_for_tokens_at_which_codes_are_unknown():
    def misplace(members):
        members[ALIASES]["token_endpoint"] = "https://mtls.target.test/moved"

    assert WORKS in broken(judge(metadata(misplace)))


def test_another_hash_than_that_of_the_certificate(monkeypatch):
    monkeypatch.setattr(connections, "thumbprint", lambda der: thumbprint(der + b"\n"))
    assert broken(judge()) == {"rfc8705-3.1-thumbprint", TELLS}


def test_a_refresh_token_that_is_taken_without_a_certificate_alone(monkeypatch):
    usual = Connections.refresh

    def lax(self, client, token, call):
        if self._shown(call) is not None:
            usual(self, client, token, call)

    monkeypatch.setattr(Connections, "refresh", lax)
    assert broken(judge()) == {REFRESH}


def test_tokens_that_are_bound_for_some_polls_alone(monkeypatch):
    def never(self, client, grant, call):
        """Of the poll nothing is bound; a refresh would be."""

    monkeypatch.setattr(Connections, "poll", never)
    assert broken(judge()) == {"rfc8705-3-poll-binds-token", REFRESH}


def test_a_hash_that_is_no_text(monkeypatch):
    usual = Connections._bound

    def spoilt(self, terms, call):
        bound = usual(self, terms, call)
        named = bound.confirmation.get(CONFIRMATION)
        return replace(bound, confirmation={CONFIRMATION: [named]}) if named else bound

    monkeypatch.setattr(Connections, "_bound", spoilt)
    assert "rfc8705-3-poll-binds-token" in broken(judge())


def test_a_client_that_is_looked_at_over_tls_alone(monkeypatch):
    usual = Connections.authenticate

    def lax(self, client, call):
        return client.credential is not None if call.scope["scheme"] == "http" else usual(self, client, call)

    monkeypatch.setattr(Connections, "authenticate", lax)
    assert {"rfc8705-2-device-endpoint-authenticates", "rfc8705-2-binding-enforced"} <= broken(judge())


def test_a_client_that_is_looked_at_where_grants_start_alone(monkeypatch):
    usual = Connections.authenticate

    def lax(self, client, call):
        return client.credential is not None if call.path == "/token" else usual(self, client, call)

    monkeypatch.setattr(Connections, "authenticate", lax)
    assert broken(judge()) == {"rfc8705-2-binding-enforced"}


def test_an_opaque_token_of_which_nobody_tells_a_certificate():
    verdicts = judge(faults=["access_token_guessable", "mtls_introspection_without_cnf"])
    assert of(verdicts, Verdict.FAIL) == {TELLS}


def lenient(monkeypatch, when):
    """Userinfo that looks at no certificate for calls of which that is true."""
    usual = Connections.at_resource

    async def lax(self, handle, call):
        return await (handle(call) if when(self, call) else usual(self, handle, call))

    monkeypatch.setattr(Connections, "at_resource", lax)


@pytest.mark.parametrize(
    "when",
    [
        lambda connections, call: connections._shown(call) is None,
        lambda connections, call: connections._shown(call) is not None,
        lambda _connections, call: call.scope["scheme"] == "http",
    ],
)
def test_userinfo_that_does_not_always_look(monkeypatch, when):
    lenient(monkeypatch, when)
    assert of(judge(), Verdict.FAIL) == {LOOKS}


def test_userinfo_that_refuses_its_own_devices_is_not_taken_for_careful(monkeypatch):
    async def closed(_self, _handle, _call):
        return Answer(401, b"", "application/json", {"WWW-Authenticate": "Bearer"})

    monkeypatch.setattr(Connections, "at_resource", closed)
    assert judge()[LOOKS] is Verdict.UNTESTABLE
