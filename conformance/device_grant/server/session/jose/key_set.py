"""The public keys of a server (RFC 7517), and whether a token is signed by one of them."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from device_grant.judging import NotApplicable
from device_grant.protocol import Request
from device_grant.protocol.dialects import json_object

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jwt.algorithms import Algorithm

    from device_grant.protocol import Exchange
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.jose.compact import CompactJwt

MOST_KEYS = 100
"""Keys of a set that are looked at."""
LONGEST_MEMBER = 4_096
"""Characters of a member of a key that is used: room for RSA keys of 24,576 bits, beyond which nobody computes."""
FAMILIES: Mapping[str, str] = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP", "HS": "oct"}
"""`kty` of the keys of an algorithm, by the first two letters of its name (RFC 7518, RFC 8037)."""
SYMMETRIC = ("HS256", "HS384", "HS512")
_CURVES = {"EdDSA": ("Ed25519", "Ed448"), "Ed25519": ("Ed25519",), "Ed448": ("Ed448",)}
"""RFC 9864 has names of their own for what RFC 8037 calls EdDSA."""
_MEMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
"""What makes a public key of a type; nothing else of a published key is used."""
JWKS_TYPES = ("application/json", "application/jwk-set+json")


class Signature(Enum):
    """What became of verifying one."""

    GOOD = "good"
    WRONG = "wrong"
    """None of the keys that it may be of has made it."""
    UNKNOWN_KEY = "unknown key"
    """No published key has the kid of the token, or fits its algorithm."""
    UNREADABLE = "unreadable"
    """Of an algorithm or a key that is not known here, so that nothing can be told."""
    NONE = "none"
    """There is no signature: the algorithm is none, or the part is empty."""


@dataclass(frozen=True)
class KeySet:
    """A JWK set as it came."""

    exchange: Exchange
    keys: tuple[Mapping[str, Any], ...]
    """Those of its members `keys` that are objects."""
    whole: bool
    """Whether it is a JWK set at all: an object whose `keys` is an array of objects with kty."""

    def fitting(self, algorithm: str) -> list[Mapping[str, Any]]:
        """The keys that may be one for signatures of this algorithm, whatever their names."""
        return [key for key in self.keys if _fits(key, algorithm)]

    def named(self, algorithm: str, kid: object) -> list[Mapping[str, Any]]:
        """Those of them that the header of a token may mean: of its kid, or without one; all, where it has none."""
        fitting = self.fitting(algorithm)
        return fitting if kid is None else [key for key in fitting if key.get("kid") in (None, kid)]

    def verify(self, token: CompactJwt) -> Signature:
        """Whether one of the keys has signed the token; never raises, whatever the keys are."""
        algorithm = _algorithm(token.algorithm)
        if token.algorithm.lower() == "none" or not token.signature:
            return Signature.NONE
        if algorithm is None or token.algorithm in SYMMETRIC:
            return Signature.UNREADABLE
        named = self.named(token.algorithm, token.header.get("kid"))
        readable = 0
        for jwk in named:
            for key in _public_keys(algorithm, jwk):
                readable += 1
                if _verifies(algorithm, token, key):
                    return Signature.GOOD
        if not named:
            return Signature.UNKNOWN_KEY
        return Signature.WRONG if readable else Signature.UNREADABLE


def verify_by_secret(token: CompactJwt, secret: str) -> bool:
    """Whether a token with a MAC was made with this secret (OpenID Connect Core 10.1)."""
    algorithm = _algorithm(token.algorithm)
    if algorithm is None or token.algorithm not in SYMMETRIC:
        return False
    # Without PyJWT's preparation of the key, which refuses what looks like another kind of key.
    return _verifies(algorithm, token, secret.encode())


def key_set_of(exchange: Exchange) -> KeySet:
    """What an answer from jwks_uri holds."""
    body = json_object(exchange.response) if exchange.response is not None else None
    listed = (body or {}).get("keys")
    entries = listed if isinstance(listed, list) else []
    objects = tuple(entry for entry in entries[:MOST_KEYS] if isinstance(entry, dict))
    whole = isinstance(listed, list) and all(
        isinstance(entry, dict) and isinstance(entry.get("kty"), str) for entry in entries
    )
    return KeySet(exchange, objects, whole)


def fetch_keys(case: ServerCase, label: str = "fetch the public keys") -> KeySet:
    """Ask for the keys; raises NotApplicable where the server publishes none, or where nobody may ask."""
    url = case.run.endpoints.jwks
    if not url:
        raise NotApplicable("the metadata has no jwks_uri")
    if not case.run.trust.allows(url):
        raise NotApplicable("jwks_uri is at another host, which [endpoints] trust does not name")
    return key_set_of(case.send(Request("GET", url, (("Accept", "application/json"),)), label))


def verified(case: ServerCase, keys: KeySet, token: CompactJwt) -> tuple[Signature, KeySet]:
    """What becomes of a signature, and the keys by which that was told.

    They are fetched again where none fits: they may have been changed meanwhile, as clients do (OpenID Connect
    Core 10.1.1).
    """
    outcome = keys.verify(token)
    # Where cases are drawn beforehand, what is sent must not depend on what a signature is.
    if case.run.target.sampler is None and outcome in (Signature.UNKNOWN_KEY, Signature.WRONG):
        again = fetch_keys(case, "fetch the public keys again")
        if again.exchange.outcome.ok and again.keys != keys.keys:
            return again.verify(token), again
    return outcome, keys


def _fits(key: Mapping[str, Any], algorithm: str) -> bool:
    if key.get("kty") != FAMILIES.get(algorithm[:2], ""):
        return False
    if key.get("use") not in (None, "sig"):
        return False
    operations = key.get("key_ops")
    if isinstance(operations, list) and "verify" not in operations:
        return False
    alike = ("EdDSA", *_CURVES[algorithm]) if algorithm in _CURVES else ()
    return key.get("alg") in (None, algorithm, *alike)


def _algorithm(name: str) -> Algorithm | None:
    """PyJWT's algorithm of that name; None for one that it does not know."""
    import jwt

    try:
        return jwt.get_algorithm_by_name("EdDSA" if name in _CURVES else name)
    except NotImplementedError:
        return None


def _public_keys(algorithm: Algorithm, jwk: Mapping[str, Any]) -> Iterator[Any]:
    """The key that a JWK is, by its numbers, else by its certificate (RFC 7517 section 4.7); nothing if by neither."""
    members = {name: jwk.get(name) for name in _MEMBERS.get(str(jwk.get("kty")), ())}
    if members and all(isinstance(value, str) and len(value) <= LONGEST_MEMBER for value in members.values()):
        key = _attempt(lambda: algorithm.from_jwk({"kty": jwk["kty"], **members}))
        if key is not None:
            yield key
            return
    chain = jwk.get("x5c")
    if isinstance(chain, list) and chain and isinstance(chain[0], str) and len(chain[0]) <= 4 * LONGEST_MEMBER:
        key = _attempt(lambda: _of_certificate(chain[0]))
        if key is not None:
            yield key


def _of_certificate(text: str) -> Any:
    from cryptography.x509 import load_der_x509_certificate

    return load_der_x509_certificate(base64.b64decode(text)).public_key()


def _verifies(algorithm: Algorithm, token: CompactJwt, key: Any) -> bool:
    return _attempt(lambda: algorithm.verify(token.signed, key, token.signature)) is True


def _attempt(action: Any) -> Any:
    """What it returns; None where it fails: keys and signatures of others break libraries in many ways."""
    try:
        return action()
    except Exception:  # noqa: BLE001 - a key that breaks the library is a key that nobody can use
        return None
