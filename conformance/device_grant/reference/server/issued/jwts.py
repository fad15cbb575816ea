"""Access tokens of the RFC dialect, which are JWTs (RFC 9068 section 2)."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from device_grant.reference.server.issued.compact import compact
from device_grant.reference.server.issued.keys import signing_key

if TYPE_CHECKING:
    from device_grant.reference.server.faults import Faults
    from device_grant.reference.server.issued.terms import AccessTokenRecord
    from device_grant.reference.server.settings import Settings

ACCESS_TOKEN_TYPE = "at+jwt"  # noqa: S105 - the name of a type
_DAY = 86_400
"""Seconds."""


def default_audience(settings: Settings) -> tuple[str, ...]:
    """For whom an access token is that was asked for without a resource (RFC 9068 section 3): what is served here."""
    return (settings.base,)


def access_token(held: AccessTokenRecord, settings: Settings, faults: Faults) -> str:
    """An access token by RFC 9068 section 2."""
    claims = access_claims(held, settings)
    _spoil(claims, held, faults)
    _spoil_scope(claims, held, settings, faults)
    return _signed(claims, faults)


def access_claims(held: AccessTokenRecord, settings: Settings) -> dict[str, Any]:
    """Its claims (RFC 9068 section 2.2)."""
    issued = int(held.issued)
    claims: dict[str, Any] = {
        "iss": settings.base,
        "sub": held.subject or held.client.id,
        "aud": held.audience[0] if len(held.audience) == 1 else list(held.audience),
        "client_id": held.client.id,
        "iat": issued,
        "exp": issued + int(held.expires - held.issued),
        "jti": secrets.token_hex(16),
        "scope": " ".join(held.scope),
    }
    if held.terms.authenticated:
        claims["auth_time"] = int(held.terms.authenticated)
    if held.terms.confirmation:
        claims["cnf"] = dict(held.terms.confirmation)
    return claims | dict(held.terms.claims)


def _signed(claims: dict[str, Any], faults: Faults) -> str:
    kind = "JWT" if faults.at_jwt_typ_jwt else ACCESS_TOKEN_TYPE
    if faults.at_jwt_typ_long:
        kind = f"application/{ACCESS_TOKEN_TYPE}"
    if faults.at_jwt_alg_none:
        return compact({"alg": "none", "typ": kind}, claims)
    if faults.at_jwt_hs256:
        return compact({"alg": "HS256", "typ": kind}, claims, secrets.token_bytes(32))
    key = signing_key("ES256", "unpublished" if faults.at_jwt_key_unpublished else "published")
    if faults.at_jwt_signature_wrong:
        return signing_key("ES256", "former").sign(claims, kind=kind, header={"kid": key.key_id})
    signed = key.sign(claims, kind=kind)
    return signed.rpartition(".")[0] + "." if faults.at_jwt_unsigned else signed


def _spoil(claims: dict[str, Any], held: AccessTokenRecord, faults: Faults) -> None:
    missing = {
        "sub": faults.at_jwt_without_sub,
        "client_id": faults.at_jwt_cid,
        "iat": faults.at_jwt_iat_missing,
        "jti": faults.at_jwt_jti_missing,
    }
    wrong = {
        "iss": (faults.at_jwt_iss_host, urlsplit(claims["iss"]).netloc),
        "exp": (faults.at_jwt_exp_text, str(claims["exp"])),
        "sub": (faults.at_jwt_sub_is_client, held.client.id),
        "cid": (faults.at_jwt_cid, held.client.id),
        "jti": (faults.at_jwt_jti_per_grant, held.family),
        "auth_time": (faults.at_jwt_auth_time_renewed, int(held.issued)),
        "name": (faults.at_jwt_full_profile, held.subject.capitalize()),
        "email": (faults.at_jwt_full_profile, f"{held.subject}@example.com"),
    }
    claims |= {name: value for name, (on, value) in wrong.items() if on}
    if faults.at_jwt_exp_other_than_expires_in:
        claims["exp"] += _DAY
    if faults.at_jwt_aud_empty:
        claims["aud"] = []
    if faults.at_jwt_aud_is_client:
        claims["aud"] = held.client.id
    for name, on in missing.items():
        if on:
            del claims[name]


def _spoil_scope(claims: dict[str, Any], held: AccessTokenRecord, settings: Settings, faults: Faults) -> None:
    if faults.at_jwt_scp:
        claims["scp"] = claims.pop("scope")
    if faults.at_jwt_scope_array:
        claims["scope"] = list(held.scope)
    if faults.at_jwt_scope_of_client:
        claims["scope"] = " ".join(settings.known_scopes)
