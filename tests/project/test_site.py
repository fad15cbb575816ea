"""The documentation site: what is in it, that no link of it is broken, and that everyone can read it."""

from __future__ import annotations

import json
import re
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from support import ROOT
from support.needs import needs

from device_grant.browser.chromium import candidates
from tools import site


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    site.make(folder, "1.2")
    return folder


@pytest.fixture(scope="module")
def address(made):
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(made))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join(10)


def test_every_page_is_listed_once():
    text = (ROOT / site.INDEX).read_text("utf-8")
    listed = [link for link in re.findall(r"\]\(([^)]+)\)", text) if not link.startswith("..")]
    assert len(listed) == len(set(listed)), "docs/index.md names a page twice"
    assert {f"docs/{link}" for link in listed} | {site.INDEX} == {
        page.relative_to(ROOT).as_posix() for page in (ROOT / "docs").rglob("*.md")
    }
    in_menu = {
        page
        for group in site.navigation(text)[1:5]
        for entry in group.values()
        for one in entry
        for page in one.values()
    }
    assert in_menu <= set(site.pages())
    assert len(in_menu) >= len(listed) - 1, "all but what is named below the lists"


def test_links_that_lead_nowhere_are_found(tmp_path):
    (tmp_path / "a.html").write_text(
        '<h1 id="top">A</h1><a href="#top"></a><a href="#gone"></a><a href="b.html#x"></a><a href="c.html"></a>'
        '<a href="https://a.example/"></a><a href="http://[::port]/"></a><img src="no.png"><a href="b.html#only=x"></a>'
    )
    (tmp_path / "b.html").write_text("<p>B")
    assert site.broken(tmp_path) == ["a.html: #gone", "a.html: b.html#x", "a.html: c.html", "a.html: no.png"]


@pytest.mark.parametrize("link", ["gone.md", "docs", "../outside.md"])
def test_a_link_in_the_source_leads_to_a_file(tmp_path, link):
    (tmp_path / "docs").mkdir()
    for name in ("README.md", *site.PROJECT):
        (tmp_path / name).write_text("[a](SECURITY.md) `[b](c)` [e](https://a.example/x.md)\n\n```\n[x](y)\n```\n")
    (tmp_path / "README.md").write_text(f"[a]({link})")
    with pytest.raises(site.SiteError, match=re.escape(link)):
        site.pages(tmp_path)


def test_versions_that_were_made_before_are_kept(tmp_path):
    (tmp_path / "1.0").mkdir()
    (tmp_path / "versions.json").write_text(
        json.dumps([{"version": name, "title": name, "aliases": [site.NEWEST]} for name in ("1.1", "1.0", "0.9")])
    )
    said = site.versions(tmp_path, "1.1")
    assert [(one["version"], one["aliases"]) for one in said] == [("1.1", [site.NEWEST]), ("1.0", [])]


def test_the_site_is_whole(made):
    assert json.loads((made / "versions.json").read_text("utf-8"))[0]["version"] == "1.2"
    assert f"{site.NEWEST}/index.html" in (made / "index.html").read_text("utf-8")
    for name in ("1.2", site.NEWEST):
        assert (made / name / "reports" / "nanoidp" / "index.html").is_file()
        assert (made / name / "docs" / "reference" / "cli.html").is_file()
    text = (made / site.NEWEST / "index.html").read_text("utf-8")
    assert not re.findall(r'(?:src|href)="(?:https?:)?//(?:fonts|cdn|unpkg)', text), "nothing is loaded from elsewhere"


@needs("chromium", "axe-playwright-python")
@pytest.mark.parametrize(
    "page",
    ["index.html", "docs/reference/target-toml.html", "docs/explanation/state-of-the-device-grant.html"],
)
def test_everyone_can_read_it_and_search_it(address, page):
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=next(candidates()), chromium_sandbox=False)
        for width, scheme in ((390, "light"), (1440, "dark")):
            tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
            elsewhere = []
            tab.on("request", lambda request, seen=elsewhere: seen.append(request.url))
            tab.goto(f"{address}/{site.NEWEST}/{page}")
            tab.wait_for_selector(".md-version")
            assert tab.inner_text(".md-version__current").startswith("1.2")
            answer = Axe().run(tab, options={"resultTypes": ["violations"]}).response
            serious = [one for one in answer["violations"] if one["impact"] in ("serious", "critical")]
            assert [(one["id"], one["nodes"][0]["html"]) for one in serious] == []
            assert tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
            assert [url for url in elsewhere if not url.startswith((address, "data:", "blob:"))] == []
        tab.keyboard.press("Control+k")
        tab.keyboard.type("slow_down")
        tab.get_by_text(re.compile(r"^\d+ results")).first.wait_for()
        browser.close()
