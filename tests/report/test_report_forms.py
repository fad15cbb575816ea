from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import msgspec
import pytest
from click.testing import CliRunner
from sarif_pydantic import Sarif
from support import samples

from device_grant.catalogue.model import Verdict
from device_grant.cli.results.report import report as command
from device_grant.errors import UsageError
from device_grant.report import REPORT_FORMS, report_form, write_all
from device_grant.report.forms import badge, junit, sarif
from device_grant.results import ResultsWriter, save


def test_sarif_is_valid_and_has_one_rule_a_requirement():
    report = samples.report()
    log = json.loads(sarif.render(report))
    Sarif.model_validate(log)
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert sorted(rules) == sorted({result.requirement for result in report.results})
    assert len(run["results"]) == len(report.results)
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        # SARIF 3.27.10: a level other than none is only for findings.
        assert (result["kind"] == "fail") == (result["level"] != "none")
    assert run["invocations"][0]["exitCode"] == report.footer.exit_code
    assert run["invocations"][0]["startTimeUtc"].endswith("Z")
    # The suite broke in one of its checks.
    assert run["invocations"][0]["executionSuccessful"] is False


def test_sarif_tells_levels_kinds_suppressions_and_exchanges():
    collected = {one["ruleId"]: one for one in json.loads(sarif.render(samples.report()))["runs"][0]["results"]}
    denied = collected["rfc8628-3.5-access-denied"]
    assert (denied["kind"], denied["level"]) == ("fail", "error")
    assert denied["webRequest"]["method"] == "POST"
    assert denied["webResponse"]["statusCode"] == 400
    assert denied["locations"][0]["logicalLocations"][0]["fullyQualifiedName"].startswith("polling::")
    assert "device-grant run" in denied["properties"]["reproduce"]
    assert collected["rfc8628-3.5-expired-token"]["level"] == "warning"
    assert collected["rfc8628-3.5-slow-down-not-owed"]["suppressions"] == [
        {"kind": "external", "justification": "deviation: Fixed in 3.5.0"}
    ]
    kinds = {
        "rfc8628-3.4-token-after-approval": "open",
        "rfc8628-3.5-pace": "review",
        "rfc8628-6.2-polling-metadata": "notApplicable",
        "rfc8628-3.2-interval-default": "informational",
        "rfc8628-3.1-client-id-required": "pass",
    }
    assert {name: collected[name]["kind"] for name in kinds} == kinds


def test_fingerprints_stay_and_tell_targets_apart():
    def prints(report):
        results = json.loads(sarif.render(report))["runs"][0]["results"]
        return {one["partialFingerprints"]["requirementAndCheck/v1"] for one in results}

    report = samples.report()
    elsewhere = msgspec.structs.replace(report.header, target="another-idp")
    assert prints(report) == prints(samples.report())
    assert not prints(report) & prints(type(report)(header=elsewhere, results=report.results, footer=report.footer))


def test_junit_counts_and_reasons():
    report = samples.report()
    suite = ET.fromstring(junit.render(report)).find("testsuite")
    cases = {(case.get("classname"), case.get("name")): case for case in suite.iter("testcase")}
    assert len(cases) == int(suite.get("tests")) == len(report.results) + 1
    unexpected = [one for one in report.results if one.verdict == "fail" and not one.expected]
    assert int(suite.get("failures")) == len(unexpected) == 3
    assert int(suite.get("errors")) == 1
    by_name = {name: case for (_, name), case in cases.items()}
    assert by_name["rfc8628-3.5-slow-down-not-owed"].find("skipped").get("message") == (
        "fail, expected by the baseline (deviation): Fixed in 3.5.0"
    )
    assert "no user module" in by_name["rfc8628-3.4-token-after-approval"].find("skipped").get("message")
    assert by_name["rfc8628-3.5-expired-token"].find("system-out").text.startswith("warning: ")
    assert "--only rfc8628-3.5-access-denied" in by_name["rfc8628-3.5-access-denied"].find("failure").text
    assert len(by_name["rfc8628-3.1-client-id-required"]) == 0


@pytest.mark.parametrize(
    ("report", "text"),
    [
        (samples.clean(), "conformant"),
        (samples.report(), "4 fail"),
        (samples.clean(Verdict.UNTESTABLE), "no verdict"),
    ],
)
def test_the_badge_says_the_verdict(report, text):
    drawn = ET.fromstring(badge.render(report))
    assert drawn.get("aria-label") == f"RFC 8628: {text}"
    assert [node.text for node in drawn.iter("{http://www.w3.org/2000/svg}text")] == ["RFC 8628", text]
    description = json.loads(badge.endpoint(report))
    assert (description["schemaVersion"], description["label"], description["message"]) == (1, "RFC 8628", text)
    assert description["color"] in badge.render(report)


def test_hostile_text_breaks_no_form():
    report = samples.report()
    for name, form in REPORT_FORMS.items():
        text = form.render(report)
        assert "\x1b" not in text, name
        assert "\u202e" not in text, name
    assert "<script>alert" not in junit.render(report)


def test_a_report_folder_has_every_form(tmp_path):
    assert {path.name for path in write_all(samples.report(), tmp_path)} == {
        "index.html",
        "summary.md",
        "junit.xml",
        "results.sarif",
        "badge.svg",
        "badge.json",
    }


def test_the_command_writes_what_is_asked_for_and_nothing_else(tmp_path):
    report = samples.clean()
    save(report, tmp_path / "results.jsonl")
    options = {
        "--html": "index.html",
        "--markdown": "summary.md",
        "--junit": "junit.xml",
        "--sarif": "results.sarif",
        "--badge": "badge.svg",
        "--badge-json": "badge.json",
        "--json": "",
        "--text": "",
    }
    assert set(options) == {f"--{name}" for name in REPORT_FORMS}
    out = tmp_path / "out"
    words = [word for option in options for word in (option, str(out / option.strip("-")))]
    ran = CliRunner().invoke(command, [str(tmp_path), *words], standalone_mode=False)
    assert (ran.return_value, ran.output) == (0, "")
    for option, file in options.items():
        form = REPORT_FORMS[option.strip("-")]
        assert form.file == file
        assert (out / form.name).read_text() == form.render(report), option
    assert len(list(out.iterdir())) == len(options)


def test_the_text_is_what_the_terminal_shows():
    text = REPORT_FORMS["text"].render(samples.report())
    assert "Failures" in text
    assert "rfc8628-3.5-access-denied" in text


@pytest.mark.parametrize(("name", "file"), [("html", "another.html"), ("another", "index.html")])
def test_two_forms_of_one_name_or_file_are_refused(name, file):
    with pytest.raises(UsageError, match=r"'html' writes 'index\.html' already"):
        report_form(name, file, "Write it twice.")(str)
    assert REPORT_FORMS["html"].file == "index.html"
    assert "another" not in REPORT_FORMS


def test_a_form_that_cannot_be_written_is_said_in_one_line(tmp_path):
    with ResultsWriter(tmp_path / "results.jsonl", None) as writer:
        writer.write(samples.header())
    with pytest.raises(UsageError, match="cannot be written"):
        CliRunner().invoke(
            command,
            [str(tmp_path), "--sarif", str(tmp_path / "results.jsonl" / "x")],
            standalone_mode=False,
            catch_exceptions=False,
        )
