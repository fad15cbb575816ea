"""What changed between two runs: a pure comparison of verdicts, and how it reads on a terminal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from rich.text import Text

from device_grant.catalogue.model import Verdict
from device_grant.errors import UsageError
from device_grant.report.terminal.console import encodable, heading, indented, paragraph, wrapped
from device_grant.report.terminal.progress import STYLE
from device_grant.report.text import one_line, plural
from device_grant.report.view import natural

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import Console

    from device_grant.results import Report
    from device_grant.results.model import Result

Kind = Literal["newly-failing", "newly-passing", "known", "changed", "gone", "new"]
TITLES: dict[Kind, str] = {
    "newly-failing": "Newly failing",
    "newly-passing": "Newly passing",
    "known": "Newly failing, as the baseline expects",
    "changed": "Otherwise changed",
    "gone": "Gone",
    "new": "New",
}
"""Groups in the order in which they are shown: what asks for action comes first."""

_FAIL = Verdict.FAIL.label
_PASSING = frozenset({Verdict.PASS.label, Verdict.OBSERVED.label})
_BROKEN = frozenset({_FAIL, Verdict.WARN.label})
_LONGEST_MESSAGE = 300


@dataclass(frozen=True)
class Change:
    """One check's verdict on one requirement, before and after; None where there was none."""

    before: Result | None
    after: Result | None

    @property
    def result(self) -> Result:
        """The newer of the two."""
        outcome = self.after or self.before
        assert outcome is not None  # noqa: S101 - a change has at least one side
        return outcome

    @property
    def kind(self) -> Kind:
        """Which group it belongs to; a failure that the baseline expects is known, and no regression."""
        before, after = self.before, self.after
        if after is None:
            return "gone"
        if after.verdict == _FAIL and (before is None or before.verdict != _FAIL):
            return "known" if after.expected else "newly-failing"
        if before is None:
            return "new"
        if after.verdict in _PASSING and before.verdict in _BROKEN:
            return "newly-passing"
        return "changed"

    @property
    def drawn(self) -> bool:
        """Whether it is a pass that one run reached and the other did not, because they drew other examples."""
        return (
            None in (self.before, self.after)
            and self.result.verdict == Verdict.PASS.label
            and bool(self.result.sampled)
        )

    @property
    def words(self) -> str:
        """`pass → fail (expected: deviation)`."""
        return f"{_said(self.before)} → {_said(self.after)}"


@dataclass(frozen=True)
class Difference:
    """Two runs of one target in one dialect."""

    name: str
    before: Report
    after: Report
    changes: tuple[Change, ...] = field(default=())
    drawn: int = 0
    """Passes that one of them reached and the other did not, by the examples that were drawn; no changes."""

    def of(self, kind: Kind) -> list[Change]:
        """List the changes of a kind, in the order of sections."""
        return [change for change in self.changes if change.kind == kind]

    @property
    def regressed(self) -> bool:
        """Whether something newly fails."""
        return bool(self.of("newly-failing"))

    @property
    def remarks(self) -> list[str]:
        """What must be known to read the comparison rightly."""
        collected = []
        for side, report in (("first", self.before), ("second", self.after)):
            if report.interrupted:
                reached = "what it did not reach is listed as " + ("new" if side == "first" else "gone")
                collected.append(f"The {side} run was interrupted: {reached}.")
            if report.footer is not None and report.footer.withheld:
                collected.append(f"The {side} file withholds results on security requirements.")
            if report.footer is not None and report.footer.suite_errors:
                checks = plural(report.footer.suite_errors, "check")
                collected.append(f"The suite itself broke in {checks} of the {side} run.")
        footer = self.after.footer
        for entries, why in ((footer.stale, "no longer happens"), (footer.expired, "has expired")) if footer else ():
            collected += [f"An entry of the baseline {why}: {entry}." for entry in entries]
        if self.drawn:
            passes = plural(self.drawn, "pass comes or goes", "passes come or go")
            collected.append(f"{passes} with the examples that were drawn: such a requirement was sampled.")
        one, other = self.before.header, self.after.header
        if one.target != other.target:
            collected.append(f"The targets are different: {one.target} and {other.target}.")
        elif one.target_version != other.target_version:
            collected.append(f"The target's version went from {one.target_version} to {other.target_version}.")
        if one.catalogue_revision != other.catalogue_revision:
            collected.append("The runs were judged by different catalogues of requirements.")
        return collected


def compare(name: str, before: Report, after: Report) -> Difference:
    """Compare two runs by requirement and check; raises UsageError if their dialects differ."""
    one, other = before.header.dialect, after.header.dialect
    if one != other:
        raise UsageError(
            f"{name}: the first run speaks {one}, the second {other}: their requirements cannot be compared; "
            "name two runs in the same dialect"
        )
    old, new = _pairs(before.results), _pairs(after.results)
    changes = [
        Change(old.get(pair), new.get(pair))
        for pair in sorted(old.keys() | new.keys(), key=lambda pair: (natural(pair[0]), pair[1]))
        if _identity(old.get(pair)) != _identity(new.get(pair))
    ]
    kept = tuple(change for change in changes if not change.drawn)
    return Difference(name, before, after, kept, len(changes) - len(kept))


def as_json(differences: Iterable[Difference], missing: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the comparison for programs; `missing` names the runs that only one side has: `first` or `second`."""
    compared = list(differences)
    return {
        "regressed": any(one.regressed for one in compared),
        "runs": [
            {
                "name": one.name,
                "dialect": one.after.header.dialect,
                "before": _run(one.before),
                "after": _run(one.after),
                "remarks": one.remarks,
                "changes": [
                    {
                        "kind": change.kind,
                        "requirement": change.result.requirement,
                        "check": change.result.check,
                        "level": change.result.level,
                        "before": _verdict(change.before),
                        "after": _verdict(change.after),
                        "message": change.result.message,
                    }
                    for kind in TITLES
                    for change in one.of(kind)
                ],
            }
            for one in compared
        ],
        "only": dict(sorted((missing or {}).items())),
    }


def render(difference: Difference, console: Console) -> None:
    """Print one comparison: a sentence, remarks, then the groups that are not empty."""
    header = difference.after.header
    heading(f"{difference.name}: {header.target} {header.target_version}".strip() + f", {header.dialect}", console)
    counts = [f"{len(outcome)} {TITLES[kind].lower()}" for kind in TITLES if (outcome := difference.of(kind))]
    if counts:
        paragraph(console, ", ".join(counts), "bold red" if difference.regressed else "bold")
    else:
        paragraph(console, f"The same {plural(len(difference.after.results), 'verdict')}", "bold green")
    for remark in difference.remarks:
        paragraph(console, one_line(remark), "yellow")
    for kind, title in TITLES.items():
        outcome = difference.of(kind)
        if outcome:
            console.print()
            paragraph(console, f"{title} ({len(outcome)})", "bold")
            for change in outcome:
                _change(change, console)


def _change(change: Change, console: Console) -> None:
    result = change.result
    style = STYLE[Verdict.from_label(result.verdict)] if change.after is not None else "dim"
    text = Text(encodable(console, one_line(result.requirement)), style="bold")
    text.append(f"  {encodable(console, change.words)}", style=style)
    wrapped(console, text, Text("  "))
    indented(console, one_line(result.check), 4, "dim")
    if change.after is not None and result.message:
        indented(console, one_line(result.message, _LONGEST_MESSAGE), 4)


def _pairs(results: Iterable[Result]) -> dict[tuple[str, str], Result]:
    collected: dict[tuple[str, str], Result] = {}
    for result in results:
        known = collected.get((result.requirement, result.check))
        if known is None or Verdict.from_label(result.verdict) > Verdict.from_label(known.verdict):
            collected[result.requirement, result.check] = result
    return collected


def _identity(result: Result | None) -> tuple[str, bool] | None:
    return None if result is None else (result.verdict, bool(result.expected))


def _said(result: Result | None) -> str:
    if result is None:
        return "none"
    return f"{result.verdict} (expected: {result.expected})" if result.expected else result.verdict


def _verdict(result: Result | None) -> dict[str, str] | None:
    return None if result is None else {"verdict": result.verdict, "expected": result.expected}


def _run(report: Report) -> dict[str, Any]:
    header = report.header
    return {
        "target": header.target,
        "version": header.target_version,
        "suite": header.suite_version,
        "catalogue": header.catalogue_revision,
        "started": header.started,
        "interrupted": report.interrupted,
        "withheld": report.footer.withheld if report.footer is not None else 0,
    }
