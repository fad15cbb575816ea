"""What is published of a run: the same bytes for runs that went alike, and nothing that was to be withheld."""

from __future__ import annotations

import msgspec
import pytest
from support import samples
from support.commands import device_grant

from device_grant.catalogue import load
from device_grant.report.pages import html
from device_grant.results import Report, publish, read, withhold_security
from device_grant.results.model import Step


def octets(report: Report) -> bytes:
    lines = [report.header, *report.cases, *report.results, *([report.footer] if report.footer else [])]
    return b"\n".join(msgspec.json.encode(line) for line in lines)


def dated_alike(report):
    """The day may change between two runs, as a test must not depend on."""
    footer = msgspec.structs.replace(report.footer, finished="2026-03-01") if report.footer else None
    return msgspec.structs.replace(report.header, started="2026-03-01"), report.cases, report.results, footer


@pytest.fixture(scope="module")
def twice(tmp_path_factory):
    """Two runs of the embedded server with a fault, so that there is evidence to publish."""
    folders = [tmp_path_factory.mktemp("run") for _ in range(2)]
    for folder in folders:
        arguments = (
            "--only",
            "rfc8628-3.5-access-denied",
            "--only",
            "rfc8628-3.5-expired*",
            "--fault",
            "denial_ignored",
        )
        done = device_grant("run", "embedded:rfc8628", *arguments, "--report", str(folder), timeout=120)
        assert done.returncode == 1, done.stdout + done.stderr
    return [read(folder) for folder in folders]


def test_two_runs_are_published_alike(twice):
    assert octets(twice[0]) != octets(twice[1]), "then this test would prove nothing"
    one, other = (Report(*dated_alike(publish(report))) for report in twice)
    assert any(result.verdict == "fail" and result.steps for result in one.results)
    assert octets(one) == octets(other)
    assert html.render(one) == html.render(other)


def test_publishing_again_changes_nothing(twice):
    once = publish(twice[0])
    assert publish(once) == once


def test_verdicts_stay_as_they_are(twice):
    before = {(one.requirement, one.check): one.verdict for one in twice[0].results}
    assert {(one.requirement, one.check): one.verdict for one in publish(twice[0]).results} == before
    assert publish(twice[0]).footer.counts == twice[0].footer.counts


def published(**changes):
    one = samples.shown("rfc8628-3.5-access-denied", "fail", **changes)
    return publish(Report(header=samples.header(), results=(one,))).results[0]


@pytest.mark.parametrize(
    ("text", "steady"),
    [
        ("http://127.0.0.1:48121/token", "http://127.0.0.1:8628/token"),
        ("http%3A%2F%2Flocalhost%3A48121%2F", "http%3A%2F%2Flocalhost%3A8628%2F"),
        ("printf x | nc 127.0.0.1 48121", "printf x | nc 127.0.0.1 8628"),
        ("in /" + 'home/me/.cache/x.py", line 3', 'in <path>", line 3'),
        ("made in /tmp/pytest-12/x", "made in <path>"),
        ("Date: Sun, 22 Nov 2026 00:01:51 GMT", "Date: <time>"),
        ("at 2026-11-22T00:01:51.123Z", "at <time>"),
        ('"exp":1795305711,', '"exp":<time>,'),
        ("after 12.5 ms", "after <n> ms"),
        ("expired after 604.27 s", "expired after 604 s"),
        ("id 0b7f2c1e-9a4d-4c7e-8f0a-2b1c3d4e5f60", "id <random>"),
        ("sid=s%3AHj3kLmN0pQ9rStUv2wXyZa7b", "sid=s%<random>"),
        (
            "<device_code 12> and <device_code 7>, <device_code 12>",
            "<device_code 1> and <device_code 2>, <device_code 1>",
        ),
        ("client dcr-gi7CbyDtgrJRTVAS", "client <random>"),
        ("InvalidClientMetadataException", "InvalidClientMetadataException"),
        ("urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:device_code"),
        ("registration_client_uri is missing", "registration_client_uri is missing"),
        ("AWS model 2019-06-10, status 400, 600 s", "AWS model 2019-06-10, status 400, 600 s"),
    ],
)
def test_what_changes_from_run_to_run_is_made_steady(text, steady):
    assert published(message=text, steps=[]).message == steady


def test_exchanges_keep_what_decides():
    noisy = msgspec.structs.replace(
        samples.exchange(9.7).response,
        headers=[("X-Request-Id", "42"), ("Date", "now"), ("cache-control", "no-store"), ("Allow", "POST")],
        body="x" * 5000,
    )
    steps = [
        *(samples.exchange(float(at)) for at in range(8)),
        Step(at=8.2, label="wait for people", event="waited", seconds=5.1),
        msgspec.structs.replace(samples.exchange(13.4), response=noisy, elapsed=0.2),
    ]
    kept = published(steps=steps).steps
    assert len(kept) == 6
    last = kept[-1]
    # What was waited for, not what the answers took.
    assert [step.at for step in kept] == [0, 0, 0, 0, 0, 5.1]
    assert last.elapsed == 0
    assert [name for name, _ in last.response.headers] == ["Allow", "cache-control"]
    assert last.response.body == "x" * 600 + "…"
    assert last.request.body == samples.FORM


def test_what_was_measured_is_published_in_whole_numbers():
    kept = published(got="9.97 s where 10 s are owed, 19.97 s", measured={"waited": 9.968, "owed": 10.0}, steps=[])
    assert (kept.got, kept.measured) == ("10 s where 10 s are owed, 20 s", {"waited": 10.0, "owed": 10.0})
    kept = published(got="polled 12.3 s after the codes, version 12.3.1", measured={"polled": 12.34}, steps=[])
    assert kept.got == "polled 12 s after the codes, version 12.3.1"


def test_a_pass_is_published_without_evidence():
    one = samples.shown("rfc8628-3.5-access-denied", "pass")
    kept = publish(Report(header=samples.header(), results=(one,))).results[0]
    assert (kept.steps, kept.curl, kept.got, kept.reproduce, kept.judged) == ([], "", "", "", 1)


def test_where_a_report_went_is_not_published():
    command = "device-grant run idp --report /tmp/x -n 2 --report=/tmp/y --only 'rfc8628-*'"
    header = publish(Report(header=samples.header(command=command))).header
    assert header.command == "device-grant run idp --only 'rfc8628-*'"
    assert header.started == "2026-03-01"
    assert header.published


def test_only_checks_that_broke_remain_and_of_their_traceback_the_error():
    [case] = publish(samples.report()).cases
    assert (case.outcome, case.message) == ("suite-error", "KeyError: 'no such member'")


def test_withheld_results_are_not_published():
    for report in (publish(samples.report(), withhold=True), publish(withhold_security(samples.report()))):
        assert b"planted" not in octets(report)
        assert report.footer.withheld == 1


def test_a_published_page_says_so_and_stays_small():
    results = [
        samples.result(entry.id, "pass", source=entry.source, section=entry.section, statement=entry.statement)
        for entry in load().requirements
    ]
    page = html.render(publish(Report(header=samples.header(), results=tuple(results), footer=samples.clean().footer)))
    assert "This is a published report" in page
    assert "Checks and their transcripts" not in page
    assert "examined" not in page
    assert len(page) < 1200 * len(results) + 60_000
