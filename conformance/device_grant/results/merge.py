"""Verdicts of several checks on one requirement become one: the worst."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from device_grant.catalogue.model import Verdict
from device_grant.results.model import Counts, Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

JUDGED = frozenset({Verdict.PASS, Verdict.OBSERVED, Verdict.WARN, Verdict.FAIL})
"""Verdicts that say something about the target; the others say why nothing can be said."""


@dataclass(frozen=True)
class RequirementResult:
    """One requirement with the verdicts of all its checks, in file order."""

    id: str
    verdict: Verdict
    """The worst of them."""
    results: tuple[Result, ...]

    @property
    def first(self) -> Result:
        """Any of the results: source, section, level, party and statement are the same in all."""
        return self.results[0]

    @property
    def worst(self) -> tuple[Result, ...]:
        """The results that have the worst verdict."""
        return tuple(result for result in self.results if result.verdict == self.verdict.label)

    @property
    def judged(self) -> bool:
        """Whether the requirement was settled one way or the other."""
        return self.verdict in JUDGED

    @property
    def expected(self) -> bool:
        """Whether a baseline entry expects every result that has the worst verdict."""
        return all(result.expected for result in self.worst)

    @property
    def unexpected(self) -> bool:
        """A failure that no baseline entry expects."""
        return self.verdict is Verdict.FAIL and not self.expected


def worse_of(one: Result, other: Result) -> Result:
    """Of what one check said of one requirement in two places: the worse, the first of equals; both were judged."""
    worse = Verdict.from_label(other.verdict) > Verdict.from_label(one.verdict)
    return msgspec.structs.replace(other if worse else one, judged=one.judged + other.judged)


def merge(results: Iterable[Result]) -> dict[str, RequirementResult]:
    """Map requirement ids, in the order of their first result, to the worst verdict over their checks."""
    grouped: dict[str, list[Result]] = {}
    for result in results:
        grouped.setdefault(result.requirement, []).append(result)
    return {
        requirement: RequirementResult(
            id=requirement,
            verdict=max(Verdict.from_label(result.verdict) for result in of_one),
            results=tuple(of_one),
        )
        for requirement, of_one in grouped.items()
    }


def count(requirements: Mapping[str, RequirementResult]) -> Counts:
    """Count requirements by merged verdict, as the footer has them."""
    by_verdict = Counter(requirement.verdict for requirement in requirements.values())
    return Counts(
        passed=by_verdict[Verdict.PASS],
        observed=by_verdict[Verdict.OBSERVED],
        not_applicable=by_verdict[Verdict.NOT_APPLICABLE],
        warn=by_verdict[Verdict.WARN],
        inconclusive=by_verdict[Verdict.INCONCLUSIVE],
        untestable=by_verdict[Verdict.UNTESTABLE],
        fail=by_verdict[Verdict.FAIL],
    )
