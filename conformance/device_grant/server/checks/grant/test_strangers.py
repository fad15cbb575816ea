"""What polls of another client do to a grant: nothing, RFC 8628 section 3.4."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import Inconclusive, check
from device_grant.server.session.device import ENDED, GONE, PENDING
from device_grant.server.session.pace import MARGIN

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Exchange
    from device_grant.server.session.device import Device

HARMLESS = "rfc8628-3.4-foreign-poll-harmless"
NOT_COUNTED = "rfc8628-3.5-foreign-poll-not-counted"


@check(
    HARMLESS,
    NOT_COUNTED,
    "rfc8628-3.4-stranger-learns-nothing",
    faults=("foreign_poll_starves", "foreign_poll_counts", "stranger_told_state"),
    timed=True,
)
def test_polls_of_a_stranger(device: Device, other: Device, verify: Verify) -> None:
    """A pending, an approved and a denied code, each polled by a second client and then by its own.

    Accepted: for the second client one answer, whatever the state; for the owner what it would hear without it,
    slow_down aside where it comes at the same pace without a stranger too.
    """
    case = device.case
    pending, approved, denied = device.start(), device.start(), device.start()
    pending.poll(label="poll by the owner")
    case.wait(pending.interval + MARGIN)
    strangers = [pending.poll_by(other)]
    if strangers[0].outcome.ok:
        raise Inconclusive("the second client was given a token")
    own = pending.poll(wait=False, label="poll by the owner, at its interval")
    verify(HARMLESS, own, accepted=PENDING, tolerated=ENDED)
    if own.code == "slow_down":
        _compare_pace(device, own, verify)
    else:
        verify.that(NOT_COUNTED, own.code not in ENDED or None, "")
    device.user.approve(approved)
    strangers.append(approved.poll_by(other))
    device.user.deny(denied)
    strangers.append(denied.poll_by(other))
    after = denied.poll(label="poll by the owner of a denied code")
    if after.code not in PENDING:  # else the denial changed nothing, which another check judges
        verify(HARMLESS, after, accepted=GONE)
    if own.code in PENDING:
        device.user.approve(pending)
        verify(HARMLESS, pending.poll(label="poll by the owner after approval"), accepted=["ok"], tolerated=ENDED)
    codes = {exchange.code for exchange in strangers}
    alike = None if "slow_down" in codes else len(codes) == 1
    problem = "another client can tell pending, approved and denied codes apart"
    verify.that("rfc8628-3.4-stranger-learns-nothing", alike, problem, *strangers)


def _compare_pace(device: Device, slowed: Exchange, verify: Verify) -> None:
    alone = device.start()
    alone.poll(label="control: poll without a stranger")
    device.case.wait(alone.interval + MARGIN)
    control = alone.poll(wait=False, label="control: poll at the interval, without a stranger")
    problem = "slow_down for a client that kept the interval, after a poll by another client"
    verify.that(NOT_COUNTED, None if control.code == "slow_down" else False, problem, slowed, control)
