"""ID tokens of the RFC dialect (OpenID Connect Core 2, 3.1.3.6 and 12.2)."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from typing import TYPE_CHECKING, Any

from device_grant.reference.server.issued.compact import compact, in_base64url
from device_grant.reference.server.issued.keys import Algorithm, signing_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_grant.reference.server.faults import Faults
    from device_grant.reference.server.issued.terms import AccessTokenRecord
    from device_grant.reference.server.store import Store

OPENID = "openid"
LIFETIME = 3_600
"""Seconds of an ID token."""
_HOUR = 3_600
"""Seconds."""
_ALGORITHM: Algorithm = "RS256"
"""What clients expect that registered nothing else (OpenID Connect Core 2)."""
_OTHER_KEYS = "https://keys.example.com/jwks"


def id_token(store: Store, held: AccessTokenRecord, token: str, *, refreshed: bool) -> str | None:
    """The ID token beside an access token; None where the scope has no openid, or the dialect no ID tokens."""
    faults = store.faults
    if not store.settings.usual.issues_jwts or (OPENID not in held.scope and not faults.id_token_unasked):
        return None
    if faults.id_token_missing:
        return None
    if faults.id_token_is_access_token:
        return token
    claims = _claims(held, token, store.settings.base, refreshed=refreshed)
    _spoil(claims, held, token, faults, store.settings.base)
    if refreshed:
        _spoil_refreshed(claims, held, store)
    return _signed(claims, held, faults)


def offline_forgotten(scope: tuple[str, ...], faults: Faults) -> bool:
    """Whether a fault keeps back the refresh token of a grant with offline_access."""
    return faults.offline_access_granted_without_token and "offline_access" in scope


def token_hash(token: str) -> str:
    """at_hash of an access token for RS256 and ES256: the left half of its SHA-256 (OpenID Connect Core 3.1.3.6)."""
    digest = hashlib.sha256(token.encode("ascii", "replace")).digest()
    return in_base64url(digest[: len(digest) // 2])


def _claims(held: AccessTokenRecord, token: str, issuer: str, *, refreshed: bool) -> dict[str, Any]:
    """The claims; those after a refresh have no nonce (OpenID Connect Core 12.2)."""
    issued = int(held.issued)
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": held.subject,
        "aud": held.client.id,
        "iat": issued,
        "exp": issued + LIFETIME,
        "auth_time": int(held.terms.authenticated),
        "at_hash": token_hash(token),
    }
    if held.terms.nonce and not refreshed:
        claims["nonce"] = held.terms.nonce
    return claims


def _signed(claims: Mapping[str, Any], held: AccessTokenRecord, faults: Faults) -> str:
    if faults.id_token_unsigned:
        return compact({"alg": "none", "typ": "JWT"}, claims)
    if faults.id_token_hs256_public and held.client.secret is None:
        unsigned = compact({"alg": "HS256", "typ": "JWT"}, claims)
        return unsigned + in_base64url(hmac.digest(b"", unsigned.removesuffix(".").encode(), "sha256"))
    header: dict[str, Any] = {}
    if faults.id_token_jku:
        header["jku"] = _OTHER_KEYS
    if faults.id_token_kid_missing:
        header["kid"] = None
    if faults.id_token_alg_unlisted:
        return signing_key("ES256").sign(claims, header=header)
    name = "unpublished" if faults.id_token_signed_by_unknown_key else "published"
    return signing_key(_ALGORITHM, name).sign(claims, header=header)


def _spoil(claims: dict[str, Any], held: AccessTokenRecord, token: str, faults: Faults, issuer: str) -> None:
    _spoil_parties(claims, held, faults, issuer)
    _spoil_times(claims, int(held.issued), faults)
    if faults.id_token_nonce_invented:
        claims["nonce"] = held.family
    if faults.id_token_nonce_altered and "nonce" in claims:
        claims["nonce"] = claims["nonce"].lower()
    if faults.id_token_amr_string:
        claims["amr"] = "pwd"
    if faults.id_token_null_claims:
        claims["email"] = None
    if faults.at_hash_of_whole_digest:
        claims["at_hash"] = in_base64url(hashlib.sha256(token.encode("ascii", "replace")).digest())


def _spoil_parties(claims: dict[str, Any], held: AccessTokenRecord, faults: Faults, issuer: str) -> None:
    if faults.id_token_iss_slash:
        claims["iss"] = issuer + "/"
    if faults.id_token_aud_issuer:
        claims["aud"] = issuer
    if faults.id_token_azp_other:
        claims["azp"] = f"The application {held.client.id}"
    if faults.id_token_sub_number:
        claims["sub"] = int.from_bytes(held.subject.encode()[:4], "big")
    if faults.id_token_sub_per_grant:
        claims["sub"] = held.family
    if faults.id_token_sub_for_all:
        claims["sub"] = "somebody"


def _spoil_times(claims: dict[str, Any], issued: int, faults: Faults) -> None:
    if faults.id_token_without_iat:
        del claims["iat"]
    if faults.id_token_expired_at_birth:
        claims["exp"] = issued
    if faults.id_token_iat_text:
        claims["iat"] = dt.datetime.fromtimestamp(issued, dt.UTC).isoformat()
    if faults.id_token_auth_time_later:
        claims["auth_time"] = issued + _HOUR


def _spoil_refreshed(claims: dict[str, Any], held: AccessTokenRecord, store: Store) -> None:
    faults = store.faults
    first, of_first = next((text, one) for text, one in store.access_tokens.items() if one.family == held.family)
    if faults.at_hash_stale:
        claims["at_hash"] = token_hash(first)
    if faults.refresh_id_token_other_aud:
        claims["aud"] = store.settings.base
    if faults.refresh_id_token_old_iat:
        claims["iat"] = int(of_first.issued)
    if faults.refresh_id_token_new_auth_time:
        claims["auth_time"] = int(held.issued)
    if faults.refresh_id_token_new_nonce:
        claims["nonce"] = token_hash(claims["at_hash"])
