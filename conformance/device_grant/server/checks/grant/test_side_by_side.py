"""Many grants at once: the devices of one client, and those of one user, RFC 8628 sections 3.2 and 3.5."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import Inconclusive, Untestable, check
from device_grant.server.session.device import PENDING

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.server.session.device import Device, Grant

SIDE_BY_SIDE = "rfc8628-3.2-codes-side-by-side"
LIVE = 12
"""Codes of one client that are alive at the same time."""
FEWEST = 3
"""Of which there have to be as many for anything to be shown."""
TURNS = 3


@check(SIDE_BY_SIDE, faults=("codes_of_a_client_limited",), timed=True)
def test_many_codes_of_one_client(device: Device, verify: Verify) -> None:
    """Twelve starts, a poll of each, then three approvals. Accepted: pending for all, then a token for these three."""
    grants = _started(device)
    for number, grant in enumerate(grants, 1):
        verify(SIDE_BY_SIDE, grant.poll(label=f"poll of code {number} of {len(grants)}"), accepted=PENDING)
    for number in sorted({0, len(grants) // 2, len(grants) - 1}):
        device.user.approve(grants[number])
        verify(SIDE_BY_SIDE, grants[number].poll(label=f"redeem code {number + 1}"), accepted=["ok"])


def _started(device: Device) -> list[Grant]:
    grants = [device.start()]
    while len(grants) < LIVE:
        exchange = device.request()
        if not exchange.outcome.ok:
            # How many it gives is the server's choice; what it gave has to live.
            device.case.note(f"start {len(grants) + 1} was answered {exchange.describe()}: no more are asked for")
            break
        grants.append(device.started(exchange))
    if len(grants) < FEWEST:
        raise Inconclusive(f"only {len(grants)} codes were given to one client")
    return grants


@check("rfc8628-3.5-interval-per-code", faults=("interval_per_client",), timed=True)
def test_two_codes_polled_in_turn(device: Device, verify: Verify) -> None:
    """Two codes of one client, each polled three times at its own interval, in turn. Accepted: no slow_down."""
    first, second = device.start(), device.start()
    answers = []
    for _ in range(TURNS):
        answers.append(first.poll(label="poll of the first code"))
        device.case.wait(second.interval / 4)
        answers.append(second.poll(label="poll of the second code"))
    slowed = [exchange for exchange in answers if exchange.code == "slow_down"]
    if slowed:
        alone = device.start()
        controls = [alone.poll(label="control: poll of one code alone") for _ in range(TURNS)]
        if any(exchange.code == "slow_down" for exchange in controls):
            raise Inconclusive("one code alone is slowed down at the same pace")
    problem = "slow_down for a code that kept its interval, while another one of the same client was polled too"
    verify.that("rfc8628-3.5-interval-per-code", not slowed, problem, *(slowed or answers))


@check(
    "rfc6749-6-second-device-keeps-first",
    faults=("one_refresh_token_a_user",),
    needs=("refresh_token",),
    timed=True,
)
def test_two_devices_of_one_user(device: Device, verify: Verify) -> None:
    """One user signs in on two devices of a client; then the first one refreshes. Accepted: a token."""
    first = device.refreshable_tokens().get("refresh_token")
    second = device.refreshable_tokens().get("refresh_token")
    if first == second:
        raise Untestable("both devices were given the same refresh token")
    exchange = device.refresh(first, label="refresh by the first device")
    if not exchange.outcome.ok:
        device.require_refreshing(second)
    verify("rfc6749-6-second-device-keeps-first", exchange, accepted=["ok"])
