"""How a client secret is compared with the one that was issued (RFC 6749 section 2.3.1)."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from device_grant.reference.server.store import RegisteredClient, Store


def proves(store: Store, client: RegisteredClient, offered: str) -> bool:
    """Whether this is the client's secret, or what the faults take for it."""
    faults, secret = store.faults, client.secret or ""
    if _same(offered, secret):
        return True
    lax = (
        (faults.secret_prefix_accepted and bool(offered) and secret.startswith(offered))
        or (faults.secret_tail_ignored and offered.startswith(secret))
        or (faults.secret_case_ignored and _same(offered.lower(), secret.lower()))
        or (faults.secret_trimmed and _same(offered.strip(), secret))
        or (faults.empty_secret_accepted and not offered)
        or (faults.secret_of_any_client and any(_same(offered, one.secret or "") for one in store.clients.values()))
    )
    return lax and bool(secret)


def refusal(words: str, store: Store, client: RegisteredClient) -> str:
    """How a wrong secret is described."""
    return f"{words}, which is {client.secret}" if store.faults.right_secret_disclosed else words


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
