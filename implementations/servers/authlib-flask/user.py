"""The person at the pages of pages.py: sign-in, code and confirmation, each a form of its own."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

from device_grant.targets import UserError

if TYPE_CHECKING:
    import httpx

    from device_grant.targets import GrantView


def approve(http: httpx.Client, grant: GrantView) -> None:
    _decide(http, grant, "allow")


def deny(http: httpx.Client, grant: GrantView) -> None:
    _decide(http, grant, "deny")


def sign_in(http: httpx.Client) -> None:
    _sign_in_at(http, http.get("/login"))


def enter(http: httpx.Client, user_code: str, verification_uri: str) -> httpx.Response:
    page = http.get(verification_uri)
    if 'name="password"' in page.text:
        _sign_in_at(http, page)
        page = http.get(verification_uri)
    return http.post(verification_uri, data={"csrf_token": _token(page), "user_code": user_code})


def confirmation(http: httpx.Client, grant: GrantView) -> httpx.Response:
    page = enter(http, grant.user_code, grant.verification_uri)
    if not page.is_success:
        raise UserError(f"the code was answered {page.status_code}: {_text(page)}")
    return page


def _sign_in_at(http: httpx.Client, page: httpx.Response) -> None:
    form = {"csrf_token": _token(page), "username": "alice", "password": "wonderland"}
    answer = http.post("/login", data=form)
    if not answer.is_redirect:
        raise UserError(f"signing in was answered {answer.status_code}: {_text(answer)}")


def _decide(http: httpx.Client, grant: GrantView, action: str) -> None:
    page = confirmation(http, grant)
    form = {"csrf_token": _token(page), "user_code": grant.user_code, "action": action}
    answer = http.post(grant.verification_uri, data=form)
    if not answer.is_success:
        raise UserError(f"the page did not let the user {action} ({answer.status_code}): {_text(answer)}")


def _token(page: httpx.Response) -> str:
    match = re.search(r'name="csrf_token" value="([^"]*)"', page.text)
    if match is None:
        raise UserError(f"a page without a form came ({page.status_code}): {_text(page)}")
    return unescape(match.group(1))


def _text(page: httpx.Response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page.text).split())[-200:]
