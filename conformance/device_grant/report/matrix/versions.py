"""Versions of one product side by side: what holds in the later one that did not in the earlier, and the other way."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from device_grant.report.matrix.model import BROKEN
from device_grant.report.text import plural
from device_grant.report.view import natural

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from device_grant.report.matrix.model import Column
    from device_grant.results import RequirementResult

Turn = Literal["better", "worse", "other"]
TURNS: dict[Turn, str] = {"better": "Better", "worse": "Worse", "other": "Otherwise changed"}


@dataclass(frozen=True)
class Turned:
    """One requirement whose verdict is another one in the later version."""

    id: str
    statement: str
    before: str
    after: str
    turn: Turn


@dataclass(frozen=True)
class VersionStep:
    """From one version to the next that was judged."""

    before: Column
    after: Column
    turned: tuple[Turned, ...]

    def of(self, turn: Turn) -> list[Turned]:
        """Those that went this way, by id."""
        return [one for one in self.turned if one.turn == turn]

    @property
    def title(self) -> str:
        """`26.1 → 26.7`, or the names where the versions do not tell them apart."""
        one, other = self.before.version, self.after.version
        return f"{one} → {other}" if one and other and one != other else f"{self.before.name} → {self.after.name}"

    @property
    def words(self) -> str:
        """`4 better, 1 worse`."""
        counts = [f"{len(some)} {turn}" for turn in ("better", "worse") if (some := self.of(turn))]
        other = self.of("other")
        if other:
            counts.append(f"{plural(len(other), 'verdict')} otherwise changed")
        return ", ".join(counts) or "every verdict is the same"

    @property
    def remark(self) -> str:
        """What must be known to read it rightly; empty if nothing."""
        if self.before.report.header.catalogue_revision != self.after.report.header.catalogue_revision:
            return "The two were judged by different catalogues of requirements."
        if self.before.remark or self.after.remark:
            return "One of the runs did not come to its end: what it did not reach is no change of the software."
        return ""


@dataclass(frozen=True)
class Product:
    """Software that was judged in several versions, in one dialect."""

    name: str
    dialect: str
    steps: tuple[VersionStep, ...]

    @property
    def columns(self) -> list[Column]:
        """Its versions, the oldest first."""
        return [self.steps[0].before, *(step.after for step in self.steps)]


def products(columns: Iterable[Column]) -> Sequence[Product]:
    """The software of which there are several versions, by name. Only what a description calls one product counts."""
    by_product: dict[tuple[str, str, str], list[Column]] = {}
    for column in columns:
        header = column.report.header
        if header.product:
            by_product.setdefault((header.product, header.dialect, column.kind), []).append(column)
    return [
        Product(name, dialect, tuple(_step(*pair) for pair in pairwise(_in_order(members))))
        for (name, dialect, _), members in sorted(by_product.items())
        if len(members) > 1
    ]


def _in_order(columns: Iterable[Column]) -> list[Column]:
    return sorted(columns, key=lambda one: (natural(one.version), natural(one.name)))


def _step(before: Column, after: Column) -> VersionStep:
    old, new = before.requirements, after.requirements
    if before.withholds or after.withholds:
        # One that withholds must not be told by the other, which may not.
        old, new = ({name: one for name, one in side.items() if not one.first.security} for side in (old, new))
    names = sorted(old.keys() | new.keys(), key=natural)
    turned = (_turned(name, old.get(name), new.get(name)) for name in names)
    return VersionStep(before, after, tuple(one for one in turned if one is not None))


def _turned(name: str, before: RequirementResult | None, after: RequirementResult | None) -> Turned | None:
    known = after or before
    if known is None or (before is not None and after is not None and before.verdict is after.verdict):
        return None
    turn: Turn = "other"
    if before is not None and after is not None and before.judged and after.judged:
        was, stays = before.verdict in BROKEN, after.verdict in BROKEN
        if was != stays:
            turn = "worse" if stays else "better"
        elif was:
            # A failure that is a warning now is better, though it does not hold.
            turn = "worse" if after.verdict > before.verdict else "better"
    return Turned(name, known.first.statement, _label(before), _label(after), turn)


def _label(result: RequirementResult | None) -> str:
    return "none" if result is None else result.verdict.label
