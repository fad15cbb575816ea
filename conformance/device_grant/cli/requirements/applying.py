"""`device-grant list TARGET`: which requirements are judged at one server, and why the others are not."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from device_grant.catalogue import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from device_grant.catalogue import Requirement
    from device_grant.cli.requirements.coverage import Coverage, Judge
    from device_grant.server.session.run import Run

HEADINGS = ("judged", "not applicable", "excluded", "all")
"""Columns of the table."""


@dataclass
class SourceShare:
    """What of one source a server is judged by."""

    name: str
    judged: int = 0
    excluded: int = 0
    lacking: Counter[str] = field(default_factory=Counter)
    """How many are not applicable, by reason."""

    @property
    def inapplicable(self) -> int:
        """How many are not applicable."""
        return self.lacking.total()

    @property
    def numbers(self) -> tuple[int, int, int, int]:
        """The cells of its row."""
        return self.judged, self.inapplicable, self.excluded, self.judged + self.inapplicable + self.excluded

    @property
    def why(self) -> str:
        """One line on those that are not applicable; empty if there are none."""
        if not self.lacking:
            return ""
        reasons = "; ".join(reason for reason, _ in self.lacking.most_common())
        share = "" if not self.judged else f"{self.inapplicable} of {self.judged + self.inapplicable} "
        return f"{self.name}: {share}not applicable: {reasons}"


def sources(run: Run, covered: Coverage) -> Iterator[SourceShare]:
    """What of each source that binds servers is judged in the run; nothing is sent."""
    for source in covered.catalogue.sources:
        own = [entry for entry in covered.binding("server") if entry.source == source.name]
        result = SourceShare(source.name)
        for entry in own:
            if covered.status(entry) is Status.EXCLUDED:
                result.excluded += 1
            elif reason := _lacking(run, entry, covered.of(entry)):
                result.lacking[reason] += 1
            else:
                result.judged += 1
        if own:
            yield result


def _lacking(run: Run, entry: Requirement, judges: Iterable[Judge]) -> str:
    """Why nothing judges the requirement in the run; empty if something does."""
    from device_grant.judging import Check, Invariant, NotApplicable, Untestable
    from device_grant.server.session.capabilities import require

    if not run.dialect.binds(entry):
        return f"the target speaks {run.dialect.name}"
    reasons = []
    for judge in judges:
        if isinstance(judge, Invariant):
            return ""
        if not isinstance(judge, Check) or judge.party != "server":
            continue
        if not judge.when(run.dialect):
            reasons.append(f"the target speaks {run.dialect.name}")
            continue
        try:
            for name in judge.needs:
                require(run, name)
        except NotApplicable as reason:
            reasons.append(str(reason))
        except Untestable:
            return ""
        else:
            return ""
    return reasons[0] if reasons else ""


def show(target: str) -> None:
    """Print the table of one server and a line for each source that does not wholly apply.

    The server is started and asked where its endpoints are, and nothing else. Raises UsageError or
    TargetUnreachableError.
    """
    from device_grant.catalogue import load
    from device_grant.cli.requirements.coverage import coverage
    from device_grant.engine.options import Options
    from device_grant.engine.server_subject import ServerSubject
    from device_grant.protocol import Secrets
    from device_grant.report.text import one_line

    subject = ServerSubject(Options(target=target))
    subject.locate()
    try:
        run = subject.open(load(), lambda _requirement, _check, _message: False, Secrets())
        listed = list(sources(run, coverage()))
    finally:
        subject.close()
    wide = max(len(source.name) for source in listed)
    rows: list[tuple[str, tuple[str, ...]]] = [(f"{'source':{wide}}", HEADINGS)]
    rows += [(f"{source.name:{wide}}", tuple(map(str, source.numbers))) for source in listed]
    for name, cells in rows:
        click.echo(" ".join((name, *(f"{cell:>{len(head)}}" for cell, head in zip(cells, HEADINGS, strict=True)))))
    reasons = [one_line(source.why, 400) for source in listed if source.why]
    if reasons:
        click.echo()
    for reason in reasons:
        click.echo(reason)
