"""Whether a proof is signed by the key that it names (RFC 9449 section 4.3, items 6 and 7)."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any

from device_grant.protocol.dpop import PRIVATE_MEMBERS, read_proof

if TYPE_CHECKING:
    from collections.abc import Mapping

ASYMMETRIC: Mapping[str, str] = {
    **{f"{family}{size}": "RSA" for family in ("RS", "PS") for size in (256, 384, 512)},
    **dict.fromkeys(("ES256", "ES384", "ES512", "ES256K"), "EC"),
    **dict.fromkeys(("EdDSA", "Ed25519", "Ed448"), "OKP"),
}
"""The kind of key by JWS algorithm (RFC 7518, 8037, 8812, 9864)."""
SYMMETRIC = frozenset({"none", "HS256", "HS384", "HS512"})
"""What no proof may be signed by."""
_READ_AS = {"Ed25519": "EdDSA", "Ed448": "EdDSA"}


def signed_by_its_key(value: str) -> bool | None:
    """Whether the signature is that of the key in the header; None for an algorithm that cannot be verified here."""
    import jwt

    proof = read_proof(value)
    algorithm = proof.header.get("alg") if proof else None
    if proof is None or not isinstance(algorithm, str) or algorithm in SYMMETRIC:
        return False
    if algorithm not in ASYMMETRIC:
        return None
    public = {name: member for name, member in proof.jwk.items() if name not in PRIVATE_MEMBERS}
    if public.get("kty") != ASYMMETRIC[algorithm]:
        return False
    signed, _, signature = value.strip().rpartition(".")
    try:
        method = jwt.get_algorithm_by_name(_READ_AS.get(algorithm, algorithm))
        key: Any = method.from_jwk(json.dumps(public))
        return bool(
            method.verify(signed.encode(), key, base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4)))
        )
    except (jwt.PyJWTError, ValueError, TypeError, binascii.Error):
        return False
