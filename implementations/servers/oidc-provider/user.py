"""The person at oidc-provider's pages: code, confirmation, sign-in and consent, each a form of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from device_grant.targets import UserError

if TYPE_CHECKING:
    import httpx

    from device_grant.targets import GrantView

_MOST_STEPS = 12


def approve(http: httpx.Client, grant: GrantView) -> None:
    page = _enter_code(http, grant)
    page = _submit(http, page, grant.verification_uri, {"user_code": grant.user_code, "confirm": "yes"})
    for _ in range(_MOST_STEPS):
        prompt = _value(page.text, "prompt")
        if not prompt:
            break
        form = {"prompt": prompt}
        if prompt == "login":
            form |= {"login": "alice", "password": "wonderland"}
        page = _follow(http, http.post(_action(page), data=form))
    if not page.is_success or "Sign-in Success" not in page.text:
        raise UserError(f"the pages did not let the user allow it ({page.status_code}): {_text(page.text)[-200:]}")


def deny(http: httpx.Client, grant: GrantView) -> None:
    _enter_code(http, grant)
    page = http.get(grant.verification_uri)
    page = _submit(http, page, grant.verification_uri, {"user_code": grant.user_code, "abort": "yes"})
    # Aborting leads back to the page for a code, which says that the request was interrupted.
    if "interrupted" not in page.text:
        raise UserError(f"the page did not let the user refuse ({page.status_code}): {_text(page.text)[-200:]}")


def _enter_code(http: httpx.Client, grant: GrantView) -> httpx.Response:
    page = http.get(grant.verification_uri)
    page = _submit(http, page, grant.verification_uri, {"user_code": grant.user_code})
    if not page.is_success or not _value(page.text, "xsrf") or 'name="confirm"' not in page.text:
        raise UserError(f"the code was not accepted ({page.status_code}): {_text(page.text)[-200:]}")
    return page


def _submit(http: httpx.Client, page: httpx.Response, uri: str, form: dict[str, str]) -> httpx.Response:
    return _follow(http, http.post(uri, data={"xsrf": _value(page.text, "xsrf"), **form}))


def _follow(http: httpx.Client, answer: httpx.Response) -> httpx.Response:
    for _ in range(_MOST_STEPS):
        if not answer.is_redirect:
            return answer
        answer = http.get(answer.url.join(answer.headers["location"]))
    raise UserError(f"more than {_MOST_STEPS} redirects in a row")


def _value(page: str, name: str) -> str:
    for field in re.findall(r"<input[^>]*>", page):
        if f'name="{name}"' in field:
            match = re.search(r'value="([^"]*)"', field)
            return match.group(1) if match else ""
    return ""


def _action(page: httpx.Response) -> str:
    match = re.search(r'<form[^>]*\baction="([^"]+)"', page.text)
    return str(page.url.join(match.group(1))) if match else str(page.url)


def _text(page: str) -> str:
    without_code = re.sub(r"(?s)<(style|script).*?</\1>", "", page)
    return " ".join(re.sub(r"<[^>]+>", " ", without_code).split())


def confirmation(http: httpx.Client, grant: GrantView) -> httpx.Response:
    return _enter_code(http, grant)


def enter(http: httpx.Client, user_code: str, verification_uri: str) -> httpx.Response:
    page = http.get(verification_uri)
    return _submit(http, page, verification_uri, {"user_code": user_code})
