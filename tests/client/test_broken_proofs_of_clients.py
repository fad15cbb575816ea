"""Broken clients with DPoP, each caught by the scenario of what it breaks."""

from __future__ import annotations

import json

import pytest
from support.proving_client import (
    ASKED,
    AT_START,
    BEARER,
    BOUND,
    CHANGE,
    CLAIMS,
    CODE,
    ENDS,
    EPOCH,
    EVERY,
    EVERY_POLL,
    FORMS,
    FRESH,
    HEADER,
    LOOP,
    NEWEST,
    PRIVATE,
    REFRESHES,
    RETRIES,
    SAME_KEY,
    Prover,
    WaitsWithTheNonce,
)
from support.small_client import SmallClient, said_of, verdicts_of

from device_grant.protocol.dpop import NONCE_HEADER
from device_grant.protocol.proofs import new_key

STOPS = "rfc8628-3.5-client-stops-on-other-errors"


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
