"""Waiting between polls (RFC 8628 sections 3.2, 3.3 and 3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.client.scripted.steps import change, fails, pending, slow_down, status
from conformance.judging import check

if TYPE_CHECKING:
    from conformance.client.case import Subject, Verify


@check(
    "rfc8628-3.5-client-repeats-on-pending",
    "rfc8628-3.3-client-polls-until-done",
    "rfc8628-3.5-client-waits-before-each-request",
    faults=("gives_up_early", "pending_fatal", "interval_halved", "polls_twice"),
    needs=("flow",),
    timed=True,
)
def test_pending_until_approved(client: Subject, verify: Verify) -> None:
    """Interval 2; three times authorization_pending, then the token. Accepted: four polls, two seconds apart."""
    login = client.login(start=[change(interval=2)], token=[pending()] * 3, wait=10)
    verify.need(login, "token")
    again = len(login.polls) > 1
    verify("rfc8628-3.5-client-repeats-on-pending", again, "did not poll again after authorization_pending", login)
    verify("rfc8628-3.3-client-polls-until-done", login.succeeded, "did not poll until the approval", login)
    verify.by_rules(login, "rfc8628-3.5-client-waits-before-each-request")


@check(
    "rfc8628-3.5-client-waits-before-each-request",
    "rfc8628-3.3-client-polls-until-done",
    faults=("interval_capped", "pending_fatal"),
    needs=("flow",),
    timed=True,
)
def test_interval_of_seven(client: Subject, verify: Verify) -> None:
    """Interval 7; authorization_pending, then the token. Accepted: seven seconds between the polls."""
    login = client.login(start=[change(interval=7)], token=[pending()], wait=16)
    verify("rfc8628-3.3-client-polls-until-done", login.succeeded, "did not poll until the approval", login)
    verify.by_rules(login, "rfc8628-3.5-client-waits-before-each-request")


@check(
    "rfc8628-3.2-client-default-interval",
    "rfc8628-3.5-client-waits-default-five",
    "rfc8628-3.2-client-accepts-missing-optionals",
    faults=("default_interval_one", "interval_required"),
    needs=("flow",),
    timed=True,
)
def test_no_interval(client: Subject, verify: Verify) -> None:
    """No interval; authorization_pending, then the token. Accepted: five seconds between the polls, and success."""
    login = client.login(start=[change(interval=...)], token=[pending()], wait=12)
    problem = "cannot do without interval"
    verify("rfc8628-3.2-client-accepts-missing-optionals", login.succeeded, problem, login)
    verify.by_rules(login, "rfc8628-3.2-client-default-interval", "rfc8628-3.5-client-waits-default-five")


@check(
    "rfc8628-3.5-slow-down-increments-interval",
    "rfc8628-3.5-slow-down-is-permanent",
    "rfc8628-3.5-slow-down-continue-polling",
    "rfc8628-3.5-client-respects-slow-down",
    faults=("slow_down_ignored", "slow_down_doubles", "slow_down_once", "slow_down_fatal", "slow_down_restarts"),
    needs=("flow",),
    timed=True,
)
def test_slow_down_at_first(client: Subject, verify: Verify) -> None:
    """Interval 1; slow_down, authorization_pending, then the token. Accepted: six seconds before each further poll."""
    login = client.login(start=[change(interval=1)], token=[slow_down(), pending()], wait=14)
    verify.need(login, "token")
    goes_on = login.succeeded and len(login.starts) == 1
    verify("rfc8628-3.5-slow-down-continue-polling", goes_on, "did not go on polling after slow_down", login)
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
def test_slow_down_later(client: Subject, verify: Verify) -> None:
    """Interval 2; pending, slow_down, twice pending, then the token. Accepted: seven seconds from slow_down on."""
    steps = [pending(), slow_down(), pending(), pending()]
    login = client.login(start=[change(interval=2)], token=steps, wait=26)
    verify.need(login, "token")
    problem = "did not go on polling after slow_down"
    verify("rfc8628-3.5-slow-down-continue-polling", login.succeeded, problem, login)
    verify.by_rules(login, "rfc8628-3.5-slow-down-increments-interval", "rfc8628-3.5-slow-down-is-permanent")


@check(
    "rfc8628-3.5-slow-down-accumulates",
    "rfc8628-3.5-slow-down-continue-polling",
    faults=("slow_down_first_only", "slow_down_fatal"),
    needs=("flow",),
    timed=True,
)
def test_slow_down_twice(client: Subject, verify: Verify) -> None:
    """Interval 1; slow_down twice, pending, then the token. Accepted: six seconds, then eleven, then eleven."""
    login = client.login(start=[change(interval=1)], token=[slow_down(), slow_down(), pending()], wait=30)
    verify.need(login, "token")
    problem = "did not go on polling after slow_down"
    verify("rfc8628-3.5-slow-down-continue-polling", login.succeeded, problem, login)
    verify.by_rules(login, "rfc8628-3.5-slow-down-accumulates")


@check(
    "rfc8628-3.3-client-stops-at-expiry",
    faults=("expiry_ignored",),
    needs=("flow",),
    timed=True,
)
def test_codes_expire(client: Subject, verify: Verify) -> None:
    """expires_in 4, interval 1; authorization_pending for ever. Accepted: no poll after about six seconds."""
    login = client.login(
        start=[change(interval=1, expires_in=4)], token=[pending()], forever=["token"], wait=9, until=9
    )
    verify.need(login, "token")
    verify.by_rules(login, "rfc8628-3.3-client-stops-at-expiry", default=True)


@check(
    "rfc8628-3.5-timeout-reduces-frequency",
    "rfc8628-3.5-timeout-exponential-backoff",
    faults=("timeout_same_pace", "timeout_adds_a_second"),
    needs=("flow",),
    timed=True,
)
def test_silent_server(client: Subject, verify: Verify) -> None:
    """Interval 2; polls that are never answered. Accepted: from one to the next, more and more time, best doubling.

    A client that gives up at its first timeout polls no more at all, which is less often too.
    """
    login = client.login(
        start=[change(interval=2)], token=[fails("hang")], forever=["token"], wait=60, until=60, most=4
    )
    verify.need(login, "token")
    given_up = not login.going_on and len(login.polls) == 1
    verify.by_rules(
        login,
        "rfc8628-3.5-timeout-reduces-frequency",
        "rfc8628-3.5-timeout-exponential-backoff",
        default=True if given_up else None,
    )


@check(
    "rfc9110-10.2.3-retry-after",
    faults=("retry_after_ignored",),
    needs=("flow",),
    timed=True,
)
def test_retry_after(client: Subject, verify: Verify) -> None:
    """Interval 1; 503 with Retry-After: 4, then the token. Accepted: no poll for four seconds, or none at all."""
    login = client.login(start=[change(interval=1)], token=[status(503, Retry_After="4")], wait=8)
    verify.need(login, "token")
    verify.by_rules(login, "rfc9110-10.2.3-retry-after", default=True if len(login.polls) == 1 else None)
