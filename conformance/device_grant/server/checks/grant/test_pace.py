"""The interval to the fraction of a second, and for as long as a code lives: RFC 8628 sections 3.2 and 3.5."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import Untestable, check
from device_grant.server.session.device import PENDING
from device_grant.server.session.pace import MARGIN

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Exchange
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device, Grant

EXACT = "rfc8628-3.5-exact-interval-accepted"
ENDS = "rfc8628-3.5-slow-down-ends"
PHASES = 8
"""Fractions of a second at which a client begins: servers that count whole seconds differ among them."""
EXACT_POLLS = 3
HASTY_POLLS = 2
"""Two, since five seconds more and twice as many are the same after the first one."""
LATENCY = 0.1
"""Seconds, the least."""
MOST_SLOWED = 6
"""Answers in a row, of which one has to be another one than slow_down."""
IN_PROCESS_POLLS = 100
FEWER_POLLS = 30
"""Of a server that is reached by a socket: each costs it and us time."""
WHOLE_LIFE = 0.9
"""Of the lifetime; the rest is the margin."""


@check(EXACT, ENDS, faults=("interval_exclusive", "slow_down_doubles"), timed=True)
def test_pace_at_each_fraction_of_a_second(case: ServerCase, device: Device, verify: Verify) -> None:
    """At eight fractions of a second: polls at exactly the interval; two too early; polls that add 5 s each time.

    Accepted: no slow_down to the first ones; among six of the last ones an answer that is not slow_down.
    """
    if case.run.target.clock.sleeps:
        raise Untestable("fractions of a second are told apart on a clock that jumps only")
    for phase in range(PHASES):
        case.wait(1 - (case.now() - phase / PHASES) % 1)
        grant = device.start()
        exact = [_at_the_interval(grant, f"poll at exactly the interval, {phase}/8 s") for _ in range(EXACT_POLLS)]
        slowed = [exchange for exchange in exact if exchange.code == "slow_down"]
        verify.that(EXACT, not slowed, "slow_down although exactly the interval was waited", *slowed[:1] or exact[:1])
        for _ in range(HASTY_POLLS):
            grant.poll(wait=False, label="hasty poll")
        after: list[Exchange] = []
        while len(after) < MOST_SLOWED and grant.time_left > grant.interval + MARGIN:
            # As long after the interval as an answer takes to come and the next request to go, never the same.
            late = LATENCY + phase / PHASES / 2
            after.append(_at_the_interval(grant, "poll 5 s later for each slow_down", late))
            if after[-1].code != "slow_down":
                break
        if after:
            # Where the code ends before, nothing shows whether the next poll would have been heard.
            ended = after[-1].code != "slow_down" or (False if len(after) == MOST_SLOWED else None)
            problem = f"{MOST_SLOWED} polls in a row were answered slow_down although each came 5 s later for every one"
            verify.that(ENDS, ended, problem, *after[-1:])


def _at_the_interval(grant: Grant, label: str, late: float = 0.0) -> Exchange:
    case = grant.device.case
    case.wait(grant.last_request + grant.interval + late - case.now())
    return grant.poll(wait=False, label=label)


@check(
    "rfc8628-3.4-repeat-polling-possible",
    "rfc8628-3.5-pending-is-not-terminal",
    faults=("polls_limited", "approval_ignored"),
    timed=True,
)
def test_polls_for_the_whole_life(case: ServerCase, device: Device, verify: Verify) -> None:
    """Polite polls until nine tenths of the lifetime, then an approval. Accepted: pending, then a token."""
    grant = device.start()
    grant.require_promise()
    grant.require_expiry()
    most = IN_PROCESS_POLLS if case.run.target.in_process else FEWER_POLLS
    step = max(grant.interval + MARGIN, grant.expires_in * WHOLE_LIFE / most)
    sent = 0
    while grant.time_left - step > (1 - WHOLE_LIFE) * grant.expires_in:
        case.wait(grant.last_request + max(step, grant.interval + MARGIN) - case.now())
        sent += 1
        exchange = grant.poll(wait=False, label=f"polite poll {sent}")
        verify("rfc8628-3.4-repeat-polling-possible", exchange, accepted=PENDING)
    device.user.approve(grant)
    verify("rfc8628-3.5-pending-is-not-terminal", grant.poll(label="poll after approval"), accepted=["ok"])
