"""`device-grant merge`: the reports of all shards of a run become one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable


@click.command()
@click.argument("shards", type=click.Path(path_type=Path), nargs=-1, required=True, metavar="SHARD…")
@click.option("--report", type=click.Path(file_okay=False, path_type=Path), help="Folder for results and report.")
def merge(shards: tuple[Path, ...], report: Path | None) -> int:
    """Merge what `device-grant run --shard I/N --report SHARD` wrote, in any order, into one report of the whole run.

    A SHARD is a report folder, a folder of them, or a results.jsonl. The exit code is the one that a single run would
    have had; 2 if a shard is missing or was interrupted, after showing what there is.
    """
    from device_grant.cli.run import worse
    from device_grant.errors import ExitCode, UsageError
    from device_grant.report import write_all
    from device_grant.report.terminal import verdicts
    from device_grant.report.terminal.console import Screen
    from device_grant.results import save
    from device_grant.results.reader import FILE_NAME
    from device_grant.results.shards import merge_shards, shards_of

    groups = shards_of(shards)
    if report is not None:
        for name, group in groups.items():
            _spare_the_shards(report / name, group)
    console = Screen()
    problems: list[str] = []
    worst = ExitCode.CONFORMANT
    merged = {name: merge_shards(group) for name, group in groups.items()}
    for number, (name, one) in enumerate(merged.items()):
        if number:
            console.print()
        verdicts.render(one.report, console)
        if report is not None:
            folder = report / name
            save(one.report, folder / FILE_NAME)
            write_all(one.report, folder)
            console.print(f"\nReport: {folder / 'index.html'}", style="dim", soft_wrap=True)
        problems += [f"{name}: {problem}" if name else problem for problem in one.problems]
        if one.report.footer is not None:
            worst = worse(worst, ExitCode(one.report.footer.exit_code))
    if problems:
        raise UsageError("; ".join(problems))
    return int(worst)


def _spare_the_shards(folder: Path, places: Iterable[str]) -> None:
    from device_grant.errors import UsageError

    for place in places:
        if folder.resolve() in (Path(place).resolve(), Path(place).resolve().parent):
            raise UsageError(f"--report {folder}: would write over the shard {place}; name another folder")
