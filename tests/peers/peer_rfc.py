"""An honest authorization server with the device grant, RFC dialect: RFC 8628, RFC 6749, RFC 7591, RFC 8414."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import time
from typing import ClassVar
from urllib.parse import quote, unquote_plus

from peer_pages import Pages
from peer_records import DEVICE, METHODS, Client, Grant, Refresh, Refused, acceptable
from peer_wire import NO_STORE, Answer, Request, json_answer


class Honest(Pages):
    """Variations change the members and replace the methods that follow."""

    target: ClassVar[dict] = {}
    """Tables of target.toml beyond the usual ones."""
    deviations: ClassVar[dict[str, str]] = {}
    """Requirements that this server breaks on purpose, each with the reason: a SHOULD that it does not keep."""
    base = "http://target.test"
    issuer_path = ""
    metadata_path = "/.well-known/oauth-authorization-server"
    start_path = "/device_authorization"
    token_path = "/token"
    register_path = "/register"
    lifetime = 600
    interval = 5
    step = 5
    """Seconds that slow_down adds."""
    token_lifetime = 3600
    scopes = ("profile", "email", "devices")
    default_scope = "profile"
    methods = METHODS
    grant_types = (DEVICE, "refresh_token")

    def __init__(self) -> None:
        super().__init__()
        self.clients: dict[str, Client] = {}
        self.grants: dict[str, Grant] = {}
        self.refreshes: dict[str, Refresh] = {}
        self.tokens: dict[str, str] = {}
        self.guesses: dict[str, list[float]] = {}

    def routes(self):
        routes = {
            self.metadata_path: (("GET",), self.metadata),
            self.start_path: (("POST",), self.oauth(self.start)),
            self.token_path: (("POST",), self.oauth(self.token)),
            **self.page_routes(),
        }
        if self.register_path:
            routes[self.register_path] = (("POST",), self.oauth(self.register))
        return routes

    def url(self, path: str) -> str:
        return self.base + path

    def oauth(self, handler):
        def handle(request: Request) -> Answer:
            try:
                return handler(request)
            except Refused as refused:
                return self.refusal(refused)

        return handle

    def refusal(self, refused: Refused) -> Answer:
        body = {"error": refused.error}
        if refused.why:
            body["error_description"] = refused.why
        return json_answer(refused.status, body, *NO_STORE, *refused.headers)

    # RFC 8414

    def metadata(self, request: Request) -> Answer:
        return json_answer(200, self.metadata_members())

    def metadata_members(self) -> dict:
        members = {
            "issuer": self.url(self.issuer_path),
            "token_endpoint": self.url(self.token_path),
            "device_authorization_endpoint": self.url(self.start_path),
            "response_types_supported": [],
            "grant_types_supported": list(self.grant_types),
            "scopes_supported": list(self.scopes),
            "token_endpoint_auth_methods_supported": list(self.methods),
        }
        if self.register_path:
            members["registration_endpoint"] = self.url(self.register_path)
        return members

    # RFC 7591

    def register(self, request: Request) -> Answer:
        wanted = self.registration(request)
        method = wanted.get("token_endpoint_auth_method", "client_secret_basic")
        grants = wanted.get("grant_types", ["authorization_code"])
        if method not in self.methods:
            raise Refused("invalid_client_metadata", "token_endpoint_auth_method is not supported")
        if not set(grants) <= set(self.grant_types):
            raise Refused("invalid_client_metadata", "grant_types has what is not supported")
        scope = " ".join(word for word in wanted.get("scope", " ".join(self.scopes)).split() if word in self.scopes)
        client = Client(
            self.new_client_id(),
            self.new_secret() if method != "none" else "",
            method,
            tuple(grants),
            scope or self.default_scope,
            wanted.get("client_name", "a program"),
        )
        self.clients[client.id] = client
        return json_answer(201, self.registered(client, wanted), *NO_STORE)

    def registration(self, request: Request) -> dict:
        if request.media_type() != "application/json":
            raise Refused("invalid_client_metadata", "the body has to be application/json")
        try:
            # As text first: json.loads would guess UTF-16 and UTF-32, which RFC 8259 does not have.
            wanted = json.loads(request.body.decode("utf-8"))
        except (ValueError, RecursionError):
            raise Refused("invalid_client_metadata", "the body is not JSON") from None
        if not isinstance(wanted, dict):
            raise Refused("invalid_client_metadata", "the body is no object")
        lists = ("grant_types", "response_types", "redirect_uris")
        for name, value in wanted.items():
            right = isinstance(value, list) and all(isinstance(item, str) for item in value)
            if (name in lists and not right) or (
                name in ("client_name", "scope", "token_endpoint_auth_method") and not isinstance(value, str)
            ):
                raise Refused("invalid_client_metadata", f"{name} has a wrong type")
        if wanted.get("response_types"):
            raise Refused("invalid_client_metadata", "response_types are not supported")
        for uri in wanted.get("redirect_uris", []):
            if not acceptable(uri):
                raise Refused("invalid_redirect_uri", "a redirect URI is not acceptable")
        return wanted

    def registered(self, client: Client, wanted: dict) -> dict:
        members = {
            "client_id": client.id,
            "client_id_issued_at": int(time.time()),
            "client_name": client.name,
            "grant_types": list(client.grants),
            "response_types": [],
            "token_endpoint_auth_method": client.method,
            "scope": client.scope,
        }
        if "redirect_uris" in wanted:
            members["redirect_uris"] = wanted["redirect_uris"]
        if client.secret:
            members |= {"client_secret": client.secret, "client_secret_expires_at": int(client.ends)}
        return members

    def new_client_id(self) -> str:
        return secrets.token_hex(12)

    def new_secret(self) -> str:
        return secrets.token_urlsafe(32)

    # RFC 6749 section 2.3

    def parameters(self, request: Request) -> dict[str, str]:
        if request.media_type() != "application/x-www-form-urlencoded":
            raise Refused("invalid_request", "the body has to be application/x-www-form-urlencoded")
        try:
            return request.form()
        except ValueError:
            raise Refused("invalid_request", "a parameter is repeated or malformed") from None

    def client(self, request: Request, form: dict[str, str]) -> Client:
        """The client of the request, authenticated if it has a secret."""
        header = request.headers.get("authorization", "")
        if header:
            name, secret = self.basic(header)
            if "client_secret" in form or form.get("client_id", name) != name:
                raise Refused("invalid_request", "more than one way to authenticate")
            method = "client_secret_basic"
        else:
            name, secret = form.get("client_id", ""), form.get("client_secret", "")
            method = "client_secret_post" if secret else "none"
        if not name:
            raise Refused("invalid_request", "client_id is missing")
        self.count_guesses(name)
        client = self.clients.get(name)
        if client is None or (client.ends and client.ends <= time.time()):
            raise self.unknown_client(by_header=bool(header))
        if not self.proves(client, secret, method):
            self.guesses.setdefault(name, []).append(time.time())
            raise self.unknown_client(by_header=bool(header))
        return client

    def count_guesses(self, name: str) -> None:
        recent = [moment for moment in self.guesses.get(name, []) if moment > time.time() - 60]
        self.guesses[name] = recent
        if len(recent) >= 100:
            raise Refused("invalid_request", "too many wrong secrets", 429, ("Retry-After", "60"))

    def proves(self, client: Client, secret: str, method: str) -> bool:
        if not client.secret:
            return not secret
        # RFC 6749 section 2.3.1: Basic works for every client with a password; the body is as registered.
        accepted = ("client_secret_basic", client.method)
        return method in accepted and hmac.compare_digest(client.secret.encode(), secret.encode(errors="replace"))

    def basic(self, header: str) -> tuple[str, str]:
        scheme, _, credentials = header.partition(" ")
        if scheme.lower() != "basic":
            raise self.unknown_client(by_header=True)
        try:
            text = base64.b64decode(credentials.strip(), validate=True).decode()
        except ValueError:
            raise self.unknown_client(by_header=True) from None
        name, _, secret = text.partition(":")
        return unquote_plus(name), unquote_plus(secret)

    def unknown_client(self, *, by_header: bool) -> Refused:
        challenge = ("WWW-Authenticate", 'Basic realm="clients", charset="UTF-8"')
        return Refused("invalid_client", "the client is unknown or did not authenticate", 401, challenge)

    # RFC 8628 sections 3.1 and 3.2

    def start(self, request: Request) -> Answer:
        form = self.parameters(request)
        client = self.client(request, form)
        if DEVICE not in client.grants:
            raise Refused("unauthorized_client", "this client may not use the device grant")
        scope = self.scope(form.get("scope", ""), client)
        code = self.new_device_code()
        grant = Grant(client, scope, self.new_user_code(), time.time() + self.lifetime, self.interval)
        self.grants[code] = grant
        return json_answer(200, self.started(code, grant), *NO_STORE)

    def scope(self, asked: str, client: Client) -> str:
        """The scope to grant; raises Refused."""
        if not asked:
            return self.default_scope if self.default_scope in client.scope.split() else client.scope
        words = asked.split(" ")
        if not set(words) <= set(client.scope.split()):
            raise Refused("invalid_scope", "the scope is unknown, malformed or not this client's")
        return " ".join(dict.fromkeys(words))

    def new_device_code(self) -> str:
        return secrets.token_urlsafe(32)

    def started(self, code: str, grant: Grant) -> dict:
        page = self.url(self.verification)
        return {
            "device_code": code,
            "user_code": grant.user_code,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code={quote(grant.user_code)}",
            "expires_in": self.lifetime,
            "interval": self.interval,
        }

    # RFC 8628 sections 3.4 and 3.5, RFC 6749 section 6

    def token(self, request: Request) -> Answer:
        form = self.parameters(request)
        client = self.client(request, form)
        kind = form.get("grant_type", "")
        if not kind:
            raise Refused("invalid_request", "grant_type is missing")
        if kind not in self.grant_types:
            raise Refused("unsupported_grant_type", "this server does not have the grant")
        if kind not in client.grants:
            raise Refused("unauthorized_client", "this client may not use the grant")
        if kind == DEVICE:
            return self.redeem(form, client)
        return self.refresh(form, client)

    def redeem(self, form: dict[str, str], client: Client) -> Answer:
        code = form.get("device_code", "")
        if not code:
            raise Refused("invalid_request", "device_code is missing")
        grant = self.grants.get(code)
        if grant is None or grant.client is not client:
            raise Refused("invalid_grant", "the device code is unknown")
        now = time.time()
        if grant.state == "redeemed":
            self.reused(grant)
            raise Refused("invalid_grant", "the device code was used")
        if grant.state == "denied":
            raise self.denied(grant)
        if now >= grant.ends:
            raise self.expired(code)
        if grant.state == "pending":
            raise self.waiting(grant, now)
        grant.state = "redeemed"
        return json_answer(200, self.tokens_for(client, grant.scope, grant.scope, grant.handle), *NO_STORE)

    def reused(self, grant: Grant) -> None:
        self.revoke(grant.handle)

    def denied(self, grant: Grant) -> Refused:
        return Refused("access_denied", "the user refused")

    def expired(self, code: str) -> Refused:
        return Refused("expired_token", "the device code has expired")

    def waiting(self, grant: Grant, now: float) -> Refused:
        early = now - grant.polled < grant.interval
        grant.polled = now
        if early:
            grant.interval += self.step
            return Refused("slow_down", "wait five seconds longer between requests")
        return Refused("authorization_pending", "the user has not decided yet")

    def tokens_for(self, client: Client, scope: str, original: str, family: str) -> dict:
        members = {
            "access_token": self.new_token(client, scope),
            "token_type": "Bearer",
            "expires_in": self.token_lifetime,
            "scope": scope,
        }
        if "refresh_token" in client.grants:
            members["refresh_token"] = secrets.token_urlsafe(32)
            self.refreshes[members["refresh_token"]] = Refresh(client, original, family)
        return members

    def new_token(self, client: Client, scope: str) -> str:
        return secrets.token_urlsafe(32)

    def revoke(self, family: str) -> None:
        self.refreshes = {name: kept for name, kept in self.refreshes.items() if kept.family != family}

    def refresh(self, form: dict[str, str], client: Client) -> Answer:
        token = form.get("refresh_token", "")
        if not token:
            raise Refused("invalid_request", "refresh_token is missing")
        known = self.refreshes.get(token)
        if known is None or known.client is not client:
            raise Refused("invalid_grant", "the refresh token is unknown")
        if known.used:
            self.revoke(known.family)
            raise Refused("invalid_grant", "the refresh token was used before")
        scope = form.get("scope", known.scope)
        if "scope" in form and not set(scope.split(" ")) <= set(known.scope.split()):
            raise Refused("invalid_scope", "the scope is more than was granted")
        known.used = True
        return json_answer(200, self.tokens_for(client, scope, known.scope, known.family), *NO_STORE)
