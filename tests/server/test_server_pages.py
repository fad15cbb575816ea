"""Pages as the checks see them: the parser, the browser's forged requests, and the steps of a user module."""

from __future__ import annotations

import re
import time

import httpx
import pytest

from device_grant.browser.markup import Button, Input, read_markup, squeezed
from device_grant.browser.page import Page, same_host, split
from device_grant.browser.tree import MOST_CONTROLS
from device_grant.catalogue import Verdict, load
from device_grant.engine import run_check
from device_grant.errors import UsageError
from device_grant.judging import Inconclusive, Untestable, all_checks
from device_grant.protocol import RFC8628
from device_grant.protocol.events import PageLoaded
from device_grant.reference import Settings
from device_grant.reference.embedded import embedded
from device_grant.server.checks.pages import guessing
from device_grant.server.checks.pages import test_verification_page as checks
from device_grant.server.checks.pages.typing import not_typable
from device_grant.server.pages import approving
from device_grant.server.pages.approving import find_approval
from device_grant.server.pages.visitor import Visitor
from device_grant.server.session.case import ServerCase
from device_grant.server.session.run import new_run
from device_grant.targets.ports import GrantView, UserError, UserModuleError
from device_grant.targets.users import CommandUser, ModuleUser

BOTH = "def approve(http, grant): ...\ndef deny(http, grant): ...\n"


def test_a_form_is_read_with_all_its_controls():
    page = read_markup(
        '<html lang="EN-gb"><form method=POST action="/go"><input type=hidden name=t value="a&amp;b">'
        "<input name=user_code><input type=password name=p>"
        "<input type=checkbox name=off><input type=radio name=r checked>"
        "<textarea name=note></textarea><select name=s><option value=1><option value=2 selected></select>"
        "<button name=act value=yes>All<b>ow</b></button><input type=submit name=act value=no></form>"
    )
    (form,) = page.forms
    assert (form.method, form.action, page.language) == ("post", "/go", "en-gb")
    assert form.values == {"t": "a&b", "user_code": "", "p": "", "r": "on", "note": "", "s": "2"}
    assert form.buttons == (Button("act", "yes", "All ow"), Button("act", "no", "no"))
    assert form.asks_password
    assert page.prompt() is None, "a code is not asked for where a password is"


def test_controls_may_stand_outside_of_their_form():
    page = read_markup(
        "<form id=f method=post></form><button form=f name=go>Go</button><button form=g name=x>X</button>"
    )
    assert [button.name for button in page.forms[0].buttons] == ["go"]
    assert page.forms[0].buttons[0].label == "Go"


def test_the_prompt_is_the_empty_input_that_is_named_like_a_code():
    page = read_markup("<form><input name=q></form><form><input name=user_code><input name=given value=1></form>")
    form, entry = page.prompt()
    assert (form, entry) == (page.forms[1], Input("user_code", "", ""))


@pytest.mark.parametrize(
    ("limits", "code", "fits"),
    [
        ("", "BCDF-GHJK", True),
        ("maxlength=9 minlength=9", "BCDF-GHJK", True),
        ("maxlength=8", "BCDF-GHJK", False),
        ("minlength=10", "BCDF-GHJK", False),
        ("maxlength=none minlength=-1", "BCDF-GHJK", True),
        ("type=number", "BCDF-GHJK", False),
        ("type=number", "123456", True),
        ("pattern='[A-Z]{4}-[A-Z]{4}'", "BCDF-GHJK", True),
        ("pattern='[A-Z]{8}'", "BCDF-GHJK", False),
        ("pattern='\\p{Lu}{8}'", "BCDF-GHJK", True),
        ("pattern='['", "BCDF-GHJK", True),
    ],
)
def test_a_field_says_which_codes_it_takes(limits, code, fits):
    page = read_markup(f"<form method=post><input name=code {limits}></form>")
    assert (not_typable(page, code) == "") is fits


def test_two_halves_of_a_code_are_typed_apart():
    page = read_markup("<form><input name=a maxlength=4><input name=b maxlength=4></form>")
    assert not not_typable(page, "BCDF-GHJK")


def test_text_is_what_a_person_reads():
    page = read_markup(
        "<style>p{}</style><script>var top = 1</script><p>The <b>code</b></p>"
        '<form><input value="ABCD"><input type=hidden value=secret><input type=submit value="Go on"></form>'
    )
    assert page.text == "The code ABCD Go on"
    assert page.scripts == "var top = 1"
    assert page.has_script


def test_comments_and_templates_are_not_read_but_what_follows_them_is():
    page = read_markup("<p>a<!-- b -->c<template><form><input name=x></form><script>1</script></template>d<?pi e?>f")
    assert page.text == "a c d f"
    assert page.forms == ()
    assert page.scripts == "1"
    assert {"template", "form", "script"} <= page.elements


def test_a_form_in_a_table_owns_what_stands_in_its_rows():
    page = read_markup("<table><form method=post><tr><td><input name=user_code></td></tr></form></table><input name=y>")
    assert page.forms[0].values == {"user_code": ""}


def test_hostile_pages_are_read_in_time():
    began = time.perf_counter()
    page = read_markup("<form>" + "<div>" * 100 + "<input name=a>" * 20_000)
    assert len(page.forms[0].inputs) == MOST_CONTROLS - 1  # the form is one of them
    assert read_markup("<form>" + "<div>" * 1_000 + "<input name=a>" * 20_000).forms
    assert read_markup("<form>" + "<div>" * 100_000).forms
    assert read_markup("<?xml version='1.0' encoding='utf-16'?><html><p>\ud800\0x").text.endswith("x")
    assert time.perf_counter() - began < 20


@pytest.mark.parametrize(
    ("html", "english"),
    [
        ('<html lang="en-US"><p>x', True),
        ('<html lang="de"><p>the this you your', False),
        ('<html lang="en"><html><p>x', True),
        ("<p>You can close this page and go to the device", True),
        ("<p>Das Gerät ist verbunden", False),
    ],
)
def test_language(html, english):
    assert read_markup(html).english is english


@pytest.mark.parametrize(
    "html", ["", "<", "<form", "<input name=a>", "<button>", "</form></button></select>", "<option>"]
)
def test_broken_markup_is_read_as_far_as_it_goes(html):
    assert read_markup(html).forms in ((), read_markup("<form>").forms)


def test_elements_tell_markup_from_text():
    assert "x-probe" not in read_markup("<p>&lt;x-probe&gt;</p><input value='<x-probe>'>").elements
    assert "x-probe" in read_markup('<input value=""><x-probe a="">').elements


def test_squeezed_and_same_host():
    assert squeezed(" wdjb-mjht.") == "WDJBMJHT"
    assert same_host("http://a.test:80/x", "http://a.test:80/y")
    assert not same_host("http://a.test/", "https://a.test/")


@pytest.mark.parametrize("code", ["WDJB-MJHT", "1234", "AAAA-AAAA", "a", "0000"])
def test_wrong_codes_look_like_the_right_one_but_never_are(code):
    for turn in range(1, checks.WRONG_CODES + 1):
        wrong = guessing.wrong(code, turn)
        assert len(wrong) == len(code)
        assert [character == "-" for character in wrong] == [character == "-" for character in code]
    assert code not in {guessing.wrong(code, turn) for turn in range(1, 13)} or len(set(code)) == 1 == len(code)


WORDING = [
    (checks.FAREWELL, "You can now close this page.", True),
    (checks.FAREWELL, "Please return to your device", True),
    (checks.FAREWELL, "Device connected You allowed the request.", False),
    (checks.POSSESSION, "If you did not initiate this action, please close this window", True),
    (checks.POSSESSION, "The device must show the same code", False),
    (checks.DEVICE, "Sign in on your TV", True),
    (checks.DEVICE, "An application asks for access", False),
]


@pytest.mark.parametrize(("pattern", "text", "expected"), WORDING)
def test_wording(pattern, text, expected):
    assert bool(pattern.search(text)) is expected


def test_addresses_of_a_target_may_be_nonsense():
    assert split("http://[").netloc == ""
    assert not same_host("http://[", "http://a.test/")
    page = Page(httpx.URL("http://a.test/"), 302, httpx.Headers({"location": "http://a:bad/"}))
    assert not page.redirects_to("attacker.example")
    assert page.link("http://a:bad/") is None
    assert str(page.link("/x")) == "http://a.test/x"
    there = Page(httpx.URL("http://a.test/"), 302, httpx.Headers({"location": "//attacker.example/"}))
    assert there.redirects_to("attacker.example")


# The browser, against the reference server.


def opened(*faults):
    target = embedded(RFC8628, faults)
    target.__enter__()
    check = next(check for check in all_checks() if check.name.startswith("verification_page::"))
    return target, ServerCase(new_run(target, RFC8628, load()), check)


@pytest.fixture
def case():
    target, case = opened()
    with target.clock:
        yield case
    target.__exit__(None, None, None)


def test_the_browser_signs_in_and_finds_the_button_that_approves(case):
    approval = find_approval(case.device)
    assert (approval.button.name, approval.button.value) == ("action", "approve")
    with Visitor(case) as browser:
        assert browser.sign_in(case.device)
        page = browser.open(case.device.start().verification_uri_complete)
        assert approval.form(page) is not None
        assert approval.on(page) == approval.form(page)
        assert approval.on(browser.open("/login")) is None


def test_a_forged_request_leaves_cookies_at_home_that_browsers_leave_there(case):
    with Visitor(case) as browser:
        browser.sign_in(case.device)
        page = browser.confirmation(case.device.start())
        browser.http.cookies.set("plain", "1", domain="target.test")
        browser.forge(page, page.form)
    sent = browser.seen[-1].request.headers
    assert (sent["origin"], sent["sec-fetch-site"]) == ("https://attacker.example", "cross-site")
    assert "plain=1" in sent.get("cookie", "")
    assert "device_session" not in sent.get("cookie", "")


def test_pages_become_events_without_their_queries(case):
    grant = case.device.start()
    with Visitor(case) as browser:
        browser.open(grant.verification_uri_complete)
    assert case.transcript.entries[-1] == PageLoaded(case.now(), "GET", "http://target.test/device", 200)


def test_what_cannot_be_loaded_is_untestable(case):
    with Visitor(case) as browser, pytest.raises(Untestable, match="could not be loaded"):
        browser.open("http://a:bad/")


def test_steps_that_the_user_module_lacks_are_untestable_and_named(case):
    case.run.target.user = CommandUser(["true"], case.run.target.folder)
    with Visitor(case) as browser:
        assert not browser.sign_in(case.device)
        with pytest.raises(Untestable, match=r"no confirmation\(http, grant\): write it"):
            browser.confirmation(case.device.start())
        with pytest.raises(Untestable, match=r"no enter\(http, user_code, verification_uri\)"):
            browser.enter("X", "/device")
    case.run.target.user = None
    with Visitor(case) as browser, pytest.raises(Untestable, match=r"target\.toml has no \[user\]"):
        browser.enter("X", "/device")


def test_a_browser_can_sign_in_by_approving_something(case, tmp_path):
    file = tmp_path / "user.py"
    file.write_text("from device_grant.reference.server.user import approve, deny\n")
    case.run.target.user = ModuleUser(file)
    with Visitor(case) as browser:
        assert browser.sign_in(case.device)
        page = browser.open(case.device.start().verification_uri)
    assert not page.markup.asks_password


def test_no_approving_button_is_inconclusive(case, monkeypatch):
    grant = case.device.start()
    with Visitor(case) as browser:
        page = browser.confirmation(grant)
    silent = Page(page.url, 200, page.headers, "<p>Look at your phone.")
    monkeypatch.setattr(Visitor, "confirmation", lambda *_: silent)
    with pytest.raises(Inconclusive, match="no single form"):
        find_approval(case.device)


# Steps of a user module.


def test_steps_are_optional_functions(tmp_path):
    file = tmp_path / "user.py"
    file.write_text(BOTH + "def enter(http, user_code, verification_uri): return http.get(verification_uri)\n")
    steps = ModuleUser(file).pages
    assert steps.sign_in is None
    assert steps.confirmation is None
    assert steps.enter is not None


def test_a_step_must_return_a_response(tmp_path):
    file = tmp_path / "user.py"
    file.write_text(BOTH + "def enter(*_): return 'page'\n")
    with pytest.raises(UserModuleError, match=r"enter returned str, but must return the httpx\.Response"):
        ModuleUser(file).pages.enter(None, "X", "/device")


@pytest.mark.parametrize(
    ("function", "signature"),
    [
        ("def enter(http, user_code): ...", "enter(http, user_code, verification_uri)"),
        ("def approve(http): ...", "approve(http, grant)"),
        ("def sign_in(http, user): ...", "sign_in(http)"),
    ],
)
def test_a_function_that_takes_something_else_is_refused_at_once(function, signature, tmp_path):
    file = tmp_path / "user.py"
    file.write_text(BOTH + function + "\n")
    with pytest.raises(UsageError, match=re.escape(f"does not take what it is given: define {signature}")):
        ModuleUser(file)


def test_a_step_must_be_a_function(tmp_path):
    file = tmp_path / "user.py"
    file.write_text(BOTH + "sign_in = 'alice'\n")
    with pytest.raises(UsageError, match="sign_in is not a function"):
        ModuleUser(file)


def test_the_reference_user_takes_single_steps(case):
    user = case.run.target.user
    grant = case.device.start()
    with case.run.target.http() as http:
        user.pages.sign_in(http)
        assert "Code" in http.get("/device").text
        assert grant.user_code in user.pages.confirmation(http, grant.view).text
        assert user.pages.enter(http, "BCDF-GHJK", grant.verification_uri).status_code == 400
        assert user.pages.enter(http, "BCDF-GHJK", "/nowhere").status_code == 404
        with pytest.raises(UserError, match="answered 400"):
            user.pages.confirmation(http, GrantView("BCDF-GHJK", grant.verification_uri))
    assert grant.poll().code == "authorization_pending"


# Pages that are none, and pages behind whatever speaks TLS.

MISSED = """
from device_grant.reference.server.user import approve, deny
def enter(http, user_code, verification_uri):
    return http.get({path!r})
"""


def settled(name, target):
    """The verdicts of one check by requirement, and what it said of the worst."""
    said = run_check(target, name)
    return {key: (claim.verdict, claim.message) for key, claim in said.claims.items()}


@pytest.mark.parametrize(("path", "said"), [("/nowhere", "404"), ("/.well-known/oauth-authorization-server", "form")])
def test_wrong_codes_that_never_reach_the_page_are_untestable(path, said, tmp_path):
    file = tmp_path / "user.py"
    file.write_text(MISSED.format(path=path))
    with embedded(RFC8628, user=ModuleUser(file)) as target:
        result = settled("verification_page::test_wrong_codes_are_slowed_down", target)
    assert {verdict for verdict, _ in result.values()} == {Verdict.UNTESTABLE}
    assert all(said in message and "enter() of the user module" in message for _, message in result.values())


def test_script_that_never_reaches_the_page_is_untestable(tmp_path):
    file = tmp_path / "user.py"
    file.write_text(MISSED.format(path="/nowhere"))
    with embedded(RFC8628, user=ModuleUser(file)) as target:
        result = settled("page_security::test_script_in_the_user_code", target)
    assert result["rfc6749-10.14-sanitize-input"][0] is Verdict.UNTESTABLE


def test_an_application_in_process_is_not_accused_of_plain_http():
    settings = Settings(issuer="https://login.example.com")
    with embedded(RFC8628, settings=settings) as target:
        result = settled("page_security::test_pages_use_tls", target)
    assert result["rfc8628-3.3-user-session-over-tls"][0] is Verdict.PASS
    assert result["rfc6749-10.11-tls-user-endpoints"] == (
        Verdict.NOT_APPLICABLE,
        "called in process: TLS belongs to whatever stands before the server",
    )


def test_no_handshake_is_made_for_an_application_in_process(monkeypatch):
    monkeypatch.setattr("socket.create_connection", lambda *_, **__: pytest.fail("a socket was opened"))
    with embedded(RFC8628, settings=Settings(issuer="https://login.example.com")) as target:
        result = settled("http::test_tls_versions", target)
    assert result["rfc8628-3.1-tls-bcp195"][0] is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("fault", "verdict"),
    [
        ("anyone_approves_on_get", Verdict.FAIL),
        # Tokens for everybody, and no word that the checks know for pending: opening a page is not the cause.
        ("token_before_approval", Verdict.INCONCLUSIVE),
        ("pending_misspelt", Verdict.INCONCLUSIVE),
    ],
)
def test_a_page_is_not_blamed_for_what_a_code_that_nobody_opened_gets_too(fault, verdict):
    with embedded(RFC8628, [fault]) as target:
        result = settled("user_decision::test_loading_the_page_decides_nothing", target)
    assert result["rfc9110-9.2.1-safe-get"][0] is verdict


@pytest.mark.parametrize(
    ("value", "guessable"),
    [
        ("1042", True),
        ("999999999999", True),
        ("a3f9", True),
        ("BCDF-G", True),
        # A tab of a session, 64 bits in base64; a number and a digest of as many.
        ("agTren0Xd5n", False),
        ("18446744073709551615", False),
        ("a3f9c07711de40b2", False),
        ("", True),
    ],
)
def test_what_a_foreign_page_can_guess(value, guessable):
    assert approving._guessable(value) is guessable
