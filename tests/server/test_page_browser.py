"""The real browser of the checks: how it is found, started and ended, and what its windows see of the pages."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from support.needs import needs
from support.proof import BROWSER, judges

from device_grant.browser import chromium
from device_grant.browser.chromium import VARIABLE, Chromium, candidates
from device_grant.browser.markup import Form, Input
from device_grant.browser.page import HOOK, Page
from device_grant.catalogue import Verdict, load
from device_grant.engine import run_check
from device_grant.judging import Inconclusive, Untestable, all_checks
from device_grant.protocol import RFC8628
from device_grant.reference.embedded import embedded
from device_grant.server.pages.visitor import Visitor
from device_grant.server.pages.window import Window
from device_grant.server.session.case import ServerCase
from device_grant.server.session.run import new_run
from device_grant.targets import open_target, resolve
from device_grant.targets.users import user_of

BASE = "http://target.test"
HTML = [(b"content-type", b"text/html")]
in_a_browser = needs("chromium")


# Finding it.


def test_the_environment_names_the_executable(monkeypatch):
    monkeypatch.setenv(VARIABLE, sys.executable)
    assert list(candidates()) == [sys.executable]


def test_an_executable_that_does_not_exist_is_named(monkeypatch):
    monkeypatch.setenv(VARIABLE, "/nowhere/chromium")
    with pytest.raises(Untestable, match=f"{VARIABLE} is '/nowhere/chromium', which is no executable file"):
        list(candidates())


def test_path_is_searched_and_playwrights_own_comes_last(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    there = {"chromium-browser": "/bin/a", "google-chrome": "/bin/b"}
    monkeypatch.setattr(shutil, "which", there.get)
    assert list(candidates()) == ["/bin/a", "/bin/b", None]


def settled(target, chosen=None, only=("",)):
    """Verdicts and messages of the checks in a browser."""
    collected = set()
    run = new_run(target, RFC8628, load())
    own, run.chromium = run.chromium, chosen or run.chromium
    for name, check in judges()[0].items():
        if name.startswith("page_browser::") and any(word in name for word in only):
            collected |= {(claim.verdict, claim.message) for claim in run_check(run, check).claims.values()}
    if chosen:
        run.chromium = own
    run.close()
    return collected


def test_without_playwright_the_checks_are_untestable_and_say_what_to_install(monkeypatch):
    monkeypatch.setattr(chromium, "has_playwright", lambda: False)
    with embedded(RFC8628) as target:
        result = settled(target)
    said = "needs a browser: Playwright is not installed (pip install 'device-grant-conformance[browser]')"
    assert result == {(Verdict.UNTESTABLE, said)}


needs_playwright = needs("playwright")


@needs_playwright
def test_without_chromium_likewise_and_it_is_tried_once(monkeypatch):
    tried = []
    monkeypatch.setattr(chromium, "candidates", lambda: tried.append(1) or iter(["/bin/false"]))
    with embedded(RFC8628) as target:
        [(verdict, said)] = settled(target)
    assert verdict is Verdict.UNTESTABLE
    assert said.startswith("needs a browser, and none can be started: false does not start, ")
    assert len(tried) == 1


@needs_playwright
def test_without_any_candidate_it_says_how_to_get_one(monkeypatch):
    monkeypatch.setattr(chromium, "candidates", lambda: iter([None]))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", "/nowhere")
    alone = Chromium()
    with pytest.raises(Untestable, match=f"install Chromium .* or name one in {VARIABLE}"):
        alone.browser(BASE)
    alone.close()


def test_one_that_never_started_is_closed_without_ado():
    alone = Chromium()
    alone.close()
    with pytest.raises(Untestable, match="closed"):
        alone.submit(_nothing())


async def _nothing():
    """Is never awaited."""


# Starting and ending it.


def descendants(pid):
    """Processes that a process has started, and theirs."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            parents[int(stat.parent.name)] = int(fields[1])
    result, new = set(), {pid}
    while new:
        new = {child for child, parent in parents.items() if parent in new} - result
        result |= new
    return result


def gone(pids, seconds=15):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        left = {pid for pid in pids if Path(f"/proc/{pid}").exists() and not _zombie(pid)}
        if not left:
            return True
        time.sleep(0.05)
    return False


def _zombie(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@in_a_browser
def test_the_next_candidate_is_tried_and_closing_ends_every_process(monkeypatch):
    real = list(candidates())
    monkeypatch.setattr(chromium, "candidates", lambda: iter(["/bin/false", *real]))
    before = descendants(os.getpid())
    alone = Chromium()
    assert alone.browser(BASE) is alone.browser(BASE)
    # A browser that other tests share may start processes meanwhile.
    started = descendants(os.getpid()) - before.union(*map(descendants, before))
    assert len(started) > 1
    alone.close()
    alone.close()
    assert gone(started)


@in_a_browser
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_however_a_run_ends_no_browser_stays(number):
    command = [sys.executable, "-m", "device_grant", "run", "embedded:rfc8628", "--", "-k", "page_browser"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        end = time.monotonic() + 40
        while len(started := descendants(process.pid)) < 4:
            assert process.poll() is None, "it was over before a browser was seen"
            assert time.monotonic() < end
            time.sleep(0.05)
        process.send_signal(number)
        assert process.wait(30) == (-number if number == signal.SIGKILL else 128 + number)
    assert gone(started)


# Windows, at an application in process.


class Pages:
    """Answers by path: status, headers and body; everything else goes to the reference server."""

    def __init__(self, app):
        self.app = app
        self.answers = {}
        self.seen = []

    async def __call__(self, scope, receive, send):
        answer = self.answers.get(scope.get("path"))
        if answer is None:
            await self.app(scope, receive, send)
            return
        body = (await receive())["body"]
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.seen.append((scope["method"], scope["path"], headers, body))
        if isinstance(answer, Exception):
            raise answer
        status, extra, content = answer
        await send({"type": "http.response.start", "status": status, "headers": [*HTML, *extra]})
        await send({"type": "http.response.body", "body": content.encode()})


@pytest.fixture
def case():
    target = embedded(RFC8628)
    target._app = target.pages = Pages(target._app)
    check = next(check for check in all_checks() if check.name.startswith("page_browser::"))
    with target:
        run = new_run(target, RFC8628, load())
        run.chromium = BROWSER
        with target.clock:
            yield ServerCase(run, check)


@pytest.fixture
def pages(case):
    return case.run.target.pages


@in_a_browser
def test_script_is_seen_to_run_also_in_frames_and_what_it_loads_is_answered(case, pages):
    pages.answers = {
        "/": (200, [], "<iframe src=/inner></iframe><iframe src=/twice></iframe>"),
        "/inner": (200, [], "<script src=/a.js></script>"),
        "/a.js": (200, [], f"{HOOK}('inner')"),
        "/twice": (303, [(b"location", b"/inner")], ""),
    }
    with Window(case) as window:
        page = window.open(f"{BASE}/")
        assert (page.shown, str(page.url), window.ran) == (True, f"{BASE}/", ["inner", "inner"])
        assert window.has("iframe")
        assert not window.has("b")


@in_a_browser
def test_the_page_is_what_script_has_made_of_it(case, pages):
    made = "document.body.innerHTML = '<form><input name=x><input name=user_code></form>'"
    pages.answers = {
        "/": (200, [], f"<body><script>{made}</script>"),
        "/next": (200, [], "<p>Next"),
        "/go": (200, [], "<p>Wait<script>location = '/next'</script>"),
    }
    with Window(case) as window:
        (form,) = window.open(f"{BASE}/").markup.forms
        assert [entry.name for entry in form.inputs] == ["x", "user_code"]
        window.enter("AB CD")
        assert pages.seen[-1][:2] == ("GET", "/")
        assert str(window.open(f"{BASE}/go").url) == f"{BASE}/next"
        assert window.enter("AB") is None


@in_a_browser
def test_cookies_move_over_with_their_attributes(case, pages):
    kept = [
        (b"set-cookie", b"plain=1; Path=/"),
        (b"set-cookie", b"lax=2; Path=/; HttpOnly; SameSite=Lax"),
        (b"set-cookie", b"deep=3; Path=/deep"),
    ]
    script = f"{HOOK}(document.cookie)"
    pages.answers = {
        "/": (200, kept, ""),
        "/read": (200, [], f"<script>{script}</script>"),
        "/deep/er": (200, [], "<form method=post action=/in><input name=a value=1></form>"),
        "/in": (200, [(b"set-cookie", b"plain=9; Path=/")], "in"),
    }
    with Visitor(case) as browser, Window(case) as window:
        browser.open("/")
        window.take_cookies(browser)
        window.open(f"{BASE}/read")
        assert window.ran == ["plain=1"], "script reads what is not HttpOnly"
        page = window.open(f"{BASE}/deep/er")
        assert pages.seen[-1][2]["cookie"] == "deep=3; plain=1; lax=2"
        window.submit_from_elsewhere(page, page.markup.forms[0], None, without=frozenset())
        method, path, headers, body = pages.seen[-1]
        assert (method, path, body) == ("POST", "/in", b"a=1")
        assert headers["cookie"] == "plain=1", "a browser keeps SameSite=Lax from a form of another site"
        assert (headers["origin"], headers["sec-fetch-site"]) == ("http://attacker.example", "cross-site")
        window.open(f"{BASE}/read")
        assert window.ran[-1] == "plain=9"
        assert pages.seen[-1][2]["sec-fetch-site"] == "same-origin"
        assert window.methods == ["GET", "GET", "POST", "GET"]


@in_a_browser
def test_a_form_of_any_content_is_sent_from_elsewhere(case, pages):
    pages.answers = {"/in": (200, [], "in")}
    page = Page(case.run.target.http().base_url.join("/deep/page"), 200)
    form = Form("post", "/in", (Input("submit", "", '"><x>'), Input("token", "hidden", "t"), Input("ä", "", "ö")))
    with Window(case) as window:
        window.submit_from_elsewhere(page, form, None, without=frozenset({"token"}))
    assert pages.seen[-1][3] == b"submit=%22%3E%3Cx%3E&%C3%A4=%C3%B6"


@in_a_browser
def test_timers_can_be_hastened(case, pages):
    later = "setTimeout(function () { location = '/next' }, 9000)"
    pages.answers = {"/": (200, [], f"<script>{later}</script>"), "/next": (200, [], "<p>Next")}
    with Window(case, timers=True) as window:
        assert str(window.open(f"{BASE}/").url) == f"{BASE}/"
        assert str(window.let_time_pass().url) == f"{BASE}/next"


@in_a_browser
def test_frames_show_what_their_pages_allow(case, pages):
    pages.answers = {
        "/open": (200, [], "<button>Allow"),
        "/hidden": (200, [], "<body hidden><button>Allow"),
        "/shut": (200, [(b"x-frame-options", b"DENY")], "<button>Allow"),
        "/leaves": (200, [], "<button>Allow</button><script>top.location = '/open'</script>"),
        "/broken": RuntimeError("broken"),
    }
    with Window(case) as window:
        assert window.frame(f"{BASE}/hidden", f"{BASE}/shut") == 0
        assert window.frame(f"{BASE}/open", f"{BASE}/leaves") == 2
        assert window.frame(f"{BASE}/broken") == 0


@in_a_browser
def test_what_cannot_be_loaded_is_untestable_and_the_window_goes_on(case, pages, monkeypatch):
    pages.answers = {"/": (200, [], "<p>Here")}
    with Window(case) as window:
        with pytest.raises(Untestable, match="could not be loaded in the browser: "):
            window.open("http://[")
        assert window.open(f"{BASE}/").markup.text == "Here"
        monkeypatch.setattr(window._http, "send", _unanswered)
        with pytest.raises(Untestable, match=r"could not be loaded in the browser: .*ERR_FAILED") as caught:
            window.open(f"{BASE}/?user_code=ABCD")
        assert "ABCD" not in str(caught.value)
        with pytest.raises(Inconclusive, match="could not be loaded in a frame: net::ERR_FAILED"):
            window.frame(f"{BASE}/")


def _unanswered(request):
    raise httpx.ReadTimeout("too late", request=request)


@in_a_browser
def test_pages_become_events_without_their_queries(case, pages):
    pages.answers = {"/": (200, [], "<p>Here"), "/old": (303, [(b"location", b"/?code=2")], "")}
    with Window(case) as window:
        window.open(f"{BASE}/old?code=1#2")
    assert [(one.method, one.address, one.status, one.real) for one in case.transcript] == [
        ("GET", "http://target.test/old", 303, True),
        ("GET", "http://target.test/", 200, True),
    ]


@in_a_browser
def test_an_error_of_the_application_is_no_error_of_ours(case, pages):
    pages.answers = {"/": RuntimeError("broken")}
    with Window(case) as window:
        assert window.open(f"{BASE}/").status == 500


# A server that the browser reaches over the network.


@pytest.fixture
def served():
    """The address of a reference server with faults in a process of its own."""
    faults = ("page_frameable", "page_writes_query", "client_name_written_by_script")
    options = [word for fault in faults for word in ("--fault", fault)]
    command = [sys.executable, "-m", "device_grant", "serve", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().split(" at ")[1].split()[0]
        process.terminate()


@in_a_browser
def test_a_server_on_this_machine_is_judged_like_one_in_process(served):
    user = user_of(str(Path(chromium.__file__).parent.parent / "reference" / "server" / "user.py"))
    with open_target(resolve(served, dialect=RFC8628), user=user) as target:
        result = settled(target, BROWSER, only=("addresses", "client", "frame"))
    assert {message for verdict, message in result if verdict is Verdict.FAIL} == {
        "script in parameters of the address runs in the browser",
        "script in the client's name runs in the browser",
        "a page shows its controls in a frame of another site",
    }
