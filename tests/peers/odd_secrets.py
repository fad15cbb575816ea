"""Peers of the RFC dialect that compare secrets, look for codes and keep scopes in another way."""

from __future__ import annotations

import base64
import json
import secrets
import time
import uuid
from typing import TYPE_CHECKING

from peer_records import Client, Refused
from peer_rfc import Honest

if TYPE_CHECKING:
    from peer_wire import Answer, Request


NEAR = ("rfc8628-3.1-bad-secret-rejected", "rfc8628-3.4-credentialed-client-enforced", "rfc6749-6-server-requires-auth")


class SecretsAreNumbers(Honest):
    """Secrets are UUIDs and compared as such: whoever writes them in capitals knows them all the same."""

    def new_secret(self) -> str:
        return str(uuid.uuid4())

    def proves(self, client: Client, secret: str, method: str) -> bool:
        try:
            return super().proves(client, str(uuid.UUID(secret)) if client.secret else secret, method)
        except ValueError:
            return False

    deviations = dict.fromkeys(NEAR, "A secret in the other case is no other secret here, and a warning.")


class BasicAlone(Honest):
    """HTTP Basic says who the client is; client_id beside it is passed over (RFC 6749 section 3.2.1 needs none)."""

    def client(self, request: Request, form: dict[str, str]) -> Client:
        if "authorization" in request.headers:
            form.pop("client_id", None)
        return super().client(request, form)


class ShutOut(Honest):
    """Five wrong secrets shut out their client for a quarter of an hour (RFC 6749 section 2.3.1)."""

    def count_guesses(self, name: str) -> None:
        recent = [moment for moment in self.guesses.get(name, []) if moment > time.time() - 900]
        self.guesses[name] = recent
        if len(recent) >= 5:
            raise Refused(
                "invalid_client", "too many wrong secrets", 401, ("WWW-Authenticate", 'Basic realm="clients"')
            )


class CodesTrimmed(Honest):
    """Takes away spaces around a device code, at every request alike: it is spent in every spelling at once."""

    def redeem(self, form: dict[str, str], client: Client) -> Answer:
        return super().redeem(form | {"device_code": form.get("device_code", "").strip()}, client)


class ScopesRemembered(Honest):
    """Grants what the person has allowed this client before too, and says so (RFC 6749 section 3.3)."""

    def __init__(self) -> None:
        super().__init__()
        self.allowed: dict[str, list[str]] = {}

    def redeem(self, form: dict[str, str], client: Client) -> Answer:
        grant = self.grants.get(form.get("device_code", ""))
        if grant and grant.state == "approved" and grant.client is client:
            before = self.allowed.setdefault(client.id, [])
            grant.scope = " ".join(dict.fromkeys([*grant.scope.split(), *before]))
            self.allowed[client.id] = grant.scope.split()
        return super().redeem(form, client)


class EveryScope(Honest):
    """Grants all that a client is registered for, whatever it asks for, and says so (RFC 6749 section 3.3)."""

    def scope(self, asked: str, client: Client) -> str:
        super().scope(asked, client)
        return client.scope


class NoScopeAtTheTokenEndpoint(Honest):
    """Refuses a scope beside a device code, where it means nothing (RFC 8628 section 3.4)."""

    def redeem(self, form: dict[str, str], client: Client) -> Answer:
        if "scope" in form:
            raise Refused("invalid_request", "the scope is asked for at the start")
        return super().redeem(form, client)


class ScopeInTheToken(Honest):
    """Names the scope in a JWT alone where it is what was asked for (RFC 9068 section 2.2.3, RFC 6749 section 5.1)."""

    def new_token(self, client: Client, scope: str) -> str:
        claims = {"iss": self.base, "aud": "https://api.test", "jti": secrets.token_urlsafe(16), "scope": scope}
        parts = (json.dumps({"alg": "HS256", "typ": "at+jwt"}).encode(), json.dumps(claims).encode())
        return ".".join(
            base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (*parts, secrets.token_bytes(32))
        )
