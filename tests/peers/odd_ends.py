"""Honest servers with revocation and introspection (RFC 7009, RFC 7662), each odd in one way that the texts allow."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import parse_qsl

import jwt
from odd_clients import NoRegistration
from peer_records import DEVICE, Client, Refused
from peer_rfc import Honest
from peer_wire import NO_STORE, Answer, Request, json_answer

KEY = "the key of one honest server, for MACs alone"
ASKING = {"client_id": "api", "secret": "secret-of-the-api"}
OTHER = {"client_id": "other-api", "secret": "secret-of-the-other"}


@dataclass
class Access:
    client: Client
    scope: str
    family: str
    person: str
    ends: float
    revoked: bool = False


class Ending(Honest):
    """Opaque tokens; two resource servers ask by HTTP Basic."""

    target: ClassVar[dict] = {"introspection": ASKING, "introspection.other": OTHER}
    revocation_path = "/revoke"
    introspection_path = "/introspect"

    def __init__(self) -> None:
        super().__init__()
        self.issued: dict[str, Access] = {}
        self.ended: dict[str, float] = {}
        """When each grant ends that was revoked."""
        self.servers = {one["client_id"]: one["secret"] for one in (ASKING, OTHER)}

    def routes(self):
        routes = super().routes()
        if self.revocation_path:
            routes[self.revocation_path] = (self.revocation_methods(), self.oauth(self.revocation))
        if self.introspection_path:
            routes[self.introspection_path] = (("POST",), self.oauth(self.introspection))
        return routes

    def revocation_methods(self) -> tuple[str, ...]:
        return ("POST",)

    def metadata_members(self):
        members = super().metadata_members()
        if self.revocation_path:
            members["revocation_endpoint"] = self.url(self.revocation_path)
        if self.introspection_path:
            members["introspection_endpoint"] = self.url(self.introspection_path)
        return members

    # Tokens

    def tokens_for(self, client, scope, original, family):
        members = super().tokens_for(client, scope, original, family)
        person = next((grant.person for grant in self.grants.values() if grant.handle == family), "") or "ann"
        ends = time.time() + self.token_lifetime
        self.issued[members["access_token"]] = Access(client, scope, family, person, ends)
        return members

    def over(self, family: str) -> bool:
        return self.ended.get(family, float("inf")) <= time.time()

    def revoke(self, family):
        self.ended[family] = time.time()

    def refresh(self, form, client):
        known = self.refreshes.get(form.get("refresh_token", ""))
        if known is not None and self.over(known.family):
            raise Refused("invalid_grant", "the refresh token was revoked")
        return super().refresh(form, client)

    # RFC 7009

    def revocation(self, request: Request) -> Answer:
        form = self.parameters(request)
        client = self.client(request, form)
        if "token" not in form:
            raise Refused("invalid_request", "token is missing")
        self.end(form["token"], form.get("token_type_hint", ""), client)
        return self.revoked()

    def revoked(self) -> Answer:
        return Answer(200, b"", [])

    def end(self, token: str, hint: str, client: Client) -> None:
        known = self.refreshes.get(token) or self.issued.get(token)
        if known is not None and known.client is not client:
            raise self.foreign()
        if isinstance(known, Access):
            self.end_access(token)
        elif known is not None:
            self.end_grant(known.family)

    def foreign(self) -> Refused:
        return Refused("invalid_grant", "the token is another client's")

    def end_access(self, token: str) -> None:
        self.issued[token].revoked = True

    def end_grant(self, family: str) -> None:
        self.revoke(family)

    # RFC 7662

    def introspection(self, request: Request) -> Answer:
        form = self.parameters(request)
        caller = self.caller(request, form)
        if "token" not in form:
            raise Refused("invalid_request", "token is missing")
        members = self.said(form["token"], caller)
        return self.introspected(request, members)

    def introspected(self, request: Request, members: dict) -> Answer:
        return json_answer(200, members, *NO_STORE)

    def caller(self, request: Request, form: dict) -> str:
        header = request.headers.get("authorization", "")
        if not header:
            raise self.unknown_client(by_header=False)
        name, secret = self.basic(header)
        if self.servers.get(name) != secret:
            raise self.unknown_client(by_header=True)
        return name

    def said(self, token: str, caller: str) -> dict:
        held = self.issued.get(token)
        if held is None or not self.good(held) or caller == OTHER["client_id"]:
            return {"active": False}
        return self.described(held)

    def good(self, held: Access) -> bool:
        return not held.revoked and not self.over(held.family) and time.time() < held.ends

    def described(self, held: Access) -> dict:
        return {
            "active": True,
            "scope": held.scope,
            "client_id": held.client.id,
            "sub": held.person,
            "exp": int(held.ends),
            "aud": ["api"],
            "token_type": "Bearer",
        }


class ByBearer(Ending):
    """Resource servers have Bearer tokens and no secrets (RFC 7662 section 2.1 leaves it open)."""

    target: ClassVar[dict] = {"introspection": {"token": "token-of-the-first-api"}}

    def caller(self, request, form):
        if request.headers.get("authorization", "") != "Bearer token-of-the-first-api":
            raise Refused("invalid_token", "who is that?", 401, ("WWW-Authenticate", "Bearer"))
        return "api"


class Sparse(Ending):
    """Says of a token that it is active and nothing else: every other member is optional."""

    def described(self, held):
        return {"active": True}


class SignedIfAsked(Ending):
    """Answers by a JWT whoever asks for one (RFC 9701)."""

    def introspected(self, request, members):
        if "token-introspection+jwt" not in request.headers.get("accept", ""):
            return super().introspected(request, members)
        text = jwt.encode({"token_introspection": members}, KEY, "HS256")
        return Answer(200, text.encode(), [("Content-Type", "application/token-introspection+jwt"), *NO_STORE])


class SelfContained(Ending):
    """Access tokens are JWTs that are good until they expire (RFC 7009 section 3); userinfo reads the token alone."""

    introspection_path = ""
    target: ClassVar[dict] = {}

    def new_token(self, client, scope):
        claims = {"sub": "ann", "exp": int(time.time()) + self.token_lifetime, "jti": secrets.token_hex(8)}
        return jwt.encode(claims, KEY, "HS256")

    def end_access(self, token):
        """There is nothing to end."""

    def routes(self):
        return super().routes() | {"/userinfo": (("GET",), self.userinfo)}

    def metadata_members(self):
        return super().metadata_members() | {"userinfo_endpoint": self.url("/userinfo")}

    def userinfo(self, request: Request) -> Answer:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        try:
            claims = jwt.decode(token, KEY, ["HS256"])
        except jwt.PyJWTError:
            return json_answer(401, {"error": "invalid_token"}, ("WWW-Authenticate", 'Bearer error="invalid_token"'))
        return json_answer(200, {"sub": claims["sub"]})


class AccessTokensStay(Ending):
    """Says that access tokens cannot be revoked, and lets them live when their refresh token is."""

    deviations: ClassVar[dict[str, str]] = {"rfc7009-2-access-tokens-revocable": "a SHOULD"}

    def end_access(self, token):
        raise Refused("unsupported_token_type", "only refresh tokens are revoked")

    def end_grant(self, family):
        for held in self.issued.values():
            if held.family == family:
                held.family = ""
        super().end_grant(family)


class Late(Ending):
    """A job ends revoked tokens two seconds later (RFC 7009 section 2.1 knows delays of propagation)."""

    deviations: ClassVar[dict[str, str]] = {"rfc7009-2.1-at-once": "two seconds later is not at once"}

    def revoke(self, family):
        self.ended.setdefault(family, time.time() + 2)

    def end_access(self, token):
        self.issued[token].ends = time.time() + 2


class SilentToStrangers(Ending):
    """Answers 200 to a client that revokes another one's token, and leaves the token alone."""

    def end(self, token, hint, client):
        known = self.refreshes.get(token) or self.issued.get(token)
        if known is not None and known.client is client:
            super().end(token, hint, client)


class OneRefreshToken(Ending):
    """Refresh tokens are not replaced, and a refresh does not repeat them."""

    def refresh(self, form, client):
        answer = super().refresh(form, client)
        self.refreshes[form["refresh_token"]].used = False
        members = json.loads(answer.body)
        del self.refreshes[members.pop("refresh_token")]
        return json_answer(200, members, *NO_STORE)


class NoRefreshTokens(Ending):
    """Issues access tokens alone."""

    grant_types = (DEVICE,)

    def registration(self, request):
        wanted = super().registration(request)
        return wanted | {"grant_types": [one for one in wanted.get("grant_types", []) if one in self.grant_types]}


class ReplacedForAWhile(Ending):
    """A replaced refresh token works for half a minute more, and is active as long."""

    def refresh(self, form, client):
        known = self.refreshes.get(form.get("refresh_token", ""))
        replaced = known is not None and getattr(known, "replaced", 0)
        if known is not None and (not replaced or time.time() < replaced + 30):
            known.used = False
        answer = super().refresh(form, client)
        if known is not None:
            known.replaced = replaced or time.time()
        return answer

    def said(self, token, caller):
        known = self.refreshes.get(token)
        if known is None or caller == OTHER["client_id"]:
            return super().said(token, caller)
        replaced = getattr(known, "replaced", 0)
        active = not self.over(known.family) and (not replaced or time.time() < replaced + 30)
        return {"active": True, "typ": "refresh_token"} if active else {"active": False}


class WholeGrant(Ending):
    """Ends the grant with any of its tokens (RFC 7009 section 2.1)."""

    deviations: ClassVar[dict[str, str]] = {"rfc7009-2.1-access-revocation-may-end-refresh": "a MAY"}

    def end_access(self, token):
        self.revoke(self.issued[token].family)


class Jsonp(Ending):
    """Serves scripts by GET (RFC 7009 section 2.3)."""

    deviations: ClassVar[dict[str, str]] = {"rfc7009-2.3-get-does-not-revoke": "offered for JSONP"}

    def revocation_methods(self):
        return ("POST", "GET")

    def parameters(self, request):
        return dict(parse_qsl(request.query)) if request.method == "GET" else super().parameters(request)


class OwnTokens(Ending):
    """Knows no resource servers: each client with a secret may ask of its own tokens."""

    target: ClassVar[dict] = {}

    def caller(self, request, form):
        client = self.client(request, form)
        if not client.secret:
            raise self.unknown_client(by_header=False)
        return client.id

    def said(self, token, caller):
        held = self.issued.get(token)
        return super().said(token, caller) if held and held.client.id == caller else {"active": False}


class NoneOfClients(OwnTokens):
    """Clients may not ask at all, and nobody has said who may."""

    def caller(self, request, form):
        super().caller(request, form)
        raise Refused("unauthorized_client", "resource servers may ask", 403)


class SecretInBody(Ending):
    """Resource servers authenticate in the body, and wrong secrets there are answered 400 (RFC 6749 section 5.2)."""

    deviations: ClassVar[dict[str, str]] = {"rfc7662-2.3-bad-credentials": "400 in place of 401"}
    target: ClassVar[dict] = {"introspection": {**ASKING, "authentication": "client_secret_post"}}

    def caller(self, request, form):
        if self.servers.get(form.get("client_id", "")) != form.get("client_secret", ""):
            raise Refused("invalid_client", "who is that?", 400)
        return form["client_id"]


class ClientsWithSecrets(Ending):
    """Lets only clients with a secret revoke, and does not say how they authenticate (RFC 8414: by HTTP Basic)."""

    def revocation(self, request):
        form = self.parameters(request)
        if not self.client(request, form).secret:
            raise self.unknown_client(by_header=False)
        return super().revocation(request)


class ClientsWithSecretsAsSaid(ClientsWithSecrets):
    """The same, and says so."""

    def metadata_members(self):
        return super().metadata_members() | {"revocation_endpoint_auth_methods_supported": ["client_secret_basic"]}


class OneClientWithASecret(ClientsWithSecrets, NoRegistration):
    """The same, with two clients that are configured: one of them may revoke, and there is no other one that may."""

    target: ClassVar[dict] = Ending.target | {
        "clients": [{"id": "tv"}, {"id": "robot", "secret": "9f8e7d6c5b4a", "authentication": "client_secret_basic"}]
    }


class PublicClientsOfTheirOwn(Ending):
    """Tells public clients of their own tokens by their client_id."""

    deviations: ClassVar[dict[str, str]] = {"rfc7662-2.1-authorization-required": "no credentials are needed"}

    def caller(self, request, form):
        client = self.clients.get(form.get("client_id", ""))
        known = self.issued.get(form.get("token", ""))
        return "api" if known and client is known.client else super().caller(request, form)


class ErrorsUnder200(Ending):
    """Says in the body of a 200 that a token was not good, which no client reads (RFC 7009 section 2.2)."""

    def end(self, token, hint, client):
        known = self.refreshes.get(token) or self.issued.get(token)
        if known is None or self.over(known.family) or getattr(known, "revoked", False):
            raise Refused("invalid_token", "the token was not good", 200)
        super().end(token, hint, client)
