"""`device-grant judge`: verdicts on traffic that somebody captured."""

from __future__ import annotations

import platform
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from device_grant.catalogue.model import DIALECTS
from device_grant.cli.report import chosen_forms, report_options, write_forms
from device_grant.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from device_grant.catalogue import Catalogue
    from device_grant.recordings.formats.capture import Party
    from device_grant.recordings.judge import Capture, Findings
    from device_grant.recordings.judge.judging import CaptureJudge
    from device_grant.results import Baseline, Report
    from device_grant.results.model import Header


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…", type=click.Path(path_type=Path))
@click.option("--dialect", type=click.Choice(DIALECTS), help="Dialect, where it is recognised wrongly.")
@click.option("--party", type=click.Choice(["server", "client"]), help="Whom to judge; both without it.")
@click.option("--only", metavar="ID-OR-GLOB", multiple=True, help="Judge only these requirements; may be repeated.")
@click.option("--report", type=click.Path(file_okay=False, path_type=Path), help="Folder for results and report.")
@click.option("--expect", type=click.Path(dir_okay=False, path_type=Path), help="Baseline of known deviations.")
@report_options
def judge(files: tuple[Path, ...], report: Path | None, expect: Path | None, **options: Any) -> int:
    """Judge the device grant in captured traffic: what a server answered, how a client went about it.

    FILE is a HAR file of a browser or a proxy, a cassette of vcrpy, Betamax or VCR, a cassette of device-grant record,
    or an exchange in the form of cassettes/aws-public-record. Other traffic in it is ignored. What a capture cannot
    show is not judged; without times, what depends on them is inconclusive.

    Exit codes: 0 nothing fails; 1 something does; 2 a file cannot be read; 5 there is no device grant in it.
    """
    from device_grant.catalogue import load
    from device_grant.cli.run import worse
    from device_grant.recordings.judge import find, read_capture
    from device_grant.report.console import Screen

    console = Screen()
    catalogue = load()
    if options["only"]:
        catalogue.select(options["only"])
    known = _baseline(expect, catalogue)
    collected = [find(read_capture(path), options["dialect"] or "") for path in files]
    judges = [(path, one, name) for path, one in zip(files, collected, strict=True) for name in one.dialects]
    paths = chosen_forms(options, len(judges))
    folders = _folders(files, collected) if report else {}
    worst = ExitCode.CONFORMANT
    for path, findings in zip(files, collected, strict=True):
        _tell(findings, console)
        if not findings.exchanges:
            worst = worse(worst, ExitCode.NOTHING_RAN)
        for name in findings.dialects:
            folder = report / folders[path] if report else None
            if folder is not None and len(findings.dialects) > 1:
                folder /= name
            subject = _judge(findings, name, catalogue, known, options)
            finished, code = _finish(subject, path, known, folder, console)
            write_forms(finished, paths)
            worst = worse(worst, code)
    return int(worst)


def _baseline(expect: Path | None, catalogue: Catalogue) -> Baseline:
    from device_grant.results.baseline import Baseline, load

    if expect is None:
        return Baseline()
    if not expect.is_file():
        raise UsageError(f"--expect {expect}: no such file")
    ids = {entry.id for entry in catalogue.requirements}
    security = {entry.id for entry in catalogue.requirements if entry.security}
    return load(expect, ids, security_ids=security)


def _folders(files: tuple[Path, ...], result: list[Findings]) -> dict[Path, str]:
    """The folder of each file below --report: none for a single one."""
    if len(result) == 1:
        return {files[0]: ""}
    names: dict[str, Path] = {}
    for path in files:
        name = path.resolve().stem
        if name in names:
            raise UsageError(f"{path}: its report would replace that of {names[name]}: rename one of the files")
        names[name] = path
    return {path: name for name, path in names.items()}


def _tell(findings: Findings, console: Console) -> None:
    from device_grant.report.console import paragraph
    from device_grant.report.text import plural

    capture = findings.capture
    there = plural(len(findings.exchanges), "exchange") if findings.exchanges else "nothing"
    rest = plural(findings.ignored, "other entry", "other entries")
    paragraph(console, f"{capture.file}: {capture.kind}, {there} of the device grant, {rest} ignored")
    halves = sum(one.entry.bodiless for one in findings.exchanges)
    if halves:
        which = plural(halves, "answer")
        paragraph(console, f"{which} without a body in the capture: the server is not judged by them", "yellow")
    dropped = sum(one.entry.unsent for one in findings.exchanges)
    if dropped and "client" in capture.parties:
        which = plural(dropped, "request")
        paragraph(
            console, f"{which} without a body in the capture: the client is judged by their times and answers", "yellow"
        )
    if findings.exchanges and len(capture.parties) == 1:
        paragraph(console, "The requests are those of a test suite: they say nothing of a client.", "dim")


def _judge(
    findings: Findings, dialect: str, catalogue: Catalogue, known: Baseline, options: dict[str, Any]
) -> CaptureJudge:
    from device_grant.protocol import Secrets
    from device_grant.recordings.judge.judging import CaptureJudge
    from device_grant.recordings.judge.secrets import learn

    secrets = Secrets()
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
        (findings.capture.file, *forced),
    )


def _parties(capture: Capture, party: Party | None) -> tuple[Party, ...]:
    # Whoever asks for the client by name gets it, be it a test suite.
    return (party,) if party else capture.parties


def _finish(
    subject: CaptureJudge, path: Path, known: Baseline, folder: Path | None, console: Console
) -> tuple[Report, ExitCode]:
    from device_grant.report import terminal, write_all
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
    terminal.render(finished, console)
    published = withhold_security(finished) if known.withholds_security else finished
    if folder is not None:
        write_all(published, folder)
        scan(folder, subject.secrets)
        console.print(f"\nReport: {folder / 'index.html'}", style="dim", soft_wrap=True)
    assert finished.footer is not None  # noqa: S101 - it was not interrupted
    return published, ExitCode(finished.footer.exit_code)


def _header(subject: CaptureJudge, path: Path) -> Header:
    from device_grant import __version__
    from device_grant.results.model import FORMAT, Header

    timed = any(one.entry.started is not None for one in subject.findings.exchanges)
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
        clock="captured" if timed else "captured (no times)",
        profile="fast",
        seed=None,
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        command=shlex.join(["device-grant", *sys.argv[1:]]),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
    )
