"""Judges a DPoP proof: the list of RFC 9449 section 4.3, item by item."""

from __future__ import annotations

import hmac
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from device_grant.protocol.dpop import (
    INVALID_PROOF,
    PRIVATE_MEMBERS,
    TYPE,
    Proof,
    hashed,
    normalised,
    read_proof,
    thumbprint,
    without_query,
)
from device_grant.reference.server.http import Refusal, crash
from device_grant.reference.server.possession.nonces import Nonces

if TYPE_CHECKING:
    from collections.abc import Callable

    from device_grant.reference.server.http import Call
    from device_grant.reference.server.store import Store

ALGORITHMS = ("ES256", "EdDSA", "PS256", "RS256")
"""JWS names of the algorithms by which proofs may be signed, all of them asymmetric."""
OLDEST = 60.0
"""Seconds that a proof may be old, or ahead of time."""
LONGEST_JTI = 255
"""Characters that the fault `dpop_long_jti_500` has room for."""
_MOST = 50_000
"""Proofs that are remembered."""
_JWT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_HEADER = b"dpop"


class Proofs:
    """Judges the proofs of all requests."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.faults = store.faults
        self.nonces = Nonces(store)
        self._seen: dict[tuple[str, str], float] = {}

    def comes_with(self, call: Call) -> bool:
        """Whether a request has a proof, right or wrong."""
        return not self.faults.dpop_ignored and call.header(_HEADER) is not None

    def key_of(self, call: Call, url: str, *, access_token: str = "", lax: bool = False) -> str:
        """The thumbprint of the key that signed the proof of a request to that URL; empty for a request without one.

        `access_token` is what the request presents, `lax` whether a fault lets unsigned proofs pass here. Raises
        Refusal invalid_dpop_proof for a proof that is not valid, use_dpop_nonce for one that needs another nonce.
        """
        if not self.comes_with(call):
            return ""
        values = call.headers(_HEADER)
        if len(values) > 1 and not self.faults.dpop_first_header_wins:
            raise _invalid("There is more than one DPoP header field")
        proof = read_proof(values[0]) if _JWT.fullmatch(values[0]) else self._unsigned(values[0], lax=lax)
        if proof is None:
            if self.faults.dpop_garbage_ignored:
                return ""
            raise _invalid("The proof is no JWT")
        self._judge_header(proof, values[0], lax=lax)
        self._judge_claims(proof, call, url)
        if access_token and not self._belongs(proof, access_token):
            raise _invalid("ath is not the hash of the access token")
        if self.nonces.missing(proof.claims.get("nonce")):
            raise self.nonces.demand()
        self._judge_time(proof)
        return proof.thumbprint

    def _unsigned(self, value: str, *, lax: bool) -> Proof | None:
        """A proof of the algorithm none, which only faults read."""
        return read_proof(value) if (self.faults.dpop_none_accepted or lax) and value.endswith(".") else None

    def _judge_header(self, proof: Proof, value: str, *, lax: bool) -> None:
        faults = self.faults
        typ, algorithm, jwk = (proof.header.get(name) for name in ("typ", "alg", "jwk"))
        if typ != TYPE and not faults.dpop_typ_ignored:
            raise _invalid(f"typ is not {TYPE}")
        if not isinstance(jwk, dict) or not thumbprint(jwk):
            raise _invalid("jwk is not there, or no key")
        if PRIVATE_MEMBERS & jwk.keys() and not faults.dpop_private_jwk_accepted:
            raise _invalid("jwk has a private key")
        if algorithm == "none" and (faults.dpop_none_accepted or lax):
            return
        if algorithm not in ALGORITHMS or (algorithm == "RS256" and faults.dpop_algorithm_listed_only):
            raise _invalid("alg is none of those in the metadata")
        if not faults.dpop_signature_unchecked and not _verifies(value, jwk, str(algorithm)):
            raise _invalid("The signature does not verify")

    def _judge_claims(self, proof: Proof, call: Call, url: str) -> None:
        faults, claims = self.faults, proof.claims
        jti = claims.get("jti")
        if not isinstance(jti, str) and not (jti is None and faults.dpop_jti_optional):
            raise _invalid("jti is missing")
        if faults.dpop_long_jti_500 and isinstance(jti, str) and len(jti) > LONGEST_JTI:
            raise crash()
        if not isinstance(claims.get("htm"), str) or (claims["htm"] != call.method and not faults.dpop_htm_ignored):
            raise _invalid("htm is not the method of the request")
        if not isinstance(claims.get("htu"), str) or not (
            faults.dpop_htu_ignored or self._is_for(claims["htu"], call, url)
        ):
            raise _invalid("htu is not the URI of the request")
        if isinstance(claims.get("iat"), bool) or not isinstance(claims.get("iat"), (int, float)):
            raise _invalid("iat is missing")

    def _is_for(self, htu: str, call: Call, url: str) -> bool:
        if self.faults.dpop_htu_with_query and call.query:
            return htu == f"{url}?{call.query.decode('latin-1')}"
        if self.faults.dpop_htu_compared_as_text:
            return without_query(htu) == url
        same: Callable[[str], str] = normalised
        if self.faults.start_proof_good_for_poll and urlsplit(htu).path == "/device_authorization":
            return True
        return same(htu) == same(url)

    def _judge_time(self, proof: Proof) -> None:
        now, iat = self.store.clock(), float(proof.claims["iat"])
        if not self.faults.dpop_iat_ignored and not abs(now - iat) <= OLDEST:
            raise _invalid("iat is too long ago, or ahead of time")
        if self.faults.dpop_jti_not_remembered:
            return
        name = (proof.thumbprint, str(proof.claims.get("jti")))
        with self.store.lock:
            while self._seen and (len(self._seen) >= _MOST or next(iter(self._seen.values())) < now - 2 * OLDEST):
                del self._seen[next(iter(self._seen))]
            if name in self._seen:
                raise _invalid("The proof was used before")
            self._seen[name] = now

    def _belongs(self, proof: Proof, access_token: str) -> bool:
        ath = proof.claims.get("ath")
        if self.faults.userinfo_ignores_ath:
            return True
        return isinstance(ath, str) and hmac.compare_digest(ath.encode(), hashed(access_token).encode())


def _verifies(value: str, jwk: dict[str, Any], algorithm: str) -> bool:
    import jwt

    public = {name: said for name, said in jwk.items() if name not in PRIVATE_MEMBERS}
    try:
        key = jwt.PyJWK.from_dict(public, algorithm=algorithm).key
        # What the claims say is judged one by one: here only the signature.
        jwt.api_jws.decode(value, key, algorithms=[algorithm])
    except (jwt.PyJWTError, ValueError, TypeError):
        return False
    return True


def _invalid(description: str) -> Refusal:
    return Refusal(INVALID_PROOF, description)
