"""Pages that are still open when something has been decided: they decide nothing more (RFC 8628 3.3 and 3.5)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from device_grant.judging import Inconclusive, Untestable, check
from device_grant.protocol.exchange import REFUSED
from device_grant.server.checks.pages.guessing import wrong
from device_grant.server.pages.resending import HELD, Place, hold, place_of, require_pages, resend
from device_grant.server.pages.visitor import Visitor
from device_grant.server.session.device import GONE

if TYPE_CHECKING:
    from device_grant.browser.page import Page
    from device_grant.judging import Verify
    from device_grant.protocol import Exchange
    from device_grant.server.session.device import Device


@check(
    "rfc8628-3.5-access-denied-terminal",
    "rfc8628-3.3-first-decision-counts",
    faults=("open_page_decides_again",),
    timed=True,
    live=HELD,
)
def test_open_pages_decide_no_more(device: Device, verify: Verify) -> None:
    """Hold the last request back in two browsers, decide the other way in one, send both. Accepted: the first decision.

    The control: what was held back decides where nobody has decided.
    """
    _require_that_late_approvals_count(device)
    exchange = _late(device, "deny", "approve")
    if exchange.outcome.ok:
        _require_that_denials_count(device)
    verify("rfc8628-3.5-access-denied-terminal", exchange, accepted=GONE, tolerated=[REFUSED])
    exchange = _late(device, "approve", "deny")
    problem = "a page that was open before the approval still refused the request"
    verify.that("rfc8628-3.3-first-decision-counts", exchange.outcome.ok, problem, exchange)


@check("rfc8628-3.3-decision-for-its-code", faults=("decision_of_the_session",), timed=True, live=HELD)
def test_two_codes_in_one_browser(device: Device, verify: Verify) -> None:
    """Open two confirmations in one browser, approve at the first. Accepted: the other code stays undecided."""
    place = _place_when_signed_in(device)
    shown, hidden = device.start(), device.start()
    with Visitor(device.case) as browser:
        # Whoever signs in once does not do so in between.
        _approve(browser, device)
        request = hold(browser, shown, place)
        hold(browser, hidden, place)
        resend(browser, request, frozenset(), by_the_person=True)
    exchange = hidden.poll(label="poll of the code whose page was left open")
    problem = "what was pressed at the page of one code decided another one that the browser had open"
    verify.that("rfc8628-3.3-decision-for-its-code", not exchange.outcome.ok, problem, exchange)


@check(
    "rfc8628-3.3-dead-code-asks-nothing",
    "rfc8628-5.1-dead-code-as-unknown",
    faults=("dead_code_asks", "dead_code_named"),
    order="last",
)
def test_dead_codes_ask_nothing(device: Device, verify: Verify) -> None:
    """A denied code and, where clocks jump, an expired one, typed. Accepted: no question as a live code has it.

    The control: what a code has in its page that nobody was given is no question. Reported: whether the pages tell the
    two apart.
    """
    live, denied = device.start(), device.start()
    with Visitor(device.case) as browser:
        asked = _controls(browser.confirmation(live))
    with Visitor(device.case) as browser:
        unknown = wrong(live.user_code, 1)
        never = browser.enter(unknown, live.verification_uri)
        asked -= _controls(never)
    if not asked:
        raise Inconclusive("nothing in the HTML of the question tells it from the page for codes")
    device.user.deny(denied)
    for grant, what in ((denied, "decided"), (live, "expired")):
        if grant is live:
            if device.case.run.target.clock.kind == "real" or grant.expires_in <= 0:
                return
            grant.expire()
        with Visitor(device.case) as browser:
            page = browser.enter(grant.user_code, grant.verification_uri)
        problem = f"a code that is {what} still leads to the question whether to allow it"
        verify.that("rfc8628-3.3-dead-code-asks-nothing", not asked <= _controls(page), problem, got=page.place)
        alike = _words(page, grant.user_code) == _words(never, unknown) and page.status == never.status
        problem = f"the pages tell a code that is {what} from one that nobody was given"
        verify.that("rfc8628-5.1-dead-code-as-unknown", alike, problem, got=page.place)


def _words(page: Page, code: str) -> str:
    """What a person reads, without the code and digits: waiting times count down, but mean the same."""
    return re.sub(r"[0-9]+", "", page.words.replace(code, ""))


def _controls(page: Page) -> set[tuple[str, str, str]]:
    forms = [form for form in page.markup.forms if not form.asks_password]
    buttons = {(button.name, button.value, button.label) for form in forms for button in form.buttons}
    return buttons | {("", "", entry.name) for form in forms for entry in form.inputs}


def _approve(browser: Visitor, device: Device) -> None:
    refused = browser.decide("approve", device.start().view)
    if refused:
        raise Untestable(f"the user could not approve: {refused}")


def _place_when_signed_in(device: Device) -> Place:
    """The request by which somebody approves who has approved before in the same browser."""
    require_pages(device)
    with Visitor(device.case) as browser:
        _approve(browser, device)
        before = len(browser.seen)
        _approve(browser, device)
        changing = [response for response in browser.seen[before:] if response.request.method != "GET"]
    if not changing:
        raise Inconclusive("the user decides by no request that changes anything: none can be held back")
    return Place(len(changing))


def _late(device: Device, first: str, second: str) -> Exchange:
    """What the device hears after both decisions, the second of them by pages that were open before the first."""
    place, grant = place_of(device, second), device.start()
    with Visitor(device.case) as one, Visitor(device.case) as other:
        held = [(browser, hold(browser, grant, place, second)) for browser in (one, other)]
        refused = one.decide_on(grant, first)
        if refused:
            raise Untestable(f"the user could not {first}: {refused}")
        for browser, request in held:
            resend(browser, request, frozenset(), by_the_person=True)
    return grant.poll(label=f"poll after pages that were open would {second}")


def _require_that_late_approvals_count(device: Device) -> None:
    place, grant = place_of(device), device.start()
    with Visitor(device.case) as browser:
        resend(browser, hold(browser, grant, place), frozenset(), by_the_person=True)
    if not grant.poll(label="control: poll after the same browser sent it").outcome.ok:
        raise Inconclusive("an approval that is held back and sent later does not count: nothing shows of what is late")


def _require_that_denials_count(device: Device) -> None:
    grant = device.start()
    device.user.deny(grant)
    if grant.poll(label="control: poll after denial").outcome.ok:
        raise Inconclusive("no denial counts: see the checks of denials")
