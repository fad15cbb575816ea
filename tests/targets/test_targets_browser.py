"""What the client of user modules does that a browser does, and that nothing a module sets keeps it from being seen."""

import httpx
import pytest

from device_grant.targets.users.browser import NAVIGATION, Browser


def answer(request):
    if request.url.path == "/set":
        headers = [("Set-Cookie", "a=1; Secure; Path=/"), ("Set-Cookie", "b=2; Path=/"), ("Location", "/see")]
        return httpx.Response(302, headers=headers)
    return httpx.Response(200, json={name: request.headers.get(name) for name in ("cookie", "accept")})


def browser(base="http://127.0.0.1:8000"):
    return Browser(httpx.Client(transport=httpx.MockTransport(answer)), base=base, timeout=5.0)


@pytest.mark.parametrize(
    ("base", "sent"),
    [
        ("http://127.0.0.1:8000", "a=1; b=2"),
        ("http://localhost:8000", "a=1; b=2"),
        ("http://[::1]:8000", "a=1; b=2"),
        ("http://server.test", "b=2"),
        ("https://server.test", "a=1; b=2"),
    ],
)
def test_secure_cookies_go_back_to_this_machine(base, sent):
    with browser(base) as http:
        assert http.get("/set", follow_redirects=True).json()["cookie"] == sent
        assert http.get("/see", headers={"Cookie": "own=1"}).json()["cookie"] == "own=1"
        http.cookies.clear()
        assert http.get("/see").json()["cookie"] is None


def test_secure_cookies_go_back_to_a_program_in_our_own_process():
    way = httpx.Client(transport=httpx.MockTransport(answer))
    with Browser(way, base="http://server.test", timeout=5.0, in_process=True) as http:
        assert http.get("/set", follow_redirects=True).json()["cookie"] == "a=1; b=2"


def test_pages_are_asked_for_as_a_browser_does():
    with browser() as http:
        assert http.get("/").json()["accept"] == NAVIGATION
        assert http.post("/", data={"user_code": "X"}).json()["accept"] == NAVIGATION
        assert http.post("/", json={"user_code": "X"}).json()["accept"] == "*/*"
        assert http.post("/", json={}, headers={"Accept": "application/json"}).json()["accept"] == "application/json"
        http.headers["Accept"] = "text/plain"
        assert http.get("/").json()["accept"] == "text/plain"


def test_what_is_loaded_is_seen_whatever_hooks_a_module_sets():
    seen, sent, hooked = [], [], []
    with browser() as http:
        http.saw, http.about_to_send = seen.append, sent.append
        http.event_hooks = {"response": [hooked.append]}
        http.get("/set", follow_redirects=True)
    assert [(one.request.url.path, one.status_code) for one in seen] == [("/set", 302), ("/see", 200)]
    assert seen == hooked
    assert [one.url.path for one in sent] == ["/set", "/see"]
    assert seen[-1].json()["cookie"] == "a=1; b=2"
    assert seen[-1].elapsed.total_seconds() > 0
