"""The person at nanoidp's device page: one form takes code, credentials and decision."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from device_grant.targets import UserError

if TYPE_CHECKING:
    import httpx

    from device_grant.targets import GrantView


def approve(http: httpx.Client, grant: GrantView) -> None:
    _decide(http, grant, "authorize")


def deny(http: httpx.Client, grant: GrantView) -> None:
    _decide(http, grant, "deny")


def _decide(http: httpx.Client, grant: GrantView, action: str) -> None:
    page = http.get(grant.verification_uri)
    if not page.is_success:
        raise UserError(f"the verification page answered {page.status_code}")
    form = {"user_code": grant.user_code, "username": "alice", "password": "wonderland", "action": action}
    answer = http.post(grant.verification_uri, data=form)
    if not answer.is_success or "user_code" in _fields(answer.text):
        # The page shows the form again, and why, where it does not accept the input.
        raise UserError(f"the device page refused to {action} ({answer.status_code}): {_text(answer.text)[-200:]}")


def _fields(page: str) -> set[str]:
    return set(re.findall(r'<input[^>]*\bname="([^"]+)"', page))


def _text(page: str) -> str:
    without_code = re.sub(r"(?s)<(style|script).*?</\1>", "", page)
    return " ".join(re.sub(r"<[^>]+>", " ", without_code).split())


def enter(http: httpx.Client, user_code: str, verification_uri: str) -> httpx.Response:
    http.get(verification_uri)
    form = {"user_code": user_code, "username": "alice", "password": "wonderland", "action": "authorize"}
    return http.post(verification_uri, data=form)
