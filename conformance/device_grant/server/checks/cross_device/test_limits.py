"""How many codes somebody can ask for, and what that does to others, RFC 10027 section 6.1.11."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from device_grant.judging import NotApplicable, check
from device_grant.protocol.retry_after import pause_of
from device_grant.server.checks.cross_device.starting import MOST, of_nobody, starts_of

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.server.session.case import ServerCase


@check(
    "rfc10027-6.1.11-may-limit-starts",
    "rfc10027-6.1.11-limit-spares-running-flows",
    "rfc10027-6.1.11-limit-is-an-oauth-error",
    faults=("starts_unlimited", "start_limit_500", "start_limit_drops_pending"),
    timed=True,
    live="how many starts a server takes in a row, no recording shows",
    order="last",
    alone=True,
)
def test_many_starts(case: ServerCase, verify: Verify) -> None:
    """Start, then 30 starts of that client at once; approve the first, poll. Accepted: a limit, by an OAuth error.

    The client is one that was just registered, where anybody may register one. The first grant has to go on.
    """
    first = of_nobody(case)
    device = first.device
    answers = starts_of(device)
    refused = None if answers[-1].outcome.ok else answers[-1]
    case.exposed |= {
        "starts": len(answers),
        "served": sum(one.outcome.ok for one in answers),
        "took": round(sum(one.elapsed for one in answers), 3),
        "refusal": "" if refused is None else f"{refused.status} {refused.code}",
    }
    if refused is not None and refused.response is not None:
        pause = pause_of(refused.status, refused.response.header("retry-after"), case.run.target.clock.now())
        case.exposed |= {} if pause is None else {"pause": pause}
    measured = {"starts": float(len(answers)), "served": float(sum(one.outcome.ok for one in answers))}
    problem = f"{MOST} codes in a row were given to one client"
    verify.that("rfc10027-6.1.11-may-limit-starts", refused is not None, problem, answers[-1], measured=measured)
    device.user.approve(first)
    exchange = first.poll(label="poll of the grant that was begun before")
    problem = "a grant that was begun before many others cannot be redeemed after them"
    verify.that("rfc10027-6.1.11-limit-spares-running-flows", exchange.outcome.ok, problem, exchange)
    if refused is None:
        raise NotApplicable(f"no limit was met within {MOST} starts")
    readable = refused.status < HTTPStatus.INTERNAL_SERVER_ERROR and isinstance(refused.get("error"), str)
    problem = "a start that is one too many is refused by no OAuth error"
    verify.that("rfc10027-6.1.11-limit-is-an-oauth-error", readable, problem, refused)
