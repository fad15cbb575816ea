from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import jsonschema
import msgspec
import pytest
from support import samples

from device_grant.catalogue.model import Verdict
from device_grant.errors import SuiteError, UsageError
from device_grant.protocol import Secrets
from device_grant.results import ResultsWriter, count, merge, read, redacted, scan, withhold_security
from device_grant.results import schema as results_schema
from device_grant.results.merge import worse_of
from device_grant.results.reader import (
    DuplicateHeader,
    LineAfterFooter,
    MissingHeader,
    NewerFormat,
    NoResults,
    NotJson,
    WrongForm,
)

SECRET = 'p/q+"Zx9 é&s3cret'


def write(path: Path, report, secrets=None) -> Path:
    with ResultsWriter(path, secrets) as writer:
        writer.write(report.header)
        for line in (*report.cases, *report.results):
            writer.write(line)
        if report.footer is not None:
            writer.write(report.footer)
    return path


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


@pytest.fixture
def secrets():
    known = Secrets()
    known.register("device_code", SECRET)
    return known


@pytest.mark.parametrize("dialect", ["rfc8628", "aws-sso-oidc"])
def test_what_is_written_is_read_back(tmp_path, dialect):
    report = samples.report(dialect)
    path = write(tmp_path / "deep" / "results.jsonl", report)
    assert read(path) == report
    assert read(path.parent) == report
    assert not read(path).interrupted


def test_lines_are_on_disk_before_the_run_ends(tmp_path):
    report = samples.report()
    writer = ResultsWriter(tmp_path / "results.jsonl", None)
    writer.write(report.header)
    writer.write(report.cases[0])
    seen = read(tmp_path)
    writer.close()
    assert seen.interrupted
    assert seen.cases == report.cases[:1]


def test_header_first_and_once_and_nothing_after_the_footer(tmp_path):
    report = samples.report()
    writer = ResultsWriter(tmp_path / "results.jsonl", None)
    with pytest.raises(SuiteError, match="header must be the first"):
        writer.write(report.cases[0])
    writer.write(report.header)
    with pytest.raises(SuiteError, match="only one"):
        writer.write(report.header)
    writer.write(report.footer)
    with pytest.raises(SuiteError, match="after the footer"):
        writer.write(report.results[0])
    writer.close()
    assert read(tmp_path).footer == report.footer


def test_unwritable_folder_is_a_usage_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="choose another folder"):
        ResultsWriter(tmp_path / "file" / "results.jsonl", None)


def test_lone_surrogates_do_not_stop_the_writer(tmp_path):
    report = samples.clean()
    odd = msgspec.structs.replace(report.results[0], got="bad \ud800 text", message="\ue000\uf8ff\ue000")
    path = tmp_path / "results.jsonl"
    with ResultsWriter(path, None) as writer:
        writer.write(report.header)
        writer.write(odd)
    assert read(path).results[0].got == "bad \\ud800 text"
    assert read(path).results[0].statement == odd.statement


@pytest.mark.parametrize(
    "encoded",
    [
        SECRET,
        quote(SECRET, safe=""),
        json.dumps({"device_code": SECRET}),
        base64.b64encode(SECRET.encode()).decode(),
    ],
    ids=["plain", "url", "json", "base64"],
)
def test_secrets_are_replaced_wherever_they_stand(tmp_path, secrets, encoded):
    one = samples.shown(
        "rfc8628-3.5-x", "fail", got=encoded, curl=encoded, steps=[samples.exchange(answer=encoded, body=encoded)]
    )
    head = samples.header(command=f"device-grant run {encoded}", target=encoded)
    path = tmp_path / "results.jsonl"
    with ResultsWriter(path, secrets) as writer:
        writer.write(head)
        writer.write(one)
    back = read(path)
    shown = [
        back.header.command,
        back.header.target,
        back.results[0].got,
        back.results[0].curl,
        back.results[0].steps[0].request.body,
        back.results[0].steps[0].response.body,
    ]
    assert all("<device_code 1>" in text for text in shown)
    assert all(encoded not in text for text in shown)
    scan(tmp_path, secrets)
    assert redacted(one, secrets) == back.results[0]


def test_a_secret_that_is_a_word_does_not_tear_ids_apart(tmp_path):
    secrets = Secrets()
    secrets.register_given("client_secret", "fail")
    secrets.register_given("client_secret", "body")
    secrets.register_given("client_secret", "polling")
    one = samples.shown("rfc8628-3.5-polling", "fail", got="the answer was: polling")
    path = tmp_path / "results.jsonl"
    with ResultsWriter(path, secrets) as writer:
        writer.write(samples.header())
        writer.write(one)
    back = read(path).results[0]
    assert (back.requirement, back.verdict, back.check) == (one.requirement, one.verdict, one.check)
    assert back.got == "the answer was: <client_secret 3>"
    scan(tmp_path, secrets)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("index.html", f"<p>{SECRET}</p>"),
        ("index.html", "<p>" + SECRET.replace("&", "&amp;").replace('"', "&#34;") + "</p>"),
        ("summary.md", f"[x](http://x/?code={quote(SECRET, safe='')})"),
        ("results.jsonl", json.dumps({"body": json.dumps({"device_code": SECRET})}) + "\n"),
        ("notes/extra.txt", "Authorization: Basic " + base64.b64encode(SECRET.encode()).decode()),
    ],
)
def test_the_scan_finds_what_slipped_through_and_does_not_repeat_it(tmp_path, secrets, name, text):
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")
    for path in (tmp_path, file):
        with pytest.raises(SuiteError, match=r"<device_code 1> in ") as caught:
            scan(path, secrets)
        assert SECRET not in str(caught.value)


def broken(tmp_path, change) -> Path:
    path = write(tmp_path / "results.jsonl", samples.report())
    path.write_bytes(b"".join(change(lines(path))))
    return path


@pytest.mark.parametrize(
    ("change", "error", "where"),
    [
        (lambda all_lines: [all_lines[0], b"oops\n", *all_lines[1:]], NotJson, ":2:"),
        (lambda _: [b"PNG\n"], NotJson, ":1:"),
        (lambda all_lines: [all_lines[0], b"\xff\n"], NotJson, ":2:"),
        (lambda all_lines: [all_lines[0], b'{"kind":"case"}\n'], WrongForm, ":2:"),
        (lambda all_lines: [all_lines[0], b'{"kind":"surprise"}\n'], WrongForm, ":2:"),
        (lambda all_lines: [all_lines[0], b"[]"], WrongForm, ":2:"),
        (lambda all_lines: all_lines[1:], MissingHeader, ":1:"),
        (lambda _: [b"\n"], MissingHeader, "empty"),
        (lambda all_lines: [all_lines[0], *all_lines], DuplicateHeader, ":2:"),
        (lambda all_lines: [*all_lines, all_lines[1]], LineAfterFooter, ":"),
        (lambda all_lines: [all_lines[0].replace(b'"format":1', b'"format":99'), b"??"], NewerFormat, ":1:"),
        (lambda all_lines: [all_lines[0].replace(b'"target":"example-idp",', b"")], WrongForm, ":1:"),
    ],
)
def test_a_broken_file_is_told_with_file_and_line(tmp_path, change, error, where):
    path = broken(tmp_path, change)
    with pytest.raises(error) as caught:
        read(path)
    assert isinstance(caught.value, UsageError)
    assert str(path) in str(caught.value)
    assert where in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_line_after_the_footer_is_the_one_that_is_named(tmp_path):
    path = broken(tmp_path, lambda all_lines: [*all_lines, b"\n", all_lines[1]])
    with pytest.raises(LineAfterFooter, match=rf":{len(lines(path))}:"):
        read(path)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(NoResults, match=r"results\.jsonl: cannot be read"):
        read(tmp_path)


@pytest.mark.parametrize("cut", [1, 40, 200])
def test_an_interrupted_run_is_read_up_to_its_last_whole_line(tmp_path, cut):
    report = samples.report(complete=False)
    path = write(tmp_path / "results.jsonl", report)
    content = path.read_bytes()
    path.write_bytes(content + lines(path)[1][:-cut])
    assert read(path).interrupted
    path.write_bytes(content[:-cut])
    back = read(path)
    assert back.interrupted
    # Cutting the newline alone leaves the last line whole.
    assert back.results == (report.results if cut == 1 else report.results[:-1])


def test_a_cut_inside_a_character_is_tolerated_too(tmp_path):
    report = samples.clean()
    path = tmp_path / "results.jsonl"
    with ResultsWriter(path, None) as writer:
        writer.write(report.header)
        writer.write(msgspec.structs.replace(report.results[0], got="é" * 50))
    content = path.read_bytes()
    path.write_bytes(content[: content.index("é".encode()) + 1])
    assert read(path).results == ()


def test_members_of_later_versions_are_passed_over(tmp_path):
    path = broken(tmp_path, lambda all_lines: [all_lines[0].replace(b"{", b'{"added_later":[1],', 1)])
    assert read(path).header == samples.header()


def test_what_could_not_be_tested_outranks_what_holds():
    verdicts = ("pass", "untestable", "not-applicable", "inconclusive")
    several = [samples.result("rfc8628-3.5-a", verdict, check=f"c::{verdict}") for verdict in verdicts]
    merged = merge([*several, samples.result("rfc8628-3.5-b", "pass")])
    assert list(merged) == ["rfc8628-3.5-a", "rfc8628-3.5-b"]
    one = merged["rfc8628-3.5-a"]
    assert one.verdict is Verdict.UNTESTABLE
    assert [result.check for result in one.worst] == ["c::untestable"]
    assert not one.judged
    assert merged["rfc8628-3.5-b"].judged


@pytest.mark.parametrize("broken", ["observed", "warn", "fail"])
@pytest.mark.parametrize("doubt", ["inconclusive", "untestable", "not-applicable"])
def test_what_is_certainly_broken_outranks_every_doubt(broken, doubt):
    several = [samples.result("rfc8628-3.5-a", verdict, check=f"c::{verdict}") for verdict in (doubt, broken, "pass")]
    for order in (several, several[::-1]):
        assert merge(order)["rfc8628-3.5-a"].verdict.label == broken
        assert merge(order)["rfc8628-3.5-a"].judged
    same = [samples.result("rfc8628-3.5-a", verdict, check="c::one") for verdict in (doubt, broken)]
    assert worse_of(*same).verdict == worse_of(*same[::-1]).verdict == broken


def test_one_unexpected_failure_makes_the_requirement_unexpected():
    known = samples.shown("rfc8628-3.5-a", "fail", expected="deviation", check="c::a")
    new = samples.shown("rfc8628-3.5-a", "fail", check="c::b")
    assert not merge([known])["rfc8628-3.5-a"].unexpected
    assert merge([known, new])["rfc8628-3.5-a"].unexpected


def test_counts_are_of_requirements_and_not_of_results():
    twice = [samples.result("rfc8628-3.5-a", verdict, check=verdict) for verdict in ("pass", "fail")]
    counts = count(merge([*twice, samples.result("rfc8628-3.5-b", "not-applicable")]))
    assert (counts.passed, counts.fail, counts.not_applicable) == (0, 1, 1)


def test_withheld_results_leave_no_trace_in_the_published_report(tmp_path):
    report = samples.report(suite_error=False)
    path = write(tmp_path / "results.jsonl", withhold_security(report))
    back = read(path)
    assert b"planted security finding" not in path.read_bytes()
    assert "rfc6749-2.3.1-client-authentication" not in back.by_requirement()
    assert "rfc6749-2.3.1-client-authentication" not in back.footer.unexpected
    assert back.footer.withheld == 1
    assert back.footer.counts.fail == report.footer.counts.fail - 1
    assert [case.check for case in back.cases if not case.steps] == [
        "polling::test_rfc6749_2_3_1_client_authentication"
    ]


def test_a_run_that_fails_by_withheld_results_alone_is_published_as_conformant():
    one = samples.shown("rfc8628-3.5-a", "fail", security=True)
    report = samples.clean()
    footer = msgspec.structs.replace(report.footer, exit_code=1, unexpected=[one.requirement])
    published = withhold_security(
        type(report)(header=report.header, cases=report.cases, results=(*report.results, one), footer=footer)
    )
    assert (published.footer.exit_code, published.footer.unexpected) == (0, [])
    assert withhold_security(report) is report


def test_the_published_schema_is_current():
    published = Path(results_schema.__file__).with_name("schema.json").read_text(encoding="utf-8")
    assert published == results_schema.text(), "run python -m device_grant.results.schema"


def test_the_schema_is_printed_by_its_module():
    printed = subprocess.run(
        [sys.executable, "-m", "device_grant.results.schema"],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(results_schema.__file__).parents[2],
    )
    assert printed.stdout == results_schema.text()
    assert printed.stderr == ""


def test_real_lines_fit_the_schema_and_wrong_ones_do_not(tmp_path, secrets):
    schema = json.loads(Path(results_schema.__file__).with_name("schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    path = write(tmp_path / "results.jsonl", samples.report(), secrets)
    decoded = [json.loads(line) for line in lines(path)]
    assert {line["kind"] for line in decoded} == {"header", "case", "result", "footer"}
    for line in decoded:
        validator.validate(line)
    assert validator.is_valid({**decoded[0], "added_later": 1})
    assert not validator.is_valid({**decoded[0], "format": "one"})
    assert not validator.is_valid({**decoded[-1], "kind": "foot"})


def test_the_file_is_made_with_its_header(tmp_path):
    report = samples.report()
    path = tmp_path / "results.jsonl"
    path.write_text("of an earlier run")
    with ResultsWriter(path, None) as writer:
        assert path.read_text() == "of an earlier run"
        writer.write(report.header)
        assert read(path).interrupted


def test_a_folder_in_its_place_is_a_usage_error(tmp_path):
    tmp_path.joinpath("results.jsonl").mkdir()
    with pytest.raises(UsageError, match="choose another folder"):
        ResultsWriter(tmp_path / "results.jsonl", None)
