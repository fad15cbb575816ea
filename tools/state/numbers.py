"""The answers to one question over a population: who keeps a requirement, who does not, and of whom nothing is said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_grant.catalogue.model import Verdict
from device_grant.protocol import spoken

if TYPE_CHECKING:
    from collections.abc import Iterable

    from device_grant.catalogue import Requirement
    from device_grant.report.matrix import Column


@dataclass(frozen=True)
class Tally:
    """Numbers of targets; together they are the population."""

    keep: int = 0
    break_: int = 0
    unknown: int = 0
    """Could not be judged: no verdict, a prerequisite was missing, or the evidence was too weak."""
    out: int = 0
    """To whom it does not apply: another dialect, or a capability that they do not claim."""
    withheld: int = 0
    """Whose results on it are not published."""

    @property
    def judged(self) -> int:
        """The denominator."""
        return self.keep + self.break_

    @property
    def all(self) -> int:
        """The population."""
        return self.judged + self.unknown + self.out + self.withheld

    @property
    def share(self) -> str:
        """`6 of 9`; a dash where nobody was judged."""
        return f"{self.keep} of {self.judged}" if self.judged else "–"  # noqa: RUF001 - a dash is meant, as in a table

    @property
    def rest(self) -> str:
        """`5 not applicable, 1 not judged`; empty where all were judged."""
        parts = ((self.out, "not applicable"), (self.unknown, "not judged"))
        return ", ".join(f"{number} {words}" for number, words in parts if number)


def tally(columns: Iterable[Column], requirement: Requirement) -> Tally:
    """How many of them keep it; what is withheld of one is in no other number of it."""
    numbers = dict.fromkeys(("keep", "break_", "unknown", "out", "withheld"), 0)
    for column in columns:
        numbers[_answer(column, requirement)] += 1
    return Tally(**numbers)


def _answer(column: Column, requirement: Requirement) -> str:
    if not spoken(column.report.header.dialect).binds(requirement):
        return "out"
    if requirement.security and column.withholds:
        return "withheld"
    result = column.requirements.get(requirement.id)
    if result is None:
        return "unknown"
    if result.verdict is Verdict.NOT_APPLICABLE:
        return "out"
    if not result.judged:
        return "unknown"
    # What is only observed is allowed, and all the same not what the requirement describes.
    return "keep" if result.verdict is Verdict.PASS else "break_"


def conformant(columns: Iterable[Column]) -> Tally:
    """How many have no failing requirement among what is published; unknown where nothing, or not all, was run."""
    numbers = dict.fromkeys(("keep", "break_", "unknown"), 0)
    for column in columns:
        if column.counts[Verdict.FAIL]:
            numbers["break_"] += 1
        elif column.remark or not any(one.judged for one in column.requirements.values()):
            numbers["unknown"] += 1
        else:
            numbers["keep"] += 1
    return Tally(**numbers)
