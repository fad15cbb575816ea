"""`device-grant replay`: judge recorded runs again, with the network blocked."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conformance.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from rich.console import Console


@click.command()
@click.argument("folders", nargs=-1, required=True, metavar="DIR…", type=click.Path(path_type=Path))
@click.option("--only", metavar="ID-OR-GLOB", multiple=True, help="Judge only these requirements; may be repeated.")
@click.option("--report", type=click.Path(file_okay=False, path_type=Path), help="Folder for results and report.")
@click.option("--expect", type=click.Path(dir_okay=False, path_type=Path), help="Baseline of known deviations.")
@click.option("--brief", is_flag=True, help="One line a cassette, and verdicts that changed since it was recorded.")
def replay(folders: tuple[Path, ...], report: Path | None, *, brief: bool, **options: Any) -> int:
    """Judge the cassettes in the folders DIR, as if their servers were there.

    No connection is made: the network is blocked. A cassette that does not fit the checks any more ends with exit code
    2 and the interaction that is missing or left over; with --brief a verdict that changed ends with 1.
    """
    from rich.console import Console

    from conformance.cli.run import worse

    console = Console(highlight=False, soft_wrap=False)
    worst = ExitCode.CONFORMANT
    for folder in folders:
        chosen = report / folder.name if report and len(folders) > 1 else report
        code = _replay_one(console, folder, chosen, options, brief=brief)
        if code > ExitCode.NOTHING_RAN:
            return code
        worst = worse(worst, ExitCode(code))
    return int(worst)


def _replay_one(screen: Console, folder: Path, report: Path | None, options: dict[str, Any], *, brief: bool) -> int:
    from rich.console import Console

    from conformance.cli.record import verdicts
    from conformance.cli.run import conclude, execute
    from conformance.plugin.options import Options
    from conformance.plugin.suite import Suite

    suite = Suite(
        Options.chosen(
            target=f"cassette:{folder}",
            only=options["only"],
            profile="fast",
            seed=None,
            report=report,
            expect=options["expect"],
            faults=(),
            command=shlex.join(["device-grant", *sys.argv[1:]]),
        )
    )
    status = execute(suite, Console(quiet=True) if brief else screen)
    problems = suite.problems
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        if not brief:
            conclude(suite, screen, status)
        raise UsageError(problems[0] + more)
    if not brief or suite.collector is None:
        return conclude(suite, screen, status)
    changed = _changed(folder, verdicts(suite.collector), partial=bool(options["only"]))
    screen.print(f"{folder}: {len(suite.collector.cases)} checks, {len(changed)} verdicts changed", soft_wrap=True)
    for line in changed:
        screen.print(f"  {line}", soft_wrap=True)
    return int(ExitCode.FAILED if changed else ExitCode.CONFORMANT)


def _changed(folder: Path, judged: dict[str, dict[str, str]], *, partial: bool) -> list[str]:
    from conformance.cassettes.finishing import differences
    from conformance.cassettes.format import VERDICTS
    from conformance.requirements import load

    try:
        recorded = json.loads((folder / VERDICTS).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{folder / VERDICTS}: cannot be read ({error}): record it again") from None
    hidden = {entry.id for entry in load().requirements if entry.security}
    known = {requirement for own in recorded.values() for requirement in own}
    judged = {check: {k: v for k, v in own.items() if k in known or k not in hidden} for check, own in judged.items()}
    if partial:
        recorded = {
            check: {k: v for k, v in own.items() if k in judged.get(check, {})} for check, own in recorded.items()
        }
    return differences(recorded, judged)
