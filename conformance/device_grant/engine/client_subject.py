"""A client under test: prepares it, proves its adapter by a plain login, and runs scenarios against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from device_grant.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from device_grant.catalogue import Catalogue
    from device_grant.client.drivers.invocation import Driver
    from device_grant.client.session.run import ClientRun
    from device_grant.engine.exclusion import Admission
    from device_grant.engine.options import Options
    from device_grant.judging import Check, Invariant, Rule
    from device_grant.judging.ledger import Expects
    from device_grant.judging.trial import Trial
    from device_grant.protocol import Secrets
    from device_grant.recordings.record.sessions import RecordingDriver
    from device_grant.recordings.replay.sessions import ReplayDriver
    from device_grant.results.model import Finding, Header


@dataclass
class ClientSubject:
    """The client that the options name."""

    party: ClassVar[str] = "client"
    shared: ClassVar[bool] = False
    """Each run of a client is a process of its own."""
    polite: ClassVar[bool] = False
    """A client sends what it likes."""
    options: Options

    def __post_init__(self) -> None:
        self._driver: Driver | None = None
        self._entered = False
        self._run: ClientRun | None = None
        self.recorder: RecordingDriver | None = None
        """What the runs of the client leave, where it is recorded."""
        self._played: ReplayDriver | None = None

    def locate(self) -> Path | None:
        """Find the client; returns the baseline beside its client.toml. Raises UsageError."""
        from device_grant.client.drivers.load import baseline_of

        options = self.options
        if options.database:
            raise UsageError("--grant-database: scenarios for clients generate no examples to keep; leave it out")
        self._driver = self._recognised()
        return baseline_of(options.target)

    def open(self, catalogue: Catalogue, expects: Expects, secrets: Secrets) -> ClientRun:
        """Prepare the client and let it log in once; raises UsageError or TargetUnreachableError."""
        from device_grant.client.session.run import ClientRun
        from device_grant.protocol import any_dialect

        assert self._driver is not None  # noqa: S101 - set in locate
        if self.options.recorded:
            from device_grant.recordings.record.sessions import RecordingDriver

            self._driver = self.recorder = RecordingDriver(self._driver)
        self._driver.__enter__()
        self._entered = True
        spoken = any_dialect(self._driver.config.judged_by)
        run = ClientRun(self._driver, spoken, catalogue, expects, secrets, self.options.rest)
        run.drawn = bool(self.recorder or self._played)
        if self._played is not None and self._played.head.withheld:
            # What only they look at was left out, and would be taken for sound.
            run.rules = tuple(
                rule for rule in run.rules if not all(catalogue.get(one).security for one in rule.requirements)
            )
        if self._played.begun if self._played else not self.options.faults:
            run.handshake()
        self._run = run
        return run

    def close(self) -> None:
        """End every process of the client and the servers that it met; safe to call again."""
        if self._entered and self._driver is not None:
            self._entered = False
            self._driver.__exit__(None, None, None)

    @property
    def dialect(self) -> str:
        """The dialect by which the client is judged."""
        return (self._driver or self._recognised()).config.judged_by

    @property
    def places(self) -> int:
        """How many runs of the client go on at the same time, as client.toml says."""
        return self._opened().config.run.side_by_side

    @property
    def keeps_places(self) -> bool:
        """No: nothing is short while a client waits."""
        return False

    def watching(self) -> Iterable[Invariant | Rule]:
        """The rules."""
        from device_grant.client.rules import every_rule

        return self._run.rules if self._run is not None else every_rule()

    def tour(self) -> None:
        """None: what a client does in one scenario says nothing of what it does in another."""

    def holds(self, name: str) -> bool:
        """Whether the scenario can be run: of a recorded client, whether it was recorded."""
        return self._played is None or self._played.holds(name)

    def waits(self, check: Check) -> bool:
        """Whether time is real: scenarios mostly wait."""
        del check
        if self._played is not None:
            return False
        return self._opened().driver.clock != "simulated"

    def crowded(self, trial: Trial) -> bool:
        """No: each scenario has a server of its own."""
        del trial
        return False

    def turn(self, check: Check) -> int:
        """As it comes."""
        del check
        return 0

    def expect(self, checks: Iterable[Check]) -> None:
        """Nobody has to be told."""

    def meet(self, admission: Admission) -> None:
        """Nobody but the client is there."""

    def preflight(self) -> None:
        """None: a client is run anew for each scenario."""

    def learn(self, trial: Trial) -> Sequence[Finding]:
        """Nothing."""
        del trial
        return ()

    def header(self) -> Header:
        """The first line of the results."""
        from device_grant.engine.headers import of_client

        return of_client(self._opened(), self.options.command)

    def leftovers(self) -> Sequence[str]:
        """What of a recording no scenario has asked for; also when it was played."""
        return self._played.leftovers if self._played is not None else ()

    def remarks(self) -> Sequence[str]:
        """Whether the client could reach more than it should; every check on a client begins afresh."""
        network = self._run.driver.network if self._run is not None else ""
        why = network.removeprefix("open: ")
        return (f"the client could reach what this machine reaches: {why}.",) if why != network else ()

    def _recognised(self) -> Driver:
        from device_grant.client.drivers.load import open_client
        from device_grant.targets.spec import SpecForm, parse_client

        options = self.options
        spec = parse_client(options.target)
        if spec.form is SpecForm.CASSETTE:
            from device_grant.recordings.replay.sessions import open_sessions

            if options.recorded:
                raise UsageError(f"{options.target} is a recording: record the client itself")
            self._played = open_sessions(spec.path, options.target)
            return self._played
        return open_client(
            options.target,
            dialect=options.dialect,
            speaks=options.speaks,
            faults=options.faults,
            claims=options.claims,
        )

    def _opened(self) -> ClientRun:
        assert self._run is not None  # noqa: S101 - a session that could not open it runs nothing
        return self._run
