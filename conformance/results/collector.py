"""Gathers the lines of one run as its cases finish, marks what the baseline expects, and settles the exit code."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import msgspec

from conformance.errors import ExitCode
from conformance.requirements import Verdict
from conformance.results.baseline import Baseline, evidence
from conformance.results.merge import count, merge
from conformance.results.model import Case, Footer, Header, Result
from conformance.results.reader import Report
from conformance.results.withhold import withhold_security
from conformance.results.writer import ResultsWriter, redacted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.protocol import Secrets

BEGINNING = "device_authorization::test_start"
"""The check without which nothing of the grant can be tested."""


@dataclass
class Collector:
    """One run's results while it goes on; `writer` None keeps them in memory only."""

    secrets: Secrets
    baseline: Baseline
    writer: ResultsWriter | None = None
    today: date = field(default_factory=lambda: datetime.now(UTC).date())
    header: Header | None = None
    cases: list[Case] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    exchanges: int = 0
    footer: Footer | None = None

    def __post_init__(self) -> None:
        self._began = time.perf_counter()
        self._invariants: dict[tuple[str, str], Result] = {}
        self._spare: list[Result] = []

    def begin(self, header: Header) -> None:
        """Write the header; later calls are ignored (workers of one run each bring the same)."""
        if self.header is None:
            self.header = redacted(header, self.secrets)
            if self.writer is not None:
                self.writer.write(self.header)

    def add(self, case: Case, results: list[Result], invariants: list[Result], spare: Iterable[Result] = ()) -> None:
        """Take a finished case, what it settled itself, and what the invariants saw in its exchanges."""
        own = [self.baseline.mark(redacted(result, self.secrets), self.today) for result in results]
        case = redacted(case, self.secrets)
        self.cases.append(case)
        self.results.extend(own)
        if self.writer is not None:
            withheld = self.baseline.withholds_security and any(result.security for result in own)
            self.writer.write(msgspec.structs.replace(case, steps=[], message="") if withheld else case)
            for result in own:
                self._write(result)
        self._spare.extend(spare)
        for result in invariants:
            self._merge_invariant(result)

    def finish(self, *, interrupted: bool = False) -> Report:
        """Settle the invariants and, unless the run was interrupted, the footer; close the file."""
        judged = {result.requirement for result in (*self.results, *self._invariants.values())}
        left = [*self._invariants.values(), *(result for result in self._spare if result.requirement not in judged)]
        settled = [self.baseline.mark(redacted(result, self.secrets), self.today) for result in left]
        self.results.extend(settled)
        if not interrupted:
            self.footer = self._footer()
        report = self.report
        if self.writer is not None:
            for result in settled:
                self._write(result)
            published = withhold_security(report) if self.baseline.withholds_security else report
            if published.footer is not None and self.header is not None:
                self.writer.write(published.footer)
            self.writer.close()
        return report

    @property
    def report(self) -> Report:
        """Everything so far, withheld results included: for the screen."""
        assert self.header is not None  # noqa: S101 - nothing is collected before a header
        return Report(header=self.header, cases=tuple(self.cases), results=tuple(self.results), footer=self.footer)

    def _footer(self) -> Footer:
        requirements = merge(self.results)
        withheld = self.baseline.withholds_security
        observed, reached = evidence(self.results)
        stale = [entry.label for entry in self.baseline.stale(observed, reached)]
        expired = [entry.label for entry in self.baseline.expired(self.today)]
        unexpected = [
            name for name, requirement in requirements.items() if _fails_unexpectedly(requirement.results, withheld)
        ]
        suite_errors = sum(case.outcome == "suite-error" for case in self.cases)
        if suite_errors:
            exit_code = ExitCode.SUITE_ERROR
        elif not self.cases or (self._never_began() and not unexpected):
            exit_code = ExitCode.NOTHING_RAN
        elif unexpected or stale or expired:
            exit_code = ExitCode.FAILED
        else:
            exit_code = ExitCode.CONFORMANT
        return Footer(
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
            duration=round(time.perf_counter() - self._began, 3),
            cases=len(self.cases),
            exchanges=self.exchanges,
            counts=count(requirements),
            exit_code=int(exit_code),
            unexpected=unexpected,
            stale=stale,
            expired=expired,
            suite_errors=suite_errors,
        )

    def _never_began(self) -> bool:
        """Whether not even one device authorization could be tried, so that nothing of the grant was tested."""
        begun = [result for result in self.results if result.check == BEGINNING]
        return bool(begun) and all(result.verdict == Verdict.UNTESTABLE.label for result in begun)

    def _merge_invariant(self, result: Result) -> None:
        key = (result.requirement, result.check)
        known = self._invariants.get(key)
        if known is None:
            self._invariants[key] = result
            return
        worse = Verdict.from_label(result.verdict) > Verdict.from_label(known.verdict)
        kept = result if worse else known
        self._invariants[key] = msgspec.structs.replace(kept, judged=known.judged + result.judged)

    def _write(self, result: Result) -> None:
        if self.writer is not None and not (result.security and self.baseline.withholds_security):
            self.writer.write(result)


def _fails_unexpectedly(results: tuple[Result, ...], withheld: bool) -> bool:  # noqa: FBT001 - private, called once
    # What a baseline withholds it may not list either: such results are shown on screen and decide nothing.
    return any(
        result.verdict == Verdict.FAIL.label and not result.expected and not (withheld and result.security)
        for result in results
    )
