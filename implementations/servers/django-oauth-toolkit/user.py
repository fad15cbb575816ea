"""The person at the pages of django-oauth-toolkit: sign-in, code and decision, each a form of its own."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from device_grant.targets import UserError

if TYPE_CHECKING:
    import httpx

    from device_grant.targets import GrantView

_MOST_STEPS = 8


def approve(http: httpx.Client, grant: GrantView) -> None:
    _decide(http, grant, "accept", "Device Authorized")


def deny(http: httpx.Client, grant: GrantView) -> None:
    _decide(http, grant, "deny", "Device Denied")


def sign_in(http: httpx.Client) -> None:
    _open(http, "/admin/login/?next=/o/device/")


def confirmation(http: httpx.Client, grant: GrantView) -> httpx.Response:
    page = enter(http, grant.user_code, grant.verification_uri)
    if not page.is_success or 'value="accept"' not in page.text:
        raise UserError(f"the code was not accepted ({page.status_code}): {_text(page.text)[-200:]}")
    return page


def enter(http: httpx.Client, user_code: str, verification_uri: str) -> httpx.Response:
    page = _open(http, verification_uri)
    return _submit(http, page, {"user_code": user_code})


def _decide(http: httpx.Client, grant: GrantView, action: str, result: str) -> None:
    page = _submit(http, confirmation(http, grant), {"action": action})
    if not page.is_success or result not in _text(page.text):
        raise UserError(f"the pages did not let the user {action} ({page.status_code}): {_text(page.text)[-200:]}")


def _open(http: httpx.Client, uri: str) -> httpx.Response:
    """A page of the toolkit, after signing in where that is asked for first."""
    page = _follow(http, http.get(uri))
    if 'type="password"' in page.text:
        page = _submit(http, page, {"username": "alice", "password": "wonderland"})
    if not page.is_success or 'name="user_code"' not in page.text:
        raise UserError(f"the page for the code did not come ({page.status_code}): {_text(page.text)[-200:]}")
    return page


def _submit(http: httpx.Client, page: httpx.Response, typed: dict[str, str]) -> httpx.Response:
    hidden = {name: _value(field) for field in re.findall(r"<input[^>]*>", page.text) if (name := _hidden(field))}
    return _follow(http, http.post(page.url, data=hidden | typed))


def _hidden(field: str) -> str:
    match = re.search(r'name="([^"]+)"', field)
    return match.group(1) if match and 'type="hidden"' in field else ""


def _value(field: str) -> str:
    match = re.search(r'value="([^"]*)"', field)
    return html.unescape(match.group(1)) if match else ""


def _follow(http: httpx.Client, answer: httpx.Response) -> httpx.Response:
    for _ in range(_MOST_STEPS):
        if not answer.is_redirect:
            return answer
        answer = http.get(answer.url.join(answer.headers["location"]))
    raise UserError(f"more than {_MOST_STEPS} redirects in a row")


def _text(page: str) -> str:
    without_code = re.sub(r"(?s)<(style|script).*?</\1>", "", page)
    return " ".join(re.sub(r"<[^>]+>", " ", without_code).split())
