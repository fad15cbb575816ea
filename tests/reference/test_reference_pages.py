"""The verification page of the reference server, and the user module that walks through it."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest
from support.reference import START, Server

from device_grant.protocol import AWS_SSO_OIDC, RFC8628
from device_grant.reference.server import user
from device_grant.targets.ports import GrantView, UserError

SIGNED_IN = {"username": "alice", "password": "wonderland"}


@pytest.fixture(params=[RFC8628, AWS_SSO_OIDC])
def server(request):
    return Server(request.param)


@pytest.fixture
def rfc():
    return Server()


def token_of(response):
    return re.search(r'name="csrf_token" value="([^"]+)"', response.text).group(1)


def sign_in(server, code=""):
    browser = server.browser()
    page = browser.get("/device", params={"user_code": code} if code else {})
    form = {"csrf_token": token_of(page), "user_code": code, **SIGNED_IN}
    return browser, browser.post("/login", data=form)


def opened(server, code=""):
    browser, response = sign_in(server, code)
    return browser, browser.get(response.headers["location"])


def send(browser, page, **fields):
    return browser.post("/device", data={"csrf_token": token_of(page), **fields})


def test_approve_and_deny_as_a_person_would(server):
    approved, denied = server.start(), server.start()
    approved.approve()
    denied.deny()
    assert approved.poll().ok
    assert denied.poll().code == "access_denied"


def test_one_browser_decides_several_grants(rfc):
    browser = rfc.browser()
    for _ in range(3):
        grant = rfc.start()
        user.approve(browser, grant.view)
        assert grant.poll().ok


def test_user_module_reports_what_the_page_said(rfc):
    browser = rfc.browser()
    with pytest.raises(UserError, match=r"answered 400: Connect a device"):
        user.approve(browser, GrantView("BCDF-GHJK", "http://target.test/device"))
    with pytest.raises(UserError, match=r"answered 403: Sign in"):
        user.decide(rfc.browser(), rfc.start().view, "approve", secret="wrong")
    no_deny = Server(faults=("denial_impossible",))
    with pytest.raises(UserError, match="no way to deny: only approve"):
        user.deny(no_deny.browser(), no_deny.start().view)


def test_sign_in_comes_first_and_changes_the_session(rfc):
    grant = rfc.start()
    browser = rfc.browser()
    page = browser.get(grant.verification_uri_complete)
    assert "Sign in" in page.text
    assert "alice" in page.text
    before = browser.cookies["device_session"]
    attributes = page.headers["set-cookie"]
    assert "HttpOnly" in attributes
    assert "SameSite=Lax" in attributes
    assert "Secure" not in attributes
    form = {"csrf_token": token_of(page), "user_code": grant.user_code, "action": "approve"}
    assert "Sign in" in browser.post("/device", data=form).text
    response = browser.post("/login", data=form | SIGNED_IN)
    assert (response.status_code, response.headers["location"]) == (303, f"/device?user_code={grant.user_code}")
    assert browser.cookies["device_session"] != before
    assert grant.poll().code == "authorization_pending"


def test_cookie_is_secure_under_https():
    server = Server(settings={"issuer": "https://login.example"})
    assert "Secure" in server.http.get("/device").headers["set-cookie"]


def test_demo_account_can_be_hidden():
    server = Server(settings={"show_demo_account": False, "users": {"bob": "builder"}})
    assert "builder" not in server.http.get("/device").text


def test_confirmation_shows_code_client_scopes_and_the_question(rfc):
    grant = rfc.start(rfc.register(client_name="Lounge <TV>"), scope="read write")
    _, page = opened(rfc, grant.user_code)
    assert grant.user_code in page.text
    assert "Lounge &lt;TV&gt;" in page.text
    assert "<li>read</li>" in page.text
    assert "in your possession" in page.text
    assert 'value="approve"' in page.text
    assert 'value="deny"' in page.text
    assert grant.device_code not in page.text


def test_result_sends_people_back_to_their_device(rfc):
    grant = rfc.start()
    browser, page = opened(rfc, grant.user_code)
    result = send(browser, page, user_code=grant.user_code, action="approve")
    assert "return to your device" in result.text


def test_get_never_decides(rfc):
    grant = rfc.start()
    browser, page = opened(rfc, grant.user_code)
    for action in ("approve", "deny"):
        browser.get("/device", params={"user_code": grant.user_code, "action": action, "csrf_token": token_of(page)})
    assert grant.poll().code == "authorization_pending"


@pytest.mark.parametrize("token", [None, "", "x", "other session"])
def test_forms_are_bound_to_their_session(rfc, token):
    grant = rfc.start()
    browser, _ = opened(rfc, grant.user_code)
    fields = {"user_code": grant.user_code, "action": "approve"}
    if token == "other session":
        token = token_of(opened(rfc, grant.user_code)[1])
    if token is not None:
        fields["csrf_token"] = token
    assert browser.post("/device", data=fields).status_code == 403
    assert browser.post("/login", data=fields | SIGNED_IN).status_code == 403
    assert grant.poll().code == "authorization_pending"


TYPINGS = [str.lower, lambda c: c.replace("-", ""), " ".join, lambda c: f"  {c}.7?\u00e9", str.title]


@pytest.mark.parametrize("typing", TYPINGS)
def test_codes_may_be_typed_in_many_ways(rfc, typing):
    grant = rfc.start()
    browser, page = opened(rfc)
    confirmation = send(browser, page, user_code=typing(grant.user_code))
    assert grant.user_code in confirmation.text
    send(browser, confirmation, user_code=typing(grant.user_code), action="approve")
    assert grant.poll().ok


def test_decided_and_expired_codes_are_not_accepted(rfc):
    denied, expired = rfc.start(), rfc.start()
    denied.deny()
    browser, page = opened(rfc)
    assert send(browser, page, user_code=denied.user_code, action="approve").status_code == 400
    assert denied.poll().code == "access_denied"
    rfc.clock.now = START + 600
    assert send(browser, page, user_code=expired.user_code).status_code == 400


def guesses(browser, page, count):
    return [send(browser, page, user_code=f"BBBB-BBB{letter}").status_code for letter in "BCDFGHJKLMNP"[:count]]


def test_guessing_is_throttled_for_the_session_until_a_minute_has_passed(rfc):
    grant = rfc.start()
    browser, page = opened(rfc)
    assert guesses(browser, page, 7) == [400] * 5 + [429] * 2
    blocked = send(browser, page, user_code=grant.user_code, action="approve")
    assert (blocked.status_code, blocked.headers["retry-after"]) == (429, "60")
    assert browser.get(grant.verification_uri_complete).status_code == 429
    assert grant.poll(after=0).code == "authorization_pending"
    other, other_page = opened(rfc, grant.user_code)
    assert other_page.status_code == 200
    rfc.clock.now += 60
    assert send(browser, page, user_code=grant.user_code, action="approve").status_code == 200
    assert other.get("/device").status_code == 200


def test_guessing_is_throttled_for_the_address_whatever_the_session():
    server = Server(settings={"guesses_per_address": 8})
    seen = []
    for browser, page in [opened(server) for _ in range(3)]:
        seen += guesses(browser, page, 4)
    assert seen == [400] * 8 + [429] * 4


def test_passwords_are_throttled_too(rfc):
    browser = rfc.browser()
    page = browser.get("/login")
    form = {"csrf_token": token_of(page), "username": "alice", "password": "guess"}
    assert [browser.post("/login", data=form).status_code for _ in range(6)] == [403] * 5 + [429]


def test_right_codes_are_not_counted(rfc):
    browser, page = opened(rfc)
    for _ in range(30):
        assert send(browser, page, user_code=rfc.start().user_code).status_code == 200


def test_input_is_escaped(rfc):
    attack = '"><script>alert(1)</script>'
    browser, page = opened(rfc)
    pages = [
        send(browser, page, user_code=attack),
        rfc.browser().get("/device", params={"user_code": attack}),
        rfc.browser().get("/login", params={"user_code": attack}),
    ]
    for shown in pages:
        assert "<script" not in shown.text
        assert "&lt;script" in shown.text


def test_pages_protect_themselves(rfc):
    browser, page = opened(rfc, rfc.start().user_code)
    for shown in (page, browser.get("/device"), rfc.http.get("/login"), browser.put("/device")):
        policy = shown.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert shown.headers["x-frame-options"] == "DENY"
        assert shown.headers["referrer-policy"] == "no-referrer"
        assert shown.headers["cache-control"] == "no-store"
        assert "<script" not in shown.text


def test_style_is_the_one_that_the_policy_allows(rfc):
    page = rfc.http.get("/device")
    style = re.search(r"<style>(.*?)</style>", page.text, re.DOTALL).group(1)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in page.headers["content-security-policy"]


def test_every_input_has_a_label(rfc):
    _, code_page = opened(rfc)
    for page in (rfc.http.get("/device"), code_page):
        visible = re.findall(r'<input id="(\w+)"', page.text)
        assert visible
        assert all(f'<label for="{name}">' in page.text for name in visible)


def test_strange_requests_get_pages_not_crashes(rfc):
    browser, _ = opened(rfc)
    assert browser.post("/device", content=b"\xff=%zz&a", headers={"Content-Type": "text/plain"}).status_code == 415
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert browser.post("/device", content=b"x" * 3_000_000, headers=form).status_code == 413
    assert browser.post("/device", content=b"\xff=%zz&" + b"a=b&" * 200, headers=form).status_code == 403
    assert browser.get("/device?user_code=%ff%00%ed%a0%80").status_code == 400
    assert browser.get("/device", headers={"Cookie": 'device_session="; =;'}).status_code == 200
    refused = browser.delete("/device")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, POST")
    assert rfc.http.head("/device").content == b""


def test_sessions_are_forgotten(rfc, monkeypatch):
    browser, _ = opened(rfc)
    rfc.clock.now += 3_601
    assert "Sign in" in browser.get("/device").text
    monkeypatch.setattr("device_grant.reference.server.sessions.MOST", 2)
    signed_in, _ = opened(rfc)
    for _ in range(3):
        rfc.http.get("/device", headers={"Cookie": ""})
        rfc.browser().get("/device")
    assert "Sign in" in signed_in.get("/device").text
