"""`device-grant judge`: verdicts on traffic that somebody captured."""

from __future__ import annotations

import json
import platform
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from device_grant.cli.results.report import PRINTED, chosen_forms, report_options, write_forms
from device_grant.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from device_grant.catalogue import Catalogue
    from device_grant.cli.recordings.captures import JudgedFile
    from device_grant.recordings.formats.capture import Party
    from device_grant.recordings.judge import Capture, Findings
    from device_grant.recordings.judge.judging import CaptureJudge
    from device_grant.results import Baseline, Report
    from device_grant.results.model import Header


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…", type=click.Path(path_type=Path))
@click.option("--dialect", metavar="D", help="Dialect, where it is recognised wrongly, for example rfc8628 or entra.")
@click.option("--party", type=click.Choice(["server", "client"]), help="Whom to judge; both without it.")
@click.option("--only", metavar="ID-OR-GLOB", multiple=True, help="Judge only these requirements; may be repeated.")
@click.option("--report", type=click.Path(file_okay=False, path_type=Path), help="Folder for results and report.")
@click.option("--expect", type=click.Path(dir_okay=False, path_type=Path), help="Baseline of known deviations.")
@click.option("--timeline", is_flag=True, help="Draw each login: what went to and fro, and when.")
@report_options
def judge(files: tuple[Path, ...], report: Path | None, expect: Path | None, **options: Any) -> int:
    """Judge the device grant in captured traffic: what a server answered, how a client went about it.

    FILE is a HAR file of a browser or a proxy, a cassette (vcrpy, Betamax, VCR, go-vcr, device-grant record), a debug
    log of the AWS CLI, the output of curl -v, HTTP messages as text, or what nock, WireMock, Postman, the Azure SDK's
    test proxy, Charles, Fiddler or mitmproxy save; a folder of such files; or - for standard input. Other traffic in
    it is ignored. What a capture cannot show is not judged; without times, what depends on them is inconclusive.

    Exit codes: 0 nothing fails; 1 something does; 2 a file cannot be read; 5 there is no device grant in it.
    """
    from device_grant.catalogue import load
    from device_grant.cli.recordings.captures import collect, tell
    from device_grant.cli.run import worse
    from device_grant.report.terminal.console import Screen, paragraph

    as_json = options["json"] == PRINTED
    if as_json and options["timeline"]:
        raise UsageError("--json prints nothing besides, so that --timeline has no place: choose one")
    _known(options["dialect"])
    _spare(options["json"])
    console = Screen()
    console.quiet = as_json
    catalogue = load()
    if options["only"]:
        catalogue.select(options["only"])
    known = _baseline(expect, catalogue)
    collected = collect(files, options["dialect"] or "")
    paths = chosen_forms(options, sum(len(one.findings.dialects) for one in collected.files))
    worst = collected.worst
    for remark in collected.remarks:
        paragraph(console, remark, "yellow")
    for one in collected.files:
        findings = one.findings
        remarks = tell(findings, console)
        if as_json and not findings.dialects:
            click.echo(_nothing(findings))
        for name in findings.dialects:
            folder = report / one.place if report else None
            if folder is not None and len(findings.dialects) > 1:
                folder /= name
            subject = _judge(one, name, catalogue, known, options)
            if options["timeline"]:
                _draw(subject, console)
            finished, code = _finish(subject, one.path, known, folder, console)
            write_forms(finished, {form: path for form, path in paths.items() if path != PRINTED})
            if as_json:
                click.echo(_as_json(finished, findings, remarks))
            worst = worse(worst, code)
    return int(worst)


def _known(name: str | None) -> None:
    """Refuse a dialect that nobody has described, before any file is read."""
    from device_grant.protocol import any_dialect

    if name:
        any_dialect(name)


def _spare(path: Path | None) -> None:
    """Refuse to write over a capture: whoever types `judge --json login.har` has forgotten where FILE stands."""
    if path is not None and path.is_file():
        with path.open("rb") as file:
            beginning = file.read(9)
        if beginning and beginning != b'{"target"':
            raise UsageError(f"--json {path}: exists, and is none of its own: put --json behind the captures")


def _nothing(findings: Findings) -> str:
    capture = findings.capture
    said = {"target": Path(capture.file).name, "conformant": None, "exit_code": int(ExitCode.NOTHING_RAN)}
    return json.dumps({**said, "headline": "No verdict: no device grant in it", "capture": _counts(findings, [])})


def _as_json(finished: Report, findings: Findings, remarks: list[str]) -> str:
    from device_grant.report.forms import summary

    return json.dumps({**json.loads(summary.render(finished)), "capture": _counts(findings, remarks)})


def _counts(findings: Findings, remarks: list[str]) -> dict[str, Any]:
    capture = findings.capture
    counted = {"exchanges": len(findings.exchanges), "ignored": findings.ignored}
    return {"file": capture.file, "kind": capture.kind, **counted, "timing": capture.timing, "remarks": remarks}


def _draw(subject: CaptureJudge, console: Console) -> None:
    from device_grant.cli.recordings.timelines import timelines_of
    from device_grant.report.terminal import logins

    for one in timelines_of(subject):
        logins.render(one, console)


def _baseline(expect: Path | None, catalogue: Catalogue) -> Baseline:
    from device_grant.results.baseline import Baseline, load

    if expect is None:
        return Baseline()
    if not expect.is_file():
        raise UsageError(f"--expect {expect}: no such file")
    ids = {entry.id for entry in catalogue.requirements}
    security = {entry.id for entry in catalogue.requirements if entry.security}
    return load(expect, ids, security_ids=security)


def _judge(
    judged: JudgedFile, dialect: str, catalogue: Catalogue, known: Baseline, options: dict[str, Any]
) -> CaptureJudge:
    from device_grant.protocol import Secrets
    from device_grant.recordings.judge.judging import CaptureJudge
    from device_grant.recordings.judge.secrets import learn

    findings, secrets = judged.findings, Secrets()
    learn(findings.exchanges, secrets)
    today = datetime.now(UTC).date()
    only = {entry.id for entry in catalogue.select(options["only"])} if options["only"] else None
    forced = ("--dialect", options["dialect"]) if options["dialect"] else ()
    return CaptureJudge(
        findings,
        dialect,
        catalogue,
        lambda requirement, check, message: known.expects(requirement, check, message, today) is not None,
        secrets,
        _parties(findings.capture, options["party"]),
        only,
        (str(judged.path), *forced),
    )


def _parties(capture: Capture, party: Party | None) -> tuple[Party, ...]:
    # Whoever asks for the client by name gets it, be it a test suite.
    return (party,) if party else capture.parties


def _finish(
    subject: CaptureJudge, path: Path, known: Baseline, folder: Path | None, console: Console
) -> tuple[Report, ExitCode]:
    from device_grant.report import write_all
    from device_grant.report.terminal import verdicts
    from device_grant.results import ResultsWriter, scan, withhold_security
    from device_grant.results.collector import Collector
    from device_grant.results.reader import FILE_NAME

    writer = ResultsWriter(folder / FILE_NAME, subject.secrets) if folder else None
    collector = Collector(subject.secrets, known, writer)
    collector.begin(_header(subject, path))
    collector.exchanges = subject.exchanges
    for one in subject.judged():
        collector.add(one.case, [], one.results)
    finished = collector.finish()
    verdicts.render(finished, console)
    published = withhold_security(finished) if known.withholds_security else finished
    if folder is not None:
        write_all(published, folder)
        scan(folder, subject.secrets)
        console.print(f"\nReport: {folder / 'index.html'}", style="dim", soft_wrap=True)
    assert finished.footer is not None  # noqa: S101 - it was not interrupted
    return published, ExitCode(finished.footer.exit_code)


def _header(subject: CaptureJudge, path: Path) -> Header:
    from device_grant import __version__
    from device_grant.recordings.judge.naming import parties_of
    from device_grant.results.model import FORMAT, Header

    capture = subject.findings.capture
    timed = any(one.entry.started is not None for one in subject.findings.exchanges)
    clock = f"captured ({capture.timing})" if capture.timing else "captured" if timed else "captured (no times)"
    return Header(
        format=FORMAT,
        suite_version=__version__,
        catalogue_revision=subject.catalogue.revision,
        target=path.name,
        target_version="",
        target_homepage="",
        spec=str(path),
        dialect=subject.dialect_name,
        claims={},
        clock=clock,
        profile="fast",
        seed=None,
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        command=shlex.join(["device-grant", *sys.argv[1:]]),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        parties={party: subject.secrets.redact(name) for party, name in parties_of(subject.flows).items()},
    )
