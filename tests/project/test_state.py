"""The page "State of the device grant": its numbers are those of the reports, with denominators, and tell no secret."""

from __future__ import annotations

import os
import re

import msgspec
import pytest
from support import ROOT, samples
from support.needs import needs
from support.samples import written

from device_grant.browser.chromium import candidates
from device_grant.catalogue import Party, load
from device_grant.cli.requirements.coverage import coverage
from device_grant.report import publication
from device_grant.report.matrix import Column
from device_grant.report.view import PARTIES
from device_grant.results import Report, publish
from tools.docs import PAGES
from tools.markdown import NOTICE
from tools.state import state_page
from tools.state.numbers import Tally, conformant, tally
from tools.state.page import chart
from tools.state.questions import CLIENTS, SERVERS

COVERED = coverage()

SLOW = "rfc8628-3.5-slow-down-increments-interval"
DENIED = "rfc8628-3.5-access-denied"
ONCE = "rfc8628-3.5-device-code-single-use"
OF_AWS = "aws-client-unsigned"


def report(name, verdicts, *, party="client", withheld=0, footer=True, **header):
    results = tuple(
        samples.result(requirement, verdict, party=party, security=load().get(requirement).security)
        for requirement, verdict in verdicts.items()
    )
    end = msgspec.structs.replace(samples.clean().footer, withheld=withheld) if footer else None
    return Report(samples.header(**{"target": name, "spec": name, **header}), results=results, footer=end)


def page_of(tmp_path, **reports):
    for name, one in reports.items():
        written(tmp_path / name, publish(one))
    return state_page(COVERED, tmp_path)


def columns_of(*reports, withholds=False):
    return [Column(f"{number}", one, withholds) for number, one in enumerate(reports)]


def row_of(page, words):
    [row] = [line for line in page.splitlines() if line.startswith("|") and words in line]
    return [re.sub(r"<svg.*</svg>", "", cell).strip() for cell in row.strip("|").split(" | ")]


@pytest.mark.parametrize(("kind", "themes"), [("client", CLIENTS), ("server", SERVERS)])
def test_each_question_is_a_requirement_that_is_tested_and_binds_its_kind(kind, themes):
    asked = [one.requirement for theme in themes for one in theme.questions]
    assert len(asked) == len(set(asked))
    for name in asked:
        entry = load().get(name)
        assert entry.party in PARTIES[kind], name
        assert not entry.excluded, name
        assert COVERED.of(entry), name


def test_numbers_have_their_denominators(tmp_path):
    page = page_of(
        tmp_path,
        a=report("a", {SLOW: "pass"}),
        b=report("b", {SLOW: "fail"}),
        c=report("c", {SLOW: "warn"}),
        d=report("d", {SLOW: "observed"}),
        e=report("e", {SLOW: "inconclusive"}),
        f=report("f", {SLOW: "not-applicable"}),
        g=report("g", {DENIED: "pass"}),
        h=report("h", {}, client_kind="flow"),
    )
    assert "**1 of 4** clients add five seconds at `slow_down` (1 not applicable, 2 not judged)." in page
    assert row_of(page, "[add five seconds at `slow_down`]")[1:] == ["1 of 4", "1 not applicable, 2 not judged"]
    # Nobody was asked this one.
    assert "Of no client could it be judged whether they stop when the codes expire" in page


def test_a_question_of_one_dialect_does_not_apply_to_another():
    entry = load().get(OF_AWS)
    assert tally(columns_of(report("a", {})), entry) == Tally(out=1)
    assert tally(columns_of(report("a", {}, dialect="aws-sso-oidc")), entry) == Tally(unknown=1)


def test_what_is_withheld_is_in_no_number_and_is_said_to_be(tmp_path):
    page = page_of(
        tmp_path,
        open=report("open", {ONCE: "fail", DENIED: "pass"}, party="authorization-server"),
        theirs=report("theirs", {DENIED: "pass"}, party="authorization-server", withheld=9),
    )
    assert "1 of 2" in row_of(page, "servers redeem a code once")
    shown = page.split("## What this page cannot say")[0]
    assert ONCE not in shown
    assert "redeem a code once" not in shown
    assert "**2 of 2** servers answer `access_denied`" in page


def test_withheld_results_count_for_nothing_even_where_they_are_in_the_file():
    entry = load().get(ONCE)
    for verdict in ("pass", "fail", "untestable"):
        given = report("x", {ONCE: verdict}, party="authorization-server")
        assert tally(columns_of(given, withholds=True), entry) == Tally(withheld=1)
        assert conformant(columns_of(given, withholds=True)) == Tally(unknown=1)


def test_what_nobody_withholds_is_counted(tmp_path):
    page = page_of(tmp_path, open=report("open", {ONCE: "pass"}, party="authorization-server"))
    assert row_of(page, "[redeem a code once]")[1] == "1 of 1"
    assert "cannot say" not in page


def test_conformance_is_said_of_whole_runs_alone():
    assert conformant(
        columns_of(
            report("a", {SLOW: "pass"}),
            report("b", {SLOW: "fail"}, footer=False),
            report("c", {SLOW: "pass"}, footer=False),
            report("d", {SLOW: "not-applicable"}),
        )
    ) == Tally(keep=1, break_=1, unknown=2)


def test_software_counts_once_and_the_reference_never(tmp_path):
    page = page_of(
        tmp_path,
        old=report("boto3", {SLOW: "fail"}, product="boto3", target_version="1.9"),
        new=report("boto3", {SLOW: "pass"}, product="boto3", target_version="1.10", language="python"),
        own=report("embedded", {SLOW: "fail"}, spec="honest:rfc8628"),
    )
    assert "What 1 client of the device grant" in page
    assert "**1 of 1** clients add five seconds" in page
    assert "The clients: 1 in Python." in page
    assert row_of(page, "[1.9]") == [
        "boto3",
        "[1.9](../../reports/old/index.html)",
        "[1.10](../../reports/new/index.html)",
        "1",
        "0",
    ]
    assert "embedded" not in page
    assert "## Servers" not in page


def test_the_ranking_says_of_how_many(tmp_path):
    page = page_of(
        tmp_path, a=report("a", {SLOW: "fail"}), b=report("b", {SLOW: "pass"}), c=report("c", {}, client_kind="x")
    )
    assert row_of(page.split("### What clients break most")[1], f"[`{SLOW}`]")[1] == "1 of 2"


@pytest.mark.parametrize("folder", ["absent", "empty"])
def test_without_reports_the_page_says_so(tmp_path, folder):
    (tmp_path / "empty").mkdir()
    page = state_page(COVERED, tmp_path / folder)
    assert NOTICE in page
    assert "No report" in page


def test_nothing_that_a_report_says_is_markup(tmp_path):
    hostile = "<b>x</b> | [y](javascript:1) `z` \u202e"
    page = page_of(tmp_path, a=report(hostile, {SLOW: "fail"}, target_version=hostile, language=hostile))
    rows = [line for line in page.splitlines() if "javascript" in line]
    assert rows
    for line in rows:
        assert "<b>" not in line.replace("\\<", "")
        assert not re.search(r"(?<!\\)\[y\]", line)
        assert "\u202e" not in line


def test_a_bar_is_the_whole_population():
    bar = chart(Tally(keep=2, break_=1, unknown=1, out=4))
    widths = [float(width) for width in re.findall(r'width="([\d.]+)"', bar)]
    assert widths == [25, 12.5, 12.5, 50]
    assert "aria-hidden" in bar
    assert "\n" not in bar
    assert "<rect" not in chart(Tally())


def test_the_page_says_when_with_what_and_how_to_cite(tmp_path):
    page = page_of(
        tmp_path,
        a=report("a", {SLOW: "pass"}, started="2026-03-01T00:00:00Z", target_version="7.1"),
        b=report("b", {DENIED: "pass"}, party="authorization-server", started="2026-03-09T00:00:00Z"),
    )
    assert "2026-03-01 to 2026-03-09" in " ".join(page.split())
    assert "State of the device grant, 2026-03-09: 1 client, 1 server. device-grant-conformance 0.1.0," in page
    assert row_of(page, "(../../reports/a/index.html)")[1:3] == ["client", "7.1"]


def test_matrices_lead_to_it_where_it_stands_beside_them(tmp_path):
    given = {"a": report("a", {SLOW: "pass"})}
    publication.write(given, tmp_path / "alone" / "reports", load(), lambda _: False)
    assert publication.STATE not in (tmp_path / "alone" / "reports" / "clients.html").read_text("utf-8")
    state = tmp_path / "checkout" / publication.STATE
    state.parent.mkdir(parents=True)
    state.write_text("# State\n")
    publication.write(given, tmp_path / "checkout" / "reports", load(), lambda _: False)
    assert f'href="../{publication.STATE}"' in (tmp_path / "checkout" / "reports" / "clients.html").read_text("utf-8")
    assert (ROOT / publication.STATE).is_file()
    assert publication.STATE.removeprefix("docs/") in PAGES


def test_no_number_of_the_page_here_is_of_what_is_withheld():
    shown = (ROOT / publication.STATE).read_text("utf-8").split("## What this page cannot say")[0]
    for entry in load().requirements:
        if entry.security and entry.party is not Party.CLIENT:
            assert f"#{entry.id})" not in shown


@needs("chromium")
@pytest.mark.parametrize("width", [390, 820, 1440])
def test_bars_are_as_long_as_they_say(tmp_path, width):
    from playwright.sync_api import sync_playwright

    style = (ROOT / "tools" / "site_files" / "extra.css").read_text("utf-8")
    body = f"<table><tr><td>{chart(Tally(keep=3, break_=1))}</td></tr></table>"
    (tmp_path / "bar.html").write_text(f"<!doctype html><style>{style}</style><div style='width:100%'>{body}</div>")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=next(candidates()), chromium_sandbox=os.geteuid() != 0)
        page = browser.new_page(viewport={"width": width, "height": 600})
        page.goto((tmp_path / "bar.html").as_uri())
        sizes = page.eval_on_selector_all("rect", "all => all.map((one) => one.getBoundingClientRect().width)")
        colours = page.eval_on_selector_all("rect", "all => all.map((one) => getComputedStyle(one).fill)")
        browser.close()
    assert sizes[0] > 30
    assert sizes[0] / sizes[1] == pytest.approx(3, rel=0.05)
    assert colours[0] != colours[1]
