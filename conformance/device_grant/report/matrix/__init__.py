"""The matrix: requirements by targets, one cell a verdict, a link to its evidence. Pure over published reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from device_grant.catalogue.model import Verdict
from device_grant.protocol import default_dialect, spoken
from device_grant.report.machines.apart import groups
from device_grant.report.matrix.areas import areas
from device_grant.report.matrix.filters import filters, rules
from device_grant.report.matrix.model import SYMBOL, WITHHELD, Cell, Column, Matrix, MatrixSection, Row
from device_grant.report.matrix.ranking import newest, ranking
from device_grant.report.matrix.versions import TURNS, products
from device_grant.report.pages.html import anchor, page
from device_grant.report.view import MEANING, PARTIES, WORST_FIRST, natural, section_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from device_grant.catalogue import Catalogue, Requirement
    from device_grant.report.machines.apart import PlacedMachine

__all__ = [
    "FILES",
    "FORMAT",
    "SYMBOL",
    "WITHHELD",
    "Cell",
    "Column",
    "Matrix",
    "Row",
    "as_json",
    "build",
    "products",
    "render",
]

FORMAT = 1
"""Of matrix.json; raised when an old reader would misread a new file."""
NOTHING = {
    WITHHELD: "a security requirement: shown only once the target's authors have been told privately",
    "": "not tested, or not a requirement of the target's dialect",
}
_PARTIES = {f"{kind}s": parties for kind, parties in PARTIES.items()}
"""The pages, and whom the requirements of their rows bind."""
_OWN = ("RFC 8628", "AWS SSO OIDC")
MOST_RANKED = 15
"""Requirements that the page lists as broken most."""
FILES = {"servers": "index.html", "clients": "clients.html"}


def build(columns: Iterable[Column], catalogue: Catalogue, suite_version: str) -> list[Matrix]:
    """Make the matrix of servers, and that of clients if there are any, each sorted by source, section and id."""
    given = sorted(columns, key=lambda column: (_place(column.report.header.dialect), natural(column.name)))
    kinds = [kind for kind in _PARTIES if any(column.kind == kind for column in given)] or ["servers"]
    return [
        _matrix(kind, tuple(column for column in given if column.kind == kind), catalogue, suite_version)
        for kind in kinds
    ]


def render(
    matrix: Matrix,
    others: Sequence[Matrix] = (),
    state: str = "",
    machines: Mapping[str, PlacedMachine] | None = None,
) -> str:
    """Render one page as HTML that needs nothing else.

    `others` are the matrices that it links to, `state` is the address of the page that counts what the reports say,
    `machines` are the learned ones by the names of columns.
    """
    made = filters(matrix.columns)
    ranked = ranking(matrix.rows, matrix.columns)
    return page(
        "matrix.html.j2",
        styles=("report.css", "matrix.css", "machine.css"),
        rules=rules(made, len(matrix.columns)),
        script="matrix.js",
        matrix=matrix,
        state=state,
        filters=made,
        areas=areas(matrix.rows, len(matrix.columns)),
        counted=len(newest(matrix.columns)),
        ranked=ranked[:MOST_RANKED],
        broken=len(ranked),
        products=products(matrix.columns),
        machines=machines or {},
        machine_groups=groups(machines or {}),
        turns=TURNS,
        pages=[(kind, FILES[kind]) for kind in _PARTIES if any(kind == one.kind for one in (matrix, *others))],
        verdicts=WORST_FIRST,
        nothing=NOTHING,
        meaning=MEANING,
        symbol=SYMBOL,
    )


def as_json(matrices: Iterable[Matrix]) -> dict[str, Any]:
    """Return the same data for programs."""
    made = list(matrices)
    return {
        "format": FORMAT,
        "suite_version": made[0].suite_version if made else "",
        "catalogue_revision": made[0].catalogue_revision if made else "",
        **{matrix.kind: _table(matrix) for matrix in made},
    }


def _matrix(kind: str, columns: tuple[Column, ...], catalogue: Catalogue, suite_version: str) -> Matrix:
    rows = {row.id: row for row in _rows(kind, columns, catalogue)}
    by_section: dict[tuple[str, str], list[Row]] = {}
    for row in rows.values():
        by_section.setdefault((row.source, row.section), []).append(row)
    ordered = sorted(by_section, key=lambda key: (_rank(key[0]), natural(key[0]), natural(key[1])))
    sections = [
        MatrixSection(section_name(*key), tuple(sorted(by_section[key], key=lambda row: natural(row.id))))
        for key in ordered
    ]
    return Matrix(kind, columns, tuple(sections), suite_version, catalogue.revision)


def _place(name: str) -> int:
    """The default dialect comes first, among the others names decide."""
    return int(spoken(name).entries != default_dialect().entries)


def _rank(source: str) -> int:
    """The sources of the dialects themselves come first."""
    return next((number for number, own in enumerate(_OWN) if source.startswith(own)), len(_OWN))


def _rows(kind: str, columns: tuple[Column, ...], catalogue: Catalogue) -> Iterable[Row]:
    heard = [spoken(name) for name in {column.report.header.dialect for column in columns}]
    known: dict[str, Requirement] = {}
    for entry in catalogue.requirements:
        known[entry.id] = entry
        if entry.party in _PARTIES[kind] and any(one.binds(entry) for one in heard):
            yield Row(
                id=entry.id,
                source=entry.source,
                section=entry.section,
                level=entry.level.value,
                statement=entry.statement,
                url=entry.url,
                security=entry.security,
                cells=tuple(_cell(column, entry.id, entry) for column in columns),
            )
    # Reports may be older than the catalogue: what it no longer has keeps its row.
    gone = {name: one.first for column in columns for name, one in column.requirements.items() if name not in known}
    for name, first in gone.items():
        yield Row(
            id=name,
            source=first.source,
            section=first.section,
            level=first.level,
            statement=first.statement,
            url=first.url,
            security=first.security,
            cells=tuple(_cell(column, name, None) for column in columns),
        )


def _cell(column: Column, name: str, entry: Requirement | None) -> Cell:
    result = column.requirements.get(name)
    if entry is not None and entry.security and column.withholds:
        # The same for every such requirement: nothing can be read from which ones are missing.
        return Cell(WITHHELD) if spoken(column.report.header.dialect).binds(entry) else Cell()
    if result is None:
        return Cell()
    broken = result.verdict in (Verdict.FAIL, Verdict.WARN)
    return Cell(result.verdict.label, broken and result.expected, f"{column.name}/index.html#{anchor(name)}")


def _table(matrix: Matrix) -> dict[str, Any]:
    return {
        "targets": [_target(column) for column in matrix.columns],
        "requirements": [
            {
                "id": row.id,
                "source": row.source,
                "section": row.section,
                "level": row.level,
                "statement": row.statement,
                "security": row.security,
                # The evidence of each is at NAME/index.html#ID.
                "verdicts": {name: cell.label for name, cell in _cells(row, matrix.columns)},
                "expected": [name for name, cell in _cells(row, matrix.columns) if cell.expected],
            }
            for row in matrix.rows
        ],
    }


def _cells(row: Row, columns: Iterable[Column]) -> list[tuple[str, Cell]]:
    return [(column.name, cell) for column, cell in zip(columns, row.cells, strict=True) if cell.label]


def _target(column: Column) -> dict[str, Any]:
    header = column.report.header
    return {
        "name": column.name,
        "target": header.target,
        "version": header.target_version,
        "homepage": header.target_homepage,
        "dialect": header.dialect,
        "language": column.language,
        "product": column.product,
        "client_kind": column.form,
        "date": header.started[:10],
        "suite_version": header.suite_version,
        "catalogue_revision": header.catalogue_revision,
        "interrupted": column.report.interrupted,
        "withholds_security": column.withholds,
        "counts": {verdict.label: column.counts[verdict] for verdict in WORST_FIRST},
        "expected_failures": column.expected,
    }
