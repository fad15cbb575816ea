"""`device-grant matrix`: published reports and the matrix over them, from reports that exist or from nothing."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from device_grant.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from device_grant.cli.fleet import Job, JobOutcome
    from device_grant.results import Report

CLIENT = "client:"
"""Before the name of a client that comes with the suite, since a server may have the same."""
GROUPS = ("embedded", "servers", "clients")
"""What is run where nothing is named; the last two stand for all that come with the suite."""


@click.command()
@click.argument("given", metavar="[REPORT_DIRS|NAMES]...", nargs=-1)
@click.option("--run", "running", is_flag=True, help="Run the named targets first; none: all that come with the suite.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default="reports",
    show_default=True,
    help="Folder for what is published.",
)
@click.option(
    "--work",
    type=click.Path(file_okay=False, path_type=Path),
    default="build/reports",
    show_default=True,
    help="Folder for whole reports and logs of --run.",
)
@click.option("-j", "--jobs", type=click.IntRange(min=1), default=2, show_default=True, help="Runs side by side.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=900, show_default=True, help="Seconds that a run may take."
)
def matrix(given: tuple[str, ...], running: bool, out: Path, work: Path, jobs: int, limit: int) -> int:  # noqa: FBT001, PLR0913, PLR0917 - each parameter is an option of the command
    """Publish reports into --out, one folder a target, and write the matrix of all that is published there.

    Without --run, REPORT_DIRS are what --report made. With it, NAMES are embedded, servers that come with the suite,
    client:NAME, or the words servers and clients; their reports go to --work, and the exit code is the worst of
    theirs.
    """
    from device_grant.catalogue import load
    from device_grant.report.publication import write
    from device_grant.results.locating import named_runs

    outcomes: list[JobOutcome] = []
    places = [Path(place) for place in given]
    if running:
        outcomes = _run(chosen(given), work, jobs, limit)
        places = [work / one.job.name for one in outcomes if _has_results(work / one.job.name)]
    elif not given:
        raise UsageError("name the folders that `device-grant run --report` made, or give --run to make them")
    made = write(named_runs(places), out, load(), withholder())
    for one in made:
        tested = sum(row.tested for row in one.rows)
        click.echo(f"{out / _file(one.kind)}: {len(one.columns)} {one.kind}, {tested} requirements")
    return int(_worst(outcomes))


def chosen(names: Sequence[str]) -> list[Job]:
    """The runs that the names stand for, each once; raises UsageError for an unknown name."""
    from device_grant.cli.fleet import Job
    from device_grant.targets import known_servers, read_target
    from device_grant.targets.spec import EMBEDDED, parse_target

    servers, clients = known_servers(), known_clients()
    wanted: list[str] = []
    for name in names or GROUPS:
        if name == "servers":
            wanted += servers
        elif name == "clients":
            for one, folder in clients.items():
                missing = _missing_program(folder)
                if missing:
                    click.echo(f"{CLIENT}{one}: skipped, {missing} is not on PATH")
                else:
                    wanted.append(CLIENT + one)
        else:
            wanted.append(name)
    collected: list[Job] = []
    for name in dict.fromkeys(wanted):
        client = name.removeprefix(CLIENT)
        if name != client and client in clients:
            collected.append(Job(f"client-{client}", ("client", client)))
        elif name == EMBEDDED:
            collected.append(Job(name, ("run", name)))
        elif name in servers:
            collected.append(
                Job(name, ("run", name), waits=read_target(parse_target(name).path).config.clock.kind == "real")
            )
        else:
            known = ", ".join([*GROUPS, *servers, *(CLIENT + one for one in clients)])
            raise UsageError(f"--run {name}: no such target; choose from {known}")
    return collected


def known_clients() -> dict[str, Path]:
    """Folders of the real clients that come with the suite, by name, in alphabetical order."""
    from device_grant.implementations import described

    return described("clients")


def _missing_program(folder: Path) -> str:
    """The program that a client cannot be started without and this machine has not; empty if it is there."""
    command = tomllib.loads((folder / "client.toml").read_text("utf-8"))["run"]["command"]
    program = str(command[0])
    return "" if "{" in program or "/" in program or shutil.which(program) else program


def withholder() -> Callable[[Report], bool]:
    """Tell of a report whether its results on security requirements must not be published.

    So it is where the run itself withheld some, and for all software that comes with a baseline that withholds them,
    with whichever baseline it was run.
    """
    from device_grant.implementations import FILES, described

    third_parties: set[str] = set()
    for kind, file_name in FILES.items():
        for folder in described(kind).values():
            baseline = folder / "baseline.toml"
            if baseline.is_file() and "security" in tomllib.loads(baseline.read_text("utf-8")).get("withheld", []):
                own = tomllib.loads((folder / file_name).read_text("utf-8"))
                third_parties |= {folder.name, str(own.get("name"))}

    def withholds(report: Report) -> bool:
        footer = report.footer
        return bool(footer and footer.withheld) or bool({report.header.target, report.header.spec} & third_parties)

    return withholds


def _run(jobs: Sequence[Job], work: Path, workers: int, limit: int) -> list[JobOutcome]:
    from device_grant.cli.fleet import Fleet
    from device_grant.results.reader import FILE_NAME

    for job in jobs:
        # What an earlier run left must not pass for the result of this one.
        for old in (*(work / job.name).glob(FILE_NAME), *(work / job.name).glob(f"*/{FILE_NAME}")):
            old.unlink()
    width = max((len(job.name) for job in jobs), default=0)

    def done(outcome: JobOutcome) -> None:
        counts = _counts(work / outcome.job.name)
        click.echo(f"{outcome.job.name:{width}}  {outcome.words:20}  {outcome.seconds:4.0f} s  {counts}".rstrip())
        if not outcome.ok:
            for line in outcome.end_of_log.splitlines():
                click.echo(f"    {line}")

    outcomes = Fleet(work, workers=workers, limit=limit, done=done).run(jobs)
    # Their output stands far above by now.
    unexpected = [f"{one.job.name} ({one.words}; {one.log})" for one in outcomes if not one.ok]
    click.echo(f"{len(outcomes) - len(unexpected)} of {len(outcomes)} as expected")
    for one in unexpected:
        click.echo(f"not as expected: {one}")
    return outcomes


def _has_results(folder: Path) -> bool:
    from device_grant.results.reader import FILE_NAME

    return any(folder.glob(FILE_NAME)) or any(folder.glob(f"*/{FILE_NAME}"))


def _counts(folder: Path) -> str:
    """`310 pass, 29 not-applicable`, over all dialects of the run."""
    from collections import Counter

    from device_grant.report.view import WORST_FIRST
    from device_grant.results.locating import runs

    if not _has_results(folder):
        return ""
    merged = [one for report in runs(folder).values() for one in report.by_requirement().values()]
    counts = Counter(one.verdict for one in merged)
    return ", ".join(f"{counts[verdict]} {verdict.label}" for verdict in WORST_FIRST if counts[verdict])


def _worst(outcomes: Iterable[JobOutcome]) -> ExitCode:
    from device_grant.cli.run import worse

    worst = ExitCode.CONFORMANT
    for outcome in outcomes:
        try:
            code = ExitCode.SUITE_ERROR if outcome.exit_code is None else ExitCode(outcome.exit_code)
        except ValueError:
            code = ExitCode.SUITE_ERROR
        worst = worse(worst, code)
    return worst


def _file(kind: str) -> str:
    from device_grant.report.matrix import FILES

    return FILES[kind]
