"""Histories of one refresh token, which is presented several times and replaced once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import NotApplicable, Untestable
from device_grant.server.histories.history import History

if TYPE_CHECKING:
    from device_grant.protocol import Client, Exchange, Request
    from device_grant.server.session.device import Device
    from device_grant.server.sockets.racing import Race

GRACE = 66.0
"""Seconds after which no documented grace period for a replaced refresh token lasts."""


def history_of_refresh(race: Race, device: Device) -> History:
    """An empty history of the refresh token of a fresh grant; raises what `refreshable_tokens` raises."""
    token = str(device.refreshable_tokens().get("refresh_token"))

    def refresh(client: Client) -> Request:
        return race.token_request(client, grant_type="refresh_token", refresh_token=token)

    history = History(race, device, refresh, interval=device.case.run.dialect.default_interval)
    history.approved()
    return history


def require_public(device: Device) -> None:
    """Raise NotApplicable where the client proves itself whenever it refreshes."""
    if device.case.run.dialect.proves_identity(device.client):
        raise NotApplicable("no public client: the refresh tokens of a client with a secret need no rotation")


def replaced(device: Device) -> tuple[Exchange, Exchange]:
    """A token response, and that to the refresh with its refresh token.

    Raises NotApplicable where tokens are bound to a key, and Untestable where the refresh is refused.
    """
    first = device.refreshable_tokens()
    if str(first.get("token_type")).lower() == "dpop":
        raise NotApplicable("the tokens are bound to a key (DPoP): they need no rotation")
    second = device.refresh(first.get("refresh_token"))
    if not second.outcome.ok:
        raise Untestable(f"the refresh was answered {second.describe()}")
    return first, second


def require_rotation(device: Device) -> None:
    """Raise NotApplicable where a refresh token may legitimately be used twice in a row."""
    first, _ = replaced(device)
    if device.refresh(first.get("refresh_token"), label="replay at once").outcome.ok:
        raise NotApplicable("a replaced refresh token works on, for a time of grace or for good: see the replay check")


def require_replacement(device: Device) -> None:
    """Raise NotApplicable where a refresh brings no other refresh token."""
    first, second = replaced(device)
    if second.get("refresh_token") in (None, first.get("refresh_token")):
        raise NotApplicable("a refresh token is not replaced when it is used: see the replay check")
