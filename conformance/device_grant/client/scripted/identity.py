"""ID tokens that clients can verify (OpenID Connect Core 1.0 section 2), and the key that they find for it."""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64encode
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

LIFETIME = 86_400
"""Seconds: longer than a run, whose time may pass faster than ours."""
_KEY_ID = "device-grant"


@cache
def _key() -> rsa.RSAPrivateKey:
    """One for the whole run: making it takes a while."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def key_set() -> dict[str, Any]:
    """The public key (RFC 7517 section 5, RFC 7518 section 6.3.1)."""
    numbers = _key().public_key().public_numbers()
    n, e = (_encoded(value.to_bytes((value.bit_length() + 7) // 8)) for value in (numbers.n, numbers.e))
    return {"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": _KEY_ID, "n": n, "e": e}]}


def id_token(issuer: str, client_id: str) -> str:
    """Of the one person that there is, for this client (RFC 7515 section 3.1)."""
    now = int(time.time())
    claims = {
        "iss": issuer,
        "sub": "person",
        "aud": client_id,
        "iat": now,
        "auth_time": now,
        "exp": now + LIFETIME,
        "email": "person@example.org",
        "email_verified": True,
        "preferred_username": "person",
    }
    header = {"alg": "RS256", "typ": "JWT", "kid": _KEY_ID}
    signed = ".".join(_encoded(json.dumps(part).encode()) for part in (header, claims))
    signature = _key().sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{_encoded(signature)}"


def _encoded(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode()
