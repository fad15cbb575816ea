"""What a session asks of that which is under test, a server or a client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from device_grant.catalogue import Catalogue
    from device_grant.engine.exclusion import Admission
    from device_grant.engine.options import Options
    from device_grant.judging import Check, Invariant, Rule
    from device_grant.judging.ledger import Expects
    from device_grant.judging.trial import CheckRun, Trial
    from device_grant.protocol import Secrets
    from device_grant.results.model import Finding, Header


class Subject(Protocol):
    """A server or a client under test, from its name on the command line until it is left."""

    @property
    def party(self) -> str:
        """`server` or `client`: whom the checks judge."""

    def locate(self) -> Path | None:
        """Find what is under test without starting it; returns the baseline beside it, if there is one.

        Raises UsageError if the options name nothing that can be tested.
        """

    def open(self, catalogue: Catalogue, expects: Expects, secrets: Secrets) -> CheckRun:
        """Start it; raises UsageError or TargetUnreachableError. Called once, after `locate`."""

    def close(self) -> None:
        """Drop the connections and stop what was started; safe to call again."""

    @property
    def dialect(self) -> str:
        """The dialect that it speaks; known once it is located."""

    @property
    def places(self) -> int:
        """How many checks go on at the same time at most, those that only wait not counted."""

    @property
    def keeps_places(self) -> bool:
        """Whether those that only wait are counted all the same."""

    @property
    def polite(self) -> bool:
        """Whether it is somebody else's, and spared what costs much or may do harm; known once it is located."""

    @property
    def shared(self) -> bool:
        """Whether other processes of the same run meet it too: each opens one, but finds the same server."""

    def watching(self) -> Iterable[Invariant | Rule]:
        """What is judged on everything that is exchanged."""

    def tour(self) -> frozenset[str] | None:
        """Names of the few checks that show these all that they look at; None: only all checks do."""

    def holds(self, name: str) -> bool:
        """Whether the check of that name can be run: what of a kept run is left out cannot."""

    def waits(self, check: Check) -> bool:
        """Whether the check takes real time by waiting, so that it should go on beside others."""

    def crowded(self, trial: Trial) -> bool:
        """Whether what came of a check that went on beside others may come of their number: it is run once more."""

    def turn(self, check: Check) -> int:
        """Where the check stands among those that are as good as it: the lower, the earlier."""

    def expect(self, checks: Iterable[Check]) -> None:
        """These are the checks that are going to be run. Called once, before the first."""

    def meet(self, admission: Admission) -> None:
        """Take note of how checks are let to what they share."""

    def preflight(self) -> Check | None:
        """What is run before all checks and regardless of the selection; None: nothing, as with what was recorded."""

    def learn(self, trial: Trial) -> Sequence[Finding]:
        """Take what that check found: the others are blocked by it. Returns it as lines of the results."""

    def header(self) -> Header:
        """The first line of the results."""

    def leftovers(self) -> Sequence[str]:
        """What of answers that were given beforehand no check has asked for, one line each; mostly nothing."""

    def remarks(self) -> Sequence[str]:
        """What happened to all checks together and no verdict tells, one line each; mostly nothing."""


def subject_of(options: Options) -> Subject:
    """What the options name, not yet located."""
    if options.party == "client":
        from device_grant.engine.client_subject import ClientSubject

        return ClientSubject(options)
    from device_grant.engine.server_subject import ServerSubject

    return ServerSubject(options)
