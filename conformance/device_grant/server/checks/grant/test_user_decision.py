"""What the user decides: approval and denial, RFC 8628 sections 3.3 and 3.5."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import Untestable, UserModuleBroke, check
from device_grant.protocol.exchange import REFUSED
from device_grant.server.session.browsing import browser_at
from device_grant.server.session.device import ENDED, GONE, PENDING
from device_grant.server.session.registering import device_of_a_new_client
from device_grant.server.session.scopes import known_scopes

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device, Grant


@check("rfc8628-3.5-success-after-approval", "aws-token-success", faults=("approval_ignored",), timed=True)
def test_approval(device: Device, verify: Verify) -> None:
    """Start, poll once, let the user approve, poll. Accepted: pending, then a token (its members: the invariants)."""
    grant = device.start()
    before = grant.poll(label="poll before approval")
    device.user.approve(grant)
    after = grant.poll(label="poll after approval")
    if before.outcome.ok:
        raise Untestable("a token came before the approval")
    verify("rfc8628-3.5-success-after-approval", after, accepted=["ok"])
    verify("aws-token-success", after, accepted=["ok"])


@check(
    "rfc8628-3.5-access-denied",
    "rfc8628-3.5-access-denied-terminal",
    "aws-token-access-denied",
    faults=("denial_ignored", "denial_as_invalid_grant", "denial_then_token"),
    timed=True,
)
def test_denial_is_final(device: Device, verify: Verify) -> None:
    """Start, let the user deny, poll, try to approve, poll. Accepted: access_denied, then a code that is gone."""
    grant = device.start()
    device.user.deny(grant)
    first = grant.poll(label="poll after denial")
    verify("rfc8628-3.5-access-denied", first, accepted=["access_denied"])
    verify("aws-token-access-denied", first, accepted=["access_denied"])
    device.user.try_to("approve", grant)
    second = grant.poll(label="poll after a late approval")
    verify("rfc8628-3.5-access-denied-terminal", second, accepted=GONE, tolerated=[REFUSED])


@check("rfc8628-3.5-slow-down-only-while-pending", faults=("slow_down_after_denial",), timed=True)
def test_slow_down_means_pending(device: Device, verify: Verify) -> None:
    """Deny, then poll politely. Accepted: no slow_down for a code that is decided."""
    grant = device.start()
    device.user.deny(grant)
    exchange = grant.poll(label="polite poll after denial")
    verify.that(
        "rfc8628-3.5-slow-down-only-while-pending",
        exchange.code != "slow_down",
        "slow_down was sent for a denied code",
        exchange,
    )


@check(
    "rfc8628-3.4-code-bound-to-client",
    "rfc8628-3.4-foreign-poll-harmless",
    faults=("foreign_client_redeems", "foreign_poll_starves"),
    timed=True,
)
def test_code_of_another_client(device: Device, other: Device, verify: Verify) -> None:
    """An approved code polled by a second client, then by its own. Accepted: a refusal, then a token."""
    grant = device.start()
    device.user.approve(grant)
    foreign = grant.poll_by(other)
    verify("rfc8628-3.4-code-bound-to-client", foreign, accepted=["invalid_grant"], tolerated=[REFUSED])
    if foreign.outcome.ok:
        verify.that("rfc8628-3.4-foreign-poll-harmless", None, "the second client was given the token", foreign)
        return
    own = grant.poll(label="poll by the owner")
    if own.code == "slow_down":  # for whose poll, another check judges
        own = grant.poll(label="poll by the owner, 5 s later")
    verify("rfc8628-3.4-foreign-poll-harmless", own, accepted=["ok"], tolerated=ENDED)


@check("rfc8628-3.5-denial-after-approval", faults=("denial_after_approval_ignored",), timed=True)
def test_denial_after_an_earlier_approval(case: ServerCase, device: Device, verify: Verify) -> None:
    """Approve and redeem one scope; start for another one too, deny, poll. Accepted: as for any denied code.

    The client is a new one where one can be registered: with others the user may have allowed everything before.
    Without two scopes the second device asks for the same again.
    """
    try:
        device = device_of_a_new_client(case)
    except Untestable as reason:
        case.note(f"the client is not a new one: {reason}")
    known = [] if case.run.dialect.scopes_are_registered else known_scopes(device)[:2]
    less, more = ({"scope": known[0]}, {"scope": " ".join(known)}) if len(known) > 1 else ({}, {})
    allowed = device.start(**less)
    device.user.approve(allowed)
    if not allowed.poll(label="redeem the first device's code").outcome.ok:
        raise Untestable("no token came for the first device, which was approved")
    refused = device.start(**more)
    complaint = device.user.try_to("deny", refused)
    if complaint:
        # A page that takes a refusal for an approval says so, and the person complains. Or there is nothing to refuse.
        _require_question(device.start(**more), complaint)
    exchange = refused.poll(label="poll of the second device, which was denied")
    if exchange.code in PENDING:
        raise Untestable(complaint or "the denial changed nothing, which another check judges")
    verify("rfc8628-3.5-denial-after-approval", exchange, accepted=GONE)


def _require_question(grant: Grant, complaint: str) -> None:
    """Raise Untestable with the complaint where the pages ask nothing of a user who comes with such a code."""
    from device_grant.server.pages.visitor import Visitor

    try:
        with Visitor(grant.device.case) as browser:
            browser.confirmation(grant)
    except UserModuleBroke:
        raise
    except Untestable:
        raise Untestable(complaint) from None


@check("rfc8628-3.3-user-must-authenticate", "rfc9110-9.2.1-safe-get", faults=("anyone_approves_on_get",), timed=True)
def test_loading_the_page_decides_nothing(device: Device, verify: Verify) -> None:
    """GET verification_uri_complete, else verification_uri, in a fresh browser, then poll. Accepted: still pending."""
    grant = device.start()
    target = device.case.run.target
    address = grant.verification_uri_complete or grant.verification_uri
    # A target that answers from what was kept of it may hold no page of the shorter address.
    if not grant.verification_uri_complete and target.sampler is not None:
        raise Untestable("no verification_uri_complete to open")
    device.case.note("a browser without a session opens the verification page")
    with browser_at(device.case.run, patient=False) as browser:
        page = browser.get(address, follow_redirects=True)
    exchange = grant.poll(label="poll after the page was opened")
    problem = f"after a GET (status {page.status_code // 100}xx) the poll answered {exchange.describe()}"
    untouched = grant.untouched(exchange)
    for requirement in ("rfc8628-3.3-user-must-authenticate", "rfc9110-9.2.1-safe-get"):
        verify.that(requirement, untouched, problem, exchange)


@check("rfc8628-3.5-no-token-before-approval", faults=("user_code_repeated", "token_before_approval"), timed=True)
def test_only_the_right_code_is_approved(device: Device, verify: Verify) -> None:
    """Two authorizations, one approved. Accepted: no token for the other one, whatever else is answered."""
    approved, waiting = device.start(), device.start()
    device.user.approve(approved)
    exchange = waiting.poll(label="poll of the code that nobody approved")
    no_token = exchange.get("access_token") is None
    problem = "a token came for a code that nobody approved"
    verify.that("rfc8628-3.5-no-token-before-approval", no_token, problem, exchange)
