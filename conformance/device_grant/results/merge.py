"""Verdicts of several checks on one requirement become one: the worst."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from device_grant.catalogue.model import Verdict
from device_grant.protocol.purpose import Purpose
from device_grant.results.model import Counts, Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

JUDGED = frozenset({Verdict.PASS, Verdict.OBSERVED, Verdict.WARN, Verdict.FAIL})
"""Verdicts that say something about the target; the others say why nothing can be said."""

_ODDITY = {Purpose.MALFORMED.value: 1, Purpose.GENERATED.value: 2, Purpose.RAW.value: 3}
"""By what a request was sent for: how far it is from an ordinary one."""


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
        """The results that have the worst verdict, the one first that the plainest request shows."""
        label = self.verdict.label
        return tuple(sorted((one for one in self.results if one.verdict == label), key=plainness))

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
    """Of what one check said of one requirement in two places: the worse; both were judged.

    Of two that say the same it is the one that the plainer request shows, else the first.
    """
    worse = Verdict.from_label(other.verdict) > Verdict.from_label(one.verdict)
    same = (other.verdict, other.message) == (one.verdict, one.message)
    chosen = other if worse or (same and plainness(other) < plainness(one)) else one
    return msgspec.structs.replace(chosen, judged=one.judged + other.judged)


def plainness(result: Result) -> tuple[int, int, int]:
    """What results are sorted by: how odd the last request that shows it is, how many there are, how long it is.

    What a check writes by hand differs from a good request in one thing; what is drawn differs in many. A short
    request says nothing by itself: `refresh_token=0` is wrong in more ways than one that only lacks a device code.
    """
    sent = [step for step in result.steps if step.request is not None]
    if not sent:
        return 0, 0, 0
    request = sent[-1].request
    assert request is not None  # noqa: S101 - chosen so
    return _ODDITY.get(sent[-1].purpose, 0), len(sent), len(request.url) + len(request.body)


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
