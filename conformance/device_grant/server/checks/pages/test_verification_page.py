"""What the verification pages show and ask, RFC 8628 sections 3.3, 3.3.1, 5.1 and 5.4.

One check types wrong codes until the server has enough of it. It declares that it is the last one and runs alone, so
that no other check meets a server that is on its guard.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from device_grant.browser.markup import squeezed
from device_grant.browser.page import THROTTLED, Page, same_host, split
from device_grant.judging import Inconclusive, NotApplicable, Untestable, check
from device_grant.protocol import Operation
from device_grant.protocol.exchange import REFUSED
from device_grant.server.checks.pages.complete import (
    approved_without_typing,
    complete_address,
    is_put_off,
    shows,
    visit,
)
from device_grant.server.checks.pages.guessing import CALM, answer_to, calm_down, first_answer, wrong
from device_grant.server.checks.pages.typing import not_typable
from device_grant.server.pages.informing import before_deciding, instead_of_pictures, may_be_pictured, named
from device_grant.server.pages.visitor import Visitor
from device_grant.server.pages.wording import CAUTION, DEVICE, FAREWELL, POSSESSION, unread
from device_grant.server.session.device import GONE, Device
from device_grant.server.session.registering import refused
from device_grant.targets.ports import GrantView

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.server.session.case import ServerCase

LONGEST_MEMORABLE = 60
"""Characters of a verification_uri that people are still willing to type."""
WRONG_CODES = 12
SLOW = 2.0
"""Real seconds from which an answer counts as held back."""
_MOST_LINKS = 15


# Addresses.


@check("rfc8628-3.2-verification-uri-short", faults=("verification_uri_long",))
def test_address_is_short(device: Device, verify: Verify) -> None:
    """verification_uri. Accepted: at most 60 characters and no fragment, since people type it."""
    grant = device.start()
    fragment = split(grant.verification_uri).fragment
    short = len(grant.verification_uri) <= LONGEST_MEMORABLE and not fragment
    problem = f"verification_uri has a fragment or more than {LONGEST_MEMORABLE} characters"
    verify.that("rfc8628-3.2-verification-uri-short", short, problem, grant.exchange)


@check("rfc3986-3.5-fragment", faults=("verification_uri_fragment",))
def test_addresses_have_no_fragment(device: Device, verify: Verify) -> None:
    """verification_uri and verification_uri_complete. Reported: a fragment, which never reaches the server."""
    grant = device.start()
    fragments = [split(uri).fragment for uri in (grant.verification_uri, grant.verification_uri_complete or "")]
    verify.that("rfc3986-3.5-fragment", not any(fragments), "a verification URI has a fragment", grant.exchange)


@check("rfc8628-3.2-verification-uri-on-as", faults=("verification_uri_elsewhere",))
def test_address_belongs_to_the_server(device: Device, verify: Verify) -> None:
    """Host of verification_uri. Reported: one that has no domain in common with the endpoints."""
    grant = device.start()
    run = device.case.run
    own = {run.target.base, run.url(Operation.TOKEN), run.url(Operation.DEVICE_AUTHORIZATION)}
    related = _domain(grant.verification_uri) in {_domain(url) for url in own}
    problem = "verification_uri is on a host that is unrelated to the endpoints"
    verify.that("rfc8628-3.2-verification-uri-on-as", related, problem, grant.exchange)


def _domain(url: str) -> str:
    host = split(url).hostname or ""
    return host if re.fullmatch(r"[\d.]+|.*:.*", host) else ".".join(host.split(".")[-2:])


@check("rfc8628-3.2-complete-uri-identifies-session", faults=("complete_uri_constant",))
def test_complete_address_names_the_session(device: Device, verify: Verify) -> None:
    """verification_uri_complete of two authorizations. Accepted: absolute, with the code or else different."""
    first, second = device.start(), device.start()
    one, other = first.verification_uri_complete, second.verification_uri_complete
    if one is None or other is None:
        raise NotApplicable("the server sends no verification_uri_complete")
    absolute = split(one).scheme in ("http", "https") and bool(split(one).netloc)
    named = squeezed(first.user_code) in squeezed(one) or one != other
    problem = "verification_uri_complete is not absolute, or says nothing about its session"
    verify.that("rfc8628-3.2-complete-uri-identifies-session", absolute and named, problem, first.exchange)


# The page for the code.


@check("rfc8628-3.3-user-code-prompt", faults=("code_prompt_missing", "code_field_too_short"))
def test_page_asks_for_the_code(device: Device, verify: Verify) -> None:
    """verification_uri in a signed-in browser. Accepted: a page with a field that takes the code as it is displayed."""
    grant = device.start()
    with Visitor(device.case) as browser:
        signed_in = browser.sign_in(device)
        page = browser.open(grant.verification_uri)
    markup = page.markup
    asked = page.shown and markup.prompt() is not None
    # A code may be asked for together with name and password, in one form.
    asked = asked or any("code" in entry.name.lower() for form in markup.forms for entry in form.inputs if entry.typed)
    if not asked and markup.asks_password and not signed_in:
        raise Untestable("verification_uri asks to sign in first: write sign_in(http) in the user module")
    if not asked and markup.has_script:
        raise Inconclusive("script may make the place to type the code")
    verify.that("rfc8628-3.3-user-code-prompt", asked, "the page at verification_uri has no place to type the code")
    reason = not_typable(markup, grant.user_code)
    if reason and markup.has_script:
        raise Inconclusive(f"script may adapt the field for the code: {reason}")
    verify.that("rfc8628-3.3-user-code-prompt", not reason, reason)


@check("rfc8628-3.3-interaction-sequence", faults=("code_prompt_missing",), timed=True)
def test_user_can_begin_at_the_short_address(device: Device, verify: Verify) -> None:
    """Approve from verification_uri with the code typed, poll. Accepted: a token."""
    grant = device.start()
    with Visitor(device.case) as browser:
        refused = browser.decide_on(grant, "approve", GrantView(grant.user_code, grant.verification_uri))
    grant.require_life()
    exchange = grant.poll(label="poll after the code was typed at verification_uri")
    if refused or not exchange.outcome.ok:
        # Only where another way leads to an approval is it certain that this one is missing.
        _approved_at_the_complete_address(device, refused)
    problem = "the user can approve from verification_uri_complete, but not from verification_uri"
    verify.that("rfc8628-3.3-interaction-sequence", exchange.outcome.ok, problem, exchange)


def _approved_at_the_complete_address(device: Device, complaint: str) -> None:
    grant = device.start()
    complete = grant.verification_uri_complete
    with Visitor(device.case) as browser:
        refused = not complete or browser.decide_on(grant, "approve", GrantView(grant.user_code, complete, complete))
    if refused or not grant.poll(label="poll after verification_uri_complete").outcome.ok:
        raise Untestable(f"the user could not approve: {complaint or 'no token came of it'}")


@check("rfc8628-3.3-approve-or-deny", faults=("denial_impossible",))
def test_user_can_approve_and_deny(device: Device, verify: Verify) -> None:
    """One request approved, one denied. Accepted: the pages let the user do both."""
    device.user.approve(device.start())
    complaint = device.user.try_to("deny", device.start())
    verify.that("rfc8628-3.3-approve-or-deny", not complaint, "the pages let the user approve, but not deny")


@check("rfc8628-3.5-access-denied-terminal", faults=("decision_reversible",), timed=True)
def test_refused_code_cannot_be_approved(device: Device, verify: Verify) -> None:
    """Deny, go back and approve in the same browser, poll. Accepted: a code that is gone."""
    grant = device.start()
    with Visitor(device.case) as browser:
        refused = browser.decide_on(grant, "deny")
        if refused:
            raise Untestable(f"the user could not deny: {refused}")
        browser.decide_on(grant, "approve")
    # The approval is none: the code has to be over also where approvals come to nothing.
    grant.decision = "deny"
    exchange = grant.poll(label="poll after the user denied and went back to approve")
    verify("rfc8628-3.5-access-denied-terminal", exchange, accepted=GONE, tolerated=[REFUSED])


# verification_uri_complete.


@check(
    "rfc8628-3.3.1-no-typing-needed",
    "rfc8628-3.3.1-server-shows-code-for-comparison",
    faults=("complete_uri_constant", "code_not_shown"),
)
def test_complete_address_brings_the_code(device: Device, verify: Verify) -> None:
    """verification_uri_complete in a signed-in browser. Accepted: the code is filled in, and shown for comparison."""
    grant = device.start()
    signed_in, visited = visit(device, grant)
    if is_put_off(visited[-1]):
        calm_down(device.case, "the page asks for nothing")
        grant = device.start()
        signed_in, visited = visit(device, grant)
    code = squeezed(grant.user_code)
    shown = any(shows(page, code) for page in visited)
    if not shown and not signed_in and visited[-1].markup.asks_password:
        raise Untestable("verification_uri_complete asks to sign in first: write sign_in(http) in the user module")
    if not shown and not any(page.shown for page in visited):
        raise Inconclusive("verification_uri_complete showed no HTML page")
    where = split(complete_address(grant))
    if not shown and code in squeezed(where.fragment) and code not in squeezed(where.query + where.path):
        # It never reaches the server: what the page does with it only its script knows.
        raise Inconclusive("the code is in the fragment of verification_uri_complete, for script: open it yourself")
    filled = shown or any(code in squeezed(page.html) for page in visited)
    script = visited[-1].markup.has_script and not visited[-1].markup.forms
    problem = "after verification_uri_complete the code has to be typed all the same"
    untyped: bool | None = True if filled else None if script else False
    if not filled and visited[-1].form is not None and visited[-1].markup.prompt() is None:
        # The session may know the code that the address brought: what is not shown is not to be typed therefore.
        untyped = approved_without_typing(device) or None
    verify.that("rfc8628-3.3.1-no-typing-needed", untyped, problem)
    problem = "after verification_uri_complete the page does not show the user code"
    requirement = "rfc8628-3.3.1-server-shows-code-for-comparison"
    verify.that(requirement, shown or (None if script else False), problem)


@check("rfc8628-3.3.1-choice-preserved", "rfc9110-9.2.1-safe-get", faults=("approves_on_get",), timed=True)
def test_looking_decides_nothing(device: Device, verify: Verify) -> None:
    """Signed in: GET verification_uri_complete, the confirmation and all their own links, poll. Accepted: pending."""
    grant = device.start()
    with Visitor(device.case) as browser:
        if not browser.sign_in(device):
            raise Untestable("no browser could be signed in: write sign_in(http) in the user module")
        pages = [browser.open(uri) for uri in (grant.verification_uri_complete, grant.verification_uri) if uri]
        links = {str(link): None for page in pages for link in _own_links(page)}
        for link in list(links)[:_MOST_LINKS]:
            browser.open(link, follow=False)
    exchange = grant.poll(label="poll after pages were opened")
    problem = "opening pages without pressing anything decided the request"
    # A link that refuses breaks the rule about GET too, but no one gets access by it.
    harmless, untouched = not exchange.outcome.ok, grant.untouched(exchange)
    verify.that("rfc8628-3.3.1-choice-preserved", untouched, problem, exchange, tolerated=harmless)
    verify.that("rfc9110-9.2.1-safe-get", untouched, problem, exchange, tolerated=harmless)


def _own_links(page: Page) -> list[str]:
    collected = [page.link(reference) for reference in page.markup.links if not reference.startswith("#")]
    return [str(url) for url in collected if url is not None and same_host(str(url), str(page.url))]


@check(
    "rfc6749-10.2-no-automatic-repeat",
    "rfc8252-8.6-no-automatic-consent",
    "rfc6819-5.2.3.2-consent-for-public",
    "rfc8628-5.4-confirm-possession",
    faults=("known_client_approves_on_get", "approves_on_get", "known_client_approved_by_code"),
    timed=True,
)
def test_second_request_is_asked_again(device: Device, verify: Verify) -> None:
    """Approve, then open the next request of the same public client in the same browser, poll. Accepted: pending.

    Likewise where the code of a third request is typed: nothing more is asked of who types it, but whose device it is.
    """
    if device.case.run.dialect.proves_identity(device.client):
        raise NotApplicable("the client proves its identity")
    with Visitor(device.case) as browser:
        refused = browser.decide("approve", device.start().view)
        if refused:
            raise Untestable(f"the user could not approve: {refused}")
        grant = device.start()
        browser.open(grant.verification_uri_complete or grant.verification_uri)
        typed = device.start()
        page = browser.open(typed.verification_uri)
        prompt = page.markup.prompt()
        if prompt is not None:
            form, entry = prompt
            browser.submit(page, form, next(iter(form.buttons), None), **{entry.name: typed.user_code})
    exchange = grant.poll(label="poll of the second request")
    problem = "a second request of a public client was approved without asking the user"
    for requirement in (
        "rfc6749-10.2-no-automatic-repeat",
        "rfc8252-8.6-no-automatic-consent",
        "rfc6819-5.2.3.2-consent-for-public",
    ):
        verify.that(requirement, not exchange.outcome.ok, problem, exchange)
    if prompt is None or len(prompt[0].buttons) > 1 or POSSESSION.search(page.markup.text):
        raise Inconclusive("the code is not asked for alone: what is asked beside it may be the question itself")
    exchange = typed.poll(label="poll of the request whose code was typed")
    problem = "a code of a client that was approved before is approved as it is typed: nobody asks whose device it is"
    verify.that("rfc8628-5.4-confirm-possession", not exchange.outcome.ok, problem, exchange)


# The confirmation.


@check(
    "rfc8628-5.4-display-device-info",
    "rfc6749-10.2-explicit-user-authentication",
    "rfc6819-5.2.4.2-transparency",
    faults=("client_not_shown",),
)
def test_confirmation_names_the_client(case: ServerCase, verify: Verify) -> None:
    """The pages up to the decision for a client registered under a name. Accepted: one has the name or client_id."""
    device, name = named(case, "Conformance Lamp 7Q")
    words = [squeezed(word) for word in (name, device.client.id) if word]
    pages = before_deciding(device)
    text = squeezed(" ".join(f"{page.markup.text} {instead_of_pictures(page)}" for page in pages))
    # Of data a script shows a name; an identifier may be there for the script alone.
    data = squeezed(" ".join(page.data for page in pages))
    shown = any(word in text for word in words) or bool(name and squeezed(name) in data)
    if not shown and (any(page.data for page in pages) or may_be_pictured(case, pages)):
        raise Inconclusive("what the pages show is made by script, or pictures: read them yourself")
    if not shown and not name:
        raise Inconclusive("the client's name is not known here: neither target.toml nor a registration tells it")
    informed = ("rfc6749-10.2-explicit-user-authentication", "rfc6819-5.2.4.2-transparency")
    for requirement in ("rfc8628-5.4-display-device-info", *informed):
        verify.that(requirement, shown, "no page before the decision says which client asks")


@check(
    "rfc8628-5.4-confirm-possession",
    "rfc8628-5.4-inform-user-authorizing-device",
    faults=("possession_not_asked", "device_unmentioned"),
)
def test_confirmation_speaks_of_the_device(case: ServerCase, verify: Verify) -> None:
    """Wording of the confirmation, if English. Accepted: it names a device, and asks whether it is one's own."""
    device, name = named(case, "Conformance Lamp 7Q")
    with Visitor(case) as browser:
        page = browser.confirmation(device.start())
    if page.data:
        raise Inconclusive("the words of the confirmation are made by script: read it yourself")
    reason = unread(page.markup, "the confirmation", POSSESSION, DEVICE)
    if reason:
        raise Inconclusive(reason)
    text = page.markup.text.replace(name or device.client.id, "").replace(device.client.id, "")
    problem = "the confirmation does not ask whether the device is the user's own"
    asked = True if POSSESSION.search(text) else None if DEVICE.search(text) and CAUTION.search(text) else False
    verify.that("rfc8628-5.4-confirm-possession", asked, problem, got="words to be read by yourself")
    problem = "the confirmation does not say that a device is being connected"
    verify.that("rfc8628-5.4-inform-user-authorizing-device", DEVICE.search(text) is not None, problem)


@check("rfc7591-2-display-uris", faults=("client_pages_not_shown",))
def test_confirmation_links_to_the_client(case: ServerCase, verify: Verify) -> None:
    """The pages up to the decision for a client with pages of its own. Accepted: they show those registered."""
    # The logo is left out: many servers show a copy of their own.
    wanted = {name: f"https://lamp.example/{name}" for name in ("client_uri", "tos_uri", "policy_uri")}
    if not case.run.endpoints.registration:
        raise NotApplicable("clients cannot be registered")
    answer = case.send(case.run.registration_request(**wanted), "register with pages of its own")
    if not answer.outcome.ok:
        raise refused(answer)
    kept = [uri for name, uri in wanted.items() if answer.get(name) == uri]
    if not kept:
        raise NotApplicable("the server does not take the addresses of a client's own pages")
    pages = before_deciding(Device(case, case.run.client_of(answer)))
    html = " ".join(page.html or page.data for page in pages)
    missing = [uri for uri in kept if uri not in html]
    if missing and any(page.data for page in pages):
        raise Inconclusive("what the pages show is made by script: read it yourself")
    problem = "no page before the decision shows the client's own pages"
    verify.that("rfc7591-2-display-uris", not missing, problem, answer)


@check("rfc8628-3.3-return-instruction", faults=("no_return_instruction",))
def test_result_sends_the_user_back(device: Device, verify: Verify) -> None:
    """Wording of the page after the approval, where it is English. Accepted: close this page, return to your device."""
    with Visitor(device.case) as browser:
        refused = browser.decide("approve", device.start().view)
        if refused:
            raise Untestable(f"the user could not approve: {refused}")
        last = next(reversed(browser.pages()), None)
    if last is None:
        raise Inconclusive("no page comes after the decision")
    reason = unread(last.markup, "the last page", FAREWELL)
    if reason:
        raise Inconclusive(reason)
    description = FAREWELL.search(last.markup.text) is not None
    verify.that(
        "rfc8628-3.3-return-instruction", description, "after the decision nothing sends the user back to the device"
    )


# Guessing.


@check(
    "rfc8628-5.1-rate-limit-user-code",
    "rfc6749-10.10-protect-user-credentials",
    "rfc9110-15.6-no-5xx-on-client-error",
    faults=("guesses_unthrottled", "throttled_500"),
    # A server that protects itself may refuse this user, or this address, for a while.
    order="last",
    alone=True,
)
def test_wrong_codes_are_slowed_down(device: Device, verify: Verify) -> None:
    """Twelve wrong codes, then a right one, in one browser. Accepted: a refusal, delay or question of another kind."""
    if device.user.try_to("approve", device.start()):
        calm_down(device.case, "the page does not let the user approve")
        device.user.approve(device.start())
    wanted = device.start()
    with Visitor(device.case, patient=False) as browser:
        answers = [first_answer(browser, wanted.user_code, wanted.verification_uri)]
        codes = [wrong(wanted.user_code, turn) for turn in range(2, WRONG_CODES + 1)]
        answers += [answer_to(browser, code, wanted.verification_uri) for code in codes]
        refused = browser.decide("approve", device.start().view)
    if device.case.run.target.clock.kind != "real":
        device.case.wait(CALM)
    first, last = answers[1], answers[-1]
    noticed = bool(refused) or last.status != first.status or "captcha" in last.text
    noticed = noticed or last.seconds > max(SLOW, 4 * first.seconds)
    changed = last.text != first.text  # what it says now may be a warning, or may be the weather
    problem = f"{WRONG_CODES} wrong user codes in a row were answered alike, and a right one was taken after them"
    verify.that("rfc8628-5.1-rate-limit-user-code", noticed or (None if changed else False), problem)
    # A code of enough entropy and a short life is protected by other means too.
    requirement = "rfc6749-10.10-protect-user-credentials"
    verify.that(requirement, noticed or (None if changed else False), problem, tolerated=True)
    crashed = any(answer.status >= 500 and answer.status not in THROTTLED for answer in answers)
    problem = "wrong user codes in a row were answered with a server error"
    verify.that("rfc9110-15.6-no-5xx-on-client-error", not crashed, problem, tolerated=True)
