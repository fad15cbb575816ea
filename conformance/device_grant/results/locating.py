"""Finds the runs in what a person names: a file, a report folder, or a folder of report folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.errors import UsageError
from device_grant.results.reader import FILE_NAME, NoResults, Report, read

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_DEEPEST = 2
"""A run over two dialects has a folder for each, inside the target's own."""


def runs(place: Path) -> dict[str, Report]:
    """Read every run below a folder, by its place there (`embedded-rfc8628`); a file, or a folder of one, is `""`.

    Raises NoResults if there is none, and what `read` raises for a file that cannot be understood.
    """
    return {name: read(file) for name, file in files_below(place).items()}


def files_below(place: Path) -> dict[str, Path]:
    """Find the files that `runs` reads, by the same names; raises NoResults if there is none."""
    if not place.is_dir() or (place / FILE_NAME).is_file():
        return {"": place / FILE_NAME if place.is_dir() else place}
    files = [file for depth in range(1, _DEEPEST + 1) for file in place.glob("/".join(["*"] * depth + [FILE_NAME]))]
    if not files:
        raise NoResults(f"{place}: no {FILE_NAME} in it nor in its folders; name what --report made")
    named = {"-".join(file.parent.relative_to(place).parts): file for file in files}
    return dict(sorted(named.items()))


def named_runs(places: Iterable[Path]) -> dict[str, Report]:
    """Read the runs of several folders, each under the folder's name; raises UsageError if two have the same."""
    collected: dict[str, Report] = {}
    for place in places:
        own = place.resolve()
        base = (own.parent if own.is_file() else own).name
        for below, report in runs(place).items():
            name = f"{base}-{below}" if below else base
            if name in collected:
                raise UsageError(f"{place}: a run named {name} was given already; rename one of the folders")
            collected[name] = report
    return collected
