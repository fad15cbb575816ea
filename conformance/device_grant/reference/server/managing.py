"""Clients that take their registration back (RFC 7592 section 2.3)."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

from device_grant.reference.server.http import Answer, Call

if TYPE_CHECKING:
    from device_grant.reference.server.store import RegisteredClient, Store

MANAGED = "/register/{client}"
_FIRST = "/register/"
_NO_STORE = {"Cache-Control": "no-store"}
_REFUSED = {"WWW-Authenticate": 'Bearer error="invalid_token"'}


def members_of(client: RegisteredClient, base: str) -> dict[str, Any]:
    """What a registration response says of where and by what the client is managed (section 3)."""
    return {"registration_client_uri": f"{base}{_FIRST}{client.id}", "registration_access_token": client.management}


async def manage(store: Store, call: Call) -> Answer:
    """DELETE alone: nothing else is offered."""
    client = store.clients.get(call.path.removeprefix(_FIRST))
    given = (call.header(b"authorization") or "").removeprefix("Bearer ")
    if client is None or not (store.faults.management_token_unchecked or _proves(client, given)):
        return Answer(401, b"", "application/json", _NO_STORE | _REFUSED)
    if call.method != "DELETE":
        return Answer(405, b"", "application/json", _NO_STORE | {"Allow": "DELETE"})
    if not store.faults.deleted_client_redeems:
        store.clients.drop(client.id)
    return Answer(200 if store.faults.deletion_answered_200 else 204, b"", "application/json", _NO_STORE)


def _proves(client: RegisteredClient, given: str) -> bool:
    return hmac.compare_digest(client.management.encode(), given.encode())
