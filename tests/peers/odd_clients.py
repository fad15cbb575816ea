"""Peers of the RFC dialect that know and authenticate clients in another way."""

from __future__ import annotations

import json
import secrets
import time

from peer_records import DEVICE, Client, Refused
from peer_rfc import Honest
from peer_wire import Answer, Request, json_answer

NINETY_DAYS = 90 * 86400


class ShortRegistrations(Honest):
    """Registrations end after 90 days, those of public clients too, who are told of no end (RFC 7591 section 3.2.1)."""

    def register(self, request: Request) -> Answer:
        answer = super().register(request)
        members = json.loads(answer.body)
        client = self.clients[members["client_id"]]
        client.ends = time.time() + NINETY_DAYS
        if client.secret:
            members["client_secret_expires_at"] = int(client.ends)
        return json_answer(201, members, *answer.headers[1:])


class EverybodyPublic(Honest):
    """Registers everybody as `none` and gives no secret: RFC 7591 section 3.2.1 lets a server replace metadata."""

    def registration(self, request: Request) -> dict:
        return super().registration(request) | {"token_endpoint_auth_method": "none"}


class EverybodyConfidential(Honest):
    """Gives everybody a secret, who asks for `none` too: RFC 7591 section 3.2.1."""

    def registration(self, request: Request) -> dict:
        wanted = super().registration(request)
        if wanted.get("token_endpoint_auth_method") == "none":
            wanted["token_endpoint_auth_method"] = "client_secret_post"
        return wanted


class AlwaysBadRequest(Honest):
    """invalid_client with 400 unless the client used Authorization (RFC 6749 section 5.2 says that 401 may be)."""

    def unknown_client(self, *, by_header: bool) -> Refused:
        if by_header:
            return super().unknown_client(by_header=True)
        return Refused("invalid_client", "unknown client")


class MissingClientIsInvalidClient(Honest):
    """No client_id: invalid_client, "no client authentication included" (RFC 6749 section 5.2)."""

    def client(self, request: Request, form: dict[str, str]) -> Client:
        if "authorization" not in request.headers and "client_id" not in form:
            raise self.unknown_client(by_header=False)
        return super().client(request, form)


class CodeBeforeClient(Honest):
    """Looks for the device code before it looks at the client: either refusal is true of such a request."""

    def token(self, request: Request) -> Answer:
        form = self.parameters(request)
        code = form.get("device_code", "")
        if form.get("grant_type") == DEVICE and code and code not in self.grants:
            raise Refused("invalid_grant", "the device code is unknown")
        return super().token(request)


class GrantBeforeClient(Honest):
    """Looks at grant_type before it looks at the client."""

    def token(self, request: Request) -> Answer:
        kind = self.parameters(request).get("grant_type", "")
        if kind and kind not in self.grant_types:
            raise Refused("unsupported_grant_type")
        return super().token(request)


class PostOnly(Honest):
    """Registers client_secret_post and none; secrets work by Basic too, as RFC 6749 section 2.3.1 asks."""

    methods = ("client_secret_post", "none")

    def registration(self, request: Request) -> dict:
        return {"token_endpoint_auth_method": "client_secret_post"} | super().registration(request)


class BasicOnly(Honest):
    """Secrets by Basic only (RFC 6749 section 2.3.1: in the body is a MAY)."""

    methods = ("client_secret_basic", "none")


class NobodyPublic(Honest):
    """Confidential clients only: RFC 8628 section 3.1 leaves client types to the server."""

    methods = ("client_secret_basic", "client_secret_post")


class NoRegistration(Honest):
    """No registration endpoint: RFC 7591 is optional, clients are configured."""

    register_path = ""
    target = {
        "clients": [
            {"id": "tv"},
            {"id": "printer"},
            {"id": "robot", "secret": "KJx3 & 100%", "authentication": "client_secret_basic"},
            {"id": "kiosk", "secret": "9f8e7d6c5b4a", "authentication": "client_secret_post"},
            {"id": "web", "grants": ["refresh_token"]},
        ]
    }

    def __init__(self) -> None:
        super().__init__()
        names = {"device_code": DEVICE, "refresh_token": "refresh_token"}
        for entry in self.target["clients"]:
            grants = tuple(names[name] for name in entry.get("grants", names))
            method = entry.get("authentication", "none")
            scope = " ".join(self.scopes)
            self.clients[entry["id"]] = Client(entry["id"], entry.get("secret", ""), method, grants, scope, entry["id"])


class OneKnownClient(NoRegistration):
    """No registration, and one public client: a server inside a product."""

    target = {"clients": [{"id": "tv"}]}


class NamedOnItsPages(NoRegistration):
    """Its pages call its one client by a name that only its configuration knows, and never by its identifier."""

    target = {"clients": [{"id": "tv-7f3a", "name": "Television"}]}

    def __init__(self) -> None:
        super().__init__()
        self.clients["tv-7f3a"].name = "Television"


class InitialAccessToken(Honest):
    """Registers who has an initial access token (RFC 7591 section 3), others get 401."""

    initial_token = "let-me-in-4c1f09e7d2"
    target = {"registration": {"initial_access_token": initial_token}}
    deviations = {"rfc7591-3-open-registration": "registration without a token is a SHOULD"}

    def register(self, request: Request) -> Answer:
        if request.headers.get("authorization", "") != f"Bearer {self.initial_token}":
            raise Refused("invalid_token", "", 401, ("WWW-Authenticate", "Bearer"))
        return super().register(request)


class ManagedRegistrations(Honest):
    """Registrations can be managed: registration_access_token and registration_client_uri (RFC 7592)."""

    def registered(self, client: Client, wanted: dict) -> dict:
        token = {"registration_access_token": secrets.token_urlsafe(32)}
        return (
            super().registered(client, wanted) | token | {"registration_client_uri": self.url(f"/register/{client.id}")}
        )


class OddIdentifiers(Honest):
    """Client identifiers and secrets of any visible character (RFC 6749 appendices A.1 and A.2)."""

    def new_client_id(self) -> str:
        return f"cl:ient+{secrets.token_hex(6)}%20&=~/"

    def new_secret(self) -> str:
        return f"{secrets.token_hex(16)}:+ %2B&=/\"'"


class SecretsGuessed(Honest):
    """Ten wrong secrets shut out their client for a minute, 429 with Retry-After (RFC 6749 section 2.3.1)."""

    def count_guesses(self, name: str) -> None:
        recent = [moment for moment in self.guesses.get(name, []) if moment > time.time() - 60]
        self.guesses[name] = recent
        if len(recent) >= 10:
            raise Refused("invalid_client", "too many wrong secrets", 429, ("Retry-After", "60"))
