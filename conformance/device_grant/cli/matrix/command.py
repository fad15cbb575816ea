"""`device-grant matrix`: published reports and the matrix over them, from reports that exist or from nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from device_grant.cli.beside import processors
from device_grant.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from device_grant.cli.matrix.fleet import Job, JobOutcome
    from device_grant.cli.matrix.members import MatrixMember
    from device_grant.results import Report

CLIENT = "client:"
"""Before the name of a client that comes with the suite, since a server may have the same."""
GROUPS = ("embedded", "servers", "clients")
"""What is run where nothing is named; the last two stand for all that come with the suite."""


@click.command()
@click.argument("given", metavar="[REPORT_DIRS|NAMES]...", nargs=-1)
@click.option("--run", "running", is_flag=True, help="Run the named targets first; none: all that come with the suite.")
@click.option("--learn", "learning", is_flag=True, help="Learn the machines of the named servers and publish them.")
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
@click.option(
    "-j", "--jobs", type=click.IntRange(min=1), default=processors, show_default="processors", help="Runs side by side."
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=900,
    show_default=True,
    help="Seconds that a run may take; three times as many where it builds something first.",
)
@click.option("--light", is_flag=True, help="Of servers and clients only those that need no build.")
@click.option("--without", multiple=True, metavar="NAME", help="Leave this one out; as often as wanted.")
@click.option("--resume", is_flag=True, help="Keep what has ended in --work, where suite and software are the same.")
def matrix(  # noqa: PLR0913 - each parameter is an option of the command
    given: tuple[str, ...],
    *,
    running: bool,
    learning: bool,
    out: Path,
    work: Path,
    jobs: int,
    limit: int,
    light: bool,
    without: tuple[str, ...],
    resume: bool,
) -> int:
    """Publish reports into --out, one folder a target, and write the matrix of all that is published there.

    Without --run, REPORT_DIRS are what --report made. With it, NAMES are embedded, servers that come with the suite,
    client:NAME, or the words servers and clients; their reports go to --work, and the exit code is the worst of
    theirs. What of servers and clients cannot run here, for want of a program, is skipped with a line that says so.

    --learn learns the state machine of each named server (none: all, and embedded) to --out/NAME/machine.json, by the
    inputs that tell nothing about security, and shows it on the pages.
    """
    from device_grant.catalogue import load
    from device_grant.report.publication import write
    from device_grant.results.locating import named_runs

    outcomes: list[JobOutcome] = []
    places, code = [Path(place) for place in given], ExitCode.CONFORMANT
    if running and learning:
        raise UsageError("--run and --learn are two things: give one after the other")
    if running:
        outcomes = _run(chosen(given, light=light, without=without), work, jobs, limit, resume=resume)
        places = [work / one.job.name for one in outcomes if _has_results(work / one.job.name)]
    elif learning:
        from device_grant.cli.matrix.machines import learn_and_keep
        from device_grant.cli.matrix.machines import learning as learned

        named = chosen(given or GROUPS[:2], light=light, without=without)
        code = learn_and_keep(learned(named), work, out, jobs, limit)
        places = []
    elif not given:
        raise UsageError("name the folders that `device-grant run --report` made, or give --run to make them")
    made = write(named_runs(places), out, load(), withholder())
    for one in made:
        tested = sum(row.tested for row in one.rows)
        click.echo(f"{out / _file(one.kind)}: {len(one.columns)} {one.kind}, {tested} requirements")
    return int(_worst(outcomes) if running else code)


def chosen(names: Sequence[str], *, light: bool = False, without: Sequence[str] = ()) -> list[Job]:
    """The runs that the names stand for but for those `without`, each once; raises UsageError for an unknown name.

    What the words servers and clients stand for is skipped, with a line, where this machine lacks what it needs; and
    `light` leaves out of it what has to be built.
    """
    from device_grant.cli.matrix.members import members
    from device_grant.targets.spec import EMBEDDED

    servers, clients = members("servers"), members("clients")
    known = servers | {CLIENT + name: member for name, member in clients.items()}
    for name in without:
        if name not in known and name != EMBEDDED:
            raise UsageError(f"--without {name}: no such target; choose from {', '.join(known)}")
    wanted: list[str] = []
    for name in names or GROUPS:
        group = {"servers": servers, "clients": {CLIENT + one: member for one, member in clients.items()}}.get(name)
        if group is None:
            wanted.append(name)
            continue
        for one, member in group.items():
            if one in without or (light and member.builds):
                continue
            missing = member.missing(one)
            if missing:
                click.echo(f"skipped: {missing}")
            else:
                wanted.append(one)
    return [_job(name, known) for name in dict.fromkeys(wanted) if name not in without]


def _job(name: str, known: Mapping[str, MatrixMember]) -> Job:
    from device_grant.cli.matrix.fleet import Job
    from device_grant.targets import read_target
    from device_grant.targets.spec import EMBEDDED, parse_target

    if name == EMBEDDED:
        return Job(name, ("run", name))
    if name not in known:
        raise UsageError(f"--run {name}: no such target; choose from {', '.join([*GROUPS, *known])}")
    member = known[name]
    if name.startswith(CLIENT):
        return Job(f"client-{member.name}", ("client", member.name), folder=member.folder, builds=member.builds)
    waits = read_target(parse_target(name).path).config.clock.kind == "real"
    return Job(name, ("run", name), waits=waits, folder=member.folder, builds=member.builds)


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
            if baseline.is_file() and "security" in _table(baseline).get("withheld", []):
                own = _table(folder / file_name)
                third_parties |= {folder.name, str(own.get("name"))}

    def withholds(report: Report) -> bool:
        footer = report.footer
        return bool(footer and footer.withheld) or bool({report.header.target, report.header.spec} & third_parties)

    return withholds


def _table(file: Path) -> dict[str, Any]:
    from device_grant.files import CONFIGURATION, toml_of

    return toml_of(file, CONFIGURATION, dates=("expires",))


def _run(jobs: Sequence[Job], work: Path, workers: int, limit: int, *, resume: bool) -> list[JobOutcome]:
    from device_grant.cli.matrix.fleet import Fleet, JobOutcome
    from device_grant.cli.matrix.members import Remembered
    from device_grant.results.reader import FILE_NAME

    remembered = Remembered(work)
    outcomes: list[JobOutcome] = []
    width, digits = max((len(job.name) for job in jobs), default=0), len(str(len(jobs)))

    from device_grant.report.text import one_line

    def done(outcome: JobOutcome) -> None:
        outcomes.append(outcome)
        counts = _counts(work / outcome.job.name)
        place = f"{len(outcomes):{digits}}/{len(jobs)}"
        words = f"{outcome.job.name:{width}}  {outcome.words:20}  {outcome.seconds:4.0f} s  {place}"
        click.echo(f"{words}  {'kept' if outcome.kept else counts}".rstrip())
        if outcome.kept:
            return
        remembered.note(outcome)
        if not outcome.ok:
            for line in outcome.end_of_log.splitlines():
                click.echo(f"    {one_line(line, 300)}")

    left = []
    for job in jobs:
        before = remembered.of(job) if resume and _has_results(work / job.name) else None
        if before is not None:
            done(JobOutcome(job, before.exit_code, before.seconds, work / f"{job.name}.log", kept=True))
            continue
        left.append(job)
        remembered.forget(job)
        # What an earlier run left must not pass for the result of this one.
        for old in (*(work / job.name).glob(FILE_NAME), *(work / job.name).glob(f"*/{FILE_NAME}")):
            old.unlink()
    Fleet(work, workers=workers, limit=limit, done=done).run(left)
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
