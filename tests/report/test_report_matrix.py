"""The matrix: every cell leads to its evidence, nothing withheld is told, and the same reports give the same bytes."""

from __future__ import annotations

import json
import os
import re

import msgspec
import pytest
from click.testing import CliRunner
from support import samples
from support.html_page import Page
from support.needs import needs
from support.samples import written

from device_grant.browser.chromium import candidates
from device_grant.catalogue import load
from device_grant.cli.matrix import command as cli
from device_grant.errors import UsageError
from device_grant.report.matrix import SYMBOL, Column, as_json, build, render
from device_grant.results import Report, publish
from device_grant.results.reader import FILE_NAME

SECRET = next(entry for entry in load().requirements if entry.security and entry.id.startswith("rfc8628"))
DENIED = "rfc8628-3.5-access-denied"


def judged(verdicts, dialect="rfc8628"):
    results = tuple(samples.result(name, verdict, security=name == SECRET.id) for name, verdict in verdicts.items())
    return Report(header=samples.header(dialect), results=results, footer=samples.clean().footer)


def one(*columns):
    [made] = build(columns, load(), "0.1.0")
    return made


def row_of(made, name):
    return next(row for row in made.rows if row.id == name)


@pytest.fixture
def made():
    return one(
        Column("own", judged({DENIED: "pass", SECRET.id: "fail", "rfc8628-3.5-polling": "pass"})),
        Column("theirs", judged({DENIED: "fail", SECRET.id: "fail"}), withholds=True),
        Column("emulator", judged({"aws-token-pending": "warn"}, dialect="aws-sso-oidc")),
    )


def test_columns_are_sorted_by_dialect_and_name(made):
    assert [column.name for column in made.columns] == ["own", "theirs", "emulator"]


def test_rows_are_the_requirements_of_the_dialects_and_begin_with_their_own_sources(made):
    names = [row.id for row in made.rows]
    wanted = {entry.id for entry in load().requirements if entry.party != "client"}
    assert set(names) - {"rfc8628-3.5-polling"} == wanted
    assert len(names) == len(set(names))
    sources = list(dict.fromkeys(row.source.split(" ")[0] + row.source.split(" ")[1] for row in made.rows))
    assert sources[:2] == ["RFC8628", "AWSSSO"]


def test_a_requirement_that_the_catalogue_has_lost_keeps_its_row(made):
    assert [cell.label for cell in row_of(made, "rfc8628-3.5-polling").cells] == ["pass", "", ""]


def test_cells_link_to_their_evidence(made):
    own, theirs, emulator = row_of(made, DENIED).cells
    assert (own.label, own.href) == ("pass", f"own/index.html#{DENIED}")
    assert (theirs.label, theirs.href) == ("fail", f"theirs/index.html#{DENIED}")
    assert (emulator.label, emulator.href) == ("", "")


def test_security_of_third_parties_is_withheld_whatever_it_is(made):
    assert [cell.label for cell in row_of(made, SECRET.id).cells[:2]] == ["fail", "withheld"]
    assert row_of(made, SECRET.id).cells[1].href == ""
    untested = [row for row in made.rows if row.security and row.id != SECRET.id and row.id.startswith("rfc8628")]
    assert untested
    assert {row.cells[1].label for row in untested} == {"withheld"}
    assert made.columns[1].counts.total() == 1
    assert SECRET.id not in json.dumps(as_json([made])["servers"]["targets"])


def test_rows_that_differ_fail_or_are_tested(made):
    denied, secret = row_of(made, DENIED), row_of(made, SECRET.id)
    assert (denied.differs, denied.failing, denied.tested) == (True, True, True)
    # Of two targets only one has a verdict here.
    assert (secret.differs, secret.failing) == (False, True)
    assert not row_of(made, "rfc8628-3.5-authorization-pending").tested


def test_expected_failures_are_failures_with_a_mark():
    expected = samples.result(DENIED, "fail", expected="deviation")
    made = one(Column("idp", Report(header=samples.header(), results=(expected,))))
    [cell] = row_of(made, DENIED).cells
    assert (cell.label, cell.expected, cell.words) == ("fail", True, "fail, expected by the baseline")
    assert made.columns[0].expected == 1
    text = render(made)
    assert f'aria-label="fail, expected by the baseline">{SYMBOL["fail"]}<sup>b</sup>' in text
    assert "all expected" in text


def test_servers_and_clients_have_a_page_each():
    client = Report(header=samples.header(target="cli"), results=(samples.result(DENIED, "pass", party="client"),))
    servers, clients = build([Column("cli", client), Column("idp", judged({DENIED: "pass"}))], load(), "0.1.0")
    assert [column.name for column in servers.columns] == ["idp"]
    assert [column.name for column in clients.columns] == ["cli"]
    assert {row.id for row in servers.rows} != {row.id for row in clients.rows}
    page = Page(render(clients, [servers, clients]))
    assert "index.html" in [link["href"] for link in page.of("a")]
    assert 'href="clients.html"' not in render(servers, [servers])


def test_the_page_is_whole_and_self_contained(made):
    page = Page(render(made))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for tag, attributes in page.elements:
        assert "src" not in attributes
        assert "style" not in attributes
        if tag == "a":
            assert re.match(r"#|https?://|[\w.-]+/index\.html|matrix\.json", attributes["href"]), attributes
    assert len(page.of("script")) == 1
    text = render(made)
    assert "default-src &#39;none&#39;" in text
    assert "unsafe-" not in text


def test_the_table_can_be_heard(made):
    page = Page(render(made))
    assert {th.get("scope") for th in page.of("th")} == {"col", "row", "rowgroup"}
    cells = re.findall(r"<td[^>]*><a ([^>]*index\.html#[^>]*)>", render(made))
    assert cells
    assert all(re.search(r'aria-label="[^"]+"', attributes) for attributes in cells)
    for label in (*SYMBOL, "expected", "empty"):
        assert label in page.words
    region = next(one for one in page.of("div") if one.get("class") == "matrix")
    assert (region["tabindex"], region["role"]) == ("0", "region")


def test_rows_that_nobody_tests_are_hidden_until_asked_for(made):
    text = render(made)
    hidden = set(re.findall(r'<tr id="([^"]+)"[^>]* hidden>', text))
    assert hidden == {row.id for row in made.rows if not row.tested}
    assert 'data-only="untested"' in text


def test_hostile_names_are_inert():
    report = Report(
        header=samples.header(target_version=samples.HOSTILE, target_homepage="javascript:alert(1)"),
        results=(samples.result("rfc8628-3.5-x", "pass", statement=samples.HOSTILE, url="javascript:alert(1)"),),
    )
    text = render(one(Column("idp", report)))
    assert text.count("<script") == 1
    assert "<img" not in text
    assert 'href="javascript' not in text


def test_an_interrupted_run_and_different_catalogues_are_said():
    old = samples.header(catalogue_revision="0ld")
    made = one(
        Column("a", Report(header=samples.header())), Column("b", Report(header=old, footer=samples.clean().footer))
    )
    words = Page(render(made)).words
    assert "interrupted" in words
    assert "different catalogues" in words


def folders(tmp_path, **reports):
    return [str(written(tmp_path / "runs" / name, report)) for name, report in reports.items()]


def publish_all(given, out):
    done = CliRunner().invoke(cli.matrix, [*given, "--out", str(out)], standalone_mode=False)
    assert done.exception is None, done.exception
    return done


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_command_publishes_reports_and_matrix(tmp_path):
    given = folders(tmp_path, idp=samples.report(), nanoidp=samples.report())
    first, second = tmp_path / "one", tmp_path / "two"
    done = publish_all(given, first)
    publish_all(list(reversed(given)), second)
    assert "2 servers" in done.output
    assert files(first) == files(second)
    assert set(files(first)) == {
        "index.html",
        "matrix.json",
        *(f"{name}/{file}" for name in ("idp", "nanoidp") for file in (FILE_NAME, "index.html", "report.md")),
    }
    data = json.loads((first / "matrix.json").read_text("utf-8"))
    assert [target["name"] for target in data["servers"]["targets"]] == ["idp", "nanoidp"]
    denied = next(row for row in data["servers"]["requirements"] if row["id"] == DENIED)
    assert denied["verdicts"]["idp"] == "fail"


def test_a_target_that_was_published_before_keeps_its_column(tmp_path):
    publish_all(folders(tmp_path, idp=samples.report()), tmp_path / "out")
    done = publish_all(folders(tmp_path, other=samples.report()), tmp_path / "out")
    assert "2 servers" in done.output


def test_software_that_comes_with_a_withholding_baseline_is_withheld_always(tmp_path):
    report = samples.report()
    header = msgspec.structs.replace(report.header, target="nanoidp", spec="implementations/servers/nanoidp")
    given = folders(tmp_path, x=Report(header=header, cases=report.cases, results=report.results, footer=report.footer))
    publish_all(given, tmp_path / "out")
    assert not [name for name, content in files(tmp_path / "out").items() if b"planted" in content]


def test_links_lead_to_anchors_that_exist(tmp_path):
    publish_all(folders(tmp_path, idp=samples.report()), tmp_path / "out")
    page = Page((tmp_path / "out" / "index.html").read_text("utf-8"))
    links = [link["href"] for link in page.of("a") if "#" in link["href"] and not link["href"].startswith("http")]
    ids = {
        attributes.get("id")
        for _, attributes in Page((tmp_path / "out" / "idp" / "index.html").read_text("utf-8")).elements
    }
    for link in links:
        place, _, anchor = link.partition("#")
        assert place in ("", "idp/index.html")
        assert not place or anchor in ids, link


def test_two_folders_of_one_name_are_refused(tmp_path):
    given = [str(written(tmp_path / side / "idp", samples.report())) for side in ("a", "b")]
    done = CliRunner().invoke(cli.matrix, [*given, "--out", str(tmp_path / "out")], standalone_mode=False)
    assert isinstance(done.exception, UsageError)
    assert "a run named idp was given already" in str(done.exception)


def test_nothing_to_publish_is_refused():
    done = CliRunner().invoke(cli.matrix, [], standalone_mode=False)
    assert isinstance(done.exception, UsageError)
    assert "--run" in str(done.exception)


def test_published_reports_may_be_published_again(tmp_path):
    publish_all(folders(tmp_path, idp=samples.report()), tmp_path / "out")
    before = files(tmp_path / "out")
    publish_all([str(tmp_path / "out" / "idp")], tmp_path / "out")
    assert files(tmp_path / "out") == before
    assert publish(samples.report()).header.published


@needs("chromium")
def test_filters_show_what_they_say_and_live_in_the_address(tmp_path, made):
    from playwright import sync_api as playwright

    page_file = tmp_path / "index.html"
    page_file.write_text(render(made), encoding="utf-8")

    def shown(page):
        return set(page.eval_on_selector_all(".matrix tr:not(.section)[id]:not([hidden])", "all => all.map(o => o.id)"))

    with playwright.sync_playwright() as driver:
        # The sandbox of Chromium refuses to start as root, which is what containers run as.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = driver.chromium.launch(executable_path=next(candidates()), args=arguments)
        try:
            page = browser.new_page()
            complaints: list[str] = []
            page.on("console", lambda message: complaints.append(message.text))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.goto(page_file.as_uri())
            assert shown(page) == {row.id for row in made.rows if row.tested}
            page.click("[data-only=untested]")
            assert shown(page) == {row.id for row in made.rows}
            page.click("[data-only=untested]")
            page.click("[data-only=fails]")
            page.reload()
            assert shown(page) == {row.id for row in made.rows if row.failing}
            page.fill("#part-find", DENIED)
            assert shown(page) == {DENIED}
            assert page.evaluate("location.hash") == f"#only=fails&find={DENIED}"
            untested = next(row.id for row in made.rows if not row.tested)
            page.goto(f"{page_file.as_uri()}#{untested}")
            assert untested in shown(page)
            assert complaints == []
        finally:
            browser.close()
