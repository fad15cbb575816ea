"""Whether a launched server lives by the clock that the suite moves: libfaketime does not reach every program.

Programs that do not ask the C library for the time, such as those in Go and static ones, go on in real time; of others
only a part follows. What waits for the end of a code would then accuse a server whose clock never moved.
"""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from device_grant.errors import UsageError

if TYPE_CHECKING:
    from device_grant.protocol import Exchange
    from device_grant.server.session.device import Grant

REMEDY = (
    'write kind = "real" under [clock], with short lifetimes in the server, or start a build whose clock adds the '
    "seconds in the file that FAKETIME_TIMESTAMP_FILE names"
)
_LONGEST = 86400.0
"""Seconds of the longest lifetime that is waited for before all checks."""
_WITHOUT_LIFETIME = 3600.0
_MARGIN = 3.0
_LOOKS = 6
_PAUSE = 0.5
"""Real seconds between looks at a Date that some servers compose once a second, by a timer of their own."""


def followed(grant: Grant) -> Grant:
    """Let a fresh, pending grant come to its end on a clock that jumps; returns another grant to go on with.

    Raises UsageError where the server does not follow, or follows by half. Nothing is held against a server that sends
    no Date, or whose codes end although its Date, perhaps that of a proxy, does not move.
    """
    device, case = grant.device, grant.device.case
    if case.run.target.clock.kind != "faketime":
        return grant
    lived = 0 < grant.expires_in <= _LONGEST
    seconds = (grant.expires_in if lived else _WITHOUT_LIFETIME) + _MARGIN
    before = _date(grant.exchange)
    grant.may_end = True
    case.wait(seconds)
    old, pending = grant.ask(wait=False, label="poll of a code whose time is over")
    fresh = device.start(label="start after the clock was moved")
    moved = _moved(before, old, seconds)
    for _ in range(_LOOKS):
        if moved is not False or (lived and not pending):
            break
        time.sleep(_PAUSE)
        moved = _moved(before, device.request(label="start, to see the time"), seconds)
    if moved is False and (pending or not lived):
        raise UsageError(
            f"{case.run.target.spec}: the server does not follow libfaketime: its clock was moved by {seconds:g} s, "
            f"and the Date of its answers was not (programs in Go and static ones cannot be reached): {REMEDY}"
        )
    first, _ = fresh.ask(wait=False, label="poll of a fresh code after the clock was moved")
    if first.code == "expired_token":
        raise UsageError(
            f"{case.run.target.spec}: only a part of the server follows libfaketime: its clock was moved by "
            f"{seconds:g} s, and since then a code is expired as soon as it is issued: {REMEDY}"
        )
    return fresh


def _moved(before: float | None, after: Exchange, seconds: float) -> bool | None:
    """Whether the Date of answers went on by a wait; None where they have none."""
    now = _date(after)
    return None if before is None or now is None else now - before > seconds / 2


def _date(exchange: Exchange) -> float | None:
    """The Date of an answer in seconds since the epoch (RFC 9110 section 6.6.1); None if it has none."""
    value = exchange.response.header("date") if exchange.response is not None else None
    try:
        return parsedate_to_datetime(value).timestamp() if value else None
    except (ValueError, OverflowError):
        return None
