"""The verification pages in a real browser: what script does there, its own and injected, and what other sites can do.

What the other checks of the pages read in their HTML is here seen to happen, cookies and policies included. Without
Playwright and Chromium these checks are untestable and say what to install.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from device_grant.browser.page import HOOK, THROTTLED, split
from device_grant.judging import Inconclusive, NotApplicable, Untestable, check
from device_grant.server.pages.approving import UNBOUND, forgeries
from device_grant.server.pages.visitor import Visitor
from device_grant.server.session.device import Device, Grant

if TYPE_CHECKING:
    from device_grant.browser.page import Page
    from device_grant.judging import Verify
    from device_grant.server.pages.window import Window
    from device_grant.server.session.case import ServerCase

SANITIZE = "rfc6749-10.14-sanitize-input"
MARKUP = f"'\"></title></textarea></style></script><img src onerror={HOOK}(1)>"
"""Runs as content, from within an attribute, and where only an end tag leads out, also if script writes it."""
STRING = f"';{HOOK}(1);//\";{HOOK}(1);//"
"""Runs if script is made of it, in quotes of either kind."""
ADDRESS = f"javascript:{HOOK}(1)"
SCOPE = f"<img/src/onerror={HOOK}(1)>"
"""Markup that the syntax of scopes allows (RFC 6749 3.3)."""
_INJECTED = f'[onerror*="{HOOK}"]'
"""What the markup becomes, and nothing that was cleaned of script."""
_SHOWN = ("client_id", "client_name", "error", "error_description", "lang", "login_hint", "message", "scope", "state")
"""Parameters that pages like to show."""
_FOLLOWED = ("next", "redirect", "redirect_uri", "return_to", "url")
"""Those to which they like to go on."""
_LIVE = "what a real browser does with the pages no recording shows"
_NAME = "Conformance Kettle 5R"


@check(SANITIZE, faults=("page_writes_query", "user_code_unescaped"), live=_LIVE, order="last")
def test_script_in_addresses_and_codes(device: Device, verify: Verify) -> None:
    """Script as parameters, fragment and user code, in the address and typed, in a browser. Accepted: it stays text."""
    grant = device.start()
    with _window(device.case) as window:
        for payload in (MARKUP, STRING):
            page = window.open(_strewn(grant.verification_uri, payload))
            _judge(verify, window, page, "parameters of the address")
        _sign_in(window, device)
        complete = grant.verification_uri_complete or grant.verification_uri
        page = window.open(_strewn(complete.replace(grant.user_code, quote(MARKUP, safe="")), MARKUP))
        _judge(verify, window, page, "user code and parameters of the address")
        if not window.open(grant.verification_uri).shown:
            raise Inconclusive("verification_uri showed no HTML page in the browser")
        _judge(verify, window, window.enter(MARKUP), "what was typed as user code")


@check(SANITIZE, faults=("client_name_written_by_script", "client_name_unescaped"), live=_LIVE)
def test_script_from_the_client(case: ServerCase, verify: Verify) -> None:
    """Script as client_name and as scope; the pages for that request in a browser. Accepted: refused, or shown as text.

    The name begins with words by which it is found again.
    """
    if not case.run.endpoints.registration:
        raise NotApplicable("clients cannot be registered")
    request = case.run.registration_request(client_name=f"{_NAME} {MARKUP}")
    answer = case.send(request, "register with script as name")
    if not answer.outcome.ok:
        verify(SANITIZE, answer, accepted=["http-4xx"])
        return
    device = Device(case, case.run.client_of(answer))
    with _window(case) as window:
        _sign_in(window, device)
        page = _at_confirmation(window, device.start())
        if _NAME not in page.markup.text:
            raise Inconclusive(f"no page in the browser shows the client's name: the window is at {_place(page)}")
        _judge(verify, window, page, "the client's name")
        if case.run.dialect.scopes_are_registered:
            return
        scope = " ".join(filter(None, (case.run.target.config.request.scope, SCOPE)))
        asked = device.request(scope=scope, label="start with script as scope")
        if asked.outcome.ok:
            _judge(verify, window, _at_confirmation(window, Grant(device, asked)), "the scope")


@check("rfc6749-10.12-csrf-on-consent", faults=("csrf_unchecked",), timed=True, live=_LIVE)
def test_forged_approval_in_a_browser(device: Device, verify: Verify) -> None:
    """A page of another site submits the approving form by script in a signed-in browser. Accepted: no token."""
    with _window(device.case) as window:
        for forgery in forgeries(device):
            window.take_cookies(forgery.victim)
            window.submit_from_elsewhere(forgery.page, forgery.form, forgery.button, without=frozenset())
            exchange = forgery.grant.poll(label="poll after another site submitted the form")
            refused = not exchange.outcome.ok
            alone = not refused and forgery.by_anybody()
            problem = UNBOUND if alone else "a page of another site approved the request in the user's browser"
            verify.that("rfc6749-10.12-csrf-on-consent", refused, problem, exchange, tolerated=alone)


@check("rfc6749-10.13-no-framing", "rfc9700-4.16-clickjacking", faults=("page_frameable",), live=_LIVE)
def test_pages_in_a_foreign_frame(device: Device, verify: Verify) -> None:
    """verification_uri and verification_uri_complete in a frame of another site. Accepted: nothing to press appears."""
    grant = device.start()
    with _window(device.case) as window:
        _sign_in(window, device)
        controls = window.frame(*filter(None, (grant.verification_uri, grant.verification_uri_complete)))
    problem = "a page shows its controls in a frame of another site"
    for requirement in ("rfc6749-10.13-no-framing", "rfc9700-4.16-clickjacking"):
        verify.that(requirement, not controls, problem)


@check(
    "rfc8628-3.3.1-choice-preserved",
    "rfc9110-9.2.1-safe-get",
    faults=("page_approves_by_script", "approves_on_get"),
    timed=True,
    live=_LIVE,
)
def test_script_decides_nothing(device: Device, verify: Verify) -> None:
    """verification_uri_complete in a signed-in browser, 15 s of its script and no press, poll. Accepted: pending."""
    grant = device.start()
    if not grant.verification_uri_complete:
        raise NotApplicable("the server sends no verification_uri_complete")
    with _window(device.case, timers=True) as window:
        # A browser takes its time to start: the code of before may be over.
        grant = device.start()
        if not _sign_in(window, device):
            raise Untestable("no browser could be signed in: write sign_in(http) in the user module")
        window.open(grant.verification_uri_complete or grant.verification_uri)
        window.let_time_pass()
        read_only = set(window.methods) <= {"GET", "HEAD", "OPTIONS"}
    exchange = grant.poll(label="poll after pages were opened in a browser")
    untouched = grant.untouched(exchange)
    problem = "pages that were opened in a browser, without a press, decided the request"
    # As where no script runs: what refuses gives no one access.
    harmless = not exchange.outcome.ok
    verify.that("rfc8628-3.3.1-choice-preserved", untouched, problem, exchange, tolerated=harmless)
    verify.that("rfc9110-9.2.1-safe-get", untouched if read_only else True, problem, exchange, tolerated=harmless)


def _window(case: ServerCase, *, timers: bool = False) -> Window:
    """A window of a real browser; what drives one is imported only where it is opened."""
    from device_grant.server.pages.window import Window

    return Window(case, timers=timers)


def _judge(verify: Verify, window: Window, page: Page | None, what: str) -> None:
    """Whether a page that was given a payload has run it, or made elements of it that its policy kept from running."""
    if page is not None and page.status in THROTTLED:
        raise Inconclusive(f"the pages limit the rate of guesses: they answer {page.status}")
    ran, taken = bool(window.ran), window.has(_INJECTED)
    window.ran.clear()
    problem = f"script in {what} runs in the browser" if ran else f"the browser takes {what} for markup"
    verify.that(SANITIZE, not (ran or taken), problem)


def _strewn(address: str, payload: str) -> str:
    """An address with a payload wherever its script may look for text, and an address of script for a way on."""
    parameters = dict.fromkeys(_SHOWN, payload) | dict.fromkeys(_FOLLOWED, ADDRESS)
    # Not the plus signs of forms: script that decodes an address by itself reads spaces from %20 alone.
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items())
    separator = "&" if split(address).query else "?"
    return f"{address.partition('#')[0]}{separator}{query}#{quote(payload, safe='')}"


def _place(page: Page) -> str:
    """Which page it is, in words that say why it is not the one that was expected."""
    asks = ", which asks for a password: the session of the user did not reach it" if page.markup.asks_password else ""
    return f"{page.place}{asks}"


def _sign_in(window: Window, device: Device) -> bool:
    with Visitor(device.case) as person:
        signed_in = person.sign_in(device)
        window.take_cookies(person)
    return signed_in


def _at_confirmation(window: Window, grant: Grant) -> Page:
    """What the window shows of a request: by its own address, else by its code typed."""
    if grant.verification_uri_complete:
        return window.open(grant.verification_uri_complete)
    page = window.open(grant.verification_uri)
    return window.enter(grant.user_code) or page
