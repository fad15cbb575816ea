"""Keys that sign DPoP proofs, one kind for each algorithm."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from device_grant.protocol.dpop import thumbprint

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

ALGORITHMS = ("ES256", "EdDSA", "PS256", "RS256", "ES384", "ES512")
"""JWS names of the algorithms by which keys can sign, those first that cost least."""
_RSA_BITS = 2048
_RSA = ("PS256", "RS256")
_CURVES = {"ES256": "SECP256R1", "ES384": "SECP384R1", "ES512": "SECP521R1"}


@dataclass(frozen=True)
class ProofKey:
    """A private key and the algorithm by which it signs."""

    algorithm: str
    """One of ALGORITHMS."""
    private: EllipticCurvePrivateKey | Ed25519PrivateKey | RSAPrivateKey

    @property
    def jwk(self) -> dict[str, Any]:
        """The public key as a JSON Web Key (RFC 7517), without `use`, `kid` and `alg`."""
        return self._as_jwk(self.private.public_key())

    @property
    def private_jwk(self) -> dict[str, Any]:
        """The private key as a JSON Web Key: what no proof may carry."""
        return self._as_jwk(self.private)

    @property
    def thumbprint(self) -> str:
        """What tokens are bound to: the SHA-256 thumbprint of RFC 7638 in base64url."""
        return thumbprint(self.jwk)

    def sign(self, octets: bytes) -> bytes:
        """The JWS signature (RFC 7515 section 5.1) of octets."""
        import jwt

        algorithm = jwt.get_algorithm_by_name(self.algorithm)
        return algorithm.sign(octets, algorithm.prepare_key(self.private))

    def _as_jwk(self, key: Any) -> dict[str, Any]:
        import jwt

        members = dict(jwt.get_algorithm_by_name(self.algorithm).to_jwk(key, as_dict=True))
        return {name: value for name, value in members.items() if name not in ("key_ops", "use", "kid", "alg")}


def new_key(algorithm: str = "ES256", seed: bytes | None = None) -> ProofKey:
    """A key for an algorithm; ValueError for one that is not in ALGORITHMS.

    The same seed gives the same key, which then protects nothing; None draws one. An RSA key, which takes long to
    make, is the same in the whole process whatever the seed.
    """
    if algorithm not in ALGORITHMS:
        raise ValueError(f"no key signs by {algorithm!r}: choose one of {', '.join(ALGORITHMS)}")
    if algorithm in _RSA:
        return ProofKey(algorithm, _rsa())
    if algorithm == "EdDSA":
        from cryptography.hazmat.primitives.asymmetric import ed25519

        drawn = ed25519.Ed25519PrivateKey
        made = drawn.generate() if seed is None else drawn.from_private_bytes(hashlib.sha256(seed).digest())
        return ProofKey(algorithm, made)
    from cryptography.hazmat.primitives.asymmetric import ec

    curve = getattr(ec, _CURVES[algorithm])()
    if seed is None:
        return ProofKey(algorithm, ec.generate_private_key(curve))
    # One bit less than the order of the smallest curve has: never beyond it, and never nought.
    number = int.from_bytes(hashlib.sha256(seed).digest(), "big") >> 1 | 1
    return ProofKey(algorithm, ec.derive_private_key(number, curve))


@cache
def _rsa() -> RSAPrivateKey:
    from cryptography.hazmat.primitives.asymmetric import rsa

    return rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)
