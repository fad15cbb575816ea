"""Errors that end a login (RFC 8628 section 3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.client.scripted.steps import change, error, pending
from device_grant.judging import check
from device_grant.protocol import Purpose

if TYPE_CHECKING:
    from device_grant.client.session.attempt import Attempt
    from device_grant.client.session.case import ClientUnderTest
    from device_grant.judging import Verify

STOPS = "rfc8628-3.5-client-stops-on-other-errors"
REACTS = "rfc8628-3.5-client-reacts-to-other-errors"
ENOUGH = 4
"""Polls after which it is plain that a client does not stop."""


def _refused(client: ClientUnderTest, code: str, status: int | None = None) -> Attempt:
    """A login that is refused with that error, of that status (or the usual one), at its first poll and for ever."""
    return client.poll(code, error(code, status=status), forever=["token"], most=ENOUGH, wait=6)


def _judge(client: ClientUnderTest, verify: Verify, login: Attempt, code: str, polls_before: int = 0) -> None:
    login.need(Purpose.POLL)
    if client.flows:
        verify.by_rules(login, STOPS)
    reported = code in login.ended.shown or "scripted server says" in login.ended.shown
    reacts = login.failed or (reported and not login.going_on) or login.error is not None
    # One that is going on and polls no more may be doing something about it.
    open_end = login.going_on and len(login.polls) == polls_before + 1
    verify.that(REACTS, reacts or (None if open_end else False), f"neither fails nor tells anybody of {code}", login)


@check(STOPS, REACTS, faults=("denial_retried", "errors_retried", "errors_unreported"), needs=("flow",), timed=True)
def test_access_denied(client: ClientUnderTest, verify: Verify) -> None:
    """access_denied for ever. Accepted: one poll, and an exit that tells of it."""
    _judge(client, verify, _refused(client, "access_denied"), "access_denied")


@check(
    STOPS,
    REACTS,
    "rfc8628-3.1-user-initiated",
    "rfc8628-3.5-client-waits-for-user-before-restart",
    faults=("expired_retried", "errors_unreported", "restarts_after_expiry"),
    needs=("flow",),
    timed=True,
)
def test_expired_token(client: ClientUnderTest, verify: Verify) -> None:
    """authorization_pending, then expired_token for ever. Accepted: no further poll, and no new flow by itself."""
    login = client.login(
        start=[change(interval=1)],
        token=[pending(), error("expired_token")],
        forever=["token"],
        most=ENOUGH + 1,
        wait=8,
    )
    _judge(client, verify, login, "expired_token", 1)
    once = len(login.starts) == 1
    for requirement in ("rfc8628-3.1-user-initiated", "rfc8628-3.5-client-waits-for-user-before-restart"):
        verify.that(requirement, once, "began a new flow by itself after expired_token", login)


@check(
    STOPS,
    REACTS,
    faults=("grant_errors_retried", "errors_retried", "errors_unreported"),
    needs=("flow",),
    timed=True,
)
def test_errors_of_the_request(client: ClientUnderTest, verify: Verify) -> None:
    """invalid_grant, invalid_client, invalid_request, unauthorized_client, then unsupported_grant_type, each for ever.

    Accepted: one poll, and an exit that tells of it.
    """
    for code in ("invalid_grant", "invalid_client", "invalid_request", "unauthorized_client", "unsupported_grant_type"):
        _judge(client, verify, _refused(client, code), code)


@check(STOPS, REACTS, faults=("unknown_errors_retried", "errors_unreported"), needs=("flow",), timed=True)
def test_unknown_error(client: ClientUnderTest, verify: Verify) -> None:
    """An error code that no specification knows. Accepted: one poll, and an exit that tells of it."""
    _judge(client, verify, _refused(client, "not_on_a_sunday"), "not_on_a_sunday")


@check(
    STOPS,
    REACTS,
    faults=("other_statuses_retried", "errors_retried", "errors_unreported"),
    needs=("flow",),
    when=lambda dialect: dialect.error_member_is_owed and dialect.error_statuses_vary,
    timed=True,
)
def test_final_errors_with_other_statuses(client: ClientUnderTest, verify: Verify) -> None:
    """access_denied with 403, expired_token with 404, invalid_grant with 401. Accepted: one poll, and a failure.

    Status 400 is what RFC 6749 section 5.2 promises; what the body says is as plain with another one.
    """
    for code, status in (("access_denied", 403), ("expired_token", 404), ("invalid_grant", 401)):
        _judge(client, verify, _refused(client, code, status), code)


@check("aws-client-honours-expired", faults=("expired_retried", "grant_errors_retried"), timed=True)
def test_expired_and_invalid_grant(client: ClientUnderTest, verify: Verify) -> None:
    """ExpiredTokenException, and InvalidGrantException, for ever. Accepted: both end the login with a failure."""
    for code in ("expired_token", "invalid_grant"):
        login = _refused(client, code)
        login.need(Purpose.POLL)
        more = len(login.polls) - 1
        problem = f"asks again after {code}" if more else f"does not end with {code}"
        ended = False if more else login.failed or (None if login.ended.overdue else False)
        verify.that("aws-client-honours-expired", ended, problem, login, got=f"{more} further requests" if more else "")


@check(REACTS, faults=("errors_unreported",), timed=True)
def test_refused_at_the_start(client: ClientUnderTest, verify: Verify) -> None:
    """The device authorization request is refused with invalid_client. Accepted: an exit that tells of it."""
    login = client.redeem(start=[error("invalid_client")])
    login.need(Purpose.START)
    reported = "invalid_client" in login.ended.shown or "scripted server says" in login.ended.shown
    # One that registers anew, and gets its token, has reacted as well as any.
    began = login.starts[0].ended
    recovered = login.succeeded and any(entry.started >= began for entry in login.of(Purpose.REGISTRATION))
    reacts = login.failed or reported or login.error is not None or recovered
    # Some go another way to a token then; one that asks again and again does not.
    open_end = login.going_on and len(login.starts) == 1
    problem = "neither fails nor tells anybody of invalid_client"
    verify.that(REACTS, reacts or (None if open_end else False), problem, login)
