"""Writes a folder of published reports, one a target, and the matrix over them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from device_grant import __version__
from device_grant.errors import UsageError
from device_grant.implementations import described
from device_grant.learning.record import PUBLISHED, publishable, read
from device_grant.report import matrix
from device_grant.report.attachments import MEASURED, Attachments, publishable_times, read_measured
from device_grant.report.forms import markdown
from device_grant.report.machines.apart import placed
from device_grant.report.pages import html
from device_grant.results.locating import runs
from device_grant.results.publish import publish
from device_grant.results.reader import FILE_NAME, NoResults
from device_grant.results.writer import save

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from device_grant.catalogue import Catalogue
    from device_grant.report.machines.apart import PlacedMachine
    from device_grant.results import Report


STATE = "docs/explanation/state-of-the-device-grant.md"
"""The page that is made from published reports, beside whose folder it stands in a checkout."""


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
    state = f"../{STATE}" if (folder.resolve().parent / STATE).is_file() else ""
    machines = _machines(folder, columns)
    servers = {column.name for column in columns if column.kind == "servers"}
    places = {column.name: _place(folder, column, one, machines) for one in made for column in one.columns}
    # What was published before is told of a new version of the same software.
    concerned = {name for name, place in places.items() if any(one.name in published for one in place.siblings)}
    try:
        for name, report in published.items():
            save(report, folder / name / FILE_NAME)
            (folder / name / "report.md").write_text(markdown.render(report), encoding="utf-8")
        for name, report in (kept | published).items():
            if name in published or name in concerned or name in servers:
                page = html.render(report, places.get(name))
                (folder / name / "index.html").write_text(page, encoding="utf-8")
        for one in made:
            learned = {column.name: machines[column.name] for column in one.columns if column.name in machines}
            text = matrix.render(one, made, state, learned)
            (folder / matrix.FILES[one.kind]).write_text(text, encoding="utf-8")
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


def _machines(folder: Path, columns: Sequence[matrix.Column]) -> dict[str, PlacedMachine]:
    """The machines that stand beside reports on servers.

    Raises UsageError for one of software that withholds, if it was not learned to be published.
    """
    records = {}
    for column in columns:
        file = folder / column.name / PUBLISHED
        if column.kind != "servers" or not file.is_file():
            continue
        record = records[column.name] = read(file)
        if column.withholds and record.states and not publishable(record):
            raise UsageError(
                f"{file}: tells what is withheld of {column.name}; learn it with `device-grant matrix --learn`"
            )
    return placed(records, [column.name for column in columns if column.own])


def _place(
    folder: Path, column: matrix.Column, among: matrix.Matrix, machines: Mapping[str, PlacedMachine]
) -> html.ReportPlace:
    siblings = []
    for product in matrix.products(among.columns):
        for step in product.steps:
            if step.after is column:
                siblings.append(html.Sibling(step.before.name, f"since {step.before.version}: {step.words}"))
            elif step.before is column:
                siblings.append(html.Sibling(step.after.name, f"up to {step.after.version}: {step.words}"))
    machine, times = machines.get(column.name), _times(folder, column)
    return html.ReportPlace(matrix.FILES[among.kind], _about(column), tuple(siblings), machine, times)


def _times(folder: Path, column: matrix.Column) -> Attachments | None:
    """The times that stand beside a report on a server; raises UsageError where they tell what is withheld."""
    file = folder / column.name / MEASURED
    if column.kind != "servers" or not file.is_file():
        return None
    record = read_measured(file)
    if column.withholds and not publishable_times(record):
        raise UsageError(
            f"{file}: tells what is withheld of {column.name}; measure it with `device-grant matrix --learn`"
        )
    return Attachments(measured=record)


def _about(column: matrix.Column) -> str:
    """The first paragraph of the README of a server or client that comes with the suite, without its marks."""
    folder = described(column.kind).get(column.report.header.spec)
    file = folder / "README.md" if folder is not None else None
    if file is None or not file.is_file():
        return ""
    paragraphs = file.read_text("utf-8").split("\n\n")
    first = next((one for one in paragraphs if one.strip() and not one.lstrip().startswith(("#", "```"))), "")
    return " ".join(re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", first).replace("`", "").split())
