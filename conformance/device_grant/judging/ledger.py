"""The ledger, which makes verdicts of judgements, and the claims that it keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec import field as struct_field
from msgspec.structs import replace

from device_grant.catalogue import Requirement, Verdict
from device_grant.errors import SuiteError

if TYPE_CHECKING:
    from device_grant.judging.judgement import Judgement
    from device_grant.protocol import Dialect, Event, Exchange

Expects = Callable[[str, str, str], bool]
"""Whether the baseline expects a deviation: (requirement id, check name, message)."""


class StopCheck(Exception):  # noqa: N818 - not errors: three ways in which a check ends before its end
    """A check ends early; `str(self)` is the reason that the report shows."""

    verdict: Verdict
    cause: str = ""
    """Name of the finding by which the check is blocked; empty where it ended for a reason of its own."""


class Untestable(StopCheck):
    """A prerequisite is missing: no user, no second client, the preceding step was refused."""

    verdict = Verdict.UNTESTABLE


class UserModuleBroke(Untestable):
    """The user module raised an error of its own: nothing is known of the target, and the module is to be mended."""


class Inconclusive(StopCheck):
    """The evidence is too weak either way, for example timing blurred by a slow machine."""

    verdict = Verdict.INCONCLUSIVE


class NotApplicable(StopCheck):
    """The target does not claim, or visibly does not have, what the check is about."""

    verdict = Verdict.NOT_APPLICABLE


class Spared(StopCheck):
    """The server is somebody else's, and is spared what the check would send: no word about the target.

    No Untestable, because that can be a fact about the target, which whoever catches one goes on to explain.
    """

    verdict = Verdict.UNTESTABLE


class Claim(Struct, frozen=True):
    """A judgement with the verdict that the requirement's level makes of it; a struct for the reason of Judgement."""

    requirement: Requirement
    check: str
    verdict: Verdict
    message: str = ""
    accepted: tuple[str, ...] = ()
    got: str = ""
    exchanges: tuple[Exchange | Event, ...] = ()
    """What shows it; a story of the state machine has events between its exchanges."""
    measured: Mapping[str, float] = struct_field(default_factory=dict)
    """What was measured, by name."""
    blocked_by: str = ""
    """Name of the finding that keeps it from being judged."""


class Violation(Exception):  # noqa: N818 - a finding about the target, not an error of ours
    """Raised inside generated examples so that Hypothesis shrinks to the smallest input that shows the claim."""

    def __init__(self, claim: Claim) -> None:
        super().__init__(f"{claim.requirement.id}: {claim.message}")
        self.claim = claim


@cache
def violation_type(requirement: str) -> type[Violation]:
    """A class of its own for each requirement: Hypothesis tells failures apart by exception type and line."""
    return type("Violation", (Violation,), {"__doc__": requirement})


@dataclass
class Tally:
    """What a check has said of one requirement so far."""

    requirement: Requirement
    judged: int = 0
    worst: Claim | None = None

    def add(self, claim: Claim) -> None:
        """Count the claim and keep the worst one, the earliest of equals."""
        self.judged += 1
        if self.worst is None or claim.verdict > self.worst.verdict:
            self.worst = claim

    @property
    def verdict(self) -> Verdict:
        """Worst verdict so far; PASS if nothing was said against it."""
        return self.worst.verdict if self.worst else Verdict.PASS


@dataclass
class Ledger:
    """Collects the claims of one check (or of the invariants) and merges them, worst first."""

    check: str
    requirement_of: Callable[[str], Requirement]
    dialect: Dialect
    named: tuple[str, ...]
    """Requirements that the check may judge; another one is an error of the suite."""
    expects: Expects
    tallies: dict[str, Tally] = field(default_factory=dict)
    spare: dict[str, Tally] = field(default_factory=dict)
    """Why a check that was spared, or that samples, could not run, for requirements that no other check judges."""
    unsettled: Mapping[str, str] = field(default_factory=dict)
    """Why a requirement cannot be settled in this run, whatever the check says of it."""
    raising: bool = False
    """Inside generated examples an unexpected failure is raised instead of recorded."""
    raised: Violation | None = None
    """The first one of the examples that are being judged."""
    failed: set[tuple[str, str]] = field(default_factory=set)
    """Requirement and message of the failures so far."""
    known: frozenset[tuple[str, str]] = frozenset()
    """Those of them that are not raised again: an example that ended with one would show nothing else."""

    def applicable(self, requirement: str) -> bool:
        """Whether the requirement exists in the dialect of this run."""
        return self.dialect.binds(self.requirement_of(requirement))

    def settle(self, judgement: Judgement) -> None:
        """Make a claim of what was judged, and record it; SuiteError if the judge does not name the requirement."""
        requirement, holds = judgement.requirement, judgement.holds
        if requirement not in self.named:
            raise SuiteError(f"{self.check} judges {requirement}, which its decorator does not name")
        if holds and self.again(requirement):
            return
        entry = self.requirement_of(requirement)
        if not self.dialect.binds(entry):
            return
        if holds:
            verdict = Verdict.PASS
        elif holds is None:
            verdict = Verdict.INCONCLUSIVE
        else:
            verdict = entry.verdict_if_broken
            if judgement.tolerated:
                verdict = min(verdict, Verdict.WARN)
        self.add(
            Claim(
                entry,
                self.check,
                verdict,
                "" if holds else judgement.problem,
                judgement.accepted,
                judgement.got,
                () if verdict is Verdict.PASS else judgement.exchanges,
                judgement.measured,
            )
        )

    def again(self, requirement: str) -> bool:
        """Count that the requirement holds, if a claim was recorded before: then nothing else of it would be kept."""
        tally = self.tallies.get(requirement)
        if tally is None or tally.worst is None or requirement in self.unsettled:
            return False
        tally.judged += 1
        return True

    def add(self, claim: Claim) -> None:
        """Record a claim, or raise it as a Violation where an example is being judged."""
        if claim.requirement.id in self.unsettled:
            reason = self.unsettled[claim.requirement.id]
            claim = replace(claim, verdict=Verdict.INCONCLUSIVE, message=reason)
        failure = (claim.requirement.id, claim.message)
        if (
            self.raising
            and claim.verdict is Verdict.FAIL
            and failure not in self.known
            and not self.expects(claim.requirement.id, self.check, claim.message)
        ):
            violation = violation_type(claim.requirement.id)(claim)
            self.raised = self.raised or violation
            raise violation
        if claim.verdict is Verdict.FAIL:
            self.failed.add(failure)
        self.tallies.setdefault(claim.requirement.id, Tally(claim.requirement)).add(claim)

    def close(self, stop: StopCheck | None, *, sampled: bool = False) -> None:
        """At the end of the check: what was named but not judged is as `stop` says.

        A sampled check leaves it open, as does one that the target is spared: other checks settle most of it, and only
        what none does is as `stop` says.
        """
        for requirement in self.named:
            if requirement in self.tallies or not self.applicable(requirement):
                continue
            if stop is None:
                if sampled:
                    continue
                raise SuiteError(f"{self.check} ended without judging {requirement}, which its decorator names")
            entry = self.requirement_of(requirement)
            claim = Claim(entry, self.check, stop.verdict, str(stop), blocked_by=stop.cause)
            if sampled or isinstance(stop, Spared):
                self.spare.setdefault(requirement, Tally(entry)).add(claim)
            else:
                self.add(claim)
