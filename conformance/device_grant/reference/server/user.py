"""The person at the reference server's verification page: signs in with the demo account, types the code, decides.

A user module as target.toml names it: `approve(http, grant)` and `deny(http, grant)`, the single steps `sign_in`,
`confirmation` and `enter` for the checks of the pages, and `authorize` and `refuse` for a sign-in by `/authorize`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from device_grant.reference.server.settings import DEMO_PASSWORD, DEMO_USER
from device_grant.reference.server.verification import SIGN_IN_PATH
from device_grant.targets import GrantView, UserError

if TYPE_CHECKING:
    import httpx

_MOST_PAGES = 6
"""Sign in, type the code, decide, see the result: more than this is a loop."""
_ELEMENTS = ("h1", "form", "input", "button")


def approve(http: httpx.Client, grant: GrantView) -> None:
    """Allow the grant; raises UserError if the pages do not let the user."""
    decide(http, grant, "approve")


def deny(http: httpx.Client, grant: GrantView) -> None:
    """Refuse the grant; raises UserError if the pages do not let the user."""
    decide(http, grant, "deny")


def sign_in(http: httpx.Client) -> None:
    """Make http's cookies those of a signed-in browser; raises UserError if the page refuses."""
    response = http.get(SIGN_IN_PATH, follow_redirects=True)
    fields = _Page(response).inputs | {"username": DEMO_USER, "password": DEMO_PASSWORD}
    response = http.post(SIGN_IN_PATH, data=fields, follow_redirects=True)
    if not response.is_success:
        raise UserError(f"the sign-in page answered {response.status_code}: {_Page(response).heading}")


def confirmation(http: httpx.Client, grant: GrantView) -> httpx.Response:
    """The page with the decision, not yet decided; raises UserError if the pages do not lead there."""
    response = _reach(http, grant.verification_uri, grant.user_code)
    page = _Page(response)
    if not response.is_success or not page.actions:
        raise UserError(f"the verification page answered {response.status_code}: {page.heading}")
    return response


def enter(http: httpx.Client, user_code: str, verification_uri: str) -> httpx.Response:
    """What the page says to a code, whatever it is."""
    return _reach(http, verification_uri, user_code)


def authorize(http: httpx.Client, url: str) -> httpx.Response:
    """Allow what `/authorize` asks; the redirect to the application, not followed, or the page that was in the way."""
    return _answer(http, url, "approve")


def refuse(http: httpx.Client, url: str) -> httpx.Response:
    """Refuse what `/authorize` asks; the redirect to the application, or the page that the refusal led to."""
    return _answer(http, url, "deny")


def _answer(http: httpx.Client, url: str, action: str) -> httpx.Response:
    """Walk through the pages of a browser's sign-in until one decides; redirects within the server are followed."""
    response = http.get(url, follow_redirects=False)
    for _ in range(_MOST_PAGES):
        page = _Page(response)
        if response.has_redirect_location:
            if response.next_request is None or response.next_request.url.netloc != response.url.netloc:
                return response
            response = http.send(response.next_request, follow_redirects=False)
            continue
        if "password" in page.inputs:
            fields = page.inputs | {"username": DEMO_USER, "password": DEMO_PASSWORD}
        elif action in page.actions:
            fields = page.inputs | {"action": action}
        else:
            return response
        response = http.post(response.url.join(page.target), data=fields, follow_redirects=False)
    raise UserError(f"the pages of /authorize still ask after {_MOST_PAGES} pages: {_Page(response).heading}")


def decide(
    http: httpx.Client, grant: GrantView, action: str, *, user: str = DEMO_USER, secret: str = DEMO_PASSWORD
) -> None:
    """Walk through the pages, from verification_uri on, as `user` with the password `secret`."""
    response = _reach(http, grant.verification_uri, grant.user_code, user, secret)
    page = _Page(response)
    if not response.is_success:
        raise UserError(f"the verification page answered {response.status_code}: {page.heading}")
    if action not in page.actions:
        offered = f"only {', '.join(page.actions)}" if page.actions else page.heading
        raise UserError(f"the verification page offers no way to {action}: {offered}")
    fields = page.inputs | {"action": action}
    target = response.url.join(page.target)
    if page.method == "get":
        response = http.get(target, params=fields, follow_redirects=True)
    else:
        response = http.post(target, data=fields, follow_redirects=True)
    if not response.is_success:
        raise UserError(f"the verification page answered {response.status_code}: {_Page(response).heading}")


def _reach(
    http: httpx.Client, uri: str, user_code: str, user: str = DEMO_USER, secret: str = DEMO_PASSWORD
) -> httpx.Response:
    """Sign in and type the code, each where the pages ask for it; what comes then."""
    response = http.get(uri, follow_redirects=True)
    typed = False
    for _ in range(_MOST_PAGES):
        page = _Page(response)
        if not response.is_success:
            return response
        if "password" in page.inputs:
            fields = page.inputs | {"username": user, "password": secret}
        elif page.actions or typed or "user_code" not in page.inputs:
            return response
        else:
            fields = page.inputs | {"user_code": user_code}
            typed = True
        response = http.post(response.url.join(page.target), data=fields, follow_redirects=True)
    raise UserError(f"the verification page still asks after {_MOST_PAGES} pages: {_Page(response).heading}")


class _Page:
    """The form of a page, as far as a person needs it."""

    def __init__(self, response: httpx.Response) -> None:
        self.heading = ""
        self.target = ""
        self.method = "post"
        self.inputs: dict[str, str] = {}
        self.actions: list[str] = []
        # As octets: a text that declares an encoding would be refused. What is not empty keeps it from being so.
        text = b"<html>" + response.text.encode("utf-8", errors="replace")
        for element in etree.fromstring(text, etree.HTMLParser(encoding="utf-8")).iter(*_ELEMENTS):
            self._collect(element)

    def _collect(self, element: etree._Element) -> None:
        """Keep what can be filled in or pressed, and the heading, for error messages."""
        name, value = element.get("name", ""), element.get("value", "")
        if element.tag == "h1":
            self.heading += "".join(str(text).strip() for text in element.itertext())
        elif element.tag == "form":
            self.target = element.get("action", "")
            self.method = element.get("method", "get")
        elif element.tag == "input" and name:
            self.inputs[name] = value
        elif element.tag == "button" and name == "action":
            self.actions.append(value)
