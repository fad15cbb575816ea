"""How the reference client checks the ID token of a token response (OpenID Connect Core 1.0 section 3.1.3.7)."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from device_grant.reference.client.answers import Failed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jwt.types import Options

    from device_grant.reference.client.faults import ClientFaults

LEEWAY = 60
"""Seconds by which clocks may differ."""
ALGORITHM = "RS256"
_KNOWN = frozenset({"iss", "sub", "aud", "iat", "auth_time", "exp", "at_hash", "email", "email_verified"})
_ALSO_KNOWN = frozenset({"preferred_username", "name", "nonce", "azp", "acr", "amr"})


@dataclass(frozen=True)
class IdTokenCheck:
    """What an ID token has to be."""

    issuer: str
    client_id: str
    access_token: str
    keys: Mapping[str, Any]
    """The key set of the issuer (RFC 7517 section 5)."""
    now: float
    """Seconds since 1970."""
    faults: ClientFaults

    def judge(self, token: str) -> None:
        """Raise Failed where the token is not good."""
        claims = self._signed_claims(token)
        faults = self.faults
        if claims.get("iss") != self.issuer and not faults.id_token_issuer_unchecked:
            raise Failed("id_token: another issuer")
        if not (self._is_for_us(claims.get("aud")) or faults.id_token_audience_unchecked):
            raise Failed("id_token: not for this client")
        ends = claims.get("exp")
        lives = isinstance(ends, (int, float)) and self.now < ends + LEEWAY
        if not (lives or faults.id_token_expiry_unchecked):
            raise Failed("id_token: expired")
        if not (claims.get("at_hash") in (None, self._hash()) or faults.id_token_hash_unchecked):
            raise Failed("id_token: of another access token")
        if faults.id_token_claims_unknown_refused and claims.keys() - _KNOWN - _ALSO_KNOWN:
            raise Failed("id_token: unknown claims")

    def _is_for_us(self, audience: Any) -> bool:
        if isinstance(audience, list) and not self.faults.id_token_audience_must_be_text:
            return self.client_id in audience
        return bool(audience == self.client_id)

    def _hash(self) -> str:
        digest = hashlib.sha256(self.access_token.encode("ascii", "replace")).digest()
        return urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()

    def _signed_claims(self, token: str) -> dict[str, Any]:
        import jwt

        # Times, issuer and audience are looked at above, each on its own.
        own: Options = {
            "verify_exp": False,
            "verify_iat": False,
            "verify_nbf": False,
            "verify_aud": False,
            "verify_iss": False,
        }
        unchecked: Options = {**own, "verify_signature": False}
        faults = self.faults
        try:
            header = jwt.get_unverified_header(token)
            keys = [key for key in jwt.PyJWKSet.from_dict(dict(self.keys)).keys if key.key_id == header.get("kid")]
            let_through = (
                faults.id_token_signature_unchecked
                or (faults.unsigned_id_token_taken and header.get("alg") == "none")
                or (faults.id_token_of_unknown_key_taken and not keys)
            )
            if let_through:
                return jwt.decode(token, options=unchecked)
            if not keys:
                raise Failed("id_token: an unknown key")
            return jwt.decode(token, keys[0], algorithms=[ALGORITHM], options=own)
        except jwt.PyJWTError as error:
            raise Failed(f"id_token: {error}") from error


def require_same_person(id_token: str, userinfo: Mapping[str, Any]) -> None:
    """Raise Failed where userinfo is not of the person of a checked ID token (OpenID Connect Core 5.3.2)."""
    import jwt

    claims = jwt.decode(id_token, options={"verify_signature": False})
    if userinfo.get("sub") != claims.get("sub"):
        raise Failed("userinfo: of another person")


def require_life(access_token: str, now: float) -> None:
    """Raise Failed where an access token looks like a JWT and is none, or has ended by what it says: only a fault asks.

    RFC 9068 section 6 forbids clients to look.
    """
    import jwt

    if not access_token.startswith("ey"):
        return
    try:
        claims = jwt.decode(access_token, options={"verify_signature": False, "verify_exp": False})
    except jwt.PyJWTError as error:
        raise Failed(f"access_token: {error}") from error
    if claims.get("exp", now) < now:
        raise Failed("access_token: expired")
