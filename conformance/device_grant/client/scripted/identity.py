"""ID tokens that clients can verify (OpenID Connect Core 1.0 section 2), forgeries of them, and the key."""

from __future__ import annotations

import hashlib
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

LIFETIME = 86_400
"""Seconds: longer than a run, whose time may pass faster than ours."""
ALGORITHM = "RS256"
"""What every client that checks ID tokens has to know (section 15.1)."""
KEY_ID = "device-grant"
Signer = Literal["own", "stranger"]


@dataclass(frozen=True)
class IdTokenLie:
    """How an ID token differs from an honest one; as it is by default it does not."""

    claims: Mapping[str, Any] = field(default_factory=dict)
    """Claims that are added or replaced."""
    audience: Callable[[str], Any] = str
    """aud for a client identifier."""
    age: int = 0
    """Seconds ago at which it was issued."""
    lifetime: int = LIFETIME
    signer: Signer = "own"
    """`stranger`: a key that is not in the key set."""
    key_id: str = KEY_ID
    signed: bool = True
    """Without it the algorithm is none, and there is no signature."""
    access_token: str = ""
    """The one whose hash it has instead of that of the token beside it."""


HONEST = IdTokenLie()


def key_set() -> dict[str, Any]:
    """The public key (RFC 7517 section 5)."""
    from jwt.algorithms import RSAAlgorithm

    key = RSAAlgorithm.to_jwk(_key("own").public_key(), as_dict=True)
    return {"keys": [{"kty": key["kty"], "n": key["n"], "e": key["e"], "use": "sig", "alg": ALGORITHM, "kid": KEY_ID}]}


def id_token(
    issuer: str,
    client_id: str,
    access_token: str = "",
    lie: IdTokenLie = HONEST,
    added: Mapping[str, Any] = MappingProxyType({}),
) -> str:
    """Of the one person that there is, for this client, with the hash of the access token (section 3.1.3.6).

    `added` are claims of a provider's own; a lie wins over them.
    """
    import jwt

    issued = int(time.time()) - lie.age
    claims = {
        "iss": issuer,
        "sub": "person",
        "aud": lie.audience(client_id),
        "iat": issued,
        "auth_time": issued,
        "exp": issued + lie.lifetime,
        "email": "person@example.org",
        "email_verified": True,
        "preferred_username": "person",
    }
    if hashed := lie.access_token or access_token:
        claims["at_hash"] = token_hash(hashed)
    claims |= {**added, **lie.claims}
    header = {"kid": lie.key_id}
    if not lie.signed:
        return jwt.encode(claims, "", algorithm="none", headers=header)
    return jwt.encode(claims, _key(lie.signer), algorithm=ALGORITHM, headers=header)


def token_hash(access_token: str) -> str:
    """at_hash for RS256: the left half of the SHA-256 of the token."""
    digest = hashlib.sha256(access_token.encode("ascii", "replace")).digest()
    return urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


@cache
def _key(signer: Signer) -> RSAPrivateKey:
    """One of each for the whole run: making it takes a while."""
    del signer
    from cryptography.hazmat.primitives.asymmetric import rsa

    return rsa.generate_private_key(public_exponent=65537, key_size=2048)
