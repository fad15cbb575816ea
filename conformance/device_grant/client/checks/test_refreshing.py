"""Refreshing (RFC 6749 section 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.client.scripted.steps import change, error, status, text
from device_grant.judging import Untestable, check
from device_grant.protocol import Purpose
from device_grant.protocol.reading import value_of

if TYPE_CHECKING:
    from device_grant.client.drivers.invocation import Home
    from device_grant.client.scripted.steps import Step
    from device_grant.client.session.attempt import Attempt
    from device_grant.client.session.case import ClientUnderTest
    from device_grant.judging import Verify
    from device_grant.protocol import Exchange

LIFETIME = 1
"""Seconds that the token of the first refresh lives."""
EXPIRED = 1.2
"""Seconds after its end at which nobody takes it for good any more, be times cut to whole seconds."""
AGAIN = "rfc6749-6-client-signs-in-again"
ENDED = "rfc6749-6-client-refused-refresh-ends"
FIRST, SECOND = "RT.first-refresh-token", "RT.second-refresh-token"


@check(
    "rfc6749-6-grant-type",
    "rfc6749-6-refresh-token-param",
    "rfc6749-6-refresh-form-post",
    "rfc6749-6-scope-not-widened",
    faults=("refresh_grant_misspelt", "refresh_token_missing", "refresh_as_json", "refresh_scope_widened"),
    needs=("refresh",),
)
def test_refresh(client: ClientUnderTest, verify: Verify) -> None:
    """One refresh. Accepted: grant type, token and encoding of RFC 6749, and no more scope than before."""
    attempt = client.refresh()
    if not attempt.session.refreshes:
        raise Untestable("the client never got to its refresh request")
    verify.by_rules(
        attempt,
        "rfc6749-6-grant-type",
        "rfc6749-6-refresh-token-param",
        "rfc6749-6-refresh-form-post",
        "rfc6749-6-scope-not-widened",
    )


@check(
    "rfc6749-6-credentialed-authenticates",
    faults=("refresh_unauthenticated",),
    needs=("refresh", "confidential"),
)
def test_refresh_with_credentials(client: ClientUnderTest, verify: Verify) -> None:
    """A refresh of a client that has a secret. Accepted: it authenticates."""
    attempt = client.refresh(confidential=True)
    if not attempt.session.refreshes:
        raise Untestable("the client never got to its refresh request")
    verify.by_rules(attempt, "rfc6749-6-credentialed-authenticates")


@check(
    "rfc6749-6-client-discards-old",
    faults=("refresh_token_never_replaced",),
    needs=("refresh", "keeps_tokens"),
    timed=True,
)
def test_rotated_refresh_token(client: ClientUnderTest, verify: Verify) -> None:
    """A refresh yields a new refresh token; then another refresh. Accepted: it uses the new one."""
    second = _twice(client, "with a new token", change(refresh_token=SECOND, expires_in=LIFETIME))
    sent = value_of(_refreshed(second).request, "refresh_token")
    problem = "goes on with a refresh token that was replaced"
    verify.that("rfc6749-6-client-discards-old", sent == SECOND, problem, second)


@check(
    "rfc6749-6-client-keeps-old-when-not-rotated",
    faults=("refresh_token_forgotten",),
    needs=("refresh", "keeps_tokens"),
    timed=True,
)
def test_refresh_token_that_stays(client: ClientUnderTest, verify: Verify) -> None:
    """A refresh yields no refresh token; then another refresh. Accepted: it uses the one that it had.

    One that fails without asking has thrown it away only if it asks where it was given a new one.
    """
    second = _twice(client, "without a new token", change(refresh_token=..., expires_in=LIFETIME))
    problem = "throws its refresh token away when it gets no new one"
    if second.failed and not second.of(Purpose.REFRESH):
        _refreshed(_twice(client, "with a new token", change(refresh_token=SECOND, expires_in=LIFETIME)))
        sent = None
    else:
        sent = value_of(_refreshed(second).request, "refresh_token")
    verify.that("rfc6749-6-client-keeps-old-when-not-rotated", sent == FIRST, problem, second)


@check(ENDED, faults=("refused_refresh_ignored",), needs=("refresh", "keeps_tokens"), timed=True)
def test_refused_refresh(client: ClientUnderTest, verify: Verify) -> None:
    """A token has expired, and its refresh is answered 500, then 200 with {}, then invalid_grant, for ever.

    Accepted: each time a failure, or another token by a new login: never success with the expired one.
    """
    client.free("token", "refresh_token", "expires_in")
    home = client.home()
    first = _first(client, "a refresh that works", home, change(refresh_token=SECOND, expires_in=LIFETIME))
    client.rest(LIFETIME + EXPIRED, first)
    asked = False
    for what, step in (
        ("refused with 500", status(500)),
        ("answered 200 with {}", text("{}", "application/json")),
        ("refused with invalid_grant", error("invalid_grant")),
    ):
        second = client.refresh(
            what,
            home=home,
            refresh=[step],
            forever=["refresh"],
            known={"refresh_token": SECOND},
            given={"REFRESH_TOKEN": ""},
            wait=20,
        )
        if not second.of(Purpose.REFRESH):
            continue
        asked = True
        right = None if second.going_on else second.failed or second.error is not None or second.succeeded
        verify.that(ENDED, right, f"ends with success although its refresh was {what}", second)
    if not asked:
        raise Untestable("no run asked for a refresh, though the token had expired")


@check(AGAIN, faults=("dead_refresh_token_kept",), needs=("flow", "keeps_tokens"), timed=True)
def test_login_after_the_refresh_token_died(client: ClientUnderTest, verify: Verify) -> None:
    """A login; its token ends, and its refresh token is refused with invalid_grant, in two further logins.

    Accepted: one of them begins a device authorization. Whether it tried the refresh before is its own affair.
    """
    client.free("token", "refresh_token", "expires_in")
    home = client.home()
    first = client.login("the first login", home=home, token=[change(expires_in=LIFETIME)])
    if not first.succeeded:
        raise Untestable(f"a login with a token of one second did not work: the client {first.how}")
    client.rest(LIFETIME + EXPIRED, first)
    for label in ("the second login", "the third login"):
        later = client.login(label, home=home, refresh=[error("invalid_grant")], forever=["refresh"])
        if later.starts:
            break
    if not later.starts and not later.of(Purpose.REFRESH):
        raise Untestable(f"the third login asked for no token: the client {later.how}")
    begins = bool(later.starts) or (None if later.ended.overdue else False)
    verify.that(AGAIN, begins, "does not sign in anew when its refresh token is refused", later)


def _refreshed(second: Attempt) -> Exchange:
    """The last refresh request of the second run."""
    collected = second.of(Purpose.REFRESH)
    if not collected:
        raise Untestable(f"the second run asked for no refresh, though its token had expired: the client {second.how}")
    return collected[-1]


def _twice(client: ClientUnderTest, label: str, answer: Step) -> Attempt:
    """Two refreshes of the same person, the second when its token has expired; it is told no refresh token."""
    client.free("token", "refresh_token", "expires_in")
    home = client.home()
    first = _first(client, f"the first refresh, {label}", home, answer)
    client.rest(LIFETIME + EXPIRED, first)
    authority_knows = {"refresh_token": SECOND}
    return client.refresh(f"the second refresh, {label}", home=home, known=authority_knows, given={"REFRESH_TOKEN": ""})


def _first(client: ClientUnderTest, label: str, home: Home, answer: Step) -> Attempt:
    """A refresh that works, with a refresh token that the client is given; raises Untestable if it does not."""
    first = client.refresh(
        label, home=home, refresh=[answer], known={"refresh_token": FIRST}, given={"REFRESH_TOKEN": FIRST}
    )
    if not first.of(Purpose.REFRESH) or first.failed or first.going_on:
        raise Untestable(f"the first refresh did not work: the client {first.how}")
    return first
