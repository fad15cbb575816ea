"""The pages of the matrix, by what people ask of them: areas, languages, what is broken most, what got better."""

from __future__ import annotations

import dataclasses
import gzip
import json
import os
from itertools import cycle, islice

import msgspec
import pytest
from click.testing import CliRunner
from support import samples
from support.html_page import Page
from support.needs import needs
from support.samples import written

from device_grant import implementations
from device_grant.browser.chromium import candidates
from device_grant.catalogue import load
from device_grant.cli.matrix import command as cli
from device_grant.report.matrix import Column, as_json, build, products, render
from device_grant.report.matrix.areas import TITLES, area_of, areas
from device_grant.report.matrix.filters import UNSAID, filters
from device_grant.report.matrix.ranking import newest, ranking
from device_grant.results import Report

SECRET = next(entry for entry in load().requirements if entry.security and entry.id.startswith("rfc8628-3.5"))
DENIED, SPELLED, PENDING = (
    "rfc8628-3.5-access-denied",
    "rfc8628-3.5-error-codes-exact",
    "rfc8628-3.5-authorization-pending",
)
HEADER = "rfc9110-5.4-oversized-fields-4xx"


def column(name, verdicts, *, withholds=True, party="authorization-server", **header):
    results = tuple(
        samples.result(requirement, verdict, party=party, security=requirement == SECRET.id)
        for requirement, verdict in verdicts.items()
    )
    report = Report(samples.header(**{"target": name, "spec": name, **header}), results=results)
    return Column(name, report, withholds)


def made_of(*columns):
    return build(columns, load(), "0.1.0")[0]


# Areas.


def test_every_section_of_the_catalogue_has_its_area():
    known = {area_of(entry.source, entry.section) for entry in load().requirements}
    assert known == set(TITLES) - {"Anything else"}
    assert area_of("RFC 8628", "3.5") == "Polling and tokens"
    assert area_of("RFC 8628", "3.3.1") == "Person and pages"
    assert area_of("RFC 8628", "4") == area_of("RFC 8628", "7.4") == area_of("RFC 8414", "2") == "Metadata"
    assert area_of("RFC 6749", "6") == "Refreshing"
    assert area_of("RFC 9999", "1") == "Anything else"


def test_an_area_counts_what_is_broken_with_its_denominator():
    made = made_of(
        column("a", {DENIED: "fail", SPELLED: "warn", PENDING: "pass", HEADER: "pass", SECRET.id: "fail"}),
        column("b", {DENIED: "not-applicable", HEADER: "untestable"}, withholds=False),
        column("c", {}),
    )
    by_title = {area.title: area for area in areas(made.rows, 3)}
    polling, http = by_title["Polling and tokens"], by_title["HTTP and JSON"]
    withheld = sum(
        row.cells[0].label == "withheld" for row in made.rows if "Polling" in area_of(row.source, row.section)
    )
    assert withheld > 1
    assert polling.cells[0].words == f"1 fail, 1 warn, 1 of 3 judged hold, {withheld} withheld"
    assert (polling.cells[0].label, polling.cells[0].short) == ("fail", "✕1 !1")
    assert http.cells[0].label == "pass"
    assert http.cells[0].words.startswith("1 of 1 judged hold, ")
    assert by_title["Person and pages"].cells[0].label == "withheld", "nothing else was said of it"
    # No verdict is neither good nor bad.
    assert (polling.cells[1].label, polling.cells[1].words) == ("not-applicable", "nothing judged")
    assert http.cells[2].words.startswith("nothing judged, ")


# Broken most.


def test_the_ranking_counts_the_newest_versions_of_what_others_wrote():
    columns = [
        column("dex-9", {DENIED: "fail", SPELLED: "fail"}, product="dex", target_version="2.9"),
        column("dex", {DENIED: "fail", SPELLED: "pass"}, product="dex", target_version="2.41"),
        column("hydra", {DENIED: "warn", SPELLED: "not-applicable"}),
        column("keycloak", {DENIED: "pass", SPELLED: "inconclusive"}),
        column("embedded", {DENIED: "fail", SPELLED: "fail"}, spec="embedded:rfc8628", withholds=False),
    ]
    assert [one.name for one in newest(columns)] == ["dex", "hydra", "keycloak"]
    [entry] = ranking(made_of(*columns).rows, columns)
    assert (entry.row.id, entry.broken, entry.judged) == (DENIED, ("dex", "hydra"), 3)


def test_the_ranking_never_tells_what_is_withheld():
    theirs = column("theirs", {SECRET.id: "fail", DENIED: "fail"})
    open_one = column("open", {SECRET.id: "fail"}, withholds=False)
    rows = made_of(theirs, open_one).rows
    assert [entry.row.id for entry in ranking(rows, [theirs, open_one])] == [DENIED]
    assert [entry.row.id for entry in ranking(rows, [open_one])] == [SECRET.id]


def test_nothing_is_broken_most_where_nothing_is_broken():
    made = made_of(column("a", {DENIED: "pass"}))
    assert ranking(made.rows, made.columns) == []
    page = Page(render(made))
    assert "part-broken" not in [attributes.get("id") for _, attributes in page.elements]
    assert "#part-broken" not in [link["href"] for link in page.of("a")]


# Versions.


def test_what_changed_between_two_versions():
    old = {DENIED: "fail", SPELLED: "pass", PENDING: "fail", HEADER: "untestable", SECRET.id: "fail"}
    new = {DENIED: "pass", SPELLED: "warn", PENDING: "warn", HEADER: "pass", SECRET.id: "pass"}
    columns = [
        column("new", new, product="keycloak", target_version="26.10"),
        column("old", old, product="keycloak", target_version="26.9"),
        column("alone", new, product="hydra"),
        column("unsaid", new),
    ]
    [product] = products(columns)
    assert [one.name for one in product.columns] == ["old", "new"], "10 comes after 9"
    [step] = product.steps
    assert {one.id for one in step.of("better")} == {DENIED, PENDING}, "a failure that only warns now is better"
    assert [one.id for one in step.of("worse")] == [SPELLED]
    assert [(one.id, one.before, one.after) for one in step.of("other")] == [(HEADER, "untestable", "pass")]
    assert (step.title, step.words) == ("26.9 → 26.10", "2 better, 1 worse, 1 verdict otherwise changed")
    text = render(made_of(*columns))
    assert "<h3>keycloak</h3>" in text
    assert SECRET.id not in text.split('id="part-versions"')[1].split('id="part-targets"')[0]


def test_a_version_that_withholds_is_not_told_by_one_that_does_not():
    columns = [
        column("old", {SECRET.id: "fail"}, product="x", target_version="1", withholds=False),
        column("new", {SECRET.id: "pass"}, product="x", target_version="2"),
    ]
    assert products(columns)[0].steps[0].words == "every verdict is the same"


def test_what_makes_versions_incomparable_is_said_and_dialects_are_kept_apart():
    columns = [
        column("old", {DENIED: "pass"}, product="x", target_version="1", catalogue_revision="0ld"),
        column("new", {DENIED: "pass"}, product="x", target_version="2"),
        column("aws", {}, product="x", target_version="3", dialect="aws-sso-oidc"),
    ]
    [product] = products(columns)
    assert len(product.steps) == 1
    assert "different catalogues" in product.steps[0].remark
    same = msgspec.structs.replace(columns[1].report.header, target_version="1")
    [product] = products([columns[1], Column("b", Report(same, results=()))])
    assert product.steps[0].title == "1 → 2"
    assert "did not come to its end" in product.steps[0].remark, "a file without a footer was interrupted"


def test_versions_are_named_in_each_others_reports(tmp_path):
    folders = []
    for name, version, verdict in (("old", "1.0", "fail"), ("new", "1.1", "pass")):
        header = samples.header(target="idp", product="idp", target_version=version, language="go")
        report = Report(header, results=(samples.result(DENIED, verdict),), footer=samples.clean().footer)
        folders.append(str(written(tmp_path / "runs" / name, report)))
    out = tmp_path / "out"
    for folder in folders:  # one after the other: the first learns of the second
        done = CliRunner().invoke(cli.matrix, [folder, "--out", str(out)], standalone_mode=False)
        assert done.exception is None, done.exception
    old, new = ((out / name / "index.html").read_text("utf-8") for name in ("old", "new"))
    assert 'href="../new/index.html"' in old
    assert 'href="../old/index.html"' in new
    assert "since 1.0: 1 better" in Page(new).words
    for text in (old, new):
        assert 'href="../index.html">All servers</a>' in text
        assert "written in go" in Page(text).words


def test_a_report_on_what_comes_with_the_suite_says_what_it_is(tmp_path, monkeypatch):
    folder = tmp_path / "implementations" / "servers" / "idp"
    folder.mkdir(parents=True)
    (folder / "target.toml").write_text('name = "idp"\n')
    (folder / "README.md").write_text("# idp\n\nWhat [people](https://a.example) log in\nwith: `idp`.\n\nMore.\n")
    monkeypatch.setattr(implementations, "_ROOTS", (tmp_path / "implementations",))
    header = samples.header(target="idp", spec="idp")
    given = written(tmp_path / "runs" / "idp", Report(header, results=(samples.result(DENIED, "pass"),)))
    CliRunner().invoke(cli.matrix, [str(given), "--out", str(tmp_path / "out")], standalone_mode=False)
    words = Page((tmp_path / "out" / "idp" / "index.html").read_text("utf-8")).words
    assert "What people log in with: idp." in words
    assert "More." not in words


# What can be chosen.


def test_only_what_tells_targets_apart_can_be_chosen():
    alike = [column("a", {}, language="go"), column("b", {}, language="go")]
    assert filters(alike) == []
    assert "<fieldset" not in render(made_of(*alike))
    [language] = filters([*alike, column("c", {})])
    assert [(one.value, one.words, one.members) for one in language.choices] == [
        ("go", "go", frozenset({0, 1})),
        ("", UNSAID, frozenset({2})),
    ]
    kinds = filters([column("a", {}, client_kind="flow"), column("b", {}, client_kind="later-kind")])
    assert [one.words for one in kinds[0].choices] == ["whole logins", "later-kind"]


def test_nothing_from_a_report_is_in_a_rule_of_style():
    made = made_of(column("a", {}, language="}</style><b>x"), column("b", {}, language=samples.HOSTILE))
    style = render(made).split("<style>")[1]
    assert "<b>" not in style
    assert "evil" not in style.split("</style>")[0]
    Page(render(made))


def test_programs_learn_language_and_product():
    made = made_of(column("a", {}, language="go", product="dex"), column("b", {}, target="hydra"))
    one, other = as_json([made])["servers"]["targets"]
    assert (one["language"], one["product"], one["client_kind"]) == ("go", "dex", "")
    assert (other["language"], other["product"]) == ("", "hydra")


# Many.

LANGUAGES = ("python", "javascript", "go", "rust", "java", "swift", "elixir", "c")


def crowd(number, kind):
    """So many targets with a verdict on all that binds their kind, in eight languages, two versions of each."""
    bound = [
        entry
        for entry in load().requirements
        if not entry.excluded and entry.party in (("client", "both") if kind == "client" else ("authorization-server",))
    ]
    verdicts = ("pass", "pass", "pass", "fail", "warn", "not-applicable", "untestable")
    made = []
    for place, language in islice(enumerate(cycle(LANGUAGES)), number):
        drawn = dict(zip((one.id for one in bound), islice(cycle(verdicts), place % 7, None), strict=False))
        results = tuple(
            samples.result(
                one.id, drawn[one.id], source=one.source, section=one.section, party=one.party, security=one.security
            )
            for one in bound
        )
        header = samples.header(
            target=f"a-name-as-long-as-some-{place}",
            spec=f"a-name-as-long-as-some-{place}",
            product=f"product {place // 2}",
            target_version=f"{place}.0",
            language=language,
            **({"client_kind": "flow" if place % 3 else "operations"} if kind == "client" else {}),
        )
        made.append(Column(f"{kind}-a-name-as-long-as-some-{place}", Report(header, results=results), withholds=True))
    return made


@pytest.mark.parametrize(("number", "kind"), [(20, "server"), (52, "client")])
def test_a_page_of_many_stays_small(number, kind):
    """A cell costs its link and no more, so that the page grows as what it says does."""
    columns = crowd(number, kind)
    text = render(made_of(*columns)).encode()
    assert len(text) < 260 * sum(len(column.report.results) for column in columns)
    assert len(gzip.compress(text)) < 200_000
    json.dumps(as_json([made_of(*crowd(2, kind))]))


# In a browser.


@pytest.fixture
def open_page(tmp_path):
    from playwright import sync_api as playwright

    file = tmp_path / "clients.html"
    catalogue = load()
    some = tuple(entry for entry in catalogue.requirements if entry.source == "RFC 8628" and entry.party == "client")
    [made] = build(crowd(16, "client"), dataclasses.replace(catalogue, requirements=some[:12]), "0.1.0")
    file.write_text(render(dataclasses.replace(made, sections=made.sections[:3])), encoding="utf-8")
    with playwright.sync_playwright() as driver:
        # The sandbox of Chromium refuses to start as root, which is what containers run as.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = driver.chromium.launch(executable_path=next(candidates()), args=arguments)

        def opened(fragment="", **options):
            page = browser.new_context(**options).new_page()
            page.goto(file.as_uri() + fragment)
            return page

        yield opened
        browser.close()


def shown(page, selector):
    return page.eval_on_selector_all(selector, "all => all.filter((one) => one.checkVisibility()).length")


def shown_targets(page):
    """In the table of areas, in that of verdicts, and in the matrix."""
    tables = [f"[aria-labelledby={region}] tbody th" for region in ("part-areas", "part-targets")]
    return [shown(page, selector) for selector in (*tables, ".matrix thead a")]


@needs("chromium")
@pytest.mark.parametrize("script", [True, False])
def test_a_language_is_chosen_with_and_without_script(open_page, script):
    page = open_page(java_script_enabled=script)
    assert shown_targets(page) == [16, 16, 16]
    page.check("#pick-language-3")
    assert page.locator("label:has(#pick-language-3)").inner_text().split() == ["go", "2"]
    assert shown_targets(page) == [2, 2, 2]
    assert shown(page, ".matrix tbody:first-of-type tr:nth-child(2) td") == 2
    page.check("#pick-run-1")
    assert shown_targets(page) == [sum(place % 3 > 0 and place % 8 == 2 for place in range(16))] * 3


@needs("chromium")
def test_a_choice_is_made_by_keyboard_remembered_and_heeded(open_page):
    page = open_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.locator("input[name=language]").first.focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("location.hash") == "#language=c"
    assert page.locator(".picked").inner_text() == "2 of 16 clients shown"
    page.click("[data-only=fails]")
    # Only what fails in one of the columns that are left.
    left = """rows => rows.filter((row) => row.checkVisibility()).map(
        (row) => [...row.querySelectorAll("td.v-fail")].some((one) => one.checkVisibility()))"""
    rows = page.eval_on_selector_all(".matrix tbody tr:not(.section)", left)
    assert rows
    assert all(rows)
    again = open_page(page.evaluate("location.hash"))
    assert shown_targets(again) == [2, 2, 2]
    assert again.get_attribute("[data-only=fails]", "aria-pressed") == "true"
    assert shown_targets(open_page("#language=cobol")) == [16, 16, 16]
    assert complaints == []
