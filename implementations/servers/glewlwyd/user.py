"""The person at Glewlwyd's pages, which are script: this makes the requests that the script makes.

Whoever opens the address with a code is sent to the sign-in page, which is told the client, the scopes and where to go
on. It shows them, asks for the password, for scopes other than openid also which ones to grant, and has one button,
Continue. No page has a way to refuse. There is no `confirmation`: what the page shows is not in its HTML.

An account in `[user] login` does the same in Chromium, at several seconds for each of hundreds of decisions.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from device_grant.targets import UserError

if TYPE_CHECKING:
    import httpx

    from device_grant.targets import GrantView

_CODE_LENGTH = 8


def approve(http: httpx.Client, grant: GrantView) -> None:
    page = _open(http, grant.verification_uri, grant.user_code)
    query = _destination(page).params
    if "callback_url" not in query or "client_id" not in query:
        raise UserError(f"the code was not accepted ({page.status_code}): the sign-in page is told {dict(query)}")
    sign_in(http)
    _grant_scopes(http, query["client_id"], query.get("scope", ""))
    callback = query["callback_url"]
    answer = http.get(callback + ("&" if "?" in callback else "?") + "g_continue")
    if _destination(answer).params.get("prompt") != "deviceComplete":
        raise UserError(f"Continue was answered {answer.status_code} {answer.headers.get('location', '')[-200:]}")


def deny(http: httpx.Client, grant: GrantView) -> None:
    _open(http, grant.verification_uri, grant.user_code)
    raise UserError("the pages have a button to continue and none to refuse")


def sign_in(http: httpx.Client) -> None:
    answer = http.post("/api/auth/", json={"username": "alice", "password": "wonderland"})
    if not answer.is_success:
        raise UserError(f"signing in was answered {answer.status_code}: {answer.text[:200]}")


def enter(http: httpx.Client, user_code: str, verification_uri: str) -> httpx.Response:
    page = _open(http, verification_uri, user_code)
    return http.get(page.url.join(page.headers["location"])) if page.is_redirect else page


def _open(http: httpx.Client, uri: str, user_code: str) -> httpx.Response:
    # The script of the page does this to whatever is typed.
    plain = re.sub(r"[\W_]", "", user_code).upper()[:_CODE_LENGTH]
    half = _CODE_LENGTH // 2
    return http.get(uri, params={"code": f"{plain[:half]}-{plain[half:]}" if len(plain) >= half else plain})


def _destination(answer: httpx.Response) -> httpx.URL:
    return answer.url.join(answer.headers["location"]) if answer.is_redirect else answer.url


def _grant_scopes(http: httpx.Client, client_id: str, scope: str) -> None:
    address = f"/api/auth/grant/{quote(client_id, safe='')}"
    shown = http.get(f"{address}/{quote(scope, safe='')}")
    if not shown.is_success:
        raise UserError(f"the scopes to grant were answered {shown.status_code}: {shown.text[:200]}")
    scopes = shown.json()["scope"]
    # The page goes on by itself where openid is all that is asked for.
    if all(one["granted"] or one["name"] == "openid" for one in scopes):
        return
    answer = http.put(address, json={"scope": " ".join(one["name"] for one in scopes)})
    if not answer.is_success:
        raise UserError(f"granting scopes was answered {answer.status_code}: {answer.text[:200]}")
