"""`device-grant replay`: judge recorded runs again, with the network blocked."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from device_grant.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from device_grant.engine.session import CheckSession


LEAN = tuple(word for name in ("logging", "unraisableexception", "threadexception") for word in ("-p", f"no:{name}"))
"""Plugins of pytest that watch each phase of each test for what a replay does not do; they take a tenth of its time."""


@click.command()
@click.argument("folders", nargs=-1, required=True, metavar="DIR…", type=click.Path(path_type=Path))
@click.option("--only", metavar="ID-OR-GLOB", multiple=True, help="Judge only these requirements; may be repeated.")
@click.option("--report", type=click.Path(file_okay=False, path_type=Path), help="Folder for results and report.")
@click.option("--expect", type=click.Path(dir_okay=False, path_type=Path), help="Baseline of known deviations.")
@click.option("--brief", is_flag=True, help="One line a cassette, and verdicts that changed since it was recorded.")
@click.option("-j", "--jobs", type=click.IntRange(min=1), default=1, help="With --brief: folders at the same time.")
def replay(folders: tuple[Path, ...], report: Path | None, *, brief: bool, jobs: int, **options: Any) -> int:
    """Judge the recordings in the folders DIR, as if their servers and clients were there; a DIR may hold several.

    No connection is made: the network is blocked. A cassette that does not fit the checks any more ends with exit code
    2 and the interaction that is missing or left over; with --brief a verdict that changed ends with 1.
    """
    from device_grant.cli import complain
    from device_grant.cli.run import worse
    from device_grant.report.terminal.console import Screen

    folders = tuple(dict.fromkeys(one for folder in folders for one in _recordings(folder)))
    if jobs > 1 and len(folders) > 1:
        if not brief:
            raise UsageError("--jobs needs --brief: whole reports of several cassettes cannot share a screen")
        return _side_by_side(folders, jobs, report, options)
    console = Screen()
    worst = ExitCode.CONFORMANT
    for folder in folders:
        chosen = report / _name(folder) if report and len(folders) > 1 else report
        try:
            code = _replay_one(console, folder, chosen, options, brief=brief)
        except UsageError as error:
            if len(folders) == 1:
                raise
            # The others can be judged all the same.
            worst = worse(worst, ExitCode(complain(str(error), error.exit_code)))
            continue
        if code > ExitCode.NOTHING_RAN:
            return code
        worst = worse(worst, ExitCode(code))
    return int(worst)


def _recordings(folder: Path) -> list[Path]:
    """The folder, or where it is no recording itself all recordings in it, by name."""
    from device_grant.recordings.formats.cassette import MANIFEST
    from device_grant.recordings.formats.sessions import SESSIONS

    if any((folder / name).is_file() for name in (MANIFEST, SESSIONS)):
        return [folder]
    inside = {file.parent for name in (MANIFEST, SESSIONS) for file in folder.rglob(name)}
    return sorted(inside) or [folder]


def _name(folder: Path) -> str:
    """What a folder is called among the reports; a server and a client may have the same name."""
    from device_grant.recordings.formats.sessions import SESSIONS

    return f"client-{folder.name}" if (folder / SESSIONS).is_file() else folder.name


def _side_by_side(folders: tuple[Path, ...], jobs: int, report: Path | None, options: dict[str, Any]) -> int:
    """Share the folders out to processes, the largest first; what each says is printed as a whole."""
    from concurrent.futures import ThreadPoolExecutor

    from device_grant.cli.run import worse

    shares: list[tuple[int, list[Path]]] = [(0, []) for _ in range(min(jobs, len(folders)))]
    sizes = {
        folder: sum(file.stat().st_size for kind in ("*.yaml", "*.jsonl") for file in folder.glob(kind))
        for folder in folders
    }
    for folder in sorted(folders, key=lambda one: -sizes[one]):
        # Beside its octets each costs a start of the suite.
        least = min(range(len(shares)), key=lambda at: shares[at][0])
        shares[least] = (shares[least][0] + sizes[folder] + 300_000, [*shares[least][1], folder])
    given = [word for only in options["only"] for word in ("--only", only)]
    given += ["--expect", str(options["expect"])] if options["expect"] else []

    def one(share: tuple[int, list[Path]]) -> subprocess.CompletedProcess[str]:
        # Of several folders each has one of its own in the report; a single one must be given it.
        names = [str(folder) for folder in share[1]]
        parent = ["--report", str(report / _name(share[1][0]) if len(names) == 1 else report)] if report else []
        command = [sys.executable, "-P", "-m", "device_grant", "replay", "--brief", *given, *parent, *names]
        return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command

    worst = ExitCode.CONFORMANT
    with ThreadPoolExecutor(len(shares)) as pool:
        for done in pool.map(one, shares):
            click.echo(done.stdout, nl=False)
            click.echo(done.stderr, nl=False, err=True)
            known = done.returncode in list(ExitCode)
            worst = worse(worst, ExitCode(done.returncode) if known else ExitCode.SUITE_ERROR)
    return int(worst)


def _replay_one(screen: Console, folder: Path, report: Path | None, options: dict[str, Any], *, brief: bool) -> int:
    from rich.console import Console

    from device_grant.cli.recordings.record import verdicts
    from device_grant.cli.run import conclude, execute
    from device_grant.report.text import one_line

    session = session_of(folder, options, report)
    status = execute(session, Console(quiet=True) if brief else screen, pytest_arguments=LEAN)
    problems = session.problems
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        if not brief:
            conclude(session, screen, status)
        raise UsageError(problems[0] + more)
    if not brief or session.collector is None:
        return conclude(session, screen, status)
    changed = _changed(folder, verdicts(session.collector), partial=bool(options["only"]))
    screen.print(f"{folder}: {len(session.collector.cases)} checks, {len(changed)} verdicts changed", soft_wrap=True)
    for line in changed:
        screen.print("  " + one_line(line), soft_wrap=True, markup=False)
    return int(ExitCode.FAILED if changed else ExitCode.CONFORMANT)


def session_of(folder: Path, options: dict[str, Any], report: Path | None = None) -> CheckSession:
    """A session, not yet started, for the recorded run of a server, or the recorded sessions of a client, in DIR."""
    from device_grant.engine.options import Options
    from device_grant.engine.session import new_session
    from device_grant.recordings.formats.sessions import SESSIONS

    return new_session(
        Options.chosen(
            target=f"cassette:{folder}",
            party="client" if (folder / SESSIONS).is_file() else "server",
            only=options["only"],
            profile="fast",
            seed=None,
            report=report,
            expect=options["expect"],
            faults=(),
            command=shlex.join(["device-grant", *sys.argv[1:]]),
        )
    )


def _changed(folder: Path, judged: dict[str, dict[str, str]], *, partial: bool) -> list[str]:
    from device_grant.catalogue import load
    from device_grant.files import STATE, formed, json_of, read_octets
    from device_grant.recordings.formats.cassette import VERDICTS
    from device_grant.recordings.record.finishing import differences

    file, again = folder / VERDICTS, "record it again"
    recorded = formed(
        json_of(read_octets(file, STATE, again), file, STATE, again), dict[str, dict[str, str]], file, cure=again
    )
    hidden = {entry.id for entry in load().requirements if entry.security}
    known = {requirement for own in recorded.values() for requirement in own}
    judged = {check: {k: v for k, v in own.items() if k in known or k not in hidden} for check, own in judged.items()}
    if partial:
        recorded = {
            check: {k: v for k, v in own.items() if k in judged.get(check, {})} for check, own in recorded.items()
        }
    return differences(recorded, judged)
