"""An honest server with everything that tokens are trusted with: revocation, introspection, DPoP, ID tokens, resources.

RFC 7009, RFC 7662, RFC 9449, RFC 9068, RFC 8707, RFC 7636 and OpenID Connect Core, each step a method of its own.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms
from peer_records import Refused
from peer_rfc import Honest
from peer_wire import NO_STORE, Answer, Request, json_answer

FIRST, SECOND = "https://api.example.net/calendar", "https://api.example.net/mail"
PROOFS = ("ES256", "ES384", "PS256", "RS256", "EdDSA")
CURVES = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1}
HELPERS = {"rs": "secret of the resource server", "other-rs": "secret of another one"}
ASKING = {"client_id": "rs", "secret": HELPERS["rs"]}


@cache
def key(alg: str, _number: int) -> Any:
    """A private key for the algorithm, made once for each number."""
    if alg in CURVES:
        return ec.generate_private_key(CURVES[alg]())
    return ed25519.Ed25519PrivateKey.generate() if alg == "EdDSA" else rsa.generate_private_key(65537, 2048)


def jwk(alg: str, number: int = 0) -> dict[str, Any]:
    return dict(get_default_algorithms()[alg].to_jwk(key(alg, number).public_key(), as_dict=True))


def b64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def half_hash(alg: str, text: str) -> str:
    """at_hash of OpenID Connect Core 3.1.3.6."""
    name = "sha512" if alg == "EdDSA" else "sha" + alg[-3:]
    digest = hashlib.new(name, text.encode()).digest()
    return b64(digest[: len(digest) // 2])


@dataclass
class Access:
    client: Any
    scope: str
    family: str
    ends: float
    jkt: str
    audience: list[str]


class Trusted(Honest):
    target: ClassVar[dict] = {
        "claims": {"resource": True, "device_pkce": True},
        "request": {"resources": [FIRST, SECOND], "scope": "openid profile"},
        "introspection": ASKING,
    }
    scopes = ("openid", "profile", "email", "devices")
    alg = "RS256"
    structured = False
    """Whether access tokens are JWTs (RFC 9068)."""
    binds = True
    resources = (FIRST, SECOND)
    default_audience = "https://api.example.net"
    token_type, dpop_type = "Bearer", "DPoP"
    leeway = 60

    def __init__(self) -> None:
        super().__init__()
        self.issued: dict[str, Access] = {}
        self.families: dict[str, Any] = {}
        """Grant by handle."""
        self.signed_in: dict[str, int] = {}
        self.wanted: dict[str, list[str]] = {}
        self.challenges: dict[str, tuple[str, str]] = {}
        self.bound: dict[str, str] = {}
        """Thumbprint by refresh token of a public client."""
        self.seen: set[tuple[str, str]] = set()
        self.named: list[str] = []
        self.sent: dict[str, str] = {}
        self.jkt = ""

    def routes(self):
        return super().routes() | {
            "/revoke": (("POST",), self.oauth(self.revocation)),
            "/introspect": (("POST",), self.oauth(self.introspection)),
            "/userinfo": (("GET", "POST"), self.userinfo),
            "/jwks": (("GET",), self.jwks),
        }

    def metadata_members(self) -> dict:
        members = super().metadata_members() | {
            "revocation_endpoint": self.url("/revoke"),
            "introspection_endpoint": self.url("/introspect"),
            "userinfo_endpoint": self.url("/userinfo"),
            "jwks_uri": self.url("/jwks"),
            "id_token_signing_alg_values_supported": [self.alg],
            "subject_types_supported": ["public"],
        }
        return members | ({"dpop_signing_alg_values_supported": list(PROOFS)} if self.binds else {})

    # Keys and what is signed with them

    def jwks(self, request: Request) -> Answer:
        return json_answer(200, {"keys": self.keys()})

    def keys(self) -> list[dict]:
        return [jwk(self.alg) | {"kid": "one", "use": "sig", "alg": self.alg}]

    def head(self, typ: str) -> dict:
        return {"kid": "one", "typ": typ}

    def sign(self, claims: dict, typ: str) -> str:
        return jwt.encode(claims, key(self.alg, 0), self.alg, headers=self.head(typ))

    def subject(self, person: str, client) -> str:
        return hashlib.sha256(f"subject of {person}".encode()).hexdigest()[:24]

    def id_token(self, client, family: str, access: str) -> str:
        grant, now = self.families[family], int(time.time())
        return self.sign(self.id_claims(client, grant, access, now), "JWT")

    def id_claims(self, client, grant, access: str, now: int) -> dict:
        return {
            "iss": self.url(self.issuer_path),
            "sub": self.subject(grant.person, client),
            "aud": client.id,
            "iat": now,
            "exp": now + 300,
            "auth_time": grant.signed_in,
            "at_hash": half_hash(self.alg, access),
        }

    def access_claims(self, token: Access) -> dict:
        grant, now = self.families[token.family], int(time.time())
        claims = {
            "iss": self.url(self.issuer_path),
            "sub": self.subject(grant.person, token.client),
            "aud": token.audience[0] if len(token.audience) == 1 else token.audience,
            "client_id": token.client.id,
            "iat": now,
            "exp": now + self.token_lifetime,
            "jti": secrets.token_hex(12),
            "scope": token.scope,
        }
        return claims | ({"cnf": {"jkt": token.jkt}} if token.jkt else {})

    # Grants

    def sign_in(self, request: Request, back: str) -> Answer:
        before = set(self.sessions)
        answer = super().sign_in(request, back)
        for sid in set(self.sessions) - before:
            self.signed_in[self.sessions[sid]] = int(time.time())
        return answer

    def settle(self, grant, *, allowed: bool, person: str) -> None:
        super().settle(grant, allowed=allowed, person=person)
        grant.signed_in = self.signed_in.get(person, int(time.time()))

    def parameters(self, request: Request) -> dict[str, str]:
        text = request.body.decode("utf-8", "replace")
        pairs = parse_qsl(text, keep_blank_values=True)
        self.named = self.admitted([value for name, value in pairs if name == "resource" and value])
        rest = "&".join(part for part in text.split("&") if part.partition("=")[0] != "resource")
        self.sent = super().parameters(replace(request, body=rest.encode()) if self.named else request)
        return self.sent

    def admitted(self, named: list[str]) -> list[str]:
        if not set(named) <= set(self.resources):
            raise Refused("invalid_target", "no such resource")
        return named

    def started(self, code, grant):
        challenge, method = self.sent.get("code_challenge", ""), self.sent.get("code_challenge_method", "plain")
        if challenge and method != "S256":
            raise Refused("invalid_request", "code_challenge_method has to be S256")
        self.challenges[code] = (challenge, method)
        self.families[grant.handle] = grant
        self.wanted[grant.handle] = self.named
        return super().started(code, grant)

    def token(self, request: Request) -> Answer:
        self.jkt = self.proven(request, "/token") if self.binds and "dpop" in request.headers else ""
        return super().token(request)

    def redeem(self, form, client):
        code = form.get("device_code", "")
        grant = self.grants.get(code)
        if grant is not None and grant.client is client and grant.state == "approved":
            self.fit(grant.handle)
            self.compare(*self.challenges[code], form.get("code_verifier", ""))
        return super().redeem(form, client)

    def compare(self, challenge: str, method: str, verifier: str) -> None:
        if challenge and challenge != b64(hashlib.sha256(verifier.encode()).digest()):
            raise Refused("invalid_grant", "the verifier is another one")

    def refresh(self, form, client):
        token = form.get("refresh_token", "")
        known = self.refreshes.get(token)
        if known is not None and known.client is client:
            self.fit(known.family)
            if self.bound.get(token, self.jkt) != self.jkt:
                raise Refused("invalid_grant" if self.jkt else "invalid_dpop_proof", "bound to another key")
        return super().refresh(form, client)

    def fit(self, family: str) -> None:
        if not set(self.named) <= set(self.wanted.get(family, [])):
            raise Refused("invalid_target", "nobody approved that")

    def audience(self, family: str) -> list[str]:
        return list(self.named or self.wanted.get(family, []) or [self.default_audience])

    def tokens_for(self, client, scope, original, family):
        members = super().tokens_for(client, scope, original, family)
        access = Access(client, scope, family, time.time() + self.token_lifetime, self.jkt, self.audience(family))
        token = self.sign(self.access_claims(access), "at+jwt") if self.structured else members["access_token"]
        self.issued[token] = access
        members |= {"access_token": token, "token_type": self.dpop_type if access.jkt else self.token_type}
        if self.jkt and not client.secret and "refresh_token" in members:
            self.bound[members["refresh_token"]] = self.jkt
        if "openid" in scope.split():
            members["id_token"] = self.id_token(client, family, token)
        return members

    def revoke(self, family: str) -> None:
        super().revoke(family)
        self.issued = {token: kept for token, kept in self.issued.items() if kept.family != family}

    # RFC 7009

    def revocation(self, request: Request) -> Answer:
        form = self.parameters(request)
        client = self.client(request, form)
        token = form.get("token", "")
        if not token:
            raise Refused("invalid_request", "token is missing")
        self.forget(token, client)
        return self.revoked()

    def forget(self, token: str, client) -> None:
        known = self.refreshes.get(token)
        if known is not None and known.client is client:
            self.revoke(known.family)
        elif token in self.issued and self.issued[token].client is client:
            del self.issued[token]

    def revoked(self) -> Answer:
        return Answer(200, b"", [*NO_STORE])

    # RFC 7662

    def introspection(self, request: Request) -> Answer:
        form = self.parameters(request)
        caller = self.caller(request, form)
        if not form.get("token"):
            raise Refused("invalid_request", "token is missing")
        return json_answer(200, self.said(form["token"], caller), *NO_STORE)

    def caller(self, request: Request, form: dict) -> str:
        """Who asks: a resource server by its name, or the id of a client with a secret."""
        header = request.headers.get("authorization", "")
        name, secret = self.basic(header) if header else ("", "")
        if HELPERS.get(name, "") == secret != "":
            return name
        client = self.client(request, form)
        if not client.secret:
            raise self.unknown_client(by_header=True)
        return client.id

    def said(self, token: str, caller: str) -> dict:
        known = self.issued.get(token)
        if known is not None and known.ends > time.time() and self.may_know(caller, known):
            return self.facts(known)
        refresh = self.refreshes.get(token)
        if refresh is not None and not refresh.used and caller == refresh.client.id:
            return {"active": True, "client_id": refresh.client.id, "scope": refresh.scope, "token_type": "refresh"}
        return {"active": False}

    def may_know(self, caller: str, known: Access) -> bool:
        return caller in {known.client.id, "rs"}

    def facts(self, known: Access) -> dict:
        members = {
            "active": True,
            "client_id": known.client.id,
            "scope": known.scope,
            "sub": self.subject(self.families[known.family].person, known.client),
            "exp": int(known.ends),
            "aud": known.audience,
            "iss": self.url(self.issuer_path),
            "token_type": "DPoP" if known.jkt else "Bearer",
        }
        return members | ({"cnf": {"jkt": known.jkt}} if known.jkt else {})

    # OpenID Connect Core 5.3

    def userinfo(self, request: Request) -> Answer:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if not token and request.method == "POST" and request.media_type() == "application/x-www-form-urlencoded":
            scheme, token = "bearer", dict(parse_qsl(request.body.decode("utf-8", "replace"))).get("access_token", "")
        if not token:
            return self.challenge(401, "")
        known = self.issued.get(token.strip())
        if known is None or known.ends <= time.time() or bool(known.jkt) != (scheme.lower() == "dpop"):
            return self.challenge(401, "invalid_token")
        if known.jkt:
            try:
                if self.proven(request, "/userinfo", token.strip()) != known.jkt:
                    return self.challenge(401, "invalid_token")
            except Refused as refused:
                return self.challenge(401, refused.error, *refused.headers)
        if "openid" not in known.scope.split():
            return self.challenge(403, "insufficient_scope")
        return json_answer(200, self.claims(known), ("Cache-Control", "no-store"))

    def challenge(self, status: int, error: str, *headers: tuple[str, str]) -> Answer:
        said = f'error="{error}"' if error else 'realm="people"'
        schemes = (f"Bearer {said}", f'DPoP {said}, algs="{" ".join(PROOFS)}"') if self.binds else (f"Bearer {said}",)
        return Answer(status, b"", [*(("WWW-Authenticate", one) for one in schemes), *headers])

    def claims(self, known: Access) -> dict:
        grant = self.families[known.family]
        members = {"sub": self.subject(grant.person, known.client)}
        scope = known.scope.split()
        return (
            members
            | ({"name": grant.person.title()} if "profile" in scope else {})
            | ({"email": f"{grant.person}@example.net"} if "email" in scope else {})
        )

    # RFC 9449

    def proven(self, request: Request, path: str, token: str = "") -> str:
        """The thumbprint of the key of the request's proof; raises Refused."""
        proof = request.headers.get("dpop", "")
        try:
            head, body = jwt.get_unverified_header(proof), jwt.decode(proof, options={"verify_signature": False})
            return self.checked(request, path, token, (proof, head, body))
        except Refused:
            raise
        except Exception as reason:  # noqa: BLE001 - whatever is wrong with it
            raise Refused("invalid_dpop_proof", f"the proof is not good: {type(reason).__name__}") from None

    def checked(self, request, path, token, parts) -> str:
        """Takes the proof, its header and its claims."""
        proof, head, body = parts
        public = head["jwk"]
        wrong = head.get("typ") != "dpop+jwt" or head["alg"] not in PROOFS or {"d", "k"} & set(public)
        if wrong or not isinstance(body["jti"], str) or not body["jti"] or len(body["jti"]) > 1000:
            raise Refused("invalid_dpop_proof", "the proof has a wrong form")
        taken = jwt.PyJWK(public, head["alg"])
        options = {"verify_iat": False, "verify_aud": False, "verify_exp": False, "verify_nbf": False}
        jwt.decode(proof, taken.key, [head["alg"]], options=options)
        if body["htm"] != request.method or not self.same(body["htu"], self.url(path)):
            raise Refused("invalid_dpop_proof", "the proof is for another request")
        self.fresh(body)
        if token and body.get("ath") != b64(hashlib.sha256(token.encode()).digest()):
            raise Refused("invalid_dpop_proof", "the proof is for another token")
        self.nonce(body, path)
        jkt = self.thumbprint(public)
        self.once(jkt, body["jti"])
        return jkt

    def same(self, htu: str, url: str) -> bool:
        parts = urlsplit(htu)
        return urlunsplit((parts.scheme.lower(), self.host(parts), unquote(parts.path), "", "")) == url

    def host(self, parts) -> str:
        own = parts.hostname or ""
        return own if parts.port in (None, {"http": 80, "https": 443}.get(parts.scheme)) else f"{own}:{parts.port}"

    def fresh(self, body: dict) -> None:
        if isinstance(body["iat"], bool) or abs(body["iat"] - time.time()) > self.leeway:
            raise Refused("invalid_dpop_proof", "the proof is not of now")

    def nonce(self, body: dict, path: str) -> None:
        """No nonces here."""

    def once(self, jkt: str, jti: str) -> None:
        if (jkt, jti) in self.seen:
            raise Refused("invalid_dpop_proof", "the proof was used")
        self.seen.add((jkt, jti))

    def thumbprint(self, public: dict) -> str:
        names = {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n"), "OKP": ("crv", "kty", "x")}[public["kty"]]
        return b64(
            hashlib.sha256(json.dumps({name: public[name] for name in names}, separators=(",", ":")).encode()).digest()
        )
