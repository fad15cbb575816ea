"""The last line of a run: what of its results fails, what of its baseline no longer happens, and the exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from device_grant.catalogue import Verdict
from device_grant.errors import ExitCode
from device_grant.results.baseline import Baseline, evidence
from device_grant.results.merge import JUDGED, count, merge
from device_grant.results.model import Footer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from device_grant.results.model import Result
    from device_grant.results.reader import Report

BEGINNING = "device_authorization::test_start"
"""The check without which nothing of the grant can be tested."""


def settle(  # noqa: PLR0913 - what a run knows besides its results
    report: Report,
    baseline: Baseline,
    *,
    expired: list[str],
    finished: str,
    duration: float,
    exchanges: int,
    withheld: int = 0,
    narrowed: str = "",
) -> Footer:
    """Make the footer of a report whose results the baseline has marked.

    A shard has no stale entries, and it may judge nothing: what it does not see may happen in another one. In a
    `narrowed` run an entry is stale only where it names a check, for that one was run or was not.
    """
    requirements = merge(report.results)
    observed, reached = evidence(report.results)
    whole = report.header.shard is msgspec.UNSET
    stale = [
        entry.label
        for entry in (baseline.stale(observed, reached) if whole else ())
        if not narrowed or (entry.check and not entry.check.startswith(("invariants::", "rules::")))
    ]
    unexpected = [
        name
        for name, requirement in requirements.items()
        if _fails_unexpectedly(requirement.results, withheld=baseline.withholds_security)
    ]
    judged = _judged(report.results) if whole else bool(report.cases)
    suite_errors = sum(case.outcome == "suite-error" for case in report.cases)
    if suite_errors:
        exit_code = ExitCode.SUITE_ERROR
    elif any(case.user_module for case in report.cases):
        exit_code = ExitCode.USAGE
    elif not judged or (_never_began(report.results) and not unexpected):
        exit_code = ExitCode.NOTHING_RAN
    elif unexpected or stale or expired:
        exit_code = ExitCode.FAILED
    else:
        exit_code = ExitCode.CONFORMANT
    return Footer(
        finished=finished,
        duration=duration,
        cases=len(report.cases),
        exchanges=exchanges,
        counts=count(requirements),
        exit_code=int(exit_code),
        unexpected=unexpected,
        stale=stale,
        expired=expired,
        suite_errors=suite_errors,
        withheld=withheld,
        narrowed=narrowed or msgspec.UNSET,
    )


def _judged(results: Iterable[Result]) -> bool:
    """Whether anything was judged: a run that says nothing of the target must not look like a green one."""
    return any(Verdict.from_label(result.verdict) in JUDGED for result in results)


def _never_began(results: Iterable[Result]) -> bool:
    """Whether not even one device authorization could be tried, so that nothing of the grant was tested."""
    begun = [result for result in results if result.check == BEGINNING]
    return bool(begun) and all(result.verdict == Verdict.UNTESTABLE.label for result in begun)


def _fails_unexpectedly(results: tuple[Result, ...], *, withheld: bool) -> bool:
    # What a baseline withholds it may not list either: such results are shown on screen and decide nothing.
    return any(
        result.verdict == Verdict.FAIL.label and not result.expected and not (withheld and result.security)
        for result in results
    )
