"""`device-grant diff`: what changed from one run to another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from device_grant.report.diff import Difference
    from device_grant.results import Report


@click.command()
@click.argument("before", metavar="A", type=click.Path(path_type=Path))
@click.argument("after", metavar="B", type=click.Path(path_type=Path))
@click.option("--json", "as_data", is_flag=True, help="Print the comparison as JSON.")
def diff(before: Path, after: Path, as_data: bool) -> int:  # noqa: FBT001 - click passes flags by name
    """Compare run A with the later run B: results.jsonl files, report folders, or folders of report folders.

    Exit codes: 0 nothing newly fails; 1 something does; 2 the two cannot be compared.
    """
    from rich.console import Console

    from device_grant.errors import ExitCode
    from device_grant.report import diff as comparison
    from device_grant.report.console import paragraph

    differences, missing = _compared(before, after)
    if as_data:
        click.echo(json.dumps(comparison.as_json(differences, missing), indent=2, ensure_ascii=False))
    else:
        console = Console(highlight=False)
        for one in differences:
            comparison.render(one, console)
        for name, side in missing.items():
            console.print()
            paragraph(console, f"{name}: only in {before if side == 'first' else after}, not compared", "yellow")
    return int(ExitCode.FAILED if any(one.regressed for one in differences) else ExitCode.CONFORMANT)


def _compared(before: Path, after: Path) -> tuple[list[Difference], dict[str, str]]:
    from device_grant.errors import UsageError
    from device_grant.report.diff import compare
    from device_grant.results.locating import runs

    old, new = runs(before), runs(after)
    if len(old) == len(new) == 1:
        [one], [other] = old.values(), new.values()
        return [compare(_name(after, next(iter(new)), other), one, other)], {}
    common = [name for name in old if name in new]
    if not common:
        raise UsageError(
            f"{before} and {after} have no run in common: {_listed(old)} there, {_listed(new)} here; "
            "name two files, or folders with the same folders in them"
        )
    missing = {name: "first" if name in old else "second" for name in sorted(old.keys() ^ new.keys())}
    return [compare(name, old[name], new[name]) for name in common], missing


def _name(place: Path, below: str, report: Report) -> str:
    return below or (place.name if place.is_dir() else place.parent.name) or report.header.target


def _listed(result: dict[str, Report]) -> str:
    return ", ".join(name or "one run" for name in result)
