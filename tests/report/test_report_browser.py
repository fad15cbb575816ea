"""Reports, the matrix and the verification page in Chromium: widths, schemes, keyboard, hostile text, accessibility."""

from __future__ import annotations

import dataclasses
import os
import re
import socket
import threading
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import httpx
import msgspec
import pytest
import uvicorn
from support import samples
from support.needs import needs
from support.samples import begin, poll

from device_grant.browser.chromium import candidates
from device_grant.catalogue import load
from device_grant.reference.server.app import create_app
from device_grant.reference.server.settings import DEMO_PASSWORD, DEMO_USER, Settings
from device_grant.report.matrix import Column, build
from device_grant.report.matrix import render as render_matrix
from device_grant.report.pages import html
from device_grant.results import Report

pytestmark = [needs("chromium", "axe-playwright-python"), pytest.mark.long]

HEIGHTS = {390: 844, 820: 1180, 1440: 900}
NARROWEST = min(HEIGHTS)
WIDEST = max(HEIGHTS)
SCHEMES = ("light", "dark")
EVIL = "<script>window.ran=1;alert(1)</script><img src=http://evil.example/x.png onerror=alert(2)><svg onload=alert(3)>"
EXCLUDED = "rfc6749-2.2-document-client-id-size"
FAILING = "rfc8628-3.5-access-denied"
OPEN_ALL = "for (const one of document.querySelectorAll('details')) one.open = true"


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        started = driver.chromium.launch(
            executable_path=next(candidates()),
            # The sandbox of Chromium refuses to start as root, which is what containers run as.
            chromium_sandbox=os.geteuid() != 0,
            args=["--disable-gpu"],
        )
        yield started
        started.close()


@dataclass
class Seen:
    """What a page did beside showing itself."""

    page: Any
    dialogs: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self):
        self.page.on("dialog", self._dialog)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _dialog(self, dialog):
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    @property
    def elsewhere(self):
        """Requests that left the file or the server; icons in the page itself go nowhere."""
        return [url for url in self.requests if not re.match(r"file:|data:|http://127\.0\.0\.1:", url)]

    @property
    def ran(self):
        return self.page.evaluate("window.ran === 1")


@pytest.fixture
def tab(browser):
    """Opens pages, each in a profile of its own."""
    contexts = []

    def opened(width=1440, scheme="light", **options):
        size = {"width": width, "height": HEIGHTS[width]}
        contexts.append(browser.new_context(viewport=size, color_scheme=scheme, **options))
        return Seen(contexts[-1].new_page())

    yield opened
    for context in contexts:
        context.close()


def faults(page, width=NARROWEST, scheme="light"):
    """What axe calls serious or critical: rule, element and why.

    Contrast, which takes longer than all else together, is the same at every width, and all else is in both schemes and
    changes where a page is laid out in another way: what is so at 390 and at 1440 pixels is so between them.
    """
    from axe_playwright_python import sync_playwright as axe

    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if scheme == "dark":
        options["runOnly"] = {"type": "rule", "values": ["color-contrast"]}
    elif width != NARROWEST:
        options["rules"] = {"color-contrast": {"enabled": False}}
    return [
        (one["id"], node["html"][:200], node.get("failureSummary", ""))
        for one in axe.Axe().run(page, options=options).response["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


def look(seen, scheme):
    """The page as it is now, at each width: nothing overflows, everyone can read it, and nothing else happened."""
    for width, height in HEIGHTS.items():
        seen.page.set_viewport_size({"width": width, "height": height})
        assert overflow(seen.page) <= 0, width
        if width == NARROWEST or (width == WIDEST and scheme == "light"):
            assert faults(seen.page, width, scheme) == [], width
    assert (seen.dialogs, seen.elsewhere, seen.complaints, seen.ran) == ([], [], [], False)


def overflow(page):
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def shown(page):
    every = "all => all.filter(o => o.checkVisibility()).map(o => o.id)"
    return set(page.eval_on_selector_all("details.requirement", every))


# Files to look at.


def hostile() -> Report:
    """Every verdict, a timeline, and markup wherever a target can put it."""
    made = samples.report()
    header = samples.header(
        target=f"idp {EVIL}",
        target_version=EVIL,
        target_homepage="javascript:alert(4)",
        catalogue_revision=load().revision,
    )
    spoken = msgspec.structs.replace(samples.exchange(6.0, answer=EVIL, body=EVIL, code=EVIL), label=EVIL)
    timed = samples.case("polling::test_timed", title=EVIL, card=EVIL, steps=[begin(), poll(5), spoken, poll(12, "ok")])
    failing = samples.shown("rfc8628-3.5-timed", "fail", check=timed.check, got=EVIL, message=EVIL, curl=EVIL)
    return Report(header, (*made.cases[-2:], timed), (*made.results, failing), made.footer)


def client() -> Report:
    results = tuple(
        samples.result(f"rfc8628-3.5-{verdict}", verdict, party="client") for verdict in ("pass", "warn", "fail")
    )
    return Report(samples.header(catalogue_revision=load().revision), results=results)


def described(report: Report, number: int) -> Report:
    """The same as a version of one product, in one of two languages; the newest one keeps a requirement more."""
    language = EVIL if number else "go"
    header = msgspec.structs.replace(report.header, language=language, product=f"product {EVIL}")
    results = tuple(
        msgspec.structs.replace(one, verdict="pass", steps=[]) if one.requirement == FAILING and number == 1 else one
        for one in report.results
    )
    return Report(header, report.cases, results, report.footer)


def table() -> str:
    reports = {"idp": hostile(), "other": samples.report(), "theirs": samples.report()}
    columns = [
        Column(name, described(report, number), withholds=name == "theirs")
        for number, (name, report) in enumerate(reports.items())
    ]
    catalogue = load()
    some = tuple(entry for entry in catalogue.requirements if entry.source == "RFC 8628")[:20]
    [made] = build(columns, dataclasses.replace(catalogue, requirements=some), "0.1.0")
    return render_matrix(made)


FILES = {
    "report": lambda: html.render(hostile()),
    "matrix": table,
    "client": lambda: html.render(client()),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    for name, render in FILES.items():
        (folder / f"{name}.html").write_text(render(), encoding="utf-8")
    return {name: (folder / f"{name}.html").as_uri() for name in FILES}


# Reports on clients are made from the same template: one look at their words is enough.
@pytest.mark.parametrize(("name", "scheme"), [*product(("report", "matrix"), SCHEMES), ("client", "light")])
def test_files_fit_and_can_be_read_by_everyone(files, tab, name, scheme):
    seen = tab(NARROWEST, scheme)
    seen.page.goto(files[name])
    for width, height in HEIGHTS.items():
        seen.page.set_viewport_size({"width": width, "height": height})
        assert overflow(seen.page) <= 0, width
    seen.page.evaluate(OPEN_ALL)
    look(seen, scheme)
    dark = seen.page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0] < 128")
    assert dark is (scheme == "dark")


def test_a_report_of_a_server_that_is_broken_throughout_is_no_scroll(tab, tmp_path):
    """Requirements of twenty sections, sixty of which fail, each for a reason of its own, and two hundred checks."""
    long = "the answer of the token endpoint is not what the requirement asks for, and this says at length why"
    results = [
        samples.shown(
            f"rfc8628-3.{number % 20}-requirement-with-a-long-name-{number}",
            "fail" if number < 60 else "pass",
            check=f"subject{number % 20}::test_{number}",
            section=f"3.{number % 20}",
            source=f"RFC {8628 + number % 3}",
            message=f"{number}: {long}" if number < 60 else "",
        )
        for number in range(400)
    ]
    cases = [samples.case(f"subject{number % 20}::test_{number}") for number in range(200)]
    file = tmp_path / "broken.html"
    file.write_text(html.render(Report(samples.header(), tuple(cases), tuple(results))), encoding="utf-8")
    page = tab(NARROWEST).page
    page.goto(file.as_uri())
    assert page.evaluate("document.documentElement.scrollHeight") < 20_000
    assert shown(page) == {one.requirement for one in results if one.verdict == "fail"}, "what fails is in sight"
    assert page.locator("details.requirement").count() == 400, "nothing is lost"
    page.click("button[data-show=pass]")
    assert len(shown(page)) == 340
    page.click("button[data-show=pass]")
    page.click("text=Open all")
    assert len(shown(page)) == 400


HEADERS = """() => {
  const box = document.querySelector(".matrix");
  const names = [...box.querySelectorAll("thead a")].map((one) => one.getBoundingClientRect());
  const bar = document.querySelector("#part-filter").getBoundingClientRect();
  const shown = getComputedStyle(document.querySelector("#part-filter")).position === "sticky" ? bar.bottom : 0;
  return {
    wide: Math.round(box.clientWidth / document.querySelector("main").clientWidth * 100),
    tops: names.map((one) => one.top - Math.max(shown, box.getBoundingClientRect().top)),
    corner: box.querySelector(".corner").getBoundingClientRect().left - box.getBoundingClientRect().left,
    counts: [...document.querySelectorAll("[aria-labelledby=part-targets] tbody tr:first-child td")].slice(0, 7)
      .map((one) => one.getBoundingClientRect().right),
  };
}"""


@pytest.mark.parametrize("width", HEIGHTS)
def test_the_matrix_shows_its_counts_and_keeps_its_header_whole(files, tab, width):
    page = tab(width).page
    page.goto(files["matrix"])
    seen = page.evaluate(HEADERS)
    assert all(0 < right <= width for right in seen["counts"])
    assert seen["wide"] > 90
    page.evaluate("document.querySelector('.matrix').scrollTo(80, 400)")
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    seen = page.evaluate(HEADERS)
    assert min(seen["tops"]) >= 0
    assert abs(seen["corner"]) < 3


def test_the_watchers_see_what_they_watch_for(tab, tmp_path):
    file = tmp_path / "evil.html"
    pale = "width: 999px; color: #bbb; background: #fff"
    file.write_text(f"<!doctype html><title>x</title><p style='{pale}'>pale {EVIL}<input>", encoding="utf-8")
    seen = tab(390)
    seen.page.goto(file.as_uri())
    assert seen.ran
    assert seen.dialogs
    assert seen.elsewhere == ["http://evil.example/x.png"]
    assert overflow(seen.page) > 0
    assert {rule for rule, *_ in faults(seen.page)} >= {"html-has-lang", "label", "color-contrast"}
    assert [rule for rule, *_ in faults(seen.page, scheme="dark")] == ["color-contrast"]


def test_hostile_text_is_shown_as_text(files, tab):
    seen = tab()
    seen.page.goto(f"{files['report']}#rfc8628-3.5-timed")
    assert EVIL in seen.page.inner_text("h1")
    assert EVIL in seen.page.inner_text('[id="rfc8628-3.5-timed"]')
    assert seen.page.locator("script, img, main svg[onload]").count() == 1, "the script of the page alone"


def test_filters_live_in_the_address_and_survive_a_reload(files, tab):
    page = tab().page
    page.goto(files["report"])
    everything = shown(page)
    page.click("button[data-show=fail]")
    assert FAILING in everything
    assert shown(page) == everything, "what fails stands open from the start"
    page.click("button[data-show=warn]")
    assert shown(page) > everything
    page.click("button[data-show=warn]")
    page.fill("#part-find", "access-denied")
    assert shown(page) == {FAILING}
    assert page.evaluate("location.hash") == "#show=fail&find=access-denied"
    page.reload()
    assert shown(page) == {FAILING}
    assert page.get_attribute("button[data-show=fail]", "aria-pressed") == "true"
    assert page.input_value("#part-find") == "access-denied"
    assert page.inner_text(".shown").startswith("1 of ")
    page.fill("#part-find", "")
    page.click("button[data-show=fail]")
    assert shown(page) == everything
    assert page.evaluate("location.hash") == ""


@pytest.mark.parametrize("place", [FAILING, EXCLUDED, "check-polling-test_timed"])
def test_a_link_opens_what_it_leads_to_whatever_is_filtered(files, tab, place):
    page = tab(390).page
    page.goto(f"{files['report']}#show=warn")
    page.evaluate("place => { location.hash = place }", place)
    page.wait_for_function("place => document.getElementById(place).checkVisibility()", arg=place)
    target = page.locator(f'[id="{place}"]')
    assert target.evaluate("one => one.closest('details').open")
    page.wait_for_function("place => document.getElementById(place).getBoundingClientRect().top < 200", arg=place)


def test_the_keyboard_is_enough(files, tab):
    page = tab().page
    page.goto(files["report"])
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.id === 'part-requirements'")
    first = "document.activeElement.closest('details.requirement')"
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate(f"document.activeElement.matches('summary') && {first} !== null"):
            break
    before = page.evaluate(f"{first}.open")
    page.keyboard.press("Enter")
    assert page.evaluate(f"{first}.open") is not before
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_paper_shows_what_failed_and_no_controls(files, tab):
    page = tab().page
    page.goto(files["report"])
    page.click("text=Close all")
    page.emulate_media(media="print")
    page.pdf()
    open_ones = "all => all.filter(o => o.open).map(o => o.dataset.verdict)"
    assert set(page.eval_on_selector_all("details.requirement", open_ones)) == {"fail", "warn"}
    assert not page.is_visible("#part-filter")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_without_script_everything_is_there_but_the_filters(files, tab):
    page = tab(java_script_enabled=False).page
    page.goto(files["report"])
    assert not page.is_visible("#part-filter")
    assert page.locator("details.requirement > summary").all_inner_texts()
    assert page.locator(f'[id="{FAILING}"] pre.copy').first.is_visible(), "what fails is open from the start"


# The verification page of the reference server.


@pytest.fixture(scope="module")
def server():
    """The address of a reference server in a thread."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        app = create_app(Settings(issuer=base, guesses_per_address=1000))
        served = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", ws="none"))
        thread = threading.Thread(target=served.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        yield base
        served.should_exit = True
        thread.join(20)


def started(server):
    """A device authorization of a client whose name and pages are hostile."""
    metadata = {
        "client_name": EVIL,
        "grant_types": ["urn:ietf:params:oauth:grant-type:device_code"],
        "token_endpoint_auth_method": "none",
    }
    registered = httpx.post(f"{server}/register", json=metadata).raise_for_status().json()
    form = {"client_id": registered["client_id"], "scope": "openid profile offline_access"}
    return httpx.post(f"{server}/device_authorization", data=form).raise_for_status().json()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_verification_pages_fit_and_can_be_read_by_everyone(server, tab, scheme):
    seen = tab(NARROWEST, scheme)
    page = seen.page
    titles = []

    def see():
        titles.append(page.inner_text("h1"))
        look(seen, scheme)

    grant = started(server)
    page.goto(grant["verification_uri"])
    see()
    page.fill("#username", DEMO_USER)
    page.fill("#password", DEMO_PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("#user_code")
    see()
    page.fill("#user_code", EVIL)
    page.keyboard.press("Enter")
    page.wait_for_selector("#problem")
    assert EVIL in page.inner_text("form")
    see()
    page.fill("#user_code", grant["user_code"].lower())
    page.keyboard.press("Enter")
    page.wait_for_selector("button[value=approve]")
    assert EVIL in page.inner_text("dl")
    see()
    page.click("button[value=approve]")
    page.wait_for_selector(".mark")
    see()
    assert titles == ["Sign in", "Connect a device", "Connect a device", "A device asks for access", "Device connected"]
