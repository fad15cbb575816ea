"""Pages that are larger than any person's: what reads them comes to an end soon, and reads the good ones whole."""

import time
from contextlib import suppress

import httpx
import pytest
from support.sites import Site, form

from device_grant.browser.markup import hidden_values, read_markup
from device_grant.browser.tree import DEEPEST, MOST_ATTRIBUTES, MOST_CONTROLS, MOST_ELEMENTS, tree_of
from device_grant.targets import UserError
from device_grant.targets.users.login.reading import Shown

FORM = "<form method=post action=/device><input name=user_code><button>Continue</button></form>"
SCRIPT = "<script>" + "function a(" * 40_000 + "</script>"
PAGES = {
    "deep": "<div>" * 100_000 + FORM,
    "inputs": "<form method=post>" + "<input name=a>" * 70_000,
    "deep inputs": "<form><label><div hidden>" * 60 + "<input name=a>" * 60_000,
    "buttons in buttons": "<form>" + "<button>a" * 50_000,
    "forms": FORM * 10_000,
    "options": "<form><select name=a>" + "<option>1" * 100_000,
    "attributes": "<form " + " ".join(f"a{n}={n}" for n in range(80_000)) + ">" + FORM,
    "attributes behind a quote": '<a b==" ' + " ".join(f"a{n}" for n in range(80_000)) + ">" + FORM,
    "attributes in slashes": "<a/" + "/".join(f"a{n}" for n in range(80_000)) + ">" + FORM,
    "attributes behind a comment": "<!--><a " + " ".join(f"a{n}" for n in range(80_000)) + ">" + FORM,
    "links": "<a href=x>b" * 60_000,
    "labels": "<label for=a>" * 60_000,
    "handlers": "".join(f"<button onclick='f{n}(a(b(c(' >a</button>" for n in range(20_000)) + SCRIPT,
    "long handler": f"<form><button onclick='{'f(' * 400_000}'>" + SCRIPT,
    "long texts": f"<form><input name={'a' * 900_000} placeholder='{'code ' * 1000}'><button>" + "allow " * 10_000,
    "opened and never closed": "<a '\"<" * 100_000,
}
SOON = 20
"""Real seconds on a machine that has much else to do; without bounds each takes a minute or does not end."""


@pytest.mark.parametrize("name", PAGES)
def test_what_reads_a_page_comes_to_an_end(name):
    began = time.process_time()
    page = read_markup(PAGES[name])
    page.prompt()
    assert sum(len(each.inputs) for each in page.forms) <= MOST_CONTROLS
    answer = httpx.Response(200, html=PAGES[name], request=httpx.Request("GET", "http://site.test/device"))
    shown = Shown(answer, {"code": "#code"})
    assert len(shown.forms) <= MOST_CONTROLS
    shown.statements(None)
    hidden_values(PAGES[name])
    assert time.process_time() - began < SOON


@pytest.mark.parametrize("name", PAGES)
def test_a_person_without_code_comes_to_an_end(name):
    began = time.process_time()
    with suppress(UserError):
        Site({"GET /device": PAGES[name], "POST /device": PAGES[name]}).decide("approve")
    assert time.process_time() - began < SOON


@pytest.mark.parametrize(
    ("said", "most"), [("9" * 5000, 999_999_999), ("8", 8), (" +8x", 8), ("-1", 0), ("", 0), ("٨", 8), ("²", 0)]
)
def test_a_maxlength_is_read_as_browsers_do(said, most):
    answer = httpx.Response(
        200, html=form("/d", f'<input name=c maxlength="{said}">'), request=httpx.Request("GET", "http://a/")
    )
    assert Shown(answer, {}).forms[0].fields[0].most == most


def test_a_large_good_page_is_read_whole():
    before = "<div>" * (DEEPEST - 20) + "".join(f"<p data-{n}=1>{n}" for n in range(MOST_ELEMENTS // 2))
    many = " ".join(f"data-{n}='a > b'" for n in range(MOST_ATTRIBUTES - 10))
    options = "".join(f"<option value={n}>{n}" for n in range(2000))
    fields = "".join(f"<input type=hidden name=h{n} value={n}>" for n in range(MOST_CONTROLS - 10))
    code = "<input name=user_code><select name=zone>" + options + "</select>" + fields
    page = read_markup(f"{before}<form method=post action=/device {many}>{code}<button>Go</button></form>")
    assert [each.name for each in page.forms[0].buttons] == [""]
    assert len(page.forms[0].inputs) == MOST_CONTROLS - 10 + 2
    assert page.prompt()[1].name == "user_code"


def test_script_and_comments_have_no_attributes():
    words = " ".join(f"word{n}" for n in range(MOST_ATTRIBUTES * 2))
    html = f"<!-- a <b {words} --><script>if (a <b {words}) go()</script><p>{words}</p>{FORM}"
    assert read_markup(html).scripts == f"if (a <b {words}) go()"
    assert len(read_markup(html).forms) == 1


def test_what_is_cut_is_what_comes_last():
    root = tree_of("<form " + " ".join(f"a{n}={n}" for n in range(2000)) + " z=1><input name=in></form>")
    element = next(root.iter("form"))
    assert len(element.attrib) == MOST_ATTRIBUTES
    assert next(root.iter("input")).get("name") == "in"
