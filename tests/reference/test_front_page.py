"""The front page of `device-grant serve`: what is where, and requests that work as they stand there."""

from __future__ import annotations

import json
import os
import shlex
from typing import TYPE_CHECKING

import httpx
import pytest
from starlette.routing import Route
from support.needs import needs

from device_grant.browser.chromium import candidates
from device_grant.reference.server.app import create_app
from device_grant.reference.server.front import Front
from device_grant.reference.server.http import Call, Endpoint
from device_grant.reference.server.settings import Settings
from device_grant.targets.config import KnownClient

if TYPE_CHECKING:
    from starlette.applications import Starlette

BASE = "http://front.test"
DIALECTS = ("rfc8628", "aws-sso-oidc")


def served(settings: Settings) -> tuple[Front, Starlette]:
    front, application = Front(settings, BASE), create_app(settings)
    application.router.routes.append(Route("/", Endpoint(front.handler())))
    return front, application


async def sent(application: Starlette, command: str) -> httpx.Response:
    """What curl would get."""
    words = shlex.split(command)
    headers = dict(words[at + 1].split(": ") for at, word in enumerate(words) if word == "-H")
    data = "&".join(words[at + 1] for at, word in enumerate(words) if word == "-d")
    headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url=BASE) as http:
        return await http.post(words[-1], content=data, headers=headers)


def run(work):
    import asyncio

    return asyncio.run(work)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_requests_lead_to_a_pending_login(dialect):
    front, application = served(Settings(dialect=dialect, issuer=BASE))
    known: dict[str, str] = {}
    for _, command in front.requests():
        filled = command.replace("DEVICE_CODE", known.get("device_code") or known.get("deviceCode") or "")
        filled = filled.replace("CLIENT_ID", known.get("clientId", ""))
        filled = filled.replace("CLIENT_SECRET", known.get("clientSecret", ""))
        answer = run(sent(application, filled))
        known |= answer.json()
    assert answer.status_code == 400
    assert answer.json()["error"] == "authorization_pending"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_page_says_it_and_takes_nothing(dialect):
    front, application = served(Settings(dialect=dialect, issuer=BASE))

    async def asked(method: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url=BASE) as http:
            return await http.request(method, "/")

    page = run(asked("GET"))
    assert page.status_code == 200
    assert all(value in page.text for value in front.facts().values())
    assert "Set-Cookie" not in page.headers
    assert "<script" not in page.text
    assert "<form" not in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    refused = run(asked("POST"))
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD")


def test_what_an_operator_chose_is_escaped():
    settings = Settings(clients=(KnownClient(id="<b>me</b>"),), users={"<i>al</i>": "p&w"}, issuer=BASE)
    _, application = served(settings)

    async def asked() -> str:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url=BASE) as http:
            return (await http.get("/")).text

    text = run(asked())
    assert "<b>" not in text
    assert "<i>" not in text
    assert "&lt;b&gt;me" in text


def test_without_a_public_client_one_is_registered():
    front = Front(Settings(dialect="aws-sso-oidc"), BASE)
    what, command = front.requests()[0]
    assert what == "Register a client"
    assert json.loads(shlex.split(command)[5])["clientType"] == "public"
    assert front.facts()["client"].startswith("register one")


@pytest.mark.long
@needs("chromium", "axe-playwright-python")
def test_the_page_fits_a_telephone_and_can_be_read(tmp_path):
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright

    front, _ = served(Settings(dialect="aws-sso-oidc", issuer=BASE))
    scope = {"method": "GET", "path": "/", "query_string": b"", "headers": []}
    html = run(front.handler()(Call(scope, b"", too_large=False)))
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=next(candidates()), chromium_sandbox=os.geteuid() != 0)
        for scheme in ("light", "dark"):
            page = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme=scheme)
            page.set_content(html.content.decode())
            page.screenshot(path=tmp_path / f"{scheme}.png", full_page=True)
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
            serious = [one["id"] for one in Axe().run(page).response["violations"] if one["impact"] != "minor"]
            assert serious == []
        browser.close()
