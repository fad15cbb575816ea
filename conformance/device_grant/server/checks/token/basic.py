"""HTTP Basic at the device authorization endpoint (RFC 6749 section 2.3.1, RFC 8628 section 3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import Untestable
from device_grant.server.session.device import without

if TYPE_CHECKING:
    from device_grant.protocol import Client, Exchange
    from device_grant.server.session.device import Device


def with_basic(device: Device) -> Client:
    """The client of a device, authenticating by HTTP Basic."""
    return without(device.client, authentication="client_secret_basic")


def start_with_basic(device: Device) -> tuple[Exchange, dict[str, str]]:
    """A start with HTTP Basic, whatever the answer, and the members that the server wants beside it.

    A server may insist on client_id in the body: that is judged by a check of its own, and is no lack of Basic.
    """
    client = with_basic(device)
    plain = device.request(client=client, label="start with Basic")
    if plain.outcome.ok:
        return plain, {}
    repeated = {"client_id": client.id}
    again = device.request(client=client, label="start with Basic and client_id", **repeated)
    return (again, repeated) if again.outcome.ok else (plain, {})


def basic_must_work(device: Device) -> tuple[Exchange, dict[str, str]]:
    """The same; raises Untestable if the server does not take Basic."""
    started, members = start_with_basic(device)
    if not started.outcome.ok:
        raise Untestable(f"Basic authentication was answered {started.describe()}")
    return started, members
