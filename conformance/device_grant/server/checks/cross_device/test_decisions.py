"""One decision for each user code, RFC 10027 section 6.1.3, and a plain way to refuse, section 6.1.14."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import Inconclusive, Untestable, check
from device_grant.protocol.exchange import REFUSED
from device_grant.server.checks.cross_device.asking_again import another, asks, question_of
from device_grant.server.pages.resending import HELD, hold, place_of, resend
from device_grant.server.pages.visitor import Visitor
from device_grant.server.session.device import GONE, PENDING

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.server.session.device import Device


@check(
    "rfc10027-6.1.3-one-decision-counts",
    faults=("stale_page_overrules_denial", "open_page_decides_again"),
    timed=True,
    live=HELD,
)
def test_page_of_before_the_refusal(device: Device, verify: Verify) -> None:
    """One browser at the question, refuse in another, approve in the first, poll twice. Accepted: a code that is gone.

    The control: what was held back approves, where nobody has refused.
    """
    place, grant, control = place_of(device), device.start(), device.start()
    with Visitor(device.case) as late:
        resend(late, hold(late, control, place), frozenset(), by_the_person=True)
    if not control.poll(label="control: poll after the held approval was sent").outcome.ok:
        raise Inconclusive("an approval that is held back and sent later approves nothing, refused or not")
    with Visitor(device.case) as late:
        request = hold(late, grant, place)
        device.user.deny(grant)
        resend(late, request, frozenset(), by_the_person=True)
    for label in ("poll after the refusal and a late approval", "poll once more"):
        exchange = grant.poll(label=label)
        verify("rfc10027-6.1.3-one-decision-counts", exchange, accepted=[*GONE, REFUSED])


@check(
    "rfc10027-6.1.3-no-second-approval",
    "rfc10027-6.1.3-redeemed-code-is-dead",
    faults=("second_approval_replaces_user", "redeemed_user_code_accepted"),
    timed=True,
)
def test_code_that_was_decided(device: Device, verify: Verify) -> None:
    """Approve, show the code and the link to a fresh browser, redeem, show both again. Accepted: no question.

    The control: what that browser is asked about a code that nobody has decided on. Where there is a second person, it
    is theirs.
    """
    control, grant = device.start(), device.start()
    with Visitor(device.case, person=another(device)) as other:
        question = question_of(other, control)
        device.user.approve(grant)
        asked = asks(other, grant, question)
        exchange = grant.poll(label="redeem")
        problem = "a user code that somebody has approved asks the next person for a decision"
        verify.that("rfc10027-6.1.3-no-second-approval", not asked, problem, exchange)
        if not exchange.outcome.ok:
            raise Untestable(f"the approved code was answered {exchange.describe()}")
        asked = asks(other, grant, question)
    problem = "a user code whose device has its tokens still asks for a decision"
    verify.that("rfc10027-6.1.3-redeemed-code-is-dead", not asked, problem, exchange)


@check("rfc10027-6.1.3-code-survives-interruption", faults=("user_code_spent_on_entry",), timed=True)
def test_interrupted_entry(device: Device, verify: Verify) -> None:
    """Type the code up to the decision, begin anew in another browser, approve, poll. Reported: no token.

    The control: another code, approved without that.
    """
    grant, control = device.start(), device.start()
    device.user.approve(control)
    with Visitor(device.case) as browser:
        browser.confirmation(grant)
    with Visitor(device.case) as browser:
        complaint = browser.decide_on(grant, "approve")
    exchange = grant.poll(label="poll after the second entry")
    if not exchange.outcome.ok and not control.poll(label="control: poll of the other code").outcome.ok:
        raise Untestable("no token comes for a code that is entered once either")
    problem = f"a code whose entry was broken off cannot be entered again{': ' if complaint else ''}{complaint}"
    verify.that("rfc10027-6.1.3-code-survives-interruption", exchange.outcome.ok, problem, exchange)


@check("rfc10027-6.1.14-decline-is-plain", faults=("denial_impossible", "decline_does_nothing"), timed=True)
def test_decline_ends_the_request(device: Device, verify: Verify) -> None:
    """Refuse, poll. Accepted: a code that is gone; pending where the pages ask no more, as a way out.

    The control: the pages let the user approve.
    """
    device.user.approve(device.start())
    grant = device.start()
    with Visitor(device.case) as browser:
        complaint = browser.decide_on(grant, "deny")
        last, seen = browser.last, bool(browser.seen)
    if complaint and not seen:
        raise Untestable(f"the user could not deny: {complaint}")
    exchange = grant.poll(label="poll after the refusal")
    asks_again = exchange.code in PENDING and any(len(form.buttons) > 1 for form in last.markup.forms)
    holds = not (complaint or asks_again or exchange.outcome.ok)
    problem = "the pages let the user approve, and have no way to refuse that ends the request"
    verify.that("rfc10027-6.1.14-decline-is-plain", holds, problem, exchange)
