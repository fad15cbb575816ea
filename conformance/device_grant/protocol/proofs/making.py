"""How a proof is made: RFC 9449 section 4.2."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from device_grant.protocol.base64url import base64url
from device_grant.protocol.dpop import TYPE, hashed, without_query

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_grant.protocol.proofs.keys import ProofKey


@dataclass(frozen=True)
class ProofUse:
    """The request that a proof is for."""

    method: str
    url: str
    """As it is sent; the proof leaves query and fragment out."""
    now: float
    """Seconds since the epoch on the clock of the server that judges it."""
    nonce: str = ""
    """What the server has given; empty: nothing."""
    access_token: str = ""
    """What the request presents; empty at a token endpoint."""


def header_of(key: ProofKey) -> dict[str, Any]:
    """The members of the JOSE header."""
    return {"typ": TYPE, "alg": key.algorithm, "jwk": key.jwk}


def claims_of(use: ProofUse) -> dict[str, Any]:
    """The claims of a proof with a new jti."""
    claims: dict[str, Any] = {
        "jti": secrets.token_urlsafe(16),
        "htm": use.method,
        "htu": without_query(use.url),
        "iat": int(use.now),
    }
    if use.nonce:
        claims["nonce"] = use.nonce
    if use.access_token:
        claims["ath"] = hashed(use.access_token)
    return claims


def proof(
    key: ProofKey,
    use: ProofUse,
    header: Mapping[str, Any] | None = None,
    claims: Mapping[str, Any] | None = None,
) -> str:
    """A new proof. `header` and `claims` replace members of the honest one; `...` takes one away."""
    return signed(key, _changed(header_of(key), header), _changed(claims_of(use), claims))


def signed(key: ProofKey, header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
    """These members in JWS compact serialisation, with the signature of the key whatever they say."""
    said = f"{part(header)}.{part(claims)}"
    return f"{said}.{base64url(key.sign(said.encode()))}"


def part(members: Mapping[str, Any]) -> str:
    """One part of a JWT: JSON in base64url."""
    return base64url(json.dumps(members, separators=(",", ":")).encode())


def _changed(members: dict[str, Any], changes: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (members | dict(changes or {})).items() if value is not ...}
