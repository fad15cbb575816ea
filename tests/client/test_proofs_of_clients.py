"""Clients with DPoP that are odd and right, which no scenario may accuse, and captures of their proofs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.proving_client import CHECKS, EPOCH, FORMS, Prover, WaitsWithTheNonce
from support.small_client import GiveUp, SmallClient, said_of, verdicts_of

from device_grant.client.rules.proofs import proofs_are_in_form, token_requests_have_proofs
from device_grant.client.rules.session import ClientSession
from device_grant.protocol import dialect
from device_grant.protocol.proofs import new_key


class KeyOfALogin(Prover):
    """Draws a key with each login, and keeps it for the refreshes."""

    def key(self):
        file = self.invocation.home.path / "key"
        if self.invocation.operation == "flow" and self.fresh:
            self.fresh = False
            file.write_text(str(self.invocation.number))
        return new_key(self.algorithm, seed=file.read_bytes())

    def run(self, invocation):
        self.fresh = True
        return super().run(invocation)


class KeyOfAllLogins(Prover):
    def key(self):
        return new_key(self.algorithm, seed=b"of the device")


class EdDsa(Prover):
    algorithm = "EdDSA"


class Rsa(Prover):
    algorithm = "RS256"


class ProofAtTheStart(Prover):
    """Sends a proof with the device authorization whether anybody asks for it or not."""

    def proves(self, _url, members):
        return "DPOP" in self.given and bool(members)


class MoreMembers(Prover):
    """Members that nobody asked for, a full media type, a fraction of a second, the default port left as it is."""

    def header_members(self):
        return {"kid": "1", "typ": "application/dpop+jwt", "jwk": self.key().jwk | {"use": "sig", "alg": "ES256"}}

    def claim_members(self, _url):
        return {"iss": "me", "exp": EPOCH + 1e6, "iat": EPOCH + self.rested + self.now - 40.5}


class TriesThrice(Prover):
    tries = 3


HONEST = [
    Prover(),
    KeyOfALogin(),
    KeyOfAllLogins(),
    EdDsa(),
    Rsa(),
    ProofAtTheStart(),
    MoreMembers(),
    WaitsWithTheNonce(),
    TriesThrice(),
]


@pytest.mark.parametrize("client", HONEST, ids=lambda client: type(client).__name__)
@pytest.mark.parametrize("check", CHECKS)
def test_odd_clients_that_are_right_are_let_be(client, check):
    said = said_of(client, check)
    assert {name: verdict.label for name, verdict in said.verdicts.items()} == dict.fromkeys(CHECKS[check], "pass")
    assert not said.broken_invariants


def test_a_client_that_claims_nothing_is_asked_for_nothing():
    for check in CHECKS:
        said = said_of(SmallClient(), check)
        assert {verdict.label for verdict in said.verdicts.values()} == {"not-applicable"}
        assert not said.transcript.exchanges


SPELLING, CHECK_OF_SPELLING = "rfc6749-5.1-token-type-case-insensitive", "answers::test_token_type_spelling"


class AlwaysBound(Prover):
    """Sends proofs without being told to, and never takes a token of another type."""

    def proves(self, _url, members):
        return "grant_type" in members

    def type_of(self, members):
        return members["token_type"].lower()

    def got(self, members):
        if self.type_of(members) != "dpop":
            raise GiveUp("not bound")
        SmallClient.got(self, members)


class OneSpelling(AlwaysBound):
    def type_of(self, members):
        return "dpop" if members["token_type"] == "DPoP" else ""


@pytest.mark.parametrize(("client", "verdict"), [(AlwaysBound(), "pass"), (OneSpelling(), "fail")])
def test_the_type_of_a_bound_token_is_spelt_otherwise_and_stays_that_type(client, verdict):
    assert verdicts_of(client, CHECK_OF_SPELLING) == {SPELLING: verdict}


class Silent(Prover):
    def proves(self, _url, _members):
        return False


def test_a_client_without_proofs_shows_nothing():
    for check in CHECKS:
        assert set(verdicts_of(Silent(), check).values()) == {"untestable"}


def test_captures_are_judged_by_what_they_show():
    """A proxy's scheme and host are not blamed on the client, nor what a tool put in place of a secret."""
    client = Prover()
    good = said_of(client, FORMS).transcript.exchanges
    behind = [replace(one, request=replace(one.request, url=f"https://inside{one.request.url[18:]}")) for one in good]
    hidden = [replace(one, request=replace(one.request, headers=(("DPoP", "[redacted]"),))) for one in good]
    for exchanges, rig, expected in (
        (good, True, {True}),
        (behind, False, {True}),
        (behind, True, {True, False}),
        (hidden, False, set()),
        (hidden, True, {False}),
    ):
        session = ClientSession(dialect("rfc8628"), tuple(exchanges), loopback=rig)
        judged = [*proofs_are_in_form(session), *token_requests_have_proofs(session)]
        assert {one.holds for one in judged} == expected
