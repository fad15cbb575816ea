"""The person at a page made for better-auth: the page talks to its JSON API, so this does what the page would."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from device_grant.targets import UserError

if TYPE_CHECKING:
    from device_grant.targets import GrantView

API = "/api/auth"

_cookies: dict[str, httpx.Cookies] = {}
"""Of a browser that signed in, by base URL: a password is slow to verify, on purpose, and a session lasts for days."""


def approve(http: httpx.Client, grant: GrantView) -> None:
    _decide(http, grant, "approve")


def deny(http: httpx.Client, grant: GrantView) -> None:
    _decide(http, grant, "deny")


def sign_in(http: httpx.Client) -> None:
    base = str(http.base_url).rstrip("/")
    # A request with cookies must say where it comes from.
    http.headers["Origin"] = base
    if base in _cookies:
        http.cookies.update(_cookies[base])
        if http.get(f"{API}/get-session").text != "null":
            return
    answer = http.post(f"{API}/sign-in/email", json={"email": "alice@example.org", "password": "wonderland"})
    if not answer.is_success:
        raise UserError(f"signing in was answered {answer.status_code}: {answer.text[:200]}")
    _cookies[base] = httpx.Cookies(http.cookies)


def confirmation(http: httpx.Client, grant: GrantView) -> httpx.Response:
    answer = enter(http, grant.user_code, grant.verification_uri)
    if not answer.is_success:
        raise UserError(f"the code was answered {answer.status_code}: {answer.text[:200]}")
    return answer


def enter(http: httpx.Client, user_code: str, verification_uri: str) -> httpx.Response:  # noqa: ARG001 - the page there is the application's
    sign_in(http)
    # Looking a code up also ties it to who is signed in, and only they may decide.
    return http.get(f"{API}/device", params={"user_code": user_code})


def _decide(http: httpx.Client, grant: GrantView, action: str) -> None:
    confirmation(http, grant)
    answer = http.post(f"{API}/device/{action}", json={"userCode": grant.user_code})
    if not answer.is_success:
        raise UserError(f"the API did not let the user {action} ({answer.status_code}): {answer.text[:200]}")
