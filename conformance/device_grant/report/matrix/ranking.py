"""Which requirements are broken most: how many of those that were judged do not keep one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_grant.report.matrix.model import BROKEN
from device_grant.report.view import natural

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from device_grant.report.matrix.model import Column, Row


@dataclass(frozen=True)
class Ranked:
    """One requirement, and who breaks it."""

    row: Row
    broken: tuple[str, ...]
    """Names of the targets that do."""
    judged: int
    """How many were settled one way or the other."""


def newest(columns: Iterable[Column]) -> list[Column]:
    """Software that nobody here wrote, each product and dialect once: by its newest version that was judged."""
    latest: dict[tuple[str, str, str], Column] = {}
    for column in sorted(columns, key=lambda one: natural(one.version)):
        if not column.own:
            latest[column.kind, column.product, column.report.header.dialect] = column
    return sorted(latest.values(), key=lambda one: natural(one.name))


def ranking(rows: Iterable[Row], columns: Iterable[Column]) -> Sequence[Ranked]:
    """The requirements that somebody breaks, those first that most do, of equal ones those that more of the judged do.

    Counted is the newest version of each software of others. Requirements tagged `security` are left out where any
    of it withholds them: the number that remains would say something about those who are not shown.
    """
    counted = newest(columns)
    withheld = any(column.withholds for column in counted)
    ranked = [_ranked(row, counted) for row in rows if not (row.security and withheld)]
    return sorted(
        (one for one in ranked if one.broken),
        key=lambda one: (-len(one.broken), one.judged, natural(one.row.id)),
    )


def _ranked(row: Row, columns: Iterable[Column]) -> Ranked:
    results = {column.name: column.requirements.get(row.id) for column in columns}
    judged = {name: one.verdict for name, one in results.items() if one is not None and one.judged}
    return Ranked(row, tuple(name for name, verdict in judged.items() if verdict in BROKEN), len(judged))
