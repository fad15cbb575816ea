"""What both endpoints take from the other ones of the dialect: how requests are read, clients known, answers made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from device_grant.reference.server.http import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from device_grant.reference.server.faults import Faults
    from device_grant.reference.server.http import Answer, Call
    from device_grant.reference.server.issued.terms import AccessTokenRecord, RefreshToken
    from device_grant.reference.server.store import RegisteredClient, Store

REVOCATION_PATH = "/revoke"
INTROSPECTION_PATH = "/introspect"
PARAMETERS = frozenset({"token", "token_type_hint", "client_id", "client_secret"})
HINTS = ("access_token", "refresh_token")
NO_STORE = {"Cache-Control": "no-store"}


@dataclass(frozen=True)
class Desk:
    """The ways of the other endpoints; all of them raise Refusal."""

    store: Store
    parameters: Callable[[Call, frozenset[str]], dict[str, str]]
    """The known parameters of a form."""
    client: Callable[..., RegisteredClient]
    """Who asks, authenticated; `skip_secret` leaves the secret out of it."""
    json: Callable[[int, Mapping[str, Any], Mapping[str, str]], Answer]

    @property
    def faults(self) -> Faults:
        """Which misbehaviours are on."""
        return self.store.faults

    def token(self, parameters: Mapping[str, str], *, crash: Callable[[], Exception] | None = None) -> str:
        """The token that the request is about; `crash` makes what a fault answers where there is none."""
        token = parameters.get("token")
        if token is None:
            if crash is not None:
                raise crash()
            raise Refusal("invalid_request", "The parameter token is missing")
        return token

    def held(self, token: str, hint: str, *, believes: bool) -> AccessTokenRecord | RefreshToken | None:
        """What is known of a token, dead or alive; one who `believes` the hint looks at no other kind."""
        kinds: dict[str, Mapping[str, AccessTokenRecord | RefreshToken]] = {
            "access_token": self.store.access_tokens,
            "refresh_token": self.store.refresh_tokens,
        }
        searched = [hint] if believes and hint in kinds else list(kinds)
        return next((kinds[kind][token] for kind in searched if token in kinds[kind]), None)


def served_by_get(call: Call, faults: Faults) -> bool:
    """Whether a fault takes the query of a GET for a form."""
    by_path = {
        REVOCATION_PATH: faults.revocation_by_get,
        INTROSPECTION_PATH: faults.introspection_by_get,
    }
    return call.method == "GET" and by_path.get(call.path, False)
