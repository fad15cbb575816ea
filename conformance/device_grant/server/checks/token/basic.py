"""HTTP Basic at the device authorization endpoint (RFC 6749 section 2.3.1, RFC 8628 section 3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import Untestable
from device_grant.server.session.device import WRONG_SECRET, without

if TYPE_CHECKING:
    from device_grant.protocol import Client, Exchange
    from device_grant.server.session.device import Device


def with_basic(device: Device) -> Client:
    """The client of a device, authenticating by HTTP Basic alone."""
    return without(device.client, authentication="client_secret_basic", names_itself=frozenset())


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
    """The same; raises Untestable if the server does not take Basic, or takes whatever comes for it."""
    started, members = start_with_basic(device)
    if not started.outcome.ok:
        raise Untestable(f"Basic authentication was answered {started.describe()}")
    basic_must_be_read(device, members)
    return started, members


def basic_must_be_read(device: Device, members: dict[str, str]) -> None:
    """Raise Untestable if a start with Basic and a wrong secret is taken: nothing shows then that Basic is read."""
    wrong = without(with_basic(device), secret=WRONG_SECRET)
    control = device.request(client=wrong, label="control: start with Basic and a wrong secret", **members)
    if control.outcome.ok:
        raise Untestable("a wrong secret by Basic is taken as well: whether Basic is read cannot be seen")
