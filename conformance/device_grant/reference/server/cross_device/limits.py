"""How many codes a client may ask for that anybody registered and nobody has approved yet (RFC 10027 6.1.11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.reference.server.http import Refusal, crash

if TYPE_CHECKING:
    from device_grant.reference.server.store import IssuedGrant, RegisteredClient, Store

WINDOW = 10
"""Seconds in which the codes of `Settings.undecided_codes` are counted."""


class StartLimit:
    """Counts what each such client has; those known beforehand, and those that somebody approved, have no limit."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._codes: dict[str, list[IssuedGrant]] = {}

    def admit(self, client: RegisteredClient) -> None:
        """Raise Refusal if the client has too many codes already."""
        store, faults = self._store, self._store.faults
        if store.clients.known_beforehand(client.id) or client.id in store.approved:
            self._codes.pop(client.id, None)
            return
        mine = self._live(client)
        if len(mine) < store.settings.undecided_codes or faults.starts_unlimited:
            return
        if faults.start_limit_drops_pending:
            store.drop_grant(mine[0])
        if faults.start_limit_500:
            raise crash()
        description = "This client has many codes that nobody has decided on: wait"
        raise Refusal("slow_down", description, status=429, headers={"Retry-After": str(WINDOW)})

    def count(self, grant: IssuedGrant) -> None:
        """One more code of its client."""
        if not self._store.clients.known_beforehand(grant.client.id):
            self._codes.setdefault(grant.client.id, []).append(grant)

    def _live(self, client: RegisteredClient) -> list[IssuedGrant]:
        now = self._store.clock()
        known = self._codes.get(client.id, ())
        left = [
            one for one in known if one.expires > now and one.created > now - WINDOW and one.state.value == "pending"
        ]
        if left:
            self._codes[client.id] = left
        else:
            self._codes.pop(client.id, None)
        return left
