"""Clients with DPoP: odd ones that are right, which no scenario may accuse, and broken ones, which are caught."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from support.small_client import GiveUp, SmallClient, said_of, verdicts_of

from device_grant.client.drivers.config import Claims
from device_grant.client.rules.proofs import proofs_are_in_form, token_requests_have_proofs
from device_grant.client.rules.session import ClientSession
from device_grant.protocol import dialect
from device_grant.protocol.dpop import NONCE_HEADER
from device_grant.protocol.proofs import ProofUse, new_key, proof

EPOCH = 1_790_000_000.0
HEADER, PRIVATE = "rfc9449-4.2-client-proof-header", "rfc9449-4.2-client-no-private-key"
CLAIMS, FRESH = "rfc9449-4.2-client-required-claims", "rfc9449-4.2-client-fresh-jti"
EVERY, SAME_KEY = "rfc9449-5-client-sends-proof-on-every-poll", "rfc9449-5-client-same-key-for-refresh"
BOUND, RETRIES = "rfc9449-5-client-discards-bearer", "rfc9449-8-client-retries-with-nonce"
NEWEST, ENDS = "rfc9449-8.2-client-uses-newest-nonce", "rfc9449-8-client-nonce-loop-ends"
AT_START, EVERY_POLL = "dpop-device-3.1-client-sends-proof", "dpop-device-3.2-client-proof-on-every-poll"
STOPS = "rfc8628-3.5-client-stops-on-other-errors"


class Prover(SmallClient):
    """One key for a HOME, a proof with each token request, one retry where it is asked for a nonce."""

    claims = Claims(
        refresh=True,
        confidential=True,
        metadata=True,
        keeps=True,
        registration=False,
        dpop=True,
        dpop_required=True,
        dpop_device_code=True,
    )
    algorithm = "ES256"
    tries = 2

    def run(self, invocation):
        self.nonce, self.first = "", ""
        ended = super().run(invocation)
        return replace(ended, began=EPOCH + self.rested)

    def key(self):
        return new_key(self.algorithm, seed=str(self.invocation.home.path).encode())

    def proves(self, _url, members):
        starts = "grant_type" not in members and "DPOP_DEVICE_CODE" in self.given
        return "DPOP" in self.given and ("grant_type" in members or (starts and bool(members)))

    def header_members(self):
        return {}

    def claim_members(self, _url):
        return {}

    def further_headers(self, method, url, members):
        if not self.proves(url, members):
            return ()
        use = ProofUse(method, url, EPOCH + self.rested + self.now, self.nonce)
        made = proof(self.key(), use, self.header_members(), self.claim_members(url))
        return (("DPoP", made),)

    def ask(self, method, url, members=None, bearer=""):
        for _ in range(self.tries):
            answer = super().ask(method, url, members, bearer)
            self.note(answer)
            if not (answer.code == "use_dpop_nonce" and "DPOP" in self.given):
                break
        return answer

    def note(self, answer):
        self.nonce = answer.response.header(NONCE_HEADER) or self.nonce

    def got(self, members):
        if "DPOP" in self.given and members["token_type"] != "DPoP":
            raise GiveUp("not bound")
        super().got(members)


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


class WaitsWithTheNonce(Prover):
    """Takes the challenge for a pending answer: the nonce comes with the next poll."""

    tries = 1

    @staticmethod
    def members(answer):
        said = SmallClient.members(answer)
        return {"error": "authorization_pending"} if said.get("error") == "use_dpop_nonce" else said


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
CHECKS = {
    "proofs::test_proofs": {HEADER, PRIVATE, CLAIMS, FRESH, EVERY},
    "proofs::test_refresh_with_a_proof": {EVERY, SAME_KEY},
    "proofs::test_bearer_token_for_a_proof": {BOUND},
    "proofs::test_nonce_that_is_asked_for": {RETRIES},
    "proofs::test_nonces_that_change": {NEWEST},
    "proofs::test_nonces_without_end": {ENDS},
    "proofs::test_code_bound_to_a_key": {AT_START, EVERY_POLL},
}


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


class Symmetric(Prover):
    def header_members(self):
        return {"alg": "HS256"}


class NoKey(Prover):
    def header_members(self):
        return {"jwk": ...}


class KeyOfSomebodyElse(Prover):
    """Names a key that did not sign."""

    def header_members(self):
        return {"jwk": new_key("ES256", seed=b"somebody").jwk}


class PrivateKey(Prover):
    def header_members(self):
        return {"jwk": self.key().private_jwk}


class SmallMethod(Prover):
    def claim_members(self, _url):
        return {"htm": "post"}


class Query(Prover):
    def claim_members(self, url):
        return {"htu": url}


class Origin(Prover):
    def claim_members(self, url):
        return {"htu": "/".join(url.split("/")[:3])}


class Milliseconds(Prover):
    def claim_members(self, _url):
        return {"iat": int((EPOCH + self.now) * 1000)}


class LocalTime(Prover):
    """An hour off, as where local time is taken for UTC."""

    def claim_members(self, _url):
        return {"iat": int(EPOCH + self.rested + self.now + 3600)}


class NoTime(Prover):
    def claim_members(self, _url):
        return {"iat": ...}


class Counts(Prover):
    """Counts from the beginning in each login."""

    def claim_members(self, _url):
        return {"jti": f"number-{self.now:08}"}


class Digits(Prover):
    def claim_members(self, _url):
        self.drawn = getattr(self, "drawn", 1000) + 1
        return {"jti": str(self.drawn)}


class Once(Prover):
    """One proof for a run."""

    def further_headers(self, method, url, members):
        made = super().further_headers(method, url, members)
        if made:
            self.first = self.first or made
        return self.first if made else made


class LastPollOnly(Prover):
    def proves(self, _url, members):
        return super().proves(_url, members) and self.now > 3


class StartOnly(Prover):
    def proves(self, _url, members):
        return "DPOP" in self.given and bool(members) and "grant_type" not in members


class Twice(Prover):
    def further_headers(self, method, url, members):
        return super().further_headers(method, url, members) + super().further_headers(method, url, members)


class NoProofOfRefreshes(Prover):
    def proves(self, _url, members):
        return super().proves(_url, members) and self.invocation.operation != "refresh"


class NewKeyAfterRestart(Prover):
    def key(self):
        return new_key(self.algorithm, seed=f"{self.invocation.operation}".encode())


class KeepsBearerTokens(Prover):
    def got(self, members):
        SmallClient.got(self, members)


class FailsAndKeeps(Prover):
    """Says that it failed, and has written the token down by then."""

    def got(self, members):
        (self.invocation.home.path / "last.json").write_text(json.dumps(members))
        super().got(members)


class GivesUp(Prover):
    tries = 1


class RetriesWithoutTheNonce(Prover):
    def note(self, answer):
        del answer


class FirstNonce(Prover):
    def note(self, answer):
        self.nonce = self.nonce or answer.response.header(NONCE_HEADER) or ""


class ChallengesOnly(Prover):
    """Looks for a nonce where it is refused for lack of one, and nowhere else."""

    def note(self, answer):
        if answer.code == "use_dpop_nonce":
            super().note(answer)


class ForEver(Prover):
    tries = 1000

    def ask(self, method, url, members=None, bearer=""):
        if self.invocation.authority.enough:
            raise TimeoutError
        return super().ask(method, url, members, bearer)


class BindsAtThePoll(Prover):
    def proves(self, _url, members):
        return super().proves(_url, members) and "grant_type" in members


class StartForThePoll(Prover):
    """The proof of the start names the token endpoint."""

    def claim_members(self, _url):
        return {"htu": self.given["TOKEN_ENDPOINT"].partition("?")[0]}


class OtherKeyInPolls(Prover):
    def key(self):
        return new_key(self.algorithm, seed=b"later" if self.now else b"first")


FORMS, REFRESHES, BEARER, ASKED, CHANGE, LOOP, CODE = CHECKS
BROKEN = [
    (Symmetric(), FORMS, {HEADER, EVERY}),
    (NoKey(), FORMS, {HEADER, EVERY}),
    (KeyOfSomebodyElse(), FORMS, {EVERY}),
    (PrivateKey(), FORMS, {PRIVATE}),
    (SmallMethod(), FORMS, {CLAIMS}),
    (Query(), FORMS, {CLAIMS}),
    (Origin(), FORMS, {CLAIMS}),
    (Milliseconds(), FORMS, {CLAIMS}),
    (LocalTime(), FORMS, {CLAIMS}),
    (NoTime(), FORMS, {CLAIMS}),
    (Counts(), FORMS, {FRESH}),
    (Digits(), FORMS, {FRESH}),
    (Once(), FORMS, {FRESH}),
    (LastPollOnly(), FORMS, {EVERY}),
    (StartOnly(), FORMS, {EVERY}),
    (Twice(), FORMS, {EVERY}),
    (NoProofOfRefreshes(), REFRESHES, {EVERY}),
    (NewKeyAfterRestart(), REFRESHES, {SAME_KEY}),
    (KeepsBearerTokens(), BEARER, {BOUND}),
    (FailsAndKeeps(), BEARER, {BOUND}),
    (GivesUp(), ASKED, {RETRIES}),
    (RetriesWithoutTheNonce(), ASKED, {RETRIES}),
    (FirstNonce(), CHANGE, {NEWEST}),
    (ChallengesOnly(), CHANGE, {NEWEST}),
    (ForEver(), LOOP, {ENDS}),
    (BindsAtThePoll(), CODE, {AT_START}),
    (StartForThePoll(), CODE, {AT_START}),
    (OtherKeyInPolls(), CODE, {EVERY_POLL}),
]


@pytest.mark.parametrize(("client", "check", "broken"), BROKEN, ids=[type(one[0]).__name__ for one in BROKEN])
def test_broken_clients_are_caught(client, check, broken):
    said = verdicts_of(client, check)
    assert {name for name, verdict in said.items() if verdict in ("fail", "warn", "observed")} == broken, said


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


class Confidential(NewKeyAfterRestart):
    """Another key after a restart, which is right where the client authenticates."""

    def further_headers(self, method, url, members):
        return (*super().further_headers(method, url, members), ("Authorization", "Basic bWU6c2VjcmV0"))


def test_the_refresh_tokens_of_confidential_clients_are_not_bound():
    said = verdicts_of(Confidential(), REFRESHES)
    assert (said[EVERY], said[SAME_KEY]) == ("pass", "inconclusive")


class PollsOnAfterAnyNonce(SmallClient):
    """Knows nothing of DPoP, and goes on when it is asked for a nonce."""

    claims = Prover.claims

    @staticmethod
    def members(answer):
        return WaitsWithTheNonce.members(answer)


def test_a_challenge_goes_on_only_for_those_who_sent_a_proof():
    said = said_of(PollsOnAfterAnyNonce(), ASKED)
    assert STOPS in set().union(*said.broken_invariants.values())


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
