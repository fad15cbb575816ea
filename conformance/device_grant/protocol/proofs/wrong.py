"""Every way in which a proof can be wrong: what is sent, and which requirement of RFC 9449 section 4.3 refuses it."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from device_grant.protocol.base64url import base64url
from device_grant.protocol.proofs.keys import ALGORITHMS, ProofKey, new_key
from device_grant.protocol.proofs.making import ProofUse, claims_of, header_of, part, proof, signed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Values = Callable[[ProofKey, ProofUse], tuple[str, ...]]

DAY = 86_400
"""Seconds."""


@dataclass(frozen=True)
class WrongProof:
    """One way of being wrong."""

    name: str
    """What is wrong, in words: `htm is GET`."""
    requirement: str
    """Id of the catalogue entry that refuses it."""
    values: Values
    """The values of the header field DPoP, one a field."""
    plain: bool = False
    """Whether every server that knows DPoP can be expected to call it invalid_dpop_proof."""
    latitude: str = ""
    """Why an honest server may accept it; empty where none may."""


def unlisted_algorithm(listed: Iterable[str]) -> str:
    """An algorithm that the suite can sign by and that is not in the list; empty where all are."""
    known = set(listed)
    return next((name for name in reversed(ALGORITHMS) if name not in known), "")


def _one(change: Callable[[ProofKey, ProofUse], str]) -> Values:
    return lambda key, use: (change(key, use),)


def _header(**changes: Any) -> Values:
    return lambda key, use: (proof(key, use, header=changes),)


def _claims(**changes: Any) -> Values:
    return lambda key, use: (proof(key, use, claims=changes),)


def _two_fields(key: ProofKey, use: ProofUse) -> tuple[str, ...]:
    return proof(key, use), proof(key, use)


def _broken_base64(key: ProofKey, use: ProofUse) -> str:
    head, claims, signature = proof(key, use).split(".")
    return f"{head}.{claims[:8]}!{claims[8:]}.{signature}"


def _unsigned(key: ProofKey, use: ProofUse) -> str:
    return f"{part(header_of(key) | {'alg': 'none'})}.{part(claims_of(use))}."


def _keyed_by_the_public_key(key: ProofKey, use: ProofUse) -> str:
    """HS256 with the text of the public key for a secret: what a library verifies that is given `alg` and a key."""
    said = f"{part(header_of(key) | {'alg': 'HS256'})}.{part(claims_of(use))}"
    return f"{said}.{base64url(hmac.new(_pem(key), said.encode(), hashlib.sha256).digest())}"


def _with_symmetric_key(_key: ProofKey, use: ProofUse) -> str:
    """HS256 with a symmetric key that stands in `jwk` itself."""
    secret = b"a symmetric key, known to all who see the proof"
    header = {"typ": "dpop+jwt", "alg": "HS256", "jwk": {"kty": "oct", "k": base64url(secret)}}
    said = f"{part(header)}.{part(claims_of(use))}"
    return f"{said}.{base64url(hmac.new(secret, said.encode(), hashlib.sha256).digest())}"


def _pem(key: ProofKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _bit_flipped(key: ProofKey, use: ProofUse) -> str:
    import base64

    said, _, signature = proof(key, use).rpartition(".")
    octets = bytearray(base64.urlsafe_b64decode(signature + "=="))
    octets[len(octets) // 2] ^= 1
    return f"{said}.{base64url(bytes(octets))}"


def _changed_afterwards(key: ProofKey, use: ProofUse) -> str:
    head, _, signature = proof(key, replace(use, url=use.url + "x")).split(".")
    return f"{head}.{part(claims_of(use))}.{signature}"


def _by_another_key(key: ProofKey, use: ProofUse) -> str:
    return signed(new_key(key.algorithm if key.algorithm.startswith("E") else "ES256"), header_of(key), claims_of(use))


def _private(key: ProofKey, use: ProofUse) -> str:
    return proof(key, use, header={"jwk": key.private_jwk})


def _private_of_another_kind(key: ProofKey, use: ProofUse) -> str:
    """The same of a key of the other kind: OKP beside EC, and EC beside all others."""
    other = new_key("EdDSA" if key.algorithm.startswith("ES") else "ES256")
    return proof(other, use, header={"jwk": other.private_jwk})


def _elsewhere(key: ProofKey, use: ProofUse) -> str:
    return proof(key, use, claims={"htu": urlunsplit(urlsplit(use.url)._replace(netloc="elsewhere.example"))})


def _other_path(key: ProofKey, use: ProofUse) -> str:
    parts = urlsplit(use.url)
    return proof(key, use, claims={"htu": urlunsplit(parts._replace(path=parts.path + "/device", query=""))})


def _origin(key: ProofKey, use: ProofUse) -> str:
    return proof(key, use, claims={"htu": urlunsplit(urlsplit(use.url)._replace(path="", query=""))})


_EMPTY = "an empty field may be treated as absent"
_TYPES = "media types are compared without regard to case, and may have their prefix"
_METHODS = "a server may compare methods without regard to case, though they are case-sensitive"
_BY_NONCE = "a server that gives nonces may go by these instead of iat"

ONE_HEADER = "rfc9449-4.3-one-header"
WELL_FORMED = "rfc9449-4.3-well-formed"
REQUIRED_CLAIMS = "rfc9449-4.3-required-claims"
TYP = "rfc9449-4.3-typ"
ALGORITHM = "rfc9449-4.3-algorithm"
SIGNATURE = "rfc9449-4.3-signature"
PRIVATE_KEY = "rfc9449-4.3-no-private-key"
METHOD = "rfc9449-4.3-htm"
URI = "rfc9449-4.3-htu"
TIME = "rfc9449-4.3-time"

WRONG_PROOFS: tuple[WrongProof, ...] = (
    WrongProof("two header fields, each with a valid proof", ONE_HEADER, _two_fields),
    WrongProof("two valid proofs joined by a comma", ONE_HEADER, _one(lambda k, u: ", ".join(_two_fields(k, u)))),
    WrongProof("one letter", WELL_FORMED, lambda _key, _use: ("x",)),
    WrongProof("two parts", WELL_FORMED, lambda _key, _use: ("a.b",)),
    WrongProof("base64url with a character that is none", WELL_FORMED, _one(_broken_base64)),
    WrongProof("a proof and words after it", WELL_FORMED, _one(lambda k, u: f"{proof(k, u)} and more")),
    WrongProof("JSON instead of a JWT", WELL_FORMED, _one(lambda _key, use: json.dumps(claims_of(use)))),
    WrongProof("an empty field", WELL_FORMED, lambda _key, _use: ("",), latitude=_EMPTY),
    WrongProof("no jti", REQUIRED_CLAIMS, _claims(jti=...)),
    WrongProof("no htm", REQUIRED_CLAIMS, _claims(htm=...)),
    WrongProof("no htu", REQUIRED_CLAIMS, _claims(htu=...)),
    WrongProof("no iat", REQUIRED_CLAIMS, _claims(iat=...), latitude=_BY_NONCE),
    WrongProof("no typ", REQUIRED_CLAIMS, _header(typ=...)),
    WrongProof("no alg", REQUIRED_CLAIMS, _header(alg=...)),
    WrongProof("no jwk", REQUIRED_CLAIMS, _header(jwk=...)),
    WrongProof("typ is JWT", TYP, _header(typ="JWT"), plain=True),
    WrongProof("typ is at+jwt", TYP, _header(typ="at+jwt")),
    WrongProof("typ is dpop", TYP, _header(typ="dpop")),
    WrongProof("typ is application/dpop+jwt", TYP, _header(typ="application/dpop+jwt"), latitude=_TYPES),
    WrongProof("typ is DPoP+JWT", TYP, _header(typ="DPoP+JWT"), latitude=_TYPES),
    WrongProof("alg is none, without a signature", ALGORITHM, _one(_unsigned)),
    WrongProof("HS256, keyed by the text of the public key", ALGORITHM, _one(_keyed_by_the_public_key)),
    WrongProof("HS256, keyed by a secret in jwk", ALGORITHM, _one(_with_symmetric_key)),
    WrongProof("one bit of the signature changed", SIGNATURE, _one(_bit_flipped), plain=True),
    WrongProof("claims that were changed after signing", SIGNATURE, _one(_changed_afterwards)),
    WrongProof("signed by another key than that in jwk", SIGNATURE, _one(_by_another_key)),
    WrongProof("jwk has the private key", PRIVATE_KEY, _one(_private)),
    WrongProof("jwk has a private key of another kind", PRIVATE_KEY, _one(_private_of_another_kind)),
    WrongProof("htm is GET", METHOD, _claims(htm="GET"), plain=True),
    WrongProof("htm is PUT", METHOD, _claims(htm="PUT")),
    WrongProof("htm is in small letters", METHOD, _one(lambda k, u: proof(k, u, claims={"htm": u.method.lower()})),
               latitude=_METHODS),
    WrongProof("htu has another path", URI, _one(_other_path), plain=True),
    WrongProof("htu has another host", URI, _one(_elsewhere)),
    WrongProof("htu has no path", URI, _one(_origin)),
    WrongProof("iat is a day ago", TIME, _one(lambda k, u: proof(k, u, claims={"iat": int(u.now) - DAY})),
               latitude=_BY_NONCE),
    WrongProof("iat is a day ahead", TIME, _one(lambda k, u: proof(k, u, claims={"iat": int(u.now) + DAY})),
               latitude=_BY_NONCE),
)  # fmt: skip
"""All that need no knowledge of the server."""


def by_requirement(*requirements: str) -> tuple[WrongProof, ...]:
    """Those that the named entries refuse."""
    return tuple(wrong for wrong in WRONG_PROOFS if wrong.requirement in requirements)
