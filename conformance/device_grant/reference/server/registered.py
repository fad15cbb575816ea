"""The registrations that a server keeps: as many as there is room for, those that nobody uses going first."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from device_grant.reference.server.store import RegisteredClient

MOST_CLIENTS = 20_000
MOST_OCTETS = 32 * 2**20
"""Of what clients say of themselves: a name may be as long as a request."""


class Clients(OrderedDict[str, "RegisteredClient"]):
    """Clients by their id, the one that was used last at the end; those known beforehand are never dropped."""

    def __init__(self, known: Iterable[RegisteredClient]) -> None:
        super().__init__()
        self._octets = 0
        for client in known:
            super().__setitem__(client.id, client)
        self._known = frozenset(self)

    def known_beforehand(self, client_id: str) -> bool:
        """Whether an operator vouches for the client; the others were registered by anybody."""
        return client_id in self._known

    def used(self, client_id: str) -> RegisteredClient | None:
        """The client of this id, which is in use therefore."""
        client = self.get(client_id)
        if client is not None:
            self.move_to_end(client_id)
        return client

    def add(self, client: RegisteredClient) -> None:
        """Keep a client, in place of those that were used longest ago where there is no room."""
        if client.id in self:
            self.drop(client.id)
        self[client.id] = client
        self._octets += _weight(client)
        while len(self) - len(self._known) > MOST_CLIENTS or self._octets > MOST_OCTETS:
            oldest = next((each for each in self if each not in self._known and each != client.id), None)
            if oldest is None:
                return
            self.drop(oldest)

    def drop(self, client_id: str) -> None:
        """Forget a client."""
        client = self.pop(client_id)
        if client_id not in self._known:
            self._octets -= _weight(client)


def _weight(client: RegisteredClient) -> int:
    return sum(
        map(len, (client.id, client.name, *client.grants, *(client.scopes or ()), *client.pages, *client.redirect_uris))
    )
