"""What a poll has to fit besides its code: the verifier of its challenge, and the resources that were approved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.reference.server.binding import pkce, resources
from device_grant.reference.server.http import Refusal
from device_grant.reference.server.store import State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from device_grant.reference.server.store import IssuedGrant, Store


def bound(
    store: Store, body: bytes, device_code: str, parameters: Mapping[str, str]
) -> tuple[tuple[str, ...], Callable[[IssuedGrant], None]]:
    """The resources that a poll names, and what an approved grant is asked before it is redeemed.

    Raises Refusal as resources.asked_for does; what it refuses spends nothing.
    """
    settings, faults = store.settings, store.faults
    try:
        named = () if faults.resource_at_poll_ignored else resources.asked_for(body, settings, faults)
    except Refusal:
        grant = store.grant_by_device_code(device_code)
        if faults.invalid_target_spends_code and grant is not None and grant.state is State.APPROVED:
            grant.state = State.REDEEMED
        raise
    widens = faults.resource_widened_at_poll or faults.resource_of_start_forgotten

    def require(grant: IssuedGrant) -> None:
        pkce.require_verifier(store, grant, parameters)
        resources.narrowed(named, grant.resources, settings, faults, widens=widens)

    return named, require
