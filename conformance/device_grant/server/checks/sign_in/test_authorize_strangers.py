"""`/authorize` and those whom it should send nowhere: strangers, tampered links, people who have not decided."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from device_grant.judging import check
from device_grant.protocol import Client
from device_grant.server.session.browsing import browser_at
from device_grant.server.session.sign_in import CALLBACK, CLAIM, signing_in

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.sign_in import Landing

IN_A_BROWSER = "what a browser is shown and where it is sent no recording of a sign-in keeps"
FOREIGN = (
    "https://example.com/oauth/callback",
    "http://127.0.0.1:49152/elsewhere",
    "http://127.0.0.1.example.com/oauth/callback",
    "http://127.0.0.1@example.com/oauth/callback",
)
NEAR = ("http://localhost:49152/oauth/callback", f"{CALLBACK}?added=1")
"""Not what was registered, and yet this machine: accepted by some, and a warning."""
NOBODY = Client("c29tZS1jbGllbnQtdGhhdC1ub2JvZHktcmVnaXN0ZXJlZA", "made-up", "client_secret_post")
_FAR = 6
"""Redirects that are followed."""


@check("aws-authorize-foreign-redirect", faults=("redirect_prefix_match",), needs=(CLAIM,), live=IN_A_BROWSER)
def test_redirects_of_strangers(case: ServerCase, verify: Verify) -> None:
    """Open links with redirect URIs that are not registered, signed out, then signed in and allowing.

    Accepted: no redirect to them; one to localhost or with a query that was added warns. The control: a code comes to
    the redirect URI that is registered.
    """
    problem = "a browser is sent to a redirect URI that the client has not registered"
    with signing_in(case) as browser:
        client = browser.client()
        browser.code(client)
        for uri in (*FOREIGN, *NEAR):
            asked = browser.ask(client, redirect_uri=uri)
            with browser_at(case.run) as stranger:
                out = browser.open(asked, browser=stranger)
            landing = browser.tempt(asked)
            for one in (out, landing):
                sent = one is not None and _leads_to(one, uri)
                verify.that("aws-authorize-foreign-redirect", not sent, problem, one or out, tolerated=uri in NEAR)


@check(
    "aws-authorize-unknown-client",
    faults=("authorize_unknown_client_redirected",),
    needs=(CLAIM,),
    live=IN_A_BROWSER,
)
def test_client_that_nobody_registered(case: ServerCase, verify: Verify) -> None:
    """Open a link of a client that nobody registered, signed out and signed in. Accepted: no redirect to its URI.

    The control: a registered client's link leads to a code.
    """
    problem = "a browser is sent to the redirect URI of a client that nobody registered"
    with signing_in(case) as browser:
        browser.code(browser.client())
        asked = browser.ask(NOBODY)
        with browser_at(case.run) as stranger:
            out = browser.open(asked, browser=stranger)
        for one in (out, browser.tempt(asked)):
            sent = one is not None and one.returned
            verify.that("aws-authorize-unknown-client", not sent, problem, one or out)


@check("aws-authorize-person-decides", faults=("authorize_without_consent",), needs=(CLAIM,), live=IN_A_BROWSER)
def test_nobody_decides_for_the_person(case: ServerCase, verify: Verify) -> None:
    """Open the link of a client that nobody has allowed, signed out, then signed in, and press nothing.

    Accepted: pages, and no code. The control: this person has just allowed another client.
    """
    problem = "a code comes without that the person has allowed anything"
    with signing_in(case) as browser:
        browser.code(browser.client())
        fresh = browser.client("register a client that nobody has allowed")
        with browser_at(case.run) as stranger:
            for visitor in (stranger, browser.browser):
                asked = browser.ask(fresh)
                landing = browser.open(asked, browser=visitor)
                for _ in range(_FAR):
                    if not landing.location or landing.returned:
                        break
                    landing = browser.follow(landing, visitor)
                verify.that("aws-authorize-person-decides", not landing.gives_code, problem, landing)


@check("aws-authorize-needs-challenge", faults=("authorize_without_challenge",), needs=(CLAIM,), live=IN_A_BROWSER)
def test_request_without_challenge(case: ServerCase, verify: Verify) -> None:
    """Sign in by a link without code_challenge, and allow it if asked. Accepted: no code. The control: with it, one."""
    problem = "a code is given for a request without code_challenge"
    with signing_in(case) as browser:
        client = browser.client()
        browser.code(client)
        landing = browser.tempt(browser.ask(client, code_challenge=None, code_challenge_method=None))
        given = landing is not None and landing.gives_code
        evidence = [landing] if landing else []
        verify.that("aws-authorize-needs-challenge", not given, problem, *evidence)


def _leads_to(landing: Landing, uri: str) -> bool:
    """Whether the redirect goes to the host and path of that URI, whatever else is in it."""
    try:
        sent, foreign = urlsplit(landing.location), urlsplit(uri)
        same = (sent.hostname, sent.port, sent.path) == (foreign.hostname, foreign.port, foreign.path)
    except ValueError:
        return False
    return bool(landing.location) and same
