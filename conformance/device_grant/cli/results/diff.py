"""`device-grant diff`: what changed from one run to another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from device_grant.report.diff import Difference
    from device_grant.results import Report
    from device_grant.results.baseline import Baseline


@click.command()
@click.argument("before", metavar="A", type=click.Path(path_type=Path))
@click.argument("after", metavar="B", type=click.Path(path_type=Path))
@click.option("--expect", type=click.Path(dir_okay=False, path_type=Path), help="Baseline by which both are read anew.")
@click.option("--json", "as_data", is_flag=True, help="Print the comparison as JSON.")
def diff(
    before: Path,
    after: Path,
    expect: Path | None,
    as_data: bool,  # noqa: FBT001 - click passes flags by name
) -> int:
    """Compare run A with the later run B: results.jsonl files, report folders, or folders of report folders.

    What the baseline of B expects is no regression. Where there is no A, as on the first night, there is nothing to
    compare with, and that is all that is said.

    Exit codes: 0 nothing newly fails; 1 something does; 2 the two cannot be compared.
    """
    from device_grant.errors import ExitCode
    from device_grant.report import diff as comparison
    from device_grant.report.terminal.console import Screen, paragraph

    console = Screen()
    if _absent(before):
        _runs(after, expect)  # what is kept for the next night must be readable
        said = f"There is no earlier run at {before}: nothing to compare {after} with."
        if as_data:
            click.echo(json.dumps(comparison.as_json([]) | {"first": True}, indent=2))
        else:
            paragraph(console, said, "yellow")
        return int(ExitCode.CONFORMANT)
    differences, missing = _compared(before, after, expect)
    if as_data:
        click.echo(json.dumps(comparison.as_json(differences, missing), indent=2, ensure_ascii=False))
    else:
        for one in differences:
            comparison.render(one, console)
        for name, side in missing.items():
            console.print()
            paragraph(console, f"{name}: only in {before if side == 'first' else after}, not compared", "yellow")
    return int(ExitCode.FAILED if any(one.regressed for one in differences) else ExitCode.CONFORMANT)


def _absent(place: Path) -> bool:
    """Whether nothing is there: no file, or a folder without anything in it."""
    return not place.exists() or (place.is_dir() and not any(place.iterdir()))


def _runs(place: Path, expect: Path | None) -> dict[str, Report]:
    """The runs there, read by another baseline if one is given; raises UsageError."""
    from device_grant.results.locating import runs

    collected = runs(place)
    if expect is None:
        return collected
    from device_grant.catalogue import load
    from device_grant.results.baseline import load as load_baseline

    baseline = load_baseline(expect, {requirement.id for requirement in load().requirements})
    return {name: _by(baseline, report) for name, report in collected.items()}


def _by(baseline: Baseline, report: Report) -> Report:
    """The run as it would have been with that baseline."""
    import dataclasses
    from datetime import UTC, datetime

    import msgspec

    from device_grant.results.baseline import evidence

    today = datetime.now(UTC).date()
    bare = [msgspec.structs.replace(one, expected="", reason="", issue="") for one in report.results]
    results = tuple(baseline.mark(one, today) for one in bare)
    footer = report.footer
    if footer is not None:
        stale = [entry.label for entry in baseline.stale(*evidence(results))]
        expired = [entry.label for entry in baseline.expired(today)]
        footer = msgspec.structs.replace(footer, stale=stale, expired=expired)
    return dataclasses.replace(report, results=results, footer=footer)


def _compared(before: Path, after: Path, expect: Path | None) -> tuple[list[Difference], dict[str, str]]:
    from device_grant.errors import UsageError
    from device_grant.report.diff import compare

    old, new = _runs(before, expect), _runs(after, expect)
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
