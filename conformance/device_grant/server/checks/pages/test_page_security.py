"""Attacks on the verification pages: forged and framed forms, script, redirects, RFC 6749 10 and RFC 9700 4."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from device_grant.browser.page import FOREIGN_HOST, FOREIGN_SITE, Page, page_of, same_host, split
from device_grant.judging import Inconclusive, NotApplicable, Untestable, check
from device_grant.protocol import Operation, Request
from device_grant.server.pages.approving import UNBOUND, forgeries
from device_grant.server.pages.strangers import attempts
from device_grant.server.pages.visitor import Visitor
from device_grant.server.session.device import Device
from device_grant.server.sockets.transport import plain_http_allowed, require_tls_matters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from device_grant.judging import Verify
    from device_grant.protocol import Exchange
    from device_grant.server.session.case import ServerCase

PROBE = "conformance-probe"
"""Name of an element that no page has by itself."""
SCRIPTS = (f"<{PROBE}>", f'"><{PROBE} a="', f"'></title></textarea></script><{PROBE}>")
"""Text that becomes an element in content, in an attribute, and where only an end tag leads out."""
_REDIRECTS = ("next", "continue", "redirect", "redirect_uri", "redirect_url", "return", "return_to", "returnTo", "url")


@check("rfc6749-10.12-csrf-on-consent", faults=("csrf_unchecked",), timed=True)
def test_forged_approval(device: Device, verify: Verify) -> None:
    """The approving form from another session, then without what binds it, sent cross-site. Accepted: no token."""
    for forgery in forgeries(device):
        forgery.victim.forge(forgery.page, forgery.form, forgery.button)
        exchange = forgery.grant.poll(label="poll after a forged approval")
        refused = not exchange.outcome.ok
        alone = not refused and forgery.by_anybody()
        problem = UNBOUND if alone else "a form that another site sent approved the request"
        verify.that("rfc6749-10.12-csrf-on-consent", refused, problem, exchange, tolerated=alone)


@check("rfc9110-15.6-no-5xx-on-client-error", faults=("stale_form_500",))
def test_forms_of_nobody(device: Device, verify: Verify) -> None:
    """The confirmation's form, empty and as it is, from a browser without its cookies. Accepted: any but a 5xx."""
    with Visitor(device.case) as person:
        page = person.confirmation(device.start())
    form = page.form or next((form for form in page.markup.forms if form.method == "post"), None)
    if form is None:
        raise Inconclusive("the confirmation has no form that can be sent without script")
    for fields in (frozenset(form.values), frozenset[str]()):
        with Visitor(device.case) as stranger:
            answer = stranger.forge(page, form, next(iter(form.buttons), None), without=fields)
        problem = "a form that does not belong to the browser was answered with a server error"
        # What the pages say to it is between them and a browser: it breaks no client.
        verify.that("rfc9110-15.6-no-5xx-on-client-error", answer.status < 500, problem, tolerated=True)


# Last, as all that type wrong codes: a server may count them, and have the person wait.
@check("rfc9110-15.6-no-5xx-on-client-error", faults=("wrong_code_500", "wrong_password_500"), order="last")
def test_mistyped_input(device: Device, verify: Verify) -> None:
    """A made-up name and password where verification_uri asks for them, a wrong code. Accepted: anything but a 5xx."""
    grant = device.start()
    with Visitor(device.case) as stranger:
        page = stranger.open(grant.verification_uri)
        form = next((form for form in page.markup.forms if form.asks_password), None)
        if form is not None:
            names = [entry.name for entry in form.inputs if entry.typed or entry.kind == "password"]
            made_up = dict.fromkeys(names, "conformance-made-up")
            page = stranger.submit(page, form, next(iter(form.buttons), None), **made_up)
    with Visitor(device.case) as browser:
        answers = (page, browser.enter(grant.user_code[::-1], grant.verification_uri))
    for answer in answers:
        problem = "what a person mistyped was answered with a server error"
        # Likewise: the person can try again, and the device goes on polling.
        verify.that("rfc9110-15.6-no-5xx-on-client-error", answer.status < 500, problem, tolerated=True)


@check("rfc8628-3.3-user-must-authenticate", faults=("sign_in_skipped",), timed=True)
def test_approval_without_signing_in(device: Device, verify: Verify) -> None:
    """The approving button, then its form replayed, in browsers that never signed in. Accepted: no token.

    The form as a person was given it may show by itself that somebody signed in: then at most a warning. Without what
    is that person's own it must not.
    """
    for attempt in attempts(device):
        grant = device.start()
        with Visitor(device.case) as stranger:
            attempt.make(stranger, grant)
        exchange = grant.poll(label="poll after nobody signed in")
        problem = UNBOUND if attempt.shows_a_sign_in else "a browser in which nobody signed in approved the request"
        refused = not exchange.outcome.ok
        verify.that("rfc8628-3.3-user-must-authenticate", refused, problem, exchange, tolerated=attempt.shows_a_sign_in)


@check("rfc6749-10.14-sanitize-input", faults=("user_code_unescaped",), order="last")
def test_script_in_the_user_code(device: Device, verify: Verify) -> None:
    """Script typed as user code, and put into verification_uri_complete. Accepted: pages that show it as text."""
    grant = device.start()
    case = device.case
    for script in SCRIPTS:
        with Visitor(case) as browser:
            page = browser.enter(script, grant.verification_uri)
            # "Not found" is said of a code as of an address: a right code shows which of the two.
            right = browser.enter(grant.user_code, grant.verification_uri) if page.absent else page
            if page.absent and PROBE not in page.html and right.status == page.status:
                raise Untestable(f"a typed code was answered {page.status}: enter() of the user module misses the page")
            if page.data:
                raise Inconclusive("what is said of a code is shown by script: see what a real browser makes of it")
            _escaped(verify, page, "what was typed as user code")
    complete = grant.verification_uri_complete or ""
    if grant.user_code in complete:
        with Visitor(case) as browser:
            browser.sign_in(device)
            url = complete.replace(grant.user_code, quote(SCRIPTS[-1], safe=""))
            _escaped(verify, browser.open(url), "the user code in the address")


def _escaped(verify: Verify, page: Page, what: str) -> None:
    problem = f"a page takes {what} for markup: script in it would run"
    verify.that("rfc6749-10.14-sanitize-input", PROBE not in page.markup.elements, problem)


@check("rfc6749-10.14-sanitize-input", faults=("client_name_unescaped",))
def test_script_in_the_client_name(case: ServerCase, verify: Verify) -> None:
    """A client registered with script as its name. Accepted: a refusal, or a confirmation that shows it as text."""
    if not case.run.endpoints.registration:
        raise NotApplicable("clients cannot be registered")
    for script in SCRIPTS:
        answer = case.send(case.run.registration_request(client_name=f"Probe {script}"), "register with script as name")
        if not answer.outcome.ok:
            verify("rfc6749-10.14-sanitize-input", answer, accepted=["http-4xx"])
            continue
        grant = Device(case, case.run.client_of(answer)).start()
        with Visitor(case) as browser:
            _escaped(verify, browser.confirmation(grant), "the client's name")


@check(
    "rfc6749-10.14-sanitize-input", faults=("page_uris_unchecked",), when=lambda dialect: dialect.redirect_clients_exist
)
def test_script_as_a_page_of_the_client(case: ServerCase, verify: Verify) -> None:
    """A client registered with javascript: as its pages. Accepted: a refusal, or a confirmation without such a link."""
    if not case.run.endpoints.registration:
        raise NotApplicable("clients cannot be registered")
    pages = dict.fromkeys(("client_uri", "tos_uri", "policy_uri"), "javascript:alert(1)")
    answer = case.send(case.run.registration_request(**pages), "register with script as its pages")
    if not answer.outcome.ok:
        verify("rfc6749-10.14-sanitize-input", answer, accepted=["http-4xx"])
        return
    grant = Device(case, case.run.client_of(answer)).start()
    with Visitor(case) as browser:
        links = browser.confirmation(grant).markup.links
    linked = any(link.strip().lower().startswith("javascript:") for link in links)
    problem = "the confirmation links to script that the client registered as a page"
    verify.that("rfc6749-10.14-sanitize-input", not linked, problem, answer)


@check(
    "rfc6749-10.13-no-framing",
    "rfc9700-4.16-clickjacking",
    "rfc9700-4.16-csp",
    faults=("page_frameable",),
)
def test_pages_refuse_framing(device: Device, verify: Verify) -> None:
    """The page for the code, signed in and not, and the confirmation. Accepted: X-Frame-Options or frame-ancestors."""
    judged = 0
    for page in _own_pages(device):
        judged += 1
        policy = page.headers.get("content-security-policy", "").lower()
        option = page.headers.get("x-frame-options", "").strip().upper()
        framed = "frame-ancestors" in policy or option in ("DENY", "SAMEORIGIN")
        # Script that leaves a frame is a defence too, if a weak one; whether it works cannot be seen from here.
        script = re.search(r"\b(?:window\.)?(?:top|parent)\b", page.markup.scripts) is not None
        problem = "a page has neither frame-ancestors nor X-Frame-Options"
        for requirement in ("rfc6749-10.13-no-framing", "rfc9700-4.16-clickjacking"):
            verify.that(requirement, framed, problem, got=page.place, tolerated=script)
        stated = bool(policy) or "content-security-policy" in page.html.lower()
        verify.that("rfc9700-4.16-csp", stated, "a page has no Content-Security-Policy", got=page.place)
    if not judged:
        raise Inconclusive("the server showed no HTML page of its own at verification_uri")


def _own_pages(device: Device) -> Iterator[Page]:
    """HTML pages of verification_uri's own host, as a stranger and as the user sees them."""
    grant = device.start()
    for signed_in in (False, True):
        with Visitor(device.case) as browser:
            if signed_in and not browser.sign_in(device):
                continue
            page = browser.open(grant.verification_uri)
            if page.shown and same_host(str(page.url), grant.verification_uri):
                yield page
    try:
        with Visitor(device.case) as browser:
            page = browser.confirmation(grant)
    except Untestable:
        return  # the confirmation is one page more, not a condition
    if page.shown:
        yield page


@check("rfc9700-2.6-no-cors-authorization", faults=("page_allows_cors",))
def test_pages_are_closed_to_scripts_of_others(device: Device, verify: Verify) -> None:
    """Verification page and authorization endpoint, asked with a foreign Origin. Accepted: no CORS header for it."""
    addresses = [device.start().verification_uri, device.case.run.endpoints.authorization]
    for address in filter(None, addresses):
        with Visitor(device.case) as browser:
            page = browser.open(address, headers={"Origin": FOREIGN_SITE}, follow=False)
        allowed = page.headers.get("access-control-allow-origin", "")
        problem = "a page lets scripts of other origins read it"
        closed = allowed not in ("*", FOREIGN_SITE)
        got = f"Access-Control-Allow-Origin: {allowed} at {page.place}"
        verify.that("rfc9700-2.6-no-cors-authorization", closed, problem, got=got)


@check("rfc6749-10.15-no-open-redirector", "rfc9700-2.1-no-open-redirect", faults=("redirects_anywhere",))
def test_pages_do_not_redirect_to_strangers(device: Device, verify: Verify) -> None:
    """verification_uri with a foreign address in the usual parameters. Accepted: no redirect to it."""
    grant = device.start()
    separator = "&" if split(grant.verification_uri).query else "?"
    for target in (f"{FOREIGN_SITE}/", f"//{FOREIGN_HOST}/"):
        address = grant.verification_uri + separator + urlencode(dict.fromkeys(_REDIRECTS, target))
        for signed_in in (False, True):
            with Visitor(device.case) as browser:
                if signed_in and not browser.sign_in(device):
                    continue
                page = browser.open(address, follow=False)
            away = page.redirects_to(FOREIGN_HOST)
            for requirement in ("rfc6749-10.15-no-open-redirector", "rfc9700-2.1-no-open-redirect"):
                verify.that(requirement, not away, "the page redirects to any address that a parameter names")


@check(
    "rfc9700-4.12-use-303",
    "rfc9700-4.12-no-307",
    faults=("sign_in_redirect_307",),
)
def test_redirects_after_forms(device: Device, verify: Verify) -> None:
    """Approve, and look at the redirects that answered a form. Accepted: 303; 302 with a warning; never 307 or 308."""
    with Visitor(device.case) as browser:
        refused = browser.decide("approve", device.start().view)
        posted = [response for response in browser.seen if response.request.method == "POST"]
        statuses = {response.status_code for response in posted if response.is_redirect}
        said = ", ".join(f"{one.status_code} at {page_of(one).place}" for one in posted if one.is_redirect)
    if not posted:
        raise Untestable(f"no form was sent: {refused or 'the user decides elsewhere'}")
    if not statuses:
        raise NotApplicable("no form is answered with a redirect")
    verify.that(
        "rfc9700-4.12-use-303", statuses == {303}, "a form is answered with another redirect than 303", got=said
    )
    again = statuses & {307, 308}
    verify.that("rfc9700-4.12-no-307", not again, "a form is answered with a redirect that sends it on", got=said)


@check(
    "rfc9700-4.13-proxy-headers",
    faults=("forwarded_host_trusted", "host_header_trusted"),
)
def test_forged_host(device: Device, verify: Verify) -> None:
    """Device authorization and metadata asked under another host's name. Accepted: no URL with that name."""
    forged = (
        (False, {"X-Forwarded-Host": FOREIGN_HOST, "X-Forwarded-Server": FOREIGN_HOST}),
        (False, {"Forwarded": f"for=192.0.2.7;host={FOREIGN_HOST};proto=https"}),
        (True, {"Host": FOREIGN_HOST}),
    )
    device.start()
    for tolerated, headers in forged:
        for exchange in _asked_with(device, headers):
            # A server that listens without a proxy may know itself by Host alone: a proxy in front of it passes only
            # the names that it serves. No client has business in the other headers.
            named = exchange.response is not None and FOREIGN_HOST.encode() in exchange.response.content
            problem = f"{'/'.join(headers)} changes URLs in responses"
            verify.that(
                "rfc9700-4.13-proxy-headers",
                not (named and exchange.status < 400),
                problem,
                exchange,
                tolerated=tolerated,
            )


def _asked_with(device: Device, headers: dict[str, str]) -> Iterator[Exchange]:
    case = device.case
    members = device.authorization_members()
    url = case.run.url(Operation.DEVICE_AUTHORIZATION)
    plain = case.run.dialect.encode(Operation.DEVICE_AUTHORIZATION, url, members, device.client)
    extra = tuple(headers.items())
    request = Request(plain.method, plain.url, (*plain.headers, *extra), plain.content, plain.operation)
    yield case.send(request, f"start with {', '.join(headers)}")
    if case.run.endpoints.metadata:
        yield case.send(Request("GET", case.run.endpoints.metadata, extra), f"metadata with {', '.join(headers)}")


@check(
    "rfc6749-10.11-tls-user-endpoints",
    "rfc8628-3.3-user-session-over-tls",
    faults=("public_http",),
)
def test_pages_use_tls(device: Device, verify: Verify) -> None:
    """Scheme of verification_uri and of every redirect from there; its http form. Accepted: https alone."""
    grant = device.start()
    target = device.case.run.target
    addresses = [uri for uri in (grant.verification_uri, grant.verification_uri_complete) if uri]
    if not target.base.startswith("https:") and all(plain_http_allowed(uri) for uri in addresses):
        raise NotApplicable("the target is tested over http on loopback or under a reserved name")
    secure = all(split(uri).scheme.lower() == "https" for uri in addresses)
    if secure:
        with Visitor(device.case) as browser:
            browser.open(grant.verification_uri)
            secure = all(response.request.url.scheme == "https" for response in browser.seen)
    verify.that("rfc8628-3.3-user-session-over-tls", secure, "the user is sent to a page over plain http")
    if secure:
        require_tls_matters(device.case, grant.verification_uri)
    open_too = secure and _served_in_the_clear(device.case, grant.verification_uri)
    problem = "pages for users can be had over plain http"
    verify.that("rfc6749-10.11-tls-user-endpoints", secure and not open_too, problem)


def _served_in_the_clear(case: ServerCase, uri: str) -> bool:
    with Visitor(case) as browser:
        try:
            page = browser.open("http:" + uri.partition(":")[2], follow=False)
        except Untestable:
            return False  # nothing answers there, as it should be
    return page.shown


@check(
    "rfc9700-4.11-no-auto-redirect-bad-client",
    faults=("authorization_redirects_anywhere",),
    when=lambda dialect: dialect.redirect_clients_exist,
)
def test_authorization_for_an_unknown_client(case: ServerCase, verify: Verify) -> None:
    """The authorization endpoint with an unknown client and a foreign redirect_uri. Accepted: no redirect to it."""
    page = _authorize(case, "no-such-client-4f1d", f"{FOREIGN_SITE}/callback")
    problem = "an unknown client's redirect_uri is followed"
    verify.that("rfc9700-4.11-no-auto-redirect-bad-client", not page.redirects_to(FOREIGN_HOST), problem)


@check(
    "rfc6749-10.2-redirect-registration",
    faults=("authorization_redirects_anywhere",),
    when=lambda dialect: dialect.redirect_clients_exist,
)
def test_authorization_with_an_unregistered_redirect(case: ServerCase, device: Device, verify: Verify) -> None:
    """The authorization endpoint with a known client and an unregistered redirect_uri. Accepted: no redirect to it."""
    page = _authorize(case, device.client.id, f"{FOREIGN_SITE}/callback")
    problem = "a redirect_uri that was never registered is followed"
    verify.that("rfc6749-10.2-redirect-registration", not page.redirects_to(FOREIGN_HOST), problem)


@check(
    "rfc9700-4.11-authenticate-before-redirect",
    faults=("authorization_redirects_anywhere",),
    when=lambda dialect: dialect.redirect_clients_exist,
)
def test_authorization_signs_in_before_it_redirects(case: ServerCase, verify: Verify) -> None:
    """The authorization endpoint with a bad scope, nobody signed in. Accepted: no redirect to the client yet."""
    if not case.run.endpoints.authorization:
        raise NotApplicable("the server has no authorization endpoint")
    if not case.run.endpoints.registration:
        raise NotApplicable("clients cannot be registered")
    callback = f"{FOREIGN_SITE}/callback"
    request = case.run.registration_request(
        grant_types=["authorization_code"], response_types=["code"], redirect_uris=[callback]
    )
    registered = case.send(request, "register a client that redirects")
    if not registered.outcome.ok:
        raise Untestable(f"a client that redirects was refused: {registered.describe()}")
    page = _authorize(case, case.run.client_of(registered).id, callback, scope="no-such-scope-4f1d")
    # RFC 6749 4.1.2.1 itself sends errors to the client; that the user signs in first is RFC 9700's addition.
    problem = "an error is sent to the client's redirect_uri before anyone has signed in"
    verify.that(
        "rfc9700-4.11-authenticate-before-redirect", not page.redirects_to(FOREIGN_HOST), problem, tolerated=True
    )


def _authorize(case: ServerCase, client_id: str, redirect_uri: str, **members: str) -> Page:
    address = case.run.endpoints.authorization
    if not address:
        raise NotApplicable("the server has no authorization endpoint")
    query = {"response_type": "code", "client_id": client_id, "redirect_uri": redirect_uri, "state": "5tat3"} | members
    with Visitor(case) as browser:
        return browser.open(address + ("&" if split(address).query else "?") + urlencode(query), follow=False)
