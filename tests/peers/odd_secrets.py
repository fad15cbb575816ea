"""Peers of the RFC dialect that compare secrets, look for codes and keep scopes in another way."""

from __future__ import annotations

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
