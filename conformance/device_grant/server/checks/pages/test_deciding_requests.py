"""How a decision is sent, and what it leads to: by no request that a link or another site could make.

RFC 9110 section 9.2.1, RFC 6749 sections 2.3.1, 5.1 and 10.12.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from device_grant.browser.page import page_of
from device_grant.judging import Inconclusive, NotApplicable, Untestable, check
from device_grant.server.invariants.common import positive_whole
from device_grant.server.pages.resending import HELD, deciding_link, form_of, hold, passwords, place_of, resend
from device_grant.server.pages.visitor import Visitor
from device_grant.server.session.scopes import one_scope

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.server.session.device import Device

_DAY = 86_400.0
"""Seconds."""


@check("rfc9110-9.2.1-safe-get", faults=("decision_form_gets",), timed=True)
def test_no_link_approves(device: Device, verify: Verify) -> None:
    """The requests of an approval. Accepted: after the code comes one that changes something.

    Where links or forms by GET come last, one is held back: accepted is that the request is approved before it, or not
    by it.
    """
    link = deciding_link(device)
    verify.that("rfc9110-9.2.1-safe-get", link is None, "the request by which the user approves is a GET")


@check("rfc9110-9.2.1-safe-get", faults=("form_taken_by_get",), timed=True, live=HELD)
def test_deciding_form_sent_by_get(device: Device, verify: Verify) -> None:
    """What approves, sent by GET in the user's own browser, then as it should be. Accepted: the GET decides nothing."""
    place, grant = place_of(device), device.start()
    with Visitor(device.case) as browser:
        request = hold(browser, grant, place)
        form = form_of(request)
        if form.json:
            raise NotApplicable("the decision is sent as JSON, for which no link stands")
        unknown = passwords(browser.last)
        inputs = tuple(one for one in form.inputs if one.name not in unknown)
        browser.submit(browser.last, replace(form, method="get", inputs=inputs))
        exchange = grant.poll(label="poll after the form was sent by GET")
        decided = exchange.outcome.ok
        if not decided:
            resend(browser, request, frozenset(), by_the_person=True)
    if not decided and not grant.poll(label="control: poll after it was sent as it should be").outcome.ok:
        raise Inconclusive("after the GET the same form by POST does not approve either: nothing shows what decides")
    verify.that("rfc9110-9.2.1-safe-get", not decided, "the form that approves does so when it is a GET too", exchange)


@check("rfc6749-10.12-csrf-on-consent", faults=("known_client_approved_by_code",), timed=True)
def test_forged_code_of_a_known_client(device: Device, verify: Verify) -> None:
    """The page's code form, filled in by another site, whole, bare and as a link, for a client approved before.

    Accepted: no token, for the person was asked nothing.
    """
    with Visitor(device.case) as victim, Visitor(device.case) as attacker:
        refused = victim.decide("approve", device.start().view)
        if refused:
            raise Untestable(f"the user could not approve: {refused}")
        attacker.sign_in(device)
        grant = device.start()
        page = attacker.open(grant.verification_uri)
        prompt = page.markup.prompt()
        if prompt is None:
            raise Inconclusive("verification_uri has no form for the code that could be sent without script")
        form, entry = prompt
        typed = replace(entry, value=grant.user_code)
        whole = replace(form, inputs=tuple(typed if one is entry else one for one in form.inputs))
        for sent in (whole, replace(form, inputs=(typed,)), replace(form, inputs=(typed,), method="get")):
            victim.forge(page, sent, next(iter(form.buttons), None))
    exchange = grant.poll(label="poll after another site sent the code")
    problem = "another site had the user's browser approve a request of a client that was approved before"
    verify.that("rfc6749-10.12-csrf-on-consent", not exchange.outcome.ok, problem, exchange)


@check("rfc6749-2.3.1-secret-not-in-pages", faults=("secret_in_page_address",))
def test_pages_hold_no_secret_of_the_client(confidential: Device, verify: Verify) -> None:
    """Approve a request of a client with a secret. Accepted: no address, Location or page has it or the device code."""
    grant = confidential.start()
    with Visitor(confidential.case) as browser:
        refused = browser.decide("approve", grant.view)
        seen = browser.seen
    if not seen:
        raise Untestable(f"the user decides elsewhere: {refused or 'no page was loaded'}")
    secrets = {"the client's secret": confidential.client.secret or "", "the device code": grant.device_code}
    for name, secret in secrets.items():
        if not secret:
            continue
        places = [
            page_of(response).place
            for response in seen
            for text in (str(response.request.url), response.headers.get("location", ""), response.text)
            if secret in text or secret in unquote_plus(text)
        ]
        got = f"at {places[0]}" if places else ""
        problem = f"the pages show {name} to the user's browser"
        verify.that("rfc6749-2.3.1-secret-not-in-pages", not places, problem, grant.exchange, got=got)


@check("rfc6749-5.1-expires-in-value", faults=("tokens_age_with_session",), timed=True)
def test_token_of_an_old_session(device: Device, verify: Verify) -> None:
    """Sign in, wait a day, approve in that browser, redeem. Accepted: any expires_in is positive and whole."""
    # A client that was served before is registered anew, where its registration ends within the day.
    device.start()
    with Visitor(device.case) as browser:
        if not browser.sign_in(device):
            raise Untestable("no browser could be signed in: write sign_in(http) in the user module")
        device.case.wait(_DAY)
        grant = device.start()
        refused = browser.decide_on(grant, "approve")
    exchange = grant.poll(label="redeem what an old session approved")
    if refused or not exchange.outcome.ok:
        raise Untestable(f"the user could not approve a day later: {refused or exchange.describe()}")
    stated = exchange.get("expires_in")
    problem = "a token that an old session of the browser approved comes with an expires_in that is not positive"
    verify.that("rfc6749-5.1-expires-in-value", stated is None or positive_whole(stated), problem, exchange)


@check("rfc8628-3.1-scope-absent-handled", faults=("scopeless_unapprovable",), timed=True)
def test_request_without_scope_can_be_approved(device: Device, verify: Verify) -> None:
    """Start without scope, approve, poll; the control, if no token comes: the same with a scope. Accepted: a token."""
    exchange = device.request(scope=None, label="start without scope")
    if not exchange.outcome.ok:
        raise NotApplicable("a start without scope is refused, which is judged by itself")
    grant = device.started(exchange)
    complaint = device.user.try_to("approve", grant)
    answer = grant.poll(label="poll after the approval without scope")
    if not answer.outcome.ok:
        control = device.start(scope=one_scope(device))
        device.user.approve(control)
        if not control.poll(label="control: poll after the approval with a scope").outcome.ok:
            raise Untestable("a request with a scope yields no token either")
    problem = f"a request without scope is begun and cannot be approved{': ' if complaint else ''}{complaint}"
    # The start is what the text speaks of.
    verify.that("rfc8628-3.1-scope-absent-handled", answer.outcome.ok, problem, answer, tolerated=True)
