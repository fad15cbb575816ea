"""Writes a folder of published reports, one a target, and the matrix over them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from device_grant import __version__
from device_grant.errors import UsageError
from device_grant.report import html, markdown, matrix
from device_grant.results.locating import runs
from device_grant.results.publish import publish
from device_grant.results.reader import FILE_NAME, NoResults
from device_grant.results.writer import save

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from device_grant.catalogue import Catalogue
    from device_grant.results import Report


def write(
    reports: Mapping[str, Report], folder: Path, catalogue: Catalogue, withholds: Callable[[Report], bool]
) -> list[matrix.Matrix]:
    """Publish each report into `folder/NAME` and write the matrix over these and what was published there before.

    `withholds` says of a report whether its results on security requirements must be left out. Raises UsageError if
    the folder cannot be written to.
    """
    published = {name: publish(report, withhold=withholds(report)) for name, report in reports.items()}
    kept = {name: report for name, report in _published_before(folder).items() if name not in published}
    columns = [matrix.Column(name, one, withholds(one)) for name, one in sorted((kept | published).items())]
    made = matrix.build(columns, catalogue, __version__)
    try:
        for name, report in published.items():
            _write_report(report, folder / name)
        for one in made:
            (folder / matrix.FILES[one.kind]).write_text(matrix.render(one, made), encoding="utf-8")
        text = json.dumps(matrix.as_json(made), indent=1, ensure_ascii=False) + "\n"
        (folder / "matrix.json").write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written ({error.strerror}); choose another folder for --out") from error
    return made


def _published_before(folder: Path) -> dict[str, Report]:
    try:
        result = runs(folder) if folder.is_dir() else {}
    except NoResults:
        return {}
    return {name: report for name, report in result.items() if name and report.header.published}


def _write_report(report: Report, folder: Path) -> None:
    save(report, folder / FILE_NAME)
    (folder / "index.html").write_text(html.render(report), encoding="utf-8")
    (folder / "report.md").write_text(markdown.render(report), encoding="utf-8")
