"""The person at Datasette: the page for the code sends nobody to the sign-in form, so that one signs in beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.targets import UserError

if TYPE_CHECKING:
    import httpx

    from device_grant.targets import GrantView

NAME, PASSWORD = "alice", "wonderland"
PAGE = "/-/oauth/device/verify"


def sign_in(http: httpx.Client) -> None:
    answer = http.post("/-/login", data={"username": NAME, "password": PASSWORD})
    if not answer.is_redirect:
        raise UserError(f"signing in was answered {answer.status_code}")


def enter(http: httpx.Client, user_code: str, verification_uri: str) -> httpx.Response:
    sign_in(http)
    return http.post(verification_uri, data={"code": user_code})


def confirmation(http: httpx.Client, grant: GrantView) -> httpx.Response:
    page = enter(http, grant.user_code, grant.verification_uri)
    if 'name="confirm"' not in page.text:
        raise UserError(f"the code led to no question: {_notice(page)}")
    return page


def approve(http: httpx.Client, grant: GrantView) -> None:
    done = _decided(http, grant, {"token_ttl_seconds": "3600"})
    if "Device authorized successfully" not in done.text:
        raise UserError(f"the page did not let the user allow it: {_notice(done)}")


def deny(http: httpx.Client, grant: GrantView) -> None:
    done = _decided(http, grant, {"deny": "Deny"})
    if "Authorization denied" not in done.text:
        raise UserError(f"the page did not let the user refuse: {_notice(done)}")


def _decided(http: httpx.Client, grant: GrantView, decision: dict[str, str]) -> httpx.Response:
    confirmation(http, grant)
    return http.post(PAGE, data={"code": grant.user_code, "confirm": "1", **decision})


def _notice(page: httpx.Response) -> str:
    return page.text.partition('class="notice')[2].partition("</div>")[0][-120:].strip() or str(page.status_code)
