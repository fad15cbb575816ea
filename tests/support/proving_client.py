"""A small client with DPoP, and the scenarios that it meets with the requirements of each (RFC 9449)."""

from __future__ import annotations

from dataclasses import replace

from device_grant.client.drivers.config import Claims
from device_grant.protocol.dpop import NONCE_HEADER
from device_grant.protocol.proofs import ProofUse, new_key, proof
from support.small_client import GiveUp, SmallClient

EPOCH = 1_790_000_000.0
HEADER, PRIVATE = "rfc9449-4.2-client-proof-header", "rfc9449-4.2-client-no-private-key"
CLAIMS, FRESH = "rfc9449-4.2-client-required-claims", "rfc9449-4.2-client-fresh-jti"
EVERY, SAME_KEY = "rfc9449-5-client-sends-proof-on-every-poll", "rfc9449-5-client-same-key-for-refresh"
BOUND, RETRIES = "rfc9449-5-client-discards-bearer", "rfc9449-8-client-retries-with-nonce"
NEWEST, ENDS = "rfc9449-8.2-client-uses-newest-nonce", "rfc9449-8-client-nonce-loop-ends"
AT_START, EVERY_POLL = "dpop-device-3.1-client-sends-proof", "dpop-device-3.2-client-proof-on-every-poll"


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


class WaitsWithTheNonce(Prover):
    """Takes the challenge for a pending answer: the nonce comes with the next poll."""

    tries = 1

    @staticmethod
    def members(answer):
        said = SmallClient.members(answer)
        return {"error": "authorization_pending"} if said.get("error") == "use_dpop_nonce" else said


CHECKS = {
    "proofs::test_proofs": {HEADER, PRIVATE, CLAIMS, FRESH, EVERY},
    "proofs::test_refresh_with_a_proof": {EVERY, SAME_KEY},
    "proofs::test_bearer_token_for_a_proof": {BOUND},
    "proofs::test_nonce_that_is_asked_for": {RETRIES},
    "proofs::test_nonces_that_change": {NEWEST},
    "proofs::test_nonces_without_end": {ENDS},
    "proofs::test_code_bound_to_a_key": {AT_START, EVERY_POLL},
}
FORMS, REFRESHES, BEARER, ASKED, CHANGE, LOOP, CODE = CHECKS
