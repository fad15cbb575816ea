"""Keys with which the reference server signs, and the JWK set in which it publishes them (RFC 7517, RFC 7518).

They are made when they are first needed, once for the whole process: making one for RSA takes a while.
"""

from __future__ import annotations

import hashlib
import json
import threading
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from device_grant.reference.server.faults import Faults

Algorithm = Literal["ES256", "RS256"]
ALGORITHMS: tuple[Algorithm, ...] = ("ES256", "RS256")
"""Those of the published keys. Access tokens are signed by the first, ID tokens by the second, which is what clients
expect that registered nothing else (OpenID Connect Core 2)."""
_RSA_BITS = 2048
_OF_A_THUMBPRINT: Mapping[Algorithm, tuple[str, ...]] = {"ES256": ("crv", "kty", "x", "y"), "RS256": ("e", "kty", "n")}
"""Members that RFC 7638 section 3.2 takes, in their order."""


@dataclass(frozen=True)
class SigningKey:
    """A private key and its name."""

    algorithm: Algorithm
    private: EllipticCurvePrivateKey | RSAPrivateKey

    @cached_property
    def public(self) -> dict[str, Any]:
        """The public key as a JWK, with use, alg and kid."""
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
        from jwt.algorithms import ECAlgorithm, RSAAlgorithm

        key = self.private.public_key()
        if isinstance(key, EllipticCurvePublicKey):
            made = ECAlgorithm.to_jwk(key, as_dict=True)
        else:
            made = RSAAlgorithm.to_jwk(key, as_dict=True)
        members = {name: made[name] for name in _OF_A_THUMBPRINT[self.algorithm]}
        return {**members, "use": "sig", "alg": self.algorithm, "kid": _thumbprint(members)}

    @property
    def key_id(self) -> str:
        """Its kid: the thumbprint of RFC 7638."""
        kid: str = self.public["kid"]
        return kid

    def sign(self, claims: Mapping[str, Any], *, kind: str = "JWT", header: Mapping[str, Any] | None = None) -> str:
        """A signed JWT in compact form; `kind` is its typ, and `header` has members that are added or replaced.

        One that is None there is left out.
        """
        import jwt

        named = {"typ": kind, "kid": self.key_id, **(header or {})}
        kept = {name: value for name, value in named.items() if value is not None}
        return jwt.encode(dict(claims), self.private, algorithm=self.algorithm, headers=kept)


_made: dict[tuple[Algorithm, str], SigningKey] = {}
_making = threading.Lock()


def signing_key(algorithm: Algorithm, name: str = "published") -> SigningKey:
    """The key of that name, made at its first use; `published` is the one in the key set, any other is a fault's."""
    with _making:
        key = _made.get((algorithm, name))
        if key is None:
            key = _made[algorithm, name] = SigningKey(algorithm, _private_key(algorithm))
        return key


def key_set() -> dict[str, Any]:
    """The public keys (RFC 7517 section 5)."""
    return {"keys": [signing_key(algorithm).public for algorithm in ALGORITHMS]}


def published_keys(faults: Faults) -> dict[str, Any]:
    """The document at jwks_uri."""
    if faults.jwks_keys_missing:
        return {}
    document = key_set()
    if faults.id_token_kid_missing:
        document["keys"].append(signing_key("RS256", "second").public)
    if faults.jwks_private_key:
        from jwt.algorithms import ECAlgorithm

        private: Any = signing_key("ES256").private
        document["keys"][0] = document["keys"][0] | {"d": ECAlgorithm.to_jwk(private, as_dict=True)["d"]}
    return document


def _private_key(algorithm: Algorithm) -> EllipticCurvePrivateKey | RSAPrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)


def _thumbprint(members: Mapping[str, Any]) -> str:
    text = json.dumps(dict(sorted(members.items())), separators=(",", ":"))
    return urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
