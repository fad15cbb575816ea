"""A server under test: opens the target that the options name, and runs checks against it."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from device_grant.engine.options import Options, open_target_spec
from device_grant.errors import UsageError, one_of
from device_grant.judging import Spared
from device_grant.server.session.polite import ASKED, MOST_DECISIONS, PLACES
from device_grant.targets.clocks import FaketimeClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from device_grant.catalogue import Catalogue
    from device_grant.engine.exclusion import Admission
    from device_grant.judging import Check, Invariant, Rule
    from device_grant.judging.ledger import Expects
    from device_grant.judging.trial import Trial
    from device_grant.protocol import Secrets
    from device_grant.results.model import Finding, Header
    from device_grant.server.generation.database import Examples
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.run import Run
    from device_grant.targets.manners import Manners
    from device_grant.targets.ports import Target

MOST_AT_ONCE = 16
"""Checks that go on at the same time, those that wait not counted: few enough to spare the server."""
_CRAWL = 0.5
"""Real seconds of a request from which on a launched server is slow."""


@dataclass
class ServerSubject:
    """The server that the options name."""

    party: ClassVar[str] = "server"
    options: Options
    opener: Callable[[Options], Target] = open_target_spec
    """Makes the target, which is not yet started, of the options."""

    def __post_init__(self) -> None:
        self._located: Target | None = None
        self._target: Target | None = None
        self._examples: Examples | None = None
        self._run: Run | None = None

    def locate(self) -> Path | None:
        """Make the target without starting it; returns the baseline beside it. Raises UsageError."""
        from device_grant.server.session.profile import PROFILES

        if self.options.profile not in PROFILES:
            raise UsageError(f"unknown profile {self.options.profile!r}: {one_of(self.options.profile, PROFILES)}")
        self._located = self.opener(self.options)
        if self.options.database:
            from device_grant.server.generation.database import open_database

            self._examples = open_database(self.options.database)
        return self._located.baseline

    def open(self, catalogue: Catalogue, expects: Expects, secrets: Secrets) -> Run:
        """Start the target and find its endpoints; raises UsageError or TargetUnreachableError."""
        try:
            return self._opened_run(catalogue, expects, secrets)
        except Spared as reason:
            raise UsageError(f"the endpoints of {self.name} were not found: {reason}") from None

    def _opened_run(self, catalogue: Catalogue, expects: Expects, secrets: Secrets) -> Run:
        from device_grant.protocol import any_dialect
        from device_grant.server.session.profile import PROFILES
        from device_grant.server.session.run import Run
        from device_grant.targets.users import passwords_of

        assert self._located is not None  # noqa: S101 - set in locate
        manners = self._manners()
        self._target = self._located.__enter__()
        for password in (*passwords_of(self._target.user), *passwords_of(self._target.second)):
            secrets.register_given("password", password)
        self._run = Run(
            self._target,
            any_dialect(self._target.config.dialect),
            catalogue,
            PROFILES[self.options.profile],
            self.options.seed,
            expects,
            secrets,
            self.options.rest,
            manners=manners,
            decides_before=manners is None,
            examples=self._examples,
        )
        return self._run

    def _manners(self) -> Manners | None:
        """How the located target is treated; None: as one's own. Raises UsageError for one that is nobody's."""
        if not self.polite:
            return None
        from device_grant.targets.adapter import Adapter
        from device_grant.targets.manners import Manners

        assert self._located is not None  # noqa: S101 - set in locate
        clock, target = self._located.clock, cast("object", self._located)
        if not isinstance(target, Adapter):
            raise UsageError(f"{self.options.target}: what was recorded is asked for nothing: leave --polite out")
        target.manners = Manners(clock, budget=self.options.budget, rate=self.options.rate)
        return target.manners

    @property
    def polite(self) -> bool:
        """Whether the located target is somebody else's: the options say so, or its target.toml."""
        return self.options.polite or (self._located is not None and self._located.config.polite)

    @property
    def name(self) -> str:
        """What the located target is called, without credentials."""
        from device_grant.targets.addresses import redacted_url

        name = self._located.config.name if self._located is not None else self.options.target
        return redacted_url(name) if "://" in name else name

    def close(self) -> None:
        """Drop the connections and stop the target; safe to call again."""
        if self._run is not None:
            self._run.close()
        if self._target is not None:
            target, self._target = self._target, None
            target.__exit__(None, None, None)

    @property
    def entered(self) -> bool:
        """Whether the target was started, even where its endpoints were not found then."""
        return self._target is not None

    def probe(self) -> str:
        """The `[endpoints]` table that the usual places suggest; empty where none answers like an endpoint."""
        from device_grant.server.preflight.probing import probe

        assert self._target is not None  # noqa: S101 - asked for where `entered`
        return probe(self._target)

    @property
    def dialect(self) -> str:
        """The dialect of the target."""
        located = self._located or self.opener(self.options)
        return located.config.dialect

    @property
    def places(self) -> int:
        """How many checks go on at the same time."""
        return PLACES if self.polite else self._most or MOST_AT_ONCE

    @property
    def keeps_places(self) -> bool:
        """Whether those that only wait are counted: their codes live on meanwhile, and want the user in time."""
        return self._most is not None and not self.polite

    @property
    def _most(self) -> int | None:
        return self._located.config.clock.side_by_side if self._located is not None else None

    @property
    def shared(self) -> bool:
        """Whether the target is a server that runs by itself, and not one that each process starts."""
        target = self._opened().target
        return not target.in_process and target.config.serve is None

    def watching(self) -> Iterable[Invariant | Rule]:
        """The invariants."""
        from device_grant.judging import all_invariants

        return all_invariants()

    def tour(self) -> frozenset[str]:
        """Those of the invariants."""
        from device_grant.server.invariants.tour import TOUR

        return frozenset(TOUR)

    def holds(self, name: str) -> bool:
        """Whether the target can show what the check asks for."""
        return self._run is None or self._run.target.holds(name)

    def waits(self, check: Check) -> bool:
        """Whether the check is timed, and its waits take time."""
        run = self._opened()
        if run.by_hand is not None and run.by_hand.asks(check.name):
            return False  # one question at a time
        return check.timed and run.target.clock.sleeps

    def crowded(self, trial: Trial) -> bool:
        """Whether codes ended before their time: a server may keep few, and forget the eldest when more are begun.

        Not for what is recorded or played, which holds each request once, nor where requests are counted.
        """
        from device_grant.server.session.case import ServerCase

        run = self._opened()
        assert isinstance(trial, ServerCase)  # noqa: S101 - what this subject's own run has made
        if not trial.lost or not trial.in_question or run.target.sampler is not None or self.polite:
            return False
        run.remarks["crowded"] = (
            "codes ended before their time while many lived at once: the checks that met it were run once more, "
            "a few at a time"
        )
        return True

    def turn(self, check: Check) -> int:
        """A person is asked for what tells the most first, and has the rest of the run for themselves.

        So it is with a server of somebody else, whose requests are few.
        """
        if self.polite:
            from device_grant.server.session.polite import turn as of_plan

            return of_plan(check.name)
        if self._run is None or self._run.by_hand is None:
            return 0
        from device_grant.server.session.by_hand import turn

        return turn(check.name)

    def expect(self, checks: Iterable[Check]) -> None:
        """A person is told how many decisions are to come."""
        if self._run is not None and self._run.by_hand is not None:
            asked = (check.name for check in checks)
            self._run.by_hand.expect([name for name in asked if not self.polite or name in ASKED])
            if self.polite:
                self._run.by_hand.most = MOST_DECISIONS

    def meet(self, admission: Admission) -> None:
        """One user decides for all checks."""
        self._opened().user.admitted = admission.with_user

    def preflight(self) -> Check | None:
        """The main path, on a server that answers now."""
        from device_grant.judging import check_of
        from device_grant.server.preflight.main_path import test_main_path

        run = self._opened()
        check = check_of(test_main_path)
        # Where cases are drawn beforehand, for a recording, each check is by itself: nothing may stand before it.
        return check if run.target.sampler is None and check is not None and run.target.holds(check.name) else None

    def learn(self, trial: Trial) -> Sequence[Finding]:
        """What is wrong on the main path."""
        from device_grant.protocol.curl import curl
        from device_grant.results.model import Finding

        run = self._opened()
        from device_grant.server.session.case import ServerCase

        assert isinstance(trial, ServerCase)  # noqa: S101 - what this subject's own run has made
        run.preflight = trial.preflight
        self._warn_of_a_crawl(trial)
        return [
            Finding(
                name=cause.name,
                title=cause.title,
                advice=cause.advice,
                got=cause.exchange.describe() if cause.exchange else "",
                curl=curl(cause.exchange.request, run.secrets) if cause.exchange else "",
                journal=cause.exchange.journal if cause.exchange else "",
                blocks=sorted(cause.blocks),
                same=list(cause.same),
                security=cause.security,
            )
            for cause in trial.preflight.causes
        ]

    def _warn_of_a_crawl(self, trial: ServerCase) -> None:
        """Tell a person, before the run takes an hour, what makes a program slow that looks at its clock very often."""
        from device_grant.targets.environments import say

        clock = self._opened().target.clock
        took = [exchange.elapsed for exchange in trial.transcript.exchanges]
        if not isinstance(clock, FaketimeClock) or clock.cached or not took or statistics.median(took) < _CRAWL:
            return
        say(
            f"a request takes {statistics.median(took):.1f} s under libfaketime: if that is why, as "
            'with programs of the JVM, write cached = true under [clock], or kind = "real" with short lifetimes'
        )

    def header(self) -> Header:
        """The first line of the results."""
        from device_grant.engine.headers import of_server

        return of_server(self._opened(), self.options.command)

    def leftovers(self) -> Sequence[str]:
        """What the target was given for the checks and none of them asked for; also when it was stopped."""
        return self._run.target.leftovers if self._run is not None else ()

    def remarks(self) -> Sequence[str]:
        """What became of clients that all checks share; also when the target was stopped."""
        return (*self._run.remarks.values(), *self._run.user.remarks()) if self._run is not None else ()

    def _opened(self) -> Run:
        assert self._run is not None  # noqa: S101 - a session that could not open it runs nothing
        return self._run
