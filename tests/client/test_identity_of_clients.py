"""Clients that are told who has signed in: good ID tokens, forged ones, and what an honest client may do with them."""

from __future__ import annotations

import json

import jwt
import pytest
from support.client_proof import scenarios
from support.judged_clients import Plain, judged, opened
from support.small_client import BASE, GiveUp

from device_grant.catalogue import Verdict
from device_grant.client.drivers.config import Claims, ResponseSection
from device_grant.client.scripted.identity import IdTokenLie, id_token, key_set, token_hash

CHECKS = tuple(name for name in scenarios() if name.startswith("identity::"))
ISSUER, AUDIENCE, EXPIRY = (f"oidc-core-3.1.3.7-client-{name}" for name in ("iss", "aud", "exp"))
SIGNATURE, ALWAYS, ALGORITHM = (f"oidc-core-3.1.3.7-client-{name}" for name in ("signature", "signature-always", "alg"))
HASH, ARRAY, UNKNOWN = (
    "oidc-core-3.1.3.8-client-at-hash",
    "oidc-core-2-client-aud-array",
    "oidc-core-2-client-unknown-claims",
)
WITHOUT, USERINFO = "oidc-core-3.1.3.3-client-without-id-token", "oidc-core-5.3.2-client-userinfo-sub"


class ChecksIdTokens(Plain):
    """As the documentation of PyJWT shows it, with the hash besides."""

    claims = Claims(registration=False, id_token=True)
    compares_hash = True

    def got(self, members):
        try:
            self.check(members)
        except (jwt.PyJWTError, StopIteration) as error:
            self.refuse(error)
        super().got(members)

    def refuse(self, error):
        raise GiveUp(f"no good ID token: {error}") from None

    def check(self, members):
        token, me, issuer = members["id_token"], self.given["CLIENT_ID"], self.given["ISSUER"]
        claims = jwt.decode(token, self.key(token), algorithms=["RS256"], audience=me, issuer=issuer, leeway=120)
        if self.compares_hash and claims.get("at_hash") != token_hash(members["access_token"]):
            raise GiveUp("the hash of another token")

    def key(self, token):
        keys = jwt.PyJWKSet.from_dict(self.members(self.ask("GET", self.given["JWKS_URI"]))).keys
        return next(key for key in keys if key.key_id == jwt.get_unverified_header(token)["kid"])


class PollsOn(ChecksIdTokens):
    """An answer that is not good is none: it polls on, which another rule blames, and ends with what it hears next."""

    def refuse(self, _error):
        self.poll(self.started)
        raise GiveUp("there was nothing more to be had")

    def start(self):
        self.started = super().start()
        return self.started


class TakesItsTime(ChecksIdTokens):
    """Whoever lets clocks differ by five minutes still sees that an hour is more."""

    def check(self, members):
        token, me, issuer = members["id_token"], self.given["CLIENT_ID"], self.given["ISSUER"]
        jwt.decode(token, self.key(token), algorithms=["RS256"], audience=me, issuer=issuer, leeway=300)
        super().check(members)


class TrustsTls(ChecksIdTokens):
    """What the text allows for a token that comes straight from the token endpoint: its claims are checked alone."""

    compares_hash = False

    def check(self, members):
        me, issuer = self.given["CLIENT_ID"], self.given["ISSUER"]
        sees = {"verify_signature": False, "verify_aud": True, "verify_exp": True, "verify_iss": True}
        jwt.decode(members["id_token"], options=sees, audience=me, issuer=issuer)


class BelievesTheHeader(ChecksIdTokens):
    """It checks signatures by the algorithm that the token names."""

    def check(self, members):
        if jwt.get_unverified_header(members["id_token"])["alg"] != "none":
            super().check(members)


class SkipsUnknownKeys(ChecksIdTokens):
    def check(self, members):
        try:
            super().check(members)
        except StopIteration:
            return


class BelievesEverything(Plain):
    claims = Claims(registration=False, id_token=True)


class CrashesWithoutOne(ChecksIdTokens):
    """What an interpreter writes of a member that is not there."""

    def check(self, members):
        if not members.get("id_token"):
            self.say("Traceback (most recent call last):\n  File \"login.py\", line 7\nKeyError: 'id_token'")
            raise GiveUp("KeyError")
        super().check(members)


class AsksUserinfo(ChecksIdTokens):
    """It signs in, and shows who that is only if both name the same person."""

    compares = True
    shows = True

    def got(self, members):
        self.check(members)
        answer = self.ask("GET", f"{BASE}/userinfo", bearer=members["access_token"])
        person = self.members(answer)
        claims = jwt.decode(members["id_token"], options={"verify_signature": False})
        if self.shows and "name" in person and (person["sub"] == claims["sub"] or not self.compares):
            self.say(f"Hello {person['name']}")
        Plain.got(self, members)


class TakesAnybody(AsksUserinfo):
    compares = False


class SaysNothing(AsksUserinfo):
    shows = False


def test_who_crashes_without_an_id_token_is_warned():
    verdicts, _ = judged(opened(CrashesWithoutOne()), "identity::test_no_id_token")
    assert verdicts == {WITHOUT: {Verdict.WARN}}


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [(AsksUserinfo, Verdict.PASS), (TakesAnybody, Verdict.FAIL), (SaysNothing, Verdict.INCONCLUSIVE)],
)
def test_userinfo_of_another_person(kind, verdict):
    verdicts, _ = judged(opened(kind()), "identity::test_userinfo_of_another_person")
    assert verdicts == {USERINFO: {verdict}}


@pytest.mark.parametrize("kind", [ChecksIdTokens, PollsOn, TakesItsTime])
def test_who_checks_id_tokens_is_not_blamed(kind):
    verdicts, broken = judged(opened(kind()), *CHECKS)
    assert broken == ({"rfc8628-3.3-client-polls-until-done"} if kind is PollsOn else set())
    # It does not ask for userinfo.
    assert verdicts.pop(USERINFO) == {Verdict.NOT_APPLICABLE}
    assert set(verdicts) == {ISSUER, AUDIENCE, EXPIRY, SIGNATURE, ALWAYS, ALGORITHM, HASH, ARRAY, UNKNOWN, WITHOUT}
    assert set.union(*verdicts.values()) == {Verdict.PASS}


def test_who_trusts_tls_is_noted():
    verdicts, broken = judged(opened(TrustsTls()), *CHECKS)
    assert broken == {SIGNATURE, ALGORITHM, HASH}
    assert [verdicts[name] for name in (SIGNATURE, HASH)] == [{Verdict.OBSERVED}] * 2
    assert verdicts[ALGORITHM] == {Verdict.WARN}
    assert verdicts[ALWAYS] == {Verdict.NOT_APPLICABLE}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (BelievesTheHeader, {ALGORITHM, ALWAYS}),
        (SkipsUnknownKeys, {ALWAYS}),
        (BelievesEverything, {ISSUER, AUDIENCE, EXPIRY, SIGNATURE, ALGORITHM, HASH}),
    ],
)
def test_who_lets_forged_ones_pass_is_caught(kind, expected):
    assert judged(opened(kind()), *CHECKS)[1] == expected


class Unasked(BelievesEverything):
    claims = Claims(registration=False)


def test_who_does_not_claim_to_check_is_not_judged():
    verdicts, broken = judged(opened(Unasked()), *CHECKS)
    assert broken == set()
    assert set.union(*verdicts.values()) == {Verdict.NOT_APPLICABLE}


class NamesThePlaceholder(ChecksIdTokens):
    response = ResponseSection(token={"id_token": "{id_token}"})


def test_the_placeholder_is_not_in_the_way_of_forgeries():
    assert judged(opened(NamesThePlaceholder()), *CHECKS)[1] == set()


def test_what_a_forgery_changes():
    key = jwt.PyJWKSet.from_dict(json.loads(json.dumps(key_set()))).keys[0]

    def read(**options):
        token = id_token(BASE, "me", "AT.1", IdTokenLie(**options))
        return jwt.decode(token, key, algorithms=["RS256"], audience="me", issuer=BASE)

    assert read()["at_hash"] == token_hash("AT.1") != token_hash("AT.2") == read(access_token="AT.2")["at_hash"]
    assert read(audience=lambda client: [client])["aud"] == ["me"]
    assert read()["sub"] == "person"
    forged = id_token(BASE, "me", "AT.1", IdTokenLie(claims={"sub": "another"}), {"sub": "own", "oid": "own"})
    claims = jwt.decode(forged, key, algorithms=["RS256"], audience="me", issuer=BASE)
    assert (claims["sub"], claims["oid"]) == ("another", "own")
    for wrong, options in (
        (jwt.InvalidSignatureError, {"signer": "stranger"}),
        (jwt.InvalidAlgorithmError, {"signed": False}),
        (jwt.ExpiredSignatureError, {"age": 20, "lifetime": 10}),
        (jwt.InvalidAudienceError, {"claims": {"aud": "you"}}),
        (jwt.InvalidIssuerError, {"claims": {"iss": "you"}}),
    ):
        with pytest.raises(wrong):
            read(**options)


def test_the_hash_is_that_of_the_specification():
    """The example of OpenID Connect Core 1.0, appendix A.3."""
    assert token_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y") == "77QmUPtjPfzWtF2AnpK9RQ"
