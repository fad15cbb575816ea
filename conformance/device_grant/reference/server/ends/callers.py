"""Who may ask what a token is good for (RFC 7662 sections 2.1 and 4): resource servers, known beforehand."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from device_grant.reference.server.store import RegisteredClient


@dataclass(frozen=True, kw_only=True)
class ResourceServer:
    """One service that takes access tokens, and how it shows that it is that one: as a client, or by a token."""

    id: str
    secret: str
    token: str
    """Sent as a Bearer token in place of id and secret."""
    resource: str = ""
    """For which audience tokens have to be; empty: the default one of this server."""


RESOURCE_SERVERS = (
    ResourceServer(id="resource-server", secret="published/secret+of=a demo", token="published-token-of-a-demo"),  # noqa: S106 - they protect nothing
    ResourceServer(
        id="other-resource-server",
        secret="published-secret-of-another-demo",  # noqa: S106 - likewise
        token="published-token-of-another-demo",  # noqa: S106 - likewise
        resource="https://other-api.example.com",
    ),
)
"""Those of a server that was told nothing else."""


def by_token(servers: Iterable[ResourceServer], offered: str) -> ResourceServer | None:
    """The resource server that has this Bearer token."""
    return next((one for one in servers if hmac.compare_digest(one.token.encode(), offered.encode())), None)


def by_client(servers: Iterable[ResourceServer], client: RegisteredClient) -> ResourceServer | None:
    """The resource server that this client is; None for a mere client."""
    return next((one for one in servers if one.id == client.id), None)
