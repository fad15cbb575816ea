"""The person at the pages of django-allauth: sign-in, code and decision, each a form of its own."""

from __future__ import annotations

import html
import itertools
import re
from typing import TYPE_CHECKING

from device_grant.targets import UserError

if TYPE_CHECKING:
    import httpx

    from device_grant.targets import GrantView

_MOST_STEPS = 8
_HOMES = itertools.count()


def approve(http: httpx.Client, grant: GrantView) -> None:
    _decide(http, grant, "confirm", "Device Authorized")


def deny(http: httpx.Client, grant: GrantView) -> None:
    _decide(http, grant, "deny", "Device Denied")


def sign_in(http: httpx.Client) -> None:
    _at_home(http)
    page = _signed_in(http, http.get("/accounts/login/?next=/identity/o/device"))
    if 'name="code"' not in page.text:
        raise UserError(f"the sign-in did not lead to the page for the code ({page.status_code}): {_end(page)}")


def confirmation(http: httpx.Client, grant: GrantView) -> httpx.Response:
    page = enter(http, grant.user_code, grant.verification_uri)
    if not page.is_success or 'value="confirm"' not in page.text:
        raise UserError(f"the code was not accepted ({page.status_code}): {_end(page)}")
    return page


def enter(http: httpx.Client, user_code: str, verification_uri: str) -> httpx.Response:
    _at_home(http)
    page = _signed_in(http, http.get(verification_uri))
    if not page.is_success or 'name="code"' not in page.text:
        raise UserError(f"the page for the code did not come ({page.status_code}): {_end(page)}")
    # The form is sent by GET, to the address without what it had in its query.
    return _follow(http, http.get(page.url.copy_with(query=None), params={"code": user_code}))


def _decide(http: httpx.Client, grant: GrantView, action: str, result: str) -> None:
    page = confirmation(http, grant)
    page = _follow(http, http.post(page.url, data={"action": action}))
    if not page.is_success or result not in page.text:
        raise UserError(f"the pages did not let the user {action} ({page.status_code}): {_end(page)}")


def _at_home(http: httpx.Client) -> None:
    """Gives a browser the address that a proxy would report: each person has their own."""
    if "x-forwarded-for" not in http.headers:
        home = next(_HOMES)
        http.headers["X-Forwarded-For"] = f"10.{home >> 16}.{home >> 8 & 0xFF}.{home & 0xFF}"


def _signed_in(http: httpx.Client, answer: httpx.Response) -> httpx.Response:
    page = _follow(http, answer)
    if 'type="password"' not in page.text:
        return page
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    back = re.search(r'name="next" value="([^"]+)"', page.text)
    form = {
        "csrfmiddlewaretoken": token.group(1) if token else "",
        "next": html.unescape(back.group(1)) if back else "",
        "login": "alice",
        "password": "wonderland",
    }
    return _follow(http, http.post(page.url, data=form))


def _follow(http: httpx.Client, answer: httpx.Response) -> httpx.Response:
    for _ in range(_MOST_STEPS):
        if not answer.is_redirect:
            return answer
        answer = http.get(answer.url.join(answer.headers["location"]))
    raise UserError(f"more than {_MOST_STEPS} redirects in a row")


def _end(page: httpx.Response) -> str:
    without_code = re.sub(r"(?s)<(style|script).*?</\1>", "", page.text)
    return " ".join(re.sub(r"<[^>]+>", " ", without_code).split())[-200:]
