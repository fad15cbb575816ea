"""Waiting between polls (RFC 8628 sections 3.2, 3.3 and 3.5)."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from device_grant.client.scripted.steps import change, delayed, fails, pending, slow_down, status, text
from device_grant.judging import check
from device_grant.protocol import Purpose

if TYPE_CHECKING:
    from device_grant.client.session.attempt import Attempt
    from device_grant.client.session.case import ClientUnderTest
    from device_grant.judging import Verify

WAITS = "rfc8628-3.5-client-waits-before-each-request"
ENDS = "rfc8628-3.3-client-ends-with-its-codes"
ONE_AT_A_TIME = "rfc8628-3.5-client-one-poll-at-a-time"
RESTS = "rfc8628-3.5-client-waits-from-the-answer"
ODD = "rfc8628-3.2-client-odd-interval"
AT_ONCE = 0.9
"""Seconds below which a wait is none: who pauses at all pauses for a second."""
STUCK = 30.0
"""Seconds without a poll after which a client that was told no sound interval waits for something that never comes."""
LONG = 28
"""Seconds, which slow_down makes more than the half minute at which some clients stop."""
MONTH = 30 * 86_400
"""Seconds; more milliseconds than a signed integer of 32 bits holds."""


@check(
    "rfc8628-3.5-client-repeats-on-pending",
    "rfc8628-3.3-client-polls-until-done",
    "rfc8628-3.5-client-waits-before-each-request",
    faults=("gives_up_early", "pending_fatal", "interval_halved", "polls_twice"),
    needs=("flow",),
    timed=True,
)
def test_pending_until_approved(client: ClientUnderTest, verify: Verify) -> None:
    """Interval 2; three times authorization_pending, then the token. Accepted: four polls, two seconds apart."""
    login = client.login(start=[change(interval=2)], token=[pending()] * 3, wait=10)
    login.need(Purpose.POLL)
    again = len(login.polls) > 1
    verify.that("rfc8628-3.5-client-repeats-on-pending", again, "did not poll again after authorization_pending", login)
    verify.that("rfc8628-3.3-client-polls-until-done", login.succeeded, "did not poll until the approval", login)
    verify.by_rules(login, "rfc8628-3.5-client-waits-before-each-request")


@check(
    "rfc8628-3.5-client-waits-before-each-request",
    "rfc8628-3.3-client-polls-until-done",
    faults=("interval_capped", "pending_fatal"),
    needs=("flow",),
    timed=True,
)
def test_interval_of_seven(client: ClientUnderTest, verify: Verify) -> None:
    """Interval 7; authorization_pending, then the token. Accepted: seven seconds between the polls."""
    login = client.login(start=[change(interval=7)], token=[pending()], wait=16)
    login.need(Purpose.START)
    verify.that("rfc8628-3.3-client-polls-until-done", login.succeeded, "did not poll until the approval", login)
    verify.by_rules(login, "rfc8628-3.5-client-waits-before-each-request")


@check(WAITS, RESTS, faults=("interval_from_request", "polls_twice"), needs=("flow",), timed=True)
def test_slow_answers(client: ClientUnderTest, verify: Verify) -> None:
    """Interval 2; twice pending, after 1.2 s. Accepted: two seconds from poll to poll, best from the answer on."""
    login = client.login(start=[change(interval=2)], token=[delayed(1.2, pending())] * 2, wait=14)
    login.need(Purpose.POLL)
    verify.by_rules(login, WAITS, RESTS)


@check(RESTS, ONE_AT_A_TIME, faults=("interval_from_request", "polls_overlap"), needs=("flow",), timed=True)
def test_answers_slower_than_the_interval(client: ClientUnderTest, verify: Verify) -> None:
    """Interval 2; twice pending, after 3 s. Accepted: each further poll two seconds after the answer, or none at all.

    None comes while another one is unanswered. Some clients give up when an answer takes longer than their interval.
    """
    login = client.login(start=[change(interval=2)], token=[delayed(3.0, pending())] * 2, wait=18)
    login.need(Purpose.POLL)
    given_up = login.failed and len(login.polls) == 1
    verify.by_rules(login, RESTS, ONE_AT_A_TIME, default=True if given_up else None)


@check(WAITS, faults=("polls_by_ticks",), needs=("flow",), timed=True)
def test_suspended_client(client: ClientUnderTest, verify: Verify) -> None:
    """Interval 4; the client is stopped for 7 seconds after its first poll. Accepted: four seconds between all polls.

    The poll that is due when it goes on may come at once.
    """
    login = client.login(start=[change(interval=4)], token=[pending()] * 2, suspended=7.0, wait=28)
    login.need(Purpose.POLL)
    verify.by_rules(login, WAITS)


@check(
    "rfc8628-3.2-client-default-interval",
    "rfc8628-3.5-client-waits-default-five",
    "rfc8628-3.2-client-accepts-missing-optionals",
    faults=("default_interval_one", "interval_required"),
    needs=("flow",),
    timed=True,
)
def test_no_interval(client: ClientUnderTest, verify: Verify) -> None:
    """No interval; authorization_pending, then the token. Accepted: five seconds between the polls, and success."""
    client.free("device_authorization", "interval")
    login = client.login(start=[change(interval=...)], token=[pending()], wait=12)
    problem = "cannot do without interval"
    verify.that("rfc8628-3.2-client-accepts-missing-optionals", login.succeeded, problem, login)
    verify.by_rules(login, "rfc8628-3.2-client-default-interval", "rfc8628-3.5-client-waits-default-five")


@check(
    ODD,
    faults=("odd_interval_taken_for_none", "odd_interval_stalls"),
    needs=("flow",),
    timed=True,
)
def test_interval_of_zero(client: ClientUnderTest, verify: Verify) -> None:
    """Interval 0; four times pending, then the token. Accepted: pauses between the polls, or a failure.

    The text does not forbid 0, so a client that takes it at its word is only warned.
    """
    _judge_odd(verify, _odd(client, 0), tolerated=True)


@check(ODD, faults=("odd_interval_taken_for_none", "odd_interval_stalls"), needs=("flow",), timed=True)
def test_negative_interval(client: ClientUnderTest, verify: Verify) -> None:
    """Interval -5; four times pending, then the token. Accepted: pauses between the polls, or a failure."""
    _judge_odd(verify, _odd(client, -5))


@check(ODD, faults=("odd_interval_taken_for_none", "odd_interval_stalls"), needs=("flow",), timed=True)
def test_interval_as_text(client: ClientUnderTest, verify: Verify) -> None:
    """Interval "2"; four times pending, then the token. Accepted: pauses between the polls, or a failure."""
    _judge_odd(verify, _odd(client, "2"))


def _odd(client: ClientUnderTest, interval: Any) -> Attempt:
    client.free("device_authorization", "interval")
    return client.login(start=[change(interval=interval)], token=[pending()] * 4, wait=40, until=40)


def _judge_odd(verify: Verify, login: Attempt, *, tolerated: bool = False) -> None:
    login.need(Purpose.START)
    waits = [after.started - before.ended for before, after in pairwise(login.polls)]
    # Two in a row: some clients ask twice at first, whatever the interval is.
    tight = any(max(pair) < AT_ONCE for pair in pairwise(waits))
    description = ", ".join(f"{wait:.2f} s" for wait in waits) + " between its polls"
    measured = {f"wait_{number}": wait for number, wait in enumerate(waits, 1)}
    verify.that(ODD, not tight, "polls without a pause", login, got=description, tolerated=tolerated, measured=measured)
    since = login.polls[-1].ended if login.polls else login.starts[-1].ended
    alive = login.ended.at - since <= STUCK or (None if login.ended.overdue else False)
    verify.that(ODD, alive if login.going_on else login.settled, "neither polls nor fails", login)


@check(
    WAITS,
    faults=("interval_truncated", "interval_halved"),
    needs=("flow",),
    when=lambda dialect: dialect.interval_may_have_fraction,
    timed=True,
)
def test_interval_with_a_fraction(client: ClientUnderTest, verify: Verify) -> None:
    """Interval 1.5; twice pending, then the token. Accepted: a second and a half between the polls, or a failure.

    One second is a warning: no server is known to send a fraction, and many clients read integers. In the AWS dialect
    the model makes it an integer, as which SDKs read whatever comes.
    """
    login = client.login(start=[change(interval=1.5)], token=[pending()] * 2, wait=12)
    login.need(Purpose.START)
    verify.by_rules(login, WAITS, default=True if login.failed else None)


@check(WAITS, faults=("interval_overflows", "interval_capped"), needs=("flow",), timed=True)
def test_interval_of_a_month(client: ClientUnderTest, verify: Verify) -> None:
    """Interval 2592000; authorization_pending for ever. Accepted: at most one poll in twelve seconds."""
    login = client.login(
        start=[change(interval=MONTH)], token=[pending()], forever=["token"], most=4, wait=12, until=12
    )
    login.need(Purpose.START)
    verify.by_rules(login, WAITS, default=None if login.ended.overdue else True)


@check(
    "rfc8628-3.5-slow-down-increments-interval",
    "rfc8628-3.5-slow-down-is-permanent",
    "rfc8628-3.5-slow-down-continue-polling",
    "rfc8628-3.5-client-respects-slow-down",
    faults=("slow_down_ignored", "slow_down_doubles", "slow_down_once", "slow_down_fatal", "slow_down_restarts"),
    needs=("flow",),
    timed=True,
)
def test_slow_down_at_first(client: ClientUnderTest, verify: Verify) -> None:
    """Interval 1; slow_down, authorization_pending, then the token. Accepted: six seconds before each further poll."""
    login = client.login(start=[change(interval=1)], token=[slow_down(), pending()], wait=14)
    login.need(Purpose.POLL)
    goes_on = login.succeeded and len(login.starts) == 1
    verify.that("rfc8628-3.5-slow-down-continue-polling", goes_on, "did not go on polling after slow_down", login)
    verify.by_rules(
        login,
        "rfc8628-3.5-slow-down-increments-interval",
        "rfc8628-3.5-client-respects-slow-down",
        "rfc8628-3.5-slow-down-is-permanent",
    )


@check(
    "rfc8628-3.5-slow-down-increments-interval",
    "rfc8628-3.5-slow-down-is-permanent",
    "rfc8628-3.5-slow-down-continue-polling",
    faults=("slow_down_ignored", "slow_down_once", "slow_down_fatal"),
    needs=("flow",),
    timed=True,
)
def test_slow_down_later(client: ClientUnderTest, verify: Verify) -> None:
    """Interval 2; pending, slow_down, twice pending, then the token. Accepted: seven seconds from slow_down on."""
    steps = [pending(), slow_down(), pending(), pending()]
    login = client.login(start=[change(interval=2)], token=steps, wait=26)
    login.need(Purpose.POLL)
    problem = "did not go on polling after slow_down"
    verify.that("rfc8628-3.5-slow-down-continue-polling", login.succeeded, problem, login)
    verify.by_rules(login, "rfc8628-3.5-slow-down-increments-interval", "rfc8628-3.5-slow-down-is-permanent")


@check(
    "rfc8628-3.5-slow-down-accumulates",
    "rfc8628-3.5-slow-down-continue-polling",
    faults=("slow_down_first_only", "slow_down_fatal"),
    needs=("flow",),
    timed=True,
)
def test_slow_down_twice(client: ClientUnderTest, verify: Verify) -> None:
    """Interval 1; slow_down twice, pending, then the token. Accepted: six seconds, then eleven, then eleven."""
    login = client.login(start=[change(interval=1)], token=[slow_down(), slow_down(), pending()], wait=30)
    login.need(Purpose.POLL)
    problem = "did not go on polling after slow_down"
    verify.that("rfc8628-3.5-slow-down-continue-polling", login.succeeded, problem, login)
    verify.by_rules(login, "rfc8628-3.5-slow-down-accumulates")


@check(
    "rfc8628-3.5-slow-down-increments-interval",
    "rfc8628-3.5-client-respects-slow-down",
    faults=("slow_down_capped", "slow_down_ignored"),
    needs=("flow",),
    timed=True,
)
def test_slow_down_from_a_long_interval(client: ClientUnderTest, verify: Verify) -> None:
    """Interval 28; slow_down, then the token. Accepted: 33 seconds before the second poll."""
    login = client.login(start=[change(interval=LONG)], token=[slow_down()], wait=3 * LONG)
    login.need(Purpose.POLL)
    verify.by_rules(login, "rfc8628-3.5-slow-down-increments-interval", "rfc8628-3.5-client-respects-slow-down")


@check(
    "rfc8628-3.3-client-stops-at-expiry",
    faults=("expiry_ignored",),
    needs=("flow",),
    timed=True,
)
def test_codes_expire(client: ClientUnderTest, verify: Verify) -> None:
    """expires_in 4, interval 1; authorization_pending for ever. Accepted: no poll after about six seconds."""
    client.free("device_authorization", "expires_in")
    login = client.login(
        start=[change(interval=1, expires_in=4)], token=[pending()], forever=["token"], wait=9, until=9
    )
    login.need(Purpose.POLL)
    verify.by_rules(login, "rfc8628-3.3-client-stops-at-expiry", default=True)


@check(
    "rfc8628-3.5-timeout-reduces-frequency",
    "rfc8628-3.5-timeout-exponential-backoff",
    faults=("timeout_same_pace", "timeout_adds_a_second"),
    needs=("flow",),
    timed=True,
)
def test_silent_server(client: ClientUnderTest, verify: Verify) -> None:
    """Interval 2; polls that are never answered. Accepted: from one to the next, more and more time, best doubling.

    A client that gives up at its first timeout polls no more at all, which is less often too.
    """
    login = client.login(
        start=[change(interval=2)], token=[fails("hang")], forever=["token"], wait=60, until=60, most=4
    )
    login.need(Purpose.POLL)
    given_up = not login.going_on and len(login.polls) == 1
    verify.by_rules(
        login,
        "rfc8628-3.5-timeout-reduces-frequency",
        "rfc8628-3.5-timeout-exponential-backoff",
        default=True if given_up else None,
    )


@check(ENDS, faults=("answers_awaited_for_ever",), needs=("flow",), timed=True)
def test_silent_server_at_the_end(client: ClientUnderTest, verify: Verify) -> None:
    """Codes of 20 seconds, interval 1; no poll is ever answered. Accepted: the client has ended after 70 seconds.

    Where its time passes faster, the time that it waits for answers may not: then nothing is made of it.
    """
    client.free("device_authorization", "expires_in")
    login = client.login(
        start=[change(interval=1, expires_in=20)], token=[fails("hang")], forever=["token"], wait=70, until=70
    )
    login.need(Purpose.POLL)
    unknown = login.ended.overdue or login.scale > 1
    ended = (None if unknown else False) if login.going_on else True
    verify.that(ENDS, ended, "sits before a silent server long after its codes have expired", login)


@check(
    "rfc9110-10.2.3-retry-after",
    faults=("retry_after_ignored",),
    needs=("flow",),
    timed=True,
)
def test_retry_after(client: ClientUnderTest, verify: Verify) -> None:
    """Interval 1; 503 with Retry-After: 4, then the token. Accepted: no poll for four seconds, or none at all."""
    login = client.login(start=[change(interval=1)], token=[status(503, Retry_After="4")], wait=8)
    login.need(Purpose.POLL)
    verify.by_rules(login, "rfc9110-10.2.3-retry-after", default=True if len(login.polls) == 1 else None)


@check(
    "rfc9110-10.2.3-retry-after",
    "rfc8628-3.5-client-unreadable-answer",
    faults=("retry_after_ignored", "unreadable_answer_unreported"),
    timed=True,
)
def test_too_many_requests(client: ClientUnderTest, verify: Verify) -> None:
    """429 with Retry-After: 4, then without, then the token. Accepted: four seconds without a poll, or a failure."""
    busy = text('{"message": "Too Many Requests"}', "application/json")
    login = client.poll("429", status(429, busy, Retry_After="4"), status(429, busy), wait=15)
    login.need(Purpose.POLL)
    problem = "neither works nor tells of a failure after 429"
    verify.that("rfc8628-3.5-client-unreadable-answer", login.settled, problem, login)
    verify.by_rules(login, "rfc9110-10.2.3-retry-after", default=True if len(login.polls) == 1 else None)
