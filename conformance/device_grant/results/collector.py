"""Gathers the lines of one run as its cases finish, marks what the baseline expects, and settles the exit code."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import msgspec

from device_grant.results.merge import worse_of
from device_grant.results.reader import Report
from device_grant.results.settling import settle
from device_grant.results.withhold import silenced, tells, withhold_security
from device_grant.results.writer import redacted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from device_grant.protocol import Secrets
    from device_grant.results.baseline import Baseline
    from device_grant.results.model import Case, Footer, Header, Result
    from device_grant.results.writer import ResultsWriter


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
            withheld = self.baseline.withholds_security and (tells(case) or any(result.security for result in own))
            self.writer.write(silenced(case) if withheld else case)
            for result in own:
                self._write(result)
        self._spare.extend(spare)
        for result in invariants:
            self._merge_invariant(result)

    def finish(self, *, interrupted: bool = False, narrowed: str = "") -> Report:
        """Settle the invariants and, unless the run was interrupted, the footer; close the file.

        `narrowed` says why not all checks were run that could have shown what was asked for; empty: they were.
        """
        judged = {result.requirement for result in (*self.results, *self._invariants.values())}
        spare = [result for result in self._spare if result.requirement not in judged]
        if self.header is not None and self.header.shard is not msgspec.UNSET:
            # Another shard may hold the check that judges it.
            spare = [msgspec.structs.replace(result, spare=True) for result in spare]
        left = [*self._invariants.values(), *spare]
        settled = [self.baseline.mark(redacted(result, self.secrets), self.today) for result in left]
        self.results.extend(settled)
        if not interrupted:
            self.footer = self._footer(narrowed)
        report = self.report
        if self.writer is not None:
            for result in settled:
                self._write(result)
            published = withhold_security(report) if self.baseline.withholds_security else report
            if published.footer is not None and self.header is not None:
                self.writer.write(published.footer)
            self.writer.close()
        return report

    def redact_again(self) -> Report:
        """Everything so far, without what was written before an answer showed that it is a secret."""
        self.cases = [redacted(case, self.secrets) for case in self.cases]
        self.results = [redacted(result, self.secrets) for result in self.results]
        return self.report

    @property
    def report(self) -> Report:
        """Everything so far, withheld results included: for the screen."""
        assert self.header is not None  # noqa: S101 - nothing is collected before a header
        return Report(header=self.header, cases=tuple(self.cases), results=tuple(self.results), footer=self.footer)

    def _footer(self, narrowed: str) -> Footer:
        return settle(
            self.report,
            self.baseline,
            expired=[entry.label for entry in self.baseline.expired(self.today)],
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
            duration=round(time.perf_counter() - self._began, 3),
            exchanges=self.exchanges,
            narrowed=narrowed,
        )

    def _merge_invariant(self, result: Result) -> None:
        key = (result.requirement, result.check)
        known = self._invariants.get(key)
        self._invariants[key] = result if known is None else worse_of(known, result)

    def _write(self, result: Result) -> None:
        if self.writer is not None and not (result.security and self.baseline.withholds_security):
            self.writer.write(result)
