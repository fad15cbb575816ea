"""Honest servers, each odd in what the texts leave open about tokens, proofs and those who ask."""

from __future__ import annotations

import json
import secrets
import time
from typing import ClassVar

from peer_records import Refused
from peer_trusted import HELPERS, Trusted, b64, jwk
from peer_wire import NO_STORE, json_answer


class ManyKeys(Trusted):
    """ES384, among old keys, keys for encryption and keys of a kind that nobody here knows; names that are no words."""

    alg = "ES384"
    structured = True

    def keys(self):
        strange = [
            {"kty": "AKP", "alg": "ML-DSA-65", "kid": "pq", "pub": b64(secrets.token_bytes(64)), "use": "sig"},
            {"kty": "OKP", "crv": "X25519", "x": b64(secrets.token_bytes(32)), "use": "enc", "kid": "enc/1"},
            {
                "kty": "EC",
                "crv": "secp256k1",
                "x": b64(secrets.token_bytes(32)),
                "y": b64(secrets.token_bytes(32)),
                "kid": "btc",
            },
        ]
        old = jwk("ES384", 1) | {"kid": "2024/Ü=old"}
        return [
            *strange,
            jwk("RS256") | {"use": "sig", "kid": "rsa", "x5t": "abc"},
            old,
            jwk("ES384", 0) | {"kid": "2026/Ü=now", "key_ops": ["verify"]},
        ]

    def head(self, typ):
        return {"kid": "2026/Ü=now", "typ": typ}


class OneBareKey(Trusted):
    """PS256 by one key that has neither name nor use; the ID token is short, and the end of the access token unsaid."""

    deviations = {"rfc6749-5.1-expires-in": "the token's end is unsaid"}
    alg, token_type, dpop_type = "PS256", "bearer", "dpop"

    def keys(self):
        return [{name: value for name, value in jwk("PS256", 0).items() if name in ("kty", "n", "e")}]

    def head(self, typ):
        return {"typ": None}

    def id_claims(self, client, grant, access, now):
        claims = super().id_claims(client, grant, access, now)
        del claims["at_hash"], claims["auth_time"]
        return claims | {
            "aud": [client.id],
            "azp": client.id,
            "iat": now - 5,
            "nbf": now - 5,
            "jti": "x",
            "amr": ["pwd"],
            "acr": "0",
        }

    def tokens_for(self, *args):
        members = super().tokens_for(*args)
        del members["expires_in"]
        return members


class Pairwise(Trusted):
    """Ed25519; a person has a name of their own at every client, and another one at resource servers."""

    alg = "EdDSA"
    structured = True

    def metadata_members(self):
        return super().metadata_members() | {"subject_types_supported": ["pairwise"]}

    def subject(self, person, client):
        return f"{client.id[:6]}|{super().subject(person, client)}"

    def access_claims(self, token):
        return super().access_claims(token) | {
            "sub": "api-" + super().subject(self.families[token.family].person, token.client)[7:]
        }

    def facts(self, known):
        members = super().facts(known)
        return members | {"sub": "api-" + members["sub"][7:], "username": self.families[known.family].person}


class NonceOnce(Trusted):
    """Each nonce is good for one proof, and a new one comes with every answer."""

    def __init__(self):
        super().__init__()
        self.nonces = {}

    def new_nonce(self):
        nonce = secrets.token_urlsafe(16)
        self.nonces[nonce] = time.time() + 120
        return nonce

    def nonce(self, body, path):
        if self.nonces.pop(body.get("nonce", ""), 0) < time.time():
            raise Refused("use_dpop_nonce", "a new nonce is needed")

    def token(self, request):
        answer = self.oauth(super().token)(request)
        return answer.with_header("DPoP-Nonce", self.new_nonce()) if "dpop" in request.headers else answer

    def userinfo(self, request):
        answer = super().userinfo(request)
        if "dpop" not in request.headers:
            return answer
        answer.headers = [(n, v) for n, v in answer.headers if n != "Cache-Control"] + [("Cache-Control", "no-store")]
        return answer.with_header("DPoP-Nonce", self.new_nonce())


class NonceAtResource(Trusted):
    """Nonces at userinfo alone, of five minutes each, and said anew in the last minute."""

    def at(self, ago=0):
        return f"n{int(time.time()) // 300 - ago}-{b64(self.key[:6])}~"

    def nonce(self, body, path):
        if path == "/userinfo" and body.get("nonce") not in (self.at(), self.at(1)):
            raise Refused("use_dpop_nonce", "", 401, ("DPoP-Nonce", self.at()), ("Cache-Control", "no-store"))


class PerClient(Trusted):
    """Binds tokens of those clients alone that registered for it; of others' proofs it says whether they are good."""

    structured = True

    def registered(self, client, wanted):
        self.binding = getattr(self, "binding", set())
        if wanted.get("dpop_bound_access_tokens") is True:
            self.binding.add(client.id)
        return super().registered(client, wanted) | {"dpop_bound_access_tokens": client.id in self.binding}

    def client(self, request, form):
        client = super().client(request, form)
        if request.path == "/token" and client.id in getattr(self, "binding", ()) and not self.jkt:
            raise Refused("invalid_dpop_proof", "this client has to prove its key")
        if client.id not in getattr(self, "binding", ()):
            self.jkt = ""
        return client


class Grace(Trusted):
    """A refresh token that was replaced works for half a minute more: the answer may have been lost."""

    def refresh(self, form, client):
        known = self.refreshes.get(form.get("refresh_token", ""))
        if known is not None and known.client is client and known.used and time.time() - known.when <= 30:
            known.used = False
        answer = super().refresh(form, client)
        known.when = getattr(known, "when", time.time())
        return answer

    def said(self, token, caller):
        known = self.refreshes.get(token)
        if known is not None and known.used and time.time() - known.when <= 30 and caller == known.client.id:
            return {"active": True, "client_id": caller}
        return super().said(token, caller)


class Stateless(Trusted):
    """Access tokens that nothing ends but time; one refresh token for all of a grant; strangers ask by Bearer token."""

    deviations = dict.fromkeys(
        (
            "rfc6749-10.4-detect-abuse",
            "rfc6819-5.2.2.3-rotation",
            "rfc9700-2.2.2-refresh-public-protected",
            "rfc9700-4.14-refresh-replay-detection",
        ),
        "one refresh token for all of a grant",
    ) | {"rfc7009-2-access-tokens-revocable": "nothing but time ends them"}
    structured = True
    token_lifetime = 300
    target: ClassVar[dict] = Trusted.target | {"introspection": {"token": "bearer of the resource server"}}

    def revoke(self, family):
        self.refreshes = {name: kept for name, kept in self.refreshes.items() if kept.family != family}

    def forget(self, token, client):
        if token in self.issued:
            raise Refused("unsupported_token_type", "access tokens end by themselves")
        super().forget(token, client)

    def revoked(self):
        return json_answer(200, {"message": "gone"}, *NO_STORE)

    def refresh(self, form, client):
        token = form.get("refresh_token", "")
        answer = super().refresh(form, client)
        known = self.refreshes[token]
        known.used = False
        members = json.loads(answer.body)
        self.refreshes.pop(members.pop("refresh_token"))
        return json_answer(200, members, *NO_STORE)

    def caller(self, request, form):
        if request.headers.get("authorization") != "Bearer bearer of the resource server":
            raise Refused("invalid_token", "", 401, ("WWW-Authenticate", 'Bearer error="invalid_token"'))
        return "rs"

    def facts(self, known):
        return {"active": True}


class WholeGrant(Trusted):
    """Whatever is revoked ends the whole grant, the person may leave scopes away, and strangers hear nothing."""

    target: ClassVar[dict] = Trusted.target | {
        "introspection.other": {"client_id": "other-rs", "secret": HELPERS["other-rs"]}
    }

    def settle(self, grant, *, allowed, person):
        super().settle(grant, allowed=allowed, person=person)
        grant.scope = " ".join(word for word in grant.scope.split() if word != "profile") or grant.scope

    def forget(self, token, client):
        known = self.issued.get(token) or self.refreshes.get(token)
        if known is not None and known.client is client:
            self.revoke(known.family)

    def caller(self, request, form):
        header = request.headers.get("authorization", "")
        name, secret = self.basic(header) if header else ("", "")
        if HELPERS.get(name, "") != secret or not secret:
            raise self.unknown_client(by_header=True)
        return name

    def facts(self, known):
        members = super().facts(known)
        del members["exp"]
        return members | {"scope": members["scope"], "ext": {"tenant": None}, "aud": known.audience[0]}

    def may_know(self, caller, known):
        return caller == "rs"


class AtThePoll(Trusted):
    """Knows nothing of resources when a device starts; the poll says for which they are, whatever it was before."""

    deviations = {
        "rfc8707-2.1-start-holds-for-grant": "the start is not asked",
        "rfc8707-2.2-narrowing-is-for-the-token": "the first poll is the whole of the grant",
        "rfc8707-2.2-poll-does-not-widen": "nothing is named before the poll",
    }
    structured = True
    starting = False

    def __init__(self):
        super().__init__()
        self.settled = set()

    def started(self, code, grant):
        self.named = []
        return super().started(code, grant)

    def admitted(self, named):
        return [one for one in named if one in self.resources] if self.starting else super().admitted(named)

    def start(self, request):
        self.starting = True
        try:
            return super().start(request)
        finally:
            self.starting = False

    def fit(self, family):
        if family in self.settled:
            return super().fit(family)
        self.wanted[family] = self.named
        self.settled.add(family)
        return None

    def audience(self, family):
        return [*super().audience(family), self.url("/userinfo")]


class VerifierAtEachPoll(Trusted):
    """Looks at the verifier in each poll, whoever has decided."""

    def redeem(self, form, client):
        code = form.get("device_code", "")
        if code in self.challenges and self.grants[code].client is client:
            self.compare(*self.challenges[code], form.get("code_verifier", ""))
        return super().redeem(form, client)


class Limits(Trusted):
    """429 with Retry-After: after twelve starts of a client a minute, forty polls, three wrong codes of a person."""

    wrong_codes_allowed = 3

    def bounded(self, what, most):
        now = time.time()
        self.recent = getattr(self, "recent", {})
        kept = [one for one in self.recent.get(what, []) if one > now - 60]
        if len(kept) >= most:
            raise Refused(
                "temporarily_unavailable", "too many requests", 429, ("Retry-After", str(int(kept[0] + 61 - now)))
            )
        self.recent[what] = [*kept, now]

    def start(self, request):
        self.bounded(("start", self.client(request, self.parameters(request)).id), 12)
        return super().start(request)

    def redeem(self, form, client):
        self.bounded(("token", client.id), 40)
        return super().redeem(form, client)


class OtherNames(Trusted):
    """Resource servers know people by the names of their accounts, clients by numbers."""

    def facts(self, known):
        return super().facts(known) | {"sub": self.families[known.family].person}


class OtherNamesOfTwo(OtherNames):
    """The same, where two people are known."""

    target: ClassVar[dict] = Trusted.target | {"user": {"second": "person_second.py"}}


class LeanAnswers(Trusted):
    """Introspection says whether a token lives, and no more: the token, a JWT, says the rest."""

    structured = True

    def facts(self, known):
        return {"active": True}


class SecureCookies(Trusted):
    """Its cookies are for TLS alone, which ends before the program."""

    def cookie(self, sid):
        return f"sid={sid}; Path=/; HttpOnly; Secure; SameSite=Lax"
