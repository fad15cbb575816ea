"""What every report says, worked out once: the verdict on the run, its groups and its order. Pure over a Report."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from msgspec import UNSET

from device_grant.catalogue.model import Level, Party, Verdict
from device_grant.errors import ExitCode
from device_grant.protocol import spoken
from device_grant.report.findings import obstacles, roots
from device_grant.report.text import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from device_grant.catalogue import Catalogue, Requirement
    from device_grant.report.findings import Obstacle, Root
    from device_grant.results import Report, RequirementResult
    from device_grant.results.model import Case, Result

_OF_CLIENTS, _OF_SERVERS = "rules", "invariants"
"""Who judges whom in a capture, as names of checks begin."""
WORST_FIRST = (
    Verdict.FAIL,
    Verdict.WARN,
    Verdict.UNTESTABLE,
    Verdict.INCONCLUSIVE,
    Verdict.NOT_APPLICABLE,
    Verdict.OBSERVED,
    Verdict.PASS,
)
"""The order in which reports list verdicts: what asks for action, what could not be told, what is fine."""

MEANING = {
    Verdict.FAIL: "a mandatory requirement is broken",
    Verdict.WARN: "a recommendation is not followed",
    Verdict.UNTESTABLE: "a prerequisite was missing",
    Verdict.INCONCLUSIVE: "the evidence is too weak",
    Verdict.NOT_APPLICABLE: "the target does not claim the capability",
    Verdict.OBSERVED: "optional behaviour, reported only",
    Verdict.PASS: "holds in every check",
}

Kind = Literal["server", "client"]
PARTIES: dict[Kind, tuple[Party, ...]] = {
    "server": (Party.AUTHORIZATION_SERVER, Party.USER_INTERACTION, Party.BOTH),
    "client": (Party.CLIENT, Party.BOTH),
}
"""What can be under test, and whom the requirements on it bind."""

_REASONLESS = "no reason recorded"


@dataclass(frozen=True)
class Group:
    """Requirements that could not be judged for the same reason."""

    verdict: Verdict
    reason: str
    requirements: tuple[RequirementResult, ...]


@dataclass(frozen=True)
class Section:
    """Requirements of one section of a source, worst verdict first."""

    name: str
    requirements: tuple[RequirementResult, ...]


@dataclass(frozen=True)
class SourceGroup:
    """One source document with its sections in the document's order."""

    name: str
    sections: tuple[Section, ...]

    @property
    def requirements(self) -> list[RequirementResult]:
        """All of them, section by section."""
        return [requirement for section in self.sections for requirement in section.requirements]

    def number(self, verdict: Verdict) -> int:
        """How many of them have this verdict."""
        return sum(requirement.verdict is verdict for requirement in self.requirements)

    @property
    def halves(self) -> tuple[list[Section], list[Section]]:
        """Its sections with what fails alone, and with all else alone; without those that are then empty."""
        return _sifted(self.sections, fails=True), _sifted(self.sections, fails=False)


@dataclass(frozen=True)
class Excluded:
    """Requirements of a source that no check tests, each with its reason in the catalogue."""

    source: str
    requirements: tuple[Requirement, ...]

    @property
    def number(self) -> int:
        """How many there are."""
        return len(self.requirements)


@dataclass(frozen=True)
class View:
    """A report and what follows from it."""

    report: Report

    @cached_property
    def requirements(self) -> list[RequirementResult]:
        """Every requirement that the run has a verdict on, by source and section."""
        return [requirement for source in self.sources for requirement in source.requirements]

    @property
    def specification(self) -> str:
        """What conformance is claimed to: `RFC 8628` or `AWS SSO OIDC`."""
        return spoken(self.report.header.dialect).title

    @property
    def kind(self) -> Kind:
        """What was under test: a client where any result binds one, a server otherwise."""
        return "client" if any(result.party == Party.CLIENT for result in self.report.results) else "server"

    @cached_property
    def judged(self) -> int:
        """Number of requirements that were settled one way or the other."""
        return sum(requirement.judged for requirement in self.requirements)

    def of(self, verdict: Verdict) -> list[RequirementResult]:
        """List the requirements with that verdict."""
        return [requirement for requirement in self.requirements if requirement.verdict is verdict]

    @cached_property
    def failures(self) -> list[RequirementResult]:
        """Failing requirements that no baseline entry expects, those of one cause beside each other."""
        return [requirement for root in self.roots for requirement in root.failures]

    @cached_property
    def roots(self) -> list[Root]:
        """The same by cause, the most telling one first."""
        return roots((one for one in self.requirements if one.unexpected), self.obstacles)

    @cached_property
    def obstacles(self) -> list[Obstacle]:
        """What is wrong on the main path, with what fails and what is blocked by it."""
        return obstacles(self.report.cases, self.requirements)

    @cached_property
    def warnings(self) -> list[RequirementResult]:
        """Broken recommendations that no baseline entry expects."""
        return [requirement for requirement in self.of(Verdict.WARN) if not requirement.expected]

    @cached_property
    def expected(self) -> list[Result]:
        """Results that a baseline entry expects."""
        return [result for requirement in self.requirements for result in requirement.results if result.expected]

    @cached_property
    def suite_errors(self) -> list[Case]:
        """Cases in which the suite itself broke."""
        return [case for case in self.report.cases if case.outcome == "suite-error"]

    @cached_property
    def user_module_broke(self) -> list[str]:
        """What the user module raised of its own, once for each check that it ended."""
        return [case.user_module for case in self.report.cases if case.user_module]

    @property
    def conformant(self) -> bool | None:
        """Whether nothing fails; None where that cannot be said.

        Nothing was judged, the run was interrupted or is one shard of several, or the suite or the user module broke.
        """
        if self.of(Verdict.FAIL):
            return False
        if self.report.interrupted or self._part or self.suite_errors or self.user_module_broke:
            return None
        if not self.judged or self.nothing_ran:
            return None
        return True

    @property
    def nothing_ran(self) -> bool:
        """Whether not even a device authorization could be tried."""
        footer = self.report.footer
        return footer is not None and footer.exit_code == ExitCode.NOTHING_RAN

    @property
    def headline(self) -> str:
        """The verdict on the target in a sentence."""
        failing = len(self.of(Verdict.FAIL))
        judged = plural(self.judged, "judged", "judged")
        if failing:
            fail = plural(failing, "requirement fails", "requirements fail")
            return f"Not conformant: {fail} among {judged}{self._whose}"
        if not self.judged:
            return "No verdict: no requirement was judged"
        if self.nothing_ran:
            return "No verdict: no device authorization could be tried, so nothing of the grant was tested"
        if self.conformant is None:
            return f"No verdict: no failing requirement among {judged} so far"
        return f"Conformant: no failing requirement among {judged}{self._of_whom}"

    @property
    def _user_module(self) -> list[str]:
        broke = self.user_module_broke
        errors = list(dict.fromkeys(broke))
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        checks = plural(len(broke), "check")
        return [f"The user module broke in {checks}: {errors[0]}{more}. Mend it and run again."] if broke else []

    @property
    def _whose(self) -> str:
        """Whose failures they are, where client and server are judged by one capture: `: the client breaks 2, …`."""
        judges = {result.check.partition("::")[0] for result in self.report.results}
        captured = self.report.header.parties is not UNSET
        if not {_OF_CLIENTS, _OF_SERVERS} <= judges and not captured:
            return ""
        breaks = {
            judge: sum(
                any(one.check.startswith(f"{judge}::") for one in entry.worst) for entry in self.of(Verdict.FAIL)
            )
            for judge in (_OF_CLIENTS, _OF_SERVERS)
        }
        client, server = self._named("client"), self._named("server")
        if judges == {_OF_CLIENTS}:
            return f": {client} breaks {breaks[_OF_CLIENTS]}"
        if judges == {_OF_SERVERS}:
            return f": {server} breaks {breaks[_OF_SERVERS]}"
        return f": {client} breaks {breaks[_OF_CLIENTS] or 'none'}, {server} {breaks[_OF_SERVERS] or 'none'}"

    @property
    def _of_whom(self) -> str:
        """Whom a capture was judged for: ` of the client (…) and the server (…)`; empty for a run."""
        if self.report.header.parties is UNSET:
            return ""
        judges = {result.check.partition("::")[0] for result in self.report.results}
        known = {_OF_CLIENTS: "client", _OF_SERVERS: "server"}
        named = [self._named(party) for judge, party in known.items() if judge in judges]
        return f" of {' and '.join(named)}" if named else ""

    def _named(self, party: str) -> str:
        parties = self.report.header.parties
        name = parties.get(party, "") if parties is not UNSET else ""
        return f"the {party} ({name})" if name else f"the {party}"

    @property
    def remarks(self) -> list[str]:
        """What must be known to read the headline rightly."""
        remarks = []
        if self.report.interrupted:
            remarks.append("The run was interrupted: this report is incomplete.")
        remarks += self._part + self._narrowed
        if self.suite_errors:
            checks = plural(len(self.suite_errors), "check")
            remarks.append(f"The suite itself broke in {checks}: that says nothing about the target.")
        remarks += self._user_module
        failing = self.of(Verdict.FAIL)
        expected = sum(requirement.expected for requirement in failing)
        if expected:
            which = "All failures are" if expected == len(failing) else f"{expected} of {len(failing)} failures are"
            remarks.append(f"{which} expected by the baseline.")
        unknown = len(self.of(Verdict.UNTESTABLE)) + len(self.of(Verdict.INCONCLUSIVE))
        if unknown:
            which = plural(unknown, "requirement")
            about = "it" if unknown == 1 else "them"
            remarks.append(f"{which} could not be judged: the verdict says nothing about {about}.")
        remarks += self._unsampled + self._lost_races
        footer = self.report.footer
        if footer is not None:
            if footer.stale:
                entries = plural(
                    len(footer.stale), "baseline entry no longer happens", "baseline entries no longer happen"
                )
                remarks.append(f"{entries}.")
            if footer.expired:
                entries = plural(len(footer.expired), "baseline entry has", "baseline entries have")
                remarks.append(f"{entries} expired.")
            if footer.withheld:
                remarks.append(self.withheld)
        return remarks

    @property
    def _unsampled(self) -> list[str]:
        """The note on checks whose examples came to nothing."""
        cases = [case for case in self.report.cases if case.unsampled]
        which = plural(len(cases), "check that generates requests", "checks that generate requests")
        by_reason: dict[str, list[str]] = {}
        for case in cases:
            by_reason.setdefault(str(case.unsampled), []).append(case.check)
        reasons = "; ".join(f"{', '.join(checks)} ({reason})" for reason, checks in by_reason.items())
        return [f"{which} judged nothing: {reasons}."] if cases else []

    @property
    def _lost_races(self) -> list[str]:
        """The note on failures that come and go."""
        lost = [result for result in self.report.results if result.verdict == Verdict.FAIL.label and raced(result)]
        which = plural(len(lost), "failure", "failures")
        return [f'{which} of races may not come again at once: a baseline calls them kind = "flaky".'] if lost else []

    @property
    def _part(self) -> list[str]:
        """The note on a shard; none for a whole run."""
        shard = self.report.header.shard
        if shard is UNSET or shard.of == 1:
            return []
        return [f"This is shard {shard.label} of a run of {shard.checks} checks; `device-grant merge` joins them."]

    @property
    def _narrowed(self) -> list[str]:
        """The note on a run of a few checks only; none where all were run."""
        return [footer.narrowed] if (footer := self.report.footer) and footer.narrowed else []

    @property
    def withheld(self) -> str:
        """The note on results that are left out; empty if none are."""
        footer = self.report.footer
        if footer is None or not footer.withheld:
            return ""
        results = plural(footer.withheld, "result on a security requirement is", "results on security requirements are")
        return f"{results} withheld until the target's authors have been told privately; no count here includes them."

    @cached_property
    def unjudged(self) -> list[Group]:
        """What could not be tested and why: untestable, inconclusive, then not applicable; largest group first."""
        groups: dict[tuple[Verdict, str], list[RequirementResult]] = {}
        for verdict in (Verdict.UNTESTABLE, Verdict.INCONCLUSIVE, Verdict.NOT_APPLICABLE):
            for requirement in self.of(verdict):
                reason = requirement.worst[0].message or _REASONLESS
                groups.setdefault((verdict, reason), []).append(requirement)
        ordered = sorted(groups.items(), key=lambda item: (-item[0][0], -len(item[1]), item[0][1]))
        return [Group(verdict, reason, tuple(members)) for (verdict, reason), members in ordered]

    @cached_property
    def levels(self) -> list[tuple[str, dict[Verdict, int]]]:
        """Number of requirements by level and verdict; levels without any are left out."""
        table: dict[str, dict[Verdict, int]] = {}
        for requirement in self.requirements:
            row = table.setdefault(requirement.first.level, dict.fromkeys(WORST_FIRST, 0))
            row[requirement.verdict] += 1
        known = [str(level) for level in Level]
        return sorted(
            table.items(), key=lambda item: (known.index(item[0]) if item[0] in known else len(known), item[0])
        )

    @cached_property
    def sources(self) -> list[SourceGroup]:
        """Every requirement by source and section; the dialect's own source first."""
        by_source: dict[str, dict[str, list[RequirementResult]]] = {}
        for requirement in self.report.by_requirement().values():
            sections = by_source.setdefault(requirement.first.source, {})
            sections.setdefault(requirement.first.section, []).append(requirement)
        names = sorted(by_source, key=_own_first(self.specification))
        return [
            SourceGroup(
                name,
                tuple(
                    Section(section, _worst_first(by_source[name][section]))
                    for section in sorted(by_source[name], key=natural)
                ),
            )
            for name in names
        ]


def excluded(view: View, catalogue: Catalogue) -> list[Excluded] | None:
    """List what the catalogue excludes for the dialect and the kind of target, in the order of the sources.

    None where the run was judged by another catalogue: what that one excluded is not known here.
    """
    header = view.report.header
    if catalogue.revision != header.catalogue_revision:
        return None
    by_source: dict[str, list[Requirement]] = {}
    for entry in catalogue.requirements:
        if entry.excluded and spoken(header.dialect).binds(entry) and entry.party in PARTIES[view.kind]:
            by_source.setdefault(entry.source, []).append(entry)
    return [
        Excluded(source, tuple(sorted(by_source[source], key=lambda entry: (natural(entry.section), entry.id))))
        for source in sorted(by_source, key=_own_first(view.specification))
    ]


def _sifted(sections: Iterable[Section], *, fails: bool) -> list[Section]:
    sifted = [
        Section(one.name, tuple(each for each in one.requirements if (each.verdict is Verdict.FAIL) is fails))
        for one in sections
    ]
    return [one for one in sifted if one.requirements]


def natural(text: str) -> list[tuple[int, str]]:
    """Sort key in which section 3.10 comes after 3.9."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.findall(r"\d+|\D+", text)]


def section_name(source: str, section: str) -> str:
    """`RFC 8628 section 3.5`, or `AWS SSO OIDC CreateToken` where sections have names."""
    numbered = section[:1].isdigit() or re.fullmatch(r"[A-Z](\.\d+)*", section)
    return f"{source} section {section}".strip() if numbered else f"{source} {section}".strip()


def _own_first(own: str) -> Callable[[str], tuple[bool, list[tuple[int, str]]]]:
    return lambda name: (not name.startswith(own), natural(name))


def _worst_first(requirements: Iterable[RequirementResult]) -> tuple[RequirementResult, ...]:
    return tuple(sorted(requirements, key=lambda one: (WORST_FIRST.index(one.verdict), one.id)))


def raced(result: Result) -> bool:
    """Whether it rests on requests that meet by chance: that it holds is weak evidence, and it fails now and then."""
    return result.measured is not UNSET and "rounds" in result.measured
