"""Access tokens of the RFC dialect, which are JWTs (RFC 9068 section 2)."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from device_grant.reference.server.issued.keys import signing_key

if TYPE_CHECKING:
    from device_grant.reference.server.issued.terms import AccessTokenRecord
    from device_grant.reference.server.settings import Settings

ACCESS_TOKEN_TYPE = "at+jwt"  # noqa: S105 - the name of a type


def default_audience(settings: Settings) -> tuple[str, ...]:
    """For whom an access token is that was asked for without a resource (RFC 9068 section 3): what is served here."""
    return (settings.base,)


def access_token(held: AccessTokenRecord, settings: Settings) -> str:
    """An access token by RFC 9068 section 2."""
    return signing_key("ES256").sign(access_claims(held, settings), kind=ACCESS_TOKEN_TYPE)


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
    return claims
