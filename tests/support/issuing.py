"""Servers that issue ID tokens and tell of people in their own ways: the reference behind a provider of other keys."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from dataclasses import replace
from functools import cache
from typing import ClassVar

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from device_grant.catalogue import Verdict
from device_grant.server.checks.issued.identified import hash_fits
from device_grant.server.session.jose.compact import read_jwt
from support.broken_servers import TOKEN, Answer, behind, changed
from support.proof import judged, judges
from support.serving import serving

GROUPS = ("id_tokens::", "id_token_refresh::", "userinfo::", "key_set::", "access_token_jwts::", "two_documents::")
JWKS, USERINFO, WELL_KNOWN = "/jwks", "/userinfo", "/.well-known/"


def private(kind: str, name: str = "first"):
    """The same key each time that it is asked for by this name."""
    return _made(kind, name)


@cache
def _made(kind: str, _name: str):
    if kind in ("RS256", "PS256", "RS384"):
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    if kind == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key({"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1()}[kind])


def public(kind: str, name: str = "first", **members):
    kinds = {"RS": RSAAlgorithm, "PS": RSAAlgorithm, "Ed": OKPAlgorithm, "ES": ECAlgorithm}
    made = kinds[kind[:2]].to_jwk(private(kind, name).public_key(), as_dict=True)
    made.pop("key_ops", None)
    jwk = made | {"kid": f"{kind}-{name}"} | members
    return {member: value for member, value in jwk.items() if value is not None}


def at_hash(algorithm: str, token: str) -> str:
    digest = {"256": hashlib.sha256, "384": hashlib.sha384}.get(algorithm[-3:], hashlib.sha512)(token.encode()).digest()
    made = urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    assert hash_fits(algorithm, made, token)
    return made


class Provider:
    """Odd in what a subclass says; by itself it signs ID tokens anew with a key of its own."""

    kind = "RS256"
    header: ClassVar[dict] = {}
    claims: ClassVar[dict] = {}
    """Added to those of the reference's ID tokens; None takes one away."""
    metadata: ClassVar[dict] = {}
    sections: ClassVar[dict] = {}
    """Tables of target.toml."""

    def keys(self) -> list[dict]:
        return [public(self.kind)]

    def app(self):
        return behind(self.before, self.after)

    def before(self, request):
        return request

    def after(self, path, answer):
        if path == JWKS:
            # Its own access tokens are still the reference's.
            own = [key for key in json.loads(answer.body)["keys"] if key["alg"] == "ES256"]
            return Answer(200, json.dumps({"keys": [*self.keys(), *own]}).encode())
        if path.startswith(WELL_KNOWN):
            listed = {"id_token_signing_alg_values_supported": [self.kind]}
            return changed(answer, **(listed | self.metadata))
        if path == TOKEN and answer.status == 200:
            return self.tokens(answer)
        if path == USERINFO and answer.status == 200:
            return self.userinfo(answer)
        return answer

    def tokens(self, answer):
        members = json.loads(answer.body)
        token = read_jwt(members.get("id_token"))
        return answer if token is None else changed(answer, id_token=self.id_token(dict(token.claims), members))

    def userinfo(self, answer):
        return answer

    def id_token(self, claims, members):
        claims |= {"at_hash": at_hash(self.kind, members["access_token"])}
        claims |= self.claims
        claims = {name: value for name, value in claims.items() if value is not None}
        return self.signed(claims)

    def signed(self, claims):
        header = {"kid": f"{self.kind}-first"} | self.header
        header = {name: value for name, value in header.items() if value is not None}
        return jwt.encode(claims, private(self.kind), algorithm=self.kind, headers=header)


def encoded(header, claims, signature=b"signature") -> str:
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def with_authorization(request, values):
    """The request with another bearer token in place of those that `values` has."""
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    if token not in values:
        return request
    return replace(request, headers=request.headers | {"authorization": f"Bearer {values[token]}"})


def by_mac(header, claims, key: bytes) -> str:
    """A token with a MAC by a key of any length, which libraries would not make."""
    unsigned = encoded(header, claims, b"").removesuffix(".")
    made = hmac.digest(key, unsigned.encode(), hashlib.sha256)
    return f"{unsigned}.{urlsafe_b64encode(made).rstrip(b'=').decode()}"


def said(provider):
    """Requirements that fail or warn, and all that were judged at all."""
    checks, _ = judges()
    names = [name for name in checks if name.startswith(GROUPS)]
    broken, settled = {}, set()
    with serving(provider.app(), **provider.sections) as target:
        for outcome in judged(target, names, 1):
            for requirement, tally in outcome.trial.ledger.tallies.items():
                if tally.verdict in (Verdict.WARN, Verdict.FAIL):
                    broken[requirement] = f"{tally.verdict.label} {outcome.trial.check.name}: {tally.worst.message}"
                if tally.verdict in (Verdict.PASS, Verdict.WARN, Verdict.FAIL, Verdict.OBSERVED):
                    settled.add(requirement)
        assert not target.app_errors
    return broken, settled
