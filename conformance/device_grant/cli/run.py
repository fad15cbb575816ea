"""`device-grant run`: pytest with our plugin and a report for people."""

from __future__ import annotations

import contextlib
import io
import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from device_grant.cli.options.behind import WithBehind, behind
from device_grant.cli.options.polite import agreed, polite_options, print_plan
from device_grant.cli.options.targets import target_here, target_options
from device_grant.errors import ExitCode, SuiteError, UsageError
from device_grant.targets.supplied import Supplied

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from device_grant.engine.options import Options
    from device_grant.engine.session import CheckSession
    from device_grant.report.terminal.progress import Progress
    from device_grant.results.lines import Payload

MEANING = {
    ExitCode.CONFORMANT: "conformant, or as the baseline expects",
    ExitCode.FAILED: "a failure that no baseline expects, or an entry that is stale or expired",
    ExitCode.USAGE: "the target, its user or the command is described wrongly",
    ExitCode.SUITE_ERROR: "the suite itself broke",
    ExitCode.UNREACHABLE: "the target could not be reached",
    ExitCode.NOTHING_RAN: "nothing of the grant could be tested",
}
"""Exit codes in words, for the last line of a run."""
WRITE_BASELINE = "Add the failures to this baseline, for a person to read and to give reasons."
"""Help of an option that `run` and `client` have, as are those below."""
QUIET = "Print the end of the report alone."
VERBOSE = "Print each warning in full, and every id."
JSON = "Print a summary as JSON, and nothing else."
FIRST = "Stop after the first check that fails."
LAST_FAILED = "Run only the checks that failed in the last run of this target; all if none did."


@click.command(cls=WithBehind)
@target_options
@polite_options
@click.option("--only", metavar="ID-OR-GLOB", multiple=True, help="Judge only these requirements; may be repeated.")
@click.option("--profile", default="fast", show_default=True, help="How much is generated: fast, standard or deep.")
@click.option("--seed", type=click.IntRange(min=0), help="Seed of generated examples, as an earlier run printed it.")
@click.option("--check", metavar="NAME-OR-GLOB", multiple=True, help="Run only these checks; may be repeated.")
@click.option("--report", type=click.Path(file_okay=False, path_type=Path), help="Folder for results and report.")
@click.option("--expect", type=click.Path(dir_okay=False, path_type=Path), help="Baseline of known deviations.")
@click.option("--write-baseline", type=click.Path(dir_okay=False, path_type=Path), help=WRITE_BASELINE)
@click.option("-q", "--quiet", is_flag=True, help=QUIET)
@click.option("-v", "--verbose", is_flag=True, help=VERBOSE)
@click.option("--json", "as_json", is_flag=True, help=JSON)
@click.option("-x", "--exitfirst", is_flag=True, help=FIRST)
@click.option("--last-failed", "--lf", is_flag=True, help=LAST_FAILED)
@click.option("-n", "workers", type=click.IntRange(min=0), default=0, help="Number of processes.")
@click.option("--shard", metavar="I/N", help="Run only part I of N of the checks; `device-grant merge` joins reports.")
@click.option(
    "--database",
    metavar="DIR|redis://…",
    envvar="DEVICE_GRANT_DATABASE",
    show_envvar=True,
    help="Keep generated examples that fail there, and try those of earlier runs and other machines first.",
)
def run(target: str | None, report: Path | None, **options: Any) -> int:
    """Run the checks against TARGET and say what conforms.

    TARGET is embedded (the reference server, both dialects), a URL, asgi:module:app, wsgi:module:app, a target.toml,
    or the name of a server that comes with the suite; without it the target.toml of the working directory. Arguments
    after -- go to pytest, for example -- -k replay.
    """
    from device_grant.report.terminal.console import Screen

    console = Screen()
    options["supplied"] = Supplied.taken_from(options)
    specs = specs_of(target_here(target), options["dialect"])
    arguments = behind()
    chosen = [_chosen(spec, report / folder if report and folder else report, options) for spec, folder in specs]
    # Asked before the first of them sends anything, and by this process.
    chosen = [agreed(one, options) for one in chosen]
    if options["plan"]:
        for one in chosen:
            print_plan(one, console, as_json=options["as_json"])
        return int(ExitCode.CONFORMANT)

    def job(one: Options) -> Callable[[Console], int]:
        return lambda screen: _run_one(screen, one, arguments, options)

    jobs = [job(one) for one in chosen]
    return all_of(jobs, console, beside=not arguments and _by_itself(options), as_json=options["as_json"])


def _by_itself(options: dict[str, Any]) -> bool:
    """Whether a run asks no person, takes one process, and writes nothing that the run beside it writes too."""
    takes_one = not (options["workers"] or options["user"] or options["supplied"].words())
    return takes_one and not (options["write_baseline"] or options["database"])


def all_of(
    jobs: list[Callable[[Console], int]], console: Console, *, beside: bool = False, as_json: bool = False
) -> int:
    """Do each job, an exit code being what it returns; where they may go on `beside` each other, in two processes.

    The first error of ours or of the set-up ends them. What is said comes in the order of the jobs.
    """
    from device_grant.cli.beside import Beside, processors

    others = [Beside(job, console) for job in jobs[1:]] if beside and len(jobs) > 1 and processors() > 1 else []
    worst = ExitCode.CONFORMANT
    try:
        for number, job in enumerate(jobs):
            if number and not as_json:
                console.print()
            code = others.pop(0).result() if number and others else job(console)
            if code > ExitCode.NOTHING_RAN:
                return code
            worst = worse(worst, ExitCode(code))
    finally:
        for other in others:
            other.stop()
    return int(worst)


def specs_of(target: str, dialect: str | None) -> list[tuple[str, str]]:
    """Each run's target and its folder below --report; embedded without a dialect is both."""
    from device_grant.targets.spec import EMBEDDED, SpecForm, parse_target

    spec = parse_target(target)
    if spec.form is not SpecForm.EMBEDDED or spec.dialect:
        return [(target, "")]
    if dialect:
        return [(f"{EMBEDDED}:{dialect}", "")]
    from device_grant.reference.embedded import DIALECTS

    return [(f"{EMBEDDED}:{name}", name) for name in DIALECTS]


def _chosen(spec: str, report: Path | None, options: dict[str, Any]) -> Options:
    from device_grant.engine.options import Options
    from device_grant.targets.manners import BUDGET, RATE

    return Options.chosen(
        target=spec,
        dialect=options["dialect"],
        only=options["only"],
        checks=options["check"],
        profile=options["profile"],
        seed=options["seed"],
        report=report,
        expect=options["expect"],
        user=options["user"],
        polite=options["polite"],
        budget=options["budget"] or BUDGET,
        rate=options["rate"] or RATE,
        supplied=options["supplied"],
        faults=options["fault"],
        shard=options["shard"],
        database=options["database"],
        last_failed=options["last_failed"],
        command=shlex.join(["device-grant", *sys.argv[1:]]),
    )


def _run_one(console: Console, chosen: Options, arguments: tuple[str, ...], options: dict[str, Any]) -> int:
    from device_grant.engine.session import new_session

    return carried_out(new_session(chosen), console, options, workers=options["workers"], pytest_arguments=arguments)


def carried_out(
    session: CheckSession,
    console: Console,
    options: dict[str, Any],
    *,
    workers: int = 0,
    pytest_arguments: tuple[str, ...] = (),
) -> int:
    """Run a session and show what it found, as the options of `run` and `client` ask; returns the exit code."""
    session.remembers = True
    output = Output(
        quiet=options["quiet"] or options["as_json"], verbose=options["verbose"], as_json=options["as_json"]
    )
    first = ("-x",) if options["exitfirst"] else ()
    status = execute(session, console, workers=workers, pytest_arguments=(*first, *pytest_arguments), output=output)
    return conclude(session, console, status, options["write_baseline"], output)


@dataclass(frozen=True)
class Output:
    """How much of a run is printed."""

    quiet: bool = False
    """The end alone."""
    verbose: bool = False
    as_json: bool = False
    """A line of JSON, and nothing else."""


def execute(
    session: CheckSession,
    console: Console,
    *,
    workers: int = 0,
    pytest_arguments: tuple[str, ...] = (),
    output: Output = Output(),
) -> int:
    """Let pytest run the session, showing its progress unless quiet; returns its status. Raises DeviceGrantError."""
    import pytest

    from device_grant.cli import ending
    from device_grant.cli.crash import crashed
    from device_grant.cli.session import Named, Quiet
    from device_grant.engine.stack import with_room
    from device_grant.pytest_plugin.options import as_arguments
    from device_grant.targets.environments import cache_folder

    progress = _follow(session, console, verbose=output.verbose) if not output.quiet else []
    if "hypothesis" not in sys.modules:
        # Else each folder in which a run is started gets a .hypothesis, and computing what is in it takes a second.
        os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(cache_folder() / "hypothesis"))
    from device_grant.implementations import PACKAGE

    arguments = [
        str(PACKAGE / session.subject.party / "checks"),
        *("-c", str(PACKAGE / "pytest.ini")),
        f"--rootdir={PACKAGE}",
        *("-p", "device-grant"),
        *("-o", f"cache_dir={cache_folder() / 'pytest'}"),
        *(("-n", str(workers)) if workers else ()),
        *pytest_arguments,
    ]
    session.on_settled = ending.saving
    if session.options.report is not None:
        ending.keeping(session.options.report)
    session.start(parallel=bool(workers))
    # Only now it is known which checks failed in the last run.
    arguments += as_arguments(session.options)
    said, quiet = io.StringIO(), Quiet()
    try:
        # pytest writes what it has against its arguments there, usage and all.
        with contextlib.redirect_stderr(said):
            status = with_room(lambda: pytest.main(arguments, plugins=[quiet, Named(session)]))
    finally:
        session.stop()
        for line in progress:
            line.close()
    if quiet.broke is not None and session.error is None:
        # What was judged until then is shown, and what broke is said behind it.
        session.error = SuiteError(crashed(quiet.broke))
    if status == pytest.ExitCode.USAGE_ERROR and session.error is None:
        complaint = [line for line in said.getvalue().splitlines() if "error:" in line.lower()]
        raise UsageError(f"pytest refuses {shlex.join(pytest_arguments)}: {(complaint or ['no reason given'])[-1]}")
    return int(status)


def _follow(session: CheckSession, console: Console, *, verbose: bool) -> list[Progress]:
    """Have the session show how far it is; returns what is to be closed in the end, once it has begun."""
    from device_grant.catalogue import Verdict
    from device_grant.engine.last_run import remembered
    from device_grant.report.terminal.console import paragraph
    from device_grant.report.terminal.progress import Progress, Remaining
    from device_grant.report.text import one_line

    progress: list[Progress] = []

    def began(names: Sequence[str]) -> None:
        # Known within seconds: nobody should wait for the end to hear of it.
        for finding in (session.first.case.findings or ()) if session.first is not None else ():
            paragraph(console, f"Main path: {one_line(session.redacted(finding.title))}", "bold red")
        progress.append(Progress(console, len(names), Remaining(names, remembered(session.options).seconds)))

    def finished(payload: Payload) -> None:
        if not progress:
            return
        # What an invariant or a rule has found is said once, and is no verdict of the check.
        worst = max(payload.results, key=lambda one: Verdict.from_label(one.verdict), default=None)
        unseen = Verdict.UNTESTABLE if payload.case.left_out else Verdict.PASS
        verdict = Verdict.from_label(worst.verdict) if worst else unseen
        what = worst.message if verbose and worst and verdict is not Verdict.PASS else ""
        broke = payload.case.outcome == "suite-error"
        progress[0].check_finished(payload.case.check, None if broke else verdict, session.redacted(what))
        for result in payload.invariants:
            progress[0].rule_judged(result.check, Verdict.from_label(result.verdict))

    session.on_start, session.on_case = began, finished
    session.on_check = lambda name: progress[0].check_started(name) if progress else None
    session.on_repeat = lambda ended, number: progress[0].repeating(ended, number) if progress else None
    return progress


def conclude(
    session: CheckSession,
    console: Console,
    status: int,
    baseline: Path | None = None,
    output: Output = Output(),
) -> int:
    """Show what a session found, where it is to be quiet the end alone, and add its failures to a baseline.

    Returns the exit code. Raises the error that ended the session.
    """
    from rich.style import Style

    from device_grant.report import REPORT_FORMS
    from device_grant.report.terminal.console import paragraph
    from device_grant.report.terminal.verdicts import closing, render

    report = session.options.report
    if session.collector is None or session.collector.header is None:
        return _without_a_report(session, status)
    if not output.quiet:
        render(session.collector.report, console, verbose=output.verbose)
    if output.as_json:
        console.file.write(REPORT_FORMS["json"].render(session.published(session.collector.report)))
    else:
        closing(session.collector.report, console, alone=output.quiet)
        for remark in session.subject.remarks():
            console.print(f"\nNote: {remark}", soft_wrap=True, markup=False)
        if report is not None:
            page = report / "index.html"
            style = Style(dim=True, link=page.absolute().as_uri())
            console.print(f"Report: {page}", style=style, soft_wrap=True, markup=False)
    if session.error is not None:
        raise session.error
    if session.interrupted:
        return 130
    if baseline is not None:
        _propose(session, console, baseline, silent=output.as_json)
    code = int(session.collector.footer.exit_code) if session.collector.footer else int(ExitCode.SUITE_ERROR)
    if not output.as_json:
        paragraph(console, f"Exit code {code}: {MEANING[ExitCode(code)]}", "dim")
    return code


def _propose(session: CheckSession, console: Console, file: Path, *, silent: bool) -> None:
    from device_grant.report.text import plural
    from device_grant.results.proposing import unexpected, write_entries

    assert session.collector is not None  # noqa: S101 - asked by the caller
    withheld = session.baseline.withholds_security
    results = [one for one in session.collector.report.results if not (withheld and one.security)]
    pairs = unexpected(results)
    if pairs:
        write_entries(file, pairs)
    said = (
        f"{plural(len(pairs), 'entry', 'entries')} added: read each, and say why it is accepted"
        if pairs
        else "nothing to add"
    )
    if not silent:
        console.print(f"\nBaseline: {file} ({said})", soft_wrap=True, markup=False)


def _without_a_report(session: CheckSession, status: int) -> int:
    import pytest

    if session.error is not None:
        raise session.error
    if session.interrupted:
        raise click.Abort
    click.echo("device-grant: nothing ran: no check fits what was selected", err=True)
    return int(ExitCode.NOTHING_RAN if status == pytest.ExitCode.NO_TESTS_COLLECTED else status)


def worse(one: ExitCode, other: ExitCode) -> ExitCode:
    """Of two runs: an error of ours or of the set-up outweighs a finding, a finding outweighs success."""
    order = [
        ExitCode.CONFORMANT,
        ExitCode.NOTHING_RAN,
        ExitCode.FAILED,
        ExitCode.UNREACHABLE,
        ExitCode.USAGE,
        ExitCode.SUITE_ERROR,
    ]
    return max(one, other, key=order.index)
