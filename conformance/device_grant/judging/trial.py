"""What the parts that run checks and write results need of a check while it runs, whichever party it judges."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from device_grant.catalogue import Catalogue
    from device_grant.judging.ledger import Claim, Ledger, StopCheck
    from device_grant.judging.registry import Check
    from device_grant.protocol import Dialect, Secrets, Transcript


class CheckRun(Protocol):
    """What all trials against one server or client share, once that has been opened."""

    @property
    def dialect(self) -> Dialect:
        """The dialect that is spoken."""

    @property
    def catalogue(self) -> Catalogue:
        """The requirements."""

    @property
    def secrets(self) -> Secrets:
        """Those that have been seen so far."""

    @property
    def expects(self) -> Callable[[str, str, str], bool]:
        """Whether the baseline expects a deviation: (requirement id, check name, message)."""

    @property
    def exchanges(self) -> int:
        """How many requests have been sent so far."""

    @property
    def sends(self) -> bool:
        """Whether a person can send a request again, so that it is shown as a curl command."""

    def reproduction(self, requirement: str, check: str = "") -> str:
        """The command that shows a result again; `check` is the one in which it was seen."""

    def trial(self, check: Check, resting: Callable[[], AbstractContextManager[None]] = nullcontext) -> Trial:
        """A new trial of a check; it may enter what `resting` returns while it only waits."""

    def carry_out(self, trial: Trial) -> None:
        """Begin and execute a trial, on the clock by which what is under test lives."""

    def close(self) -> None:
        """Drop the connections; what is under test goes on."""


class Trial(Protocol):
    """One check against what is under test: what it sent, and what it claims."""

    stop: StopCheck | None
    """Why the check ended before its end, if it did."""

    @property
    def run(self) -> CheckRun:
        """What it shares with the others."""

    @property
    def check(self) -> Check:
        """The check."""

    @property
    def transcript(self) -> Transcript:
        """What was sent, answered and done, in order."""

    @property
    def examples(self) -> int:
        """Generated examples that were tried."""

    @property
    def exposed(self) -> dict[str, Any]:
        """What a phisher gets, as far as the check has measured it: members of `Exposure` in results."""

    @property
    def ledger(self) -> Ledger:
        """What the check itself has claimed."""

    @property
    def invariants(self) -> dict[str, Ledger]:
        """What the invariants, or rules, have claimed of its exchanges, by their names."""

    def begin(self) -> None:
        """Start counting the trial's seconds now."""

    def execute(self) -> None:
        """Run the check function and settle all that it left open."""

    def claims(self) -> Iterator[Claim]:
        """The worst claim of the check on each requirement, invariants and rules excluded."""
