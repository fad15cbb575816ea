"""Failures by what they have in common: one cause is one finding, the most telling one first. Pure over results."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec import UNSET

from device_grant.protocol.purpose import Purpose
from device_grant.report import http

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator

    from device_grant.results import RequirementResult
    from device_grant.results.model import Case, Finding, Result

MAIN_PATH = "main_path::test_main_path"
"""The check before all others: what it fails is the cause of other failures, not one of their kind."""
_SERVER_ERROR = 500
_ODD = frozenset({Purpose.MALFORMED.value, Purpose.GENERATED.value, Purpose.RAW.value})
"""What an ordinary request shows tells more than what one of these does."""


@dataclass(frozen=True)
class Root:
    """Requirements that fail for one cause, as far as the evidence shows it."""

    failures: tuple[RequirementResult, ...]
    """At least one; the most telling first."""

    @property
    def lead(self) -> RequirementResult:
        """The one that is told in full."""
        return self.failures[0]

    @property
    def others(self) -> tuple[RequirementResult, ...]:
        """The rest."""
        return self.failures[1:]


@dataclass(frozen=True)
class Obstacle:
    """What is wrong on the main path, what fails with it and what is blocked by it."""

    finding: Finding
    failures: tuple[RequirementResult, ...] = ()
    blocked: tuple[RequirementResult, ...] = ()


def obstacles(cases: Iterable[Case], requirements: Iterable[RequirementResult]) -> list[Obstacle]:
    """The findings of the main path, in the order in which they were met."""
    requirements = list(requirements)
    return [
        Obstacle(
            finding,
            tuple(one for one in requirements if _says(one, finding)),
            tuple(one for one in requirements if any(result.blocked_by == finding.name for result in one.worst)),
        )
        for finding in _findings(cases)
    ]


def _findings(cases: Iterable[Case]) -> Iterator[Finding]:
    seen: set[str] = set()
    for case in cases:
        if case.check != MAIN_PATH or case.findings is UNSET:
            continue
        for finding in case.findings:
            # Each shard has walked for itself.
            if finding.name not in seen:
                seen.add(finding.name)
                yield finding


def _says(requirement: RequirementResult, finding: Finding) -> bool:
    return requirement.unexpected and (
        requirement.id in finding.same
        or any(result.check == MAIN_PATH and result.message == finding.title for result in requirement.worst)
    )


def roots(failures: Iterable[RequirementResult], obstacles_met: Iterable[Obstacle] = ()) -> list[Root]:
    """Group failing requirements: two that share a check and its request, or an answer to the same question, are one.

    So are those that something wrong on the main path breaks.

    What the main path fails comes first, then what ordinary requests show, then what malformed ones do; among these
    the cause that most fail by.
    """
    members = list(failures)
    sets = _Sets(len(members))
    owner: dict[Hashable, int] = {}
    for index, requirement in enumerate(members):
        for result in _shown(requirement):
            for key in _keys(result):
                sets.join(owner.setdefault(key, index), index)
    place = {requirement.id: index for index, requirement in enumerate(members)}
    for obstacle in obstacles_met:
        places = [place[one.id] for one in obstacle.failures if one.id in place]
        for index in places[1:]:
            sets.join(places[0], index)
    groups: dict[int, list[RequirementResult]] = {}
    for index, requirement in enumerate(members):
        groups.setdefault(sets.top(index), []).append(requirement)
    made = [Root(tuple(sorted(group, key=_rank))) for group in groups.values()]
    return sorted(made, key=lambda root: (_rank(root.lead), -len(root.failures)))


def _shown(requirement: RequirementResult) -> list[Result]:
    return [result for result in requirement.worst if not result.expected]


def _keys(result: Result) -> Iterator[Hashable]:
    if result.curl:
        # One check says several things of one exchange.
        yield "exchange", result.check, result.curl
    if not result.curl and result.message and (shown := evidence(result)):
        # What a client did is judged by a scenario and by a rule, and by each requirement that it breaks.
        yield "done", result.message, shown
    if result.curl and _crashed(result):
        # Whoever judges it, it is one request that the server broke at.
        yield "crash", result.curl
    step = http.decisive(result.steps)
    if step is None or not result.got or not result.accepted or step.purpose in _ODD:
        return
    # The same answer where the same one was due, whichever check asked.
    yield "answer", step.operation, result.got, result.accepted[0]


def evidence(result: Result) -> tuple[tuple[float, str, str], ...]:
    """The exchanges that show a result, told from others by when they were, what they were for and what was sent."""
    return tuple(
        (step.at, step.label, step.request.body or step.request.url)
        for step in result.steps
        if step.request is not None
    )


def distinct(results: Iterable[Result]) -> list[Result]:
    """The results without those that say the same of the same requirement by the same evidence."""
    kept: dict[Hashable, Result] = {}
    for result in results:
        shown = evidence(result)
        kept.setdefault(
            (result.requirement, result.message, shown) if shown else (result.requirement, result.check), result
        )
    return list(kept.values())


def _crashed(result: Result) -> bool:
    step = http.decisive(result.steps)
    return step is not None and step.response is not None and step.response.status >= _SERVER_ERROR


def _rank(requirement: RequirementResult) -> tuple[int, int]:
    shown = _shown(requirement)
    if any(result.check == MAIN_PATH for result in shown):
        return 0, -len(shown)
    steps = [http.decisive(result.steps) for result in shown]
    # Servers break at what is odd: an ordinary request that they break at is one of the main path.
    crashed = any(_crashed(result) for result in shown)
    ordinary = not crashed and any(step is not None and step.purpose not in _ODD for step in steps)
    # An invariant says what is wrong with an answer in itself.
    invariant = any(result.check.startswith("invariants::") for result in shown)
    return (1 if ordinary and invariant else 2 if ordinary else 3), -len(shown)


@dataclass
class _Sets:
    """Disjoint sets of the numbers below `size`."""

    size: int
    _above: dict[int, int] = field(default_factory=dict)

    def top(self, number: int) -> int:
        while number in self._above:
            number = self._above[number]
        return number

    def join(self, one: int, other: int) -> None:
        first, second = sorted((self.top(one), self.top(other)))
        if first != second:
            self._above[second] = first
