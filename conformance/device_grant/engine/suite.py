"""One session of the suite: opens the target, runs cases, collects what they say."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import pytest

from device_grant.engine.ahead import Abreast, Finished, arrange
from device_grant.engine.items import CheckItem
from device_grant.engine.options import Options, open_target_spec, resolved_dialect
from device_grant.engine.selecting import Selection, Share, Sharing
from device_grant.engine.telling import tell_pytest, told
from device_grant.engine.workers import Crew, is_worker, plain
from device_grant.errors import DeviceGrantError, TargetUnreachableError, UsageError
from device_grant.results.baseline import Baseline
from device_grant.results.baseline import load as load_baseline
from device_grant.targets.ports import NotHeld

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from device_grant.catalogue import Catalogue, Requirement
    from device_grant.client.session.case import ClientCase
    from device_grant.client.session.run import ClientRun
    from device_grant.judging import Invariant, Rule
    from device_grant.judging.ledger import Expects
    from device_grant.protocol import Secrets
    from device_grant.results.collector import Collector
    from device_grant.results.model import Header, Shard
    from device_grant.server.generation.database import Examples
    from device_grant.server.session.case import Case
    from device_grant.server.session.run import Run
    from device_grant.targets.ports import Target

PAYLOAD = "device_grant"
"""Attribute of a test report that carries the lines of a case, also from an xdist worker to its controller."""


@dataclass
class Suite:
    """One session of the suite: opens the target, runs cases, collects what they say."""

    party: ClassVar[str] = "server"
    """Whom the checks of this suite judge."""
    options: Options
    collector: Collector | None = None
    error: DeviceGrantError | None = None
    """Why the session ended before its end."""
    opener: Callable[[Options], Target] = open_target_spec
    """Makes the target, which is not yet started, of the options."""
    on_start: Callable[[int], None] | None = None
    on_case: Callable[[str, Any], None] | None = None
    on_check: Callable[[str], None] | None = None
    broken_invariants: dict[str, set[str]] = field(default_factory=dict)
    seen_invariants: set[str] = field(default_factory=set)
    shard: Shard | None = None
    """The part of the run that this session is; None: all of it."""

    def __post_init__(self) -> None:
        self._located: Target | None = None
        self._examples: Examples | None = None
        self._target: Target | None = None
        self._run: Run | ClientRun | None = None
        self._abreast = Abreast(self._execute)
        self._sent_secrets = 0
        self._sent_exchanges = 0
        self._interrupted = False
        self._wanted: frozenset[str] | None = None
        self._baseline = Baseline()
        self.misfits: dict[str, str] = {}
        """Checks that ask a target with given answers for others, and why."""
        self._running: Case | ClientCase | None = None
        self._running_since = 0.0

    # Session.

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Start, unless the command line has done so already."""
        config = session.config
        config.pluginmanager.register(Crew(self))
        if self._run is None and self.collector is None:
            try:
                self.start(worker=is_worker(config), parallel=bool(getattr(config.option, "numprocesses", None)))
            except DeviceGrantError as error:
                self.end(config, error)
        if self.options.shard:
            config.pluginmanager.register(Sharing(self, Share.parse(self.options.shard)))

    def end(self, config: pytest.Config, error: DeviceGrantError, items: list[pytest.Item] | None = None) -> None:
        """End the session with an error; a worker goes on with nothing to do, and hands it to its controller."""
        self.error = error
        if items is not None:
            items.clear()
        if not is_worker(config):
            pytest.exit(str(error), returncode=int(error.exit_code))

    def start(self, *, worker: bool = False, parallel: bool = False) -> None:
        """Load catalogue and baseline and open the target; workers open one each, their controller opens none.

        Raises DeviceGrantError if the run cannot be made.
        """
        from device_grant.catalogue import load
        from device_grant.protocol import Secrets
        from device_grant.results.collector import Collector
        from device_grant.results.reader import FILE_NAME
        from device_grant.results.writer import ResultsWriter

        catalogue = load()
        options = self.options
        if options.shard:
            Share.parse(options.shard)
        if options.only:
            self._wanted = frozenset(entry.id for entry in catalogue.select(options.only))
        beside = self._locate()
        path = options.expect or beside
        if options.expect is not None and not options.expect.is_file():
            raise UsageError(f"--expect {options.expect}: no such file")
        ids = {entry.id for entry in catalogue.requirements}
        security = {entry.id for entry in catalogue.requirements if entry.security}
        known = load_baseline(path, ids, security_ids=security) if path else Baseline()
        self._baseline = known
        secrets = Secrets()
        if options.database:
            from device_grant.server.generation.database import passwords

            for password in passwords(options.database):
                secrets.register("database_password", password)
        try:
            if worker or not parallel:
                self._open(catalogue, known, secrets)
            if not worker:
                # Only now: a target that cannot be reached must not cost anyone the results of an earlier run.
                writer = ResultsWriter(options.report / FILE_NAME, secrets) if options.report else None
                self.collector = Collector(secrets, known, writer)
        except BaseException:
            self.stop()
            raise

    # What a suite of clients does otherwise.

    def _locate(self) -> Path | None:
        """Find what is under test without starting it; the baseline beside it, if there is one."""
        from device_grant.server.session.run import PROFILES

        if self.options.profile not in PROFILES:
            raise UsageError(f"unknown profile {self.options.profile!r}: choose one of {', '.join(PROFILES)}")
        self._located = self.opener(self.options)
        if self.options.database:
            from device_grant.server.generation.database import open_database

            self._examples = open_database(self.options.database)
        return self._located.baseline

    def _open(self, catalogue: Catalogue, known: Baseline, secrets: Secrets) -> None:
        from device_grant.protocol import dialect
        from device_grant.server.session.run import PROFILES, Run

        assert self._located is not None  # noqa: S101 - set in _locate
        self._target = self._located.__enter__()
        self._run = Run(
            self._target,
            dialect(self._target.config.dialect),
            catalogue,
            PROFILES[self.options.profile],
            self.options.seed,
            self._expecting(catalogue, known),
            secrets,
            self.options.rest,
            examples=self._examples,
        )

    def _expecting(self, catalogue: Catalogue, known: Baseline) -> Expects:
        today = datetime.now(UTC).date()
        return lambda requirement, check, message: (
            self._withheld(catalogue.get(requirement)) or known.expects(requirement, check, message, today) is not None
        )

    def _watching(self) -> Iterable[Invariant | Rule]:
        """What is judged on everything that is exchanged."""
        from device_grant.judging import all_invariants

        return all_invariants()

    def _begun_ahead(self, checks: list[CheckItem]) -> list[CheckItem]:
        """The checks that go on side by side in threads of their own."""
        from device_grant.targets.users import PromptUser

        run = self._server_run()
        if not run.target.clock.sleeps:
            return []  # no wait takes time
        user = run.target.user
        if isinstance(getattr(user, "inner", user), PromptUser):
            return []  # one question at a time
        return [item for item in checks if item.entry.timed]

    def _places(self) -> int:
        """Cases that go on at the same time, those that wait not counted: few enough to spare the server."""
        return 16

    def _new_case(self, item: CheckItem) -> Case | ClientCase:
        from device_grant.server.session.case import Case

        case = Case(self._server_run(), item.entry)
        case.resting = self._abreast.resting
        return case

    def _carry_out(self, case: Case | ClientCase) -> None:
        target = self._server_run().target
        with target.clock, target.scope(case.check.name):
            case.begin()
            case.execute()

    def _server_run(self) -> Run:
        from device_grant.server.session.run import Run

        assert isinstance(self._run, Run)  # noqa: S101 - a session without a run never gets here
        return self._run

    @property
    def _opened(self) -> Target | None:
        """The server that is tested, also when it was stopped; None where there is none, or it was never started."""
        return getattr(self._run, "target", None)

    @property
    def baseline(self) -> Baseline:
        """The known deviations of the target."""
        return self._baseline

    @property
    def problems(self) -> list[str]:
        """What of a target's given answers did not fit the checks, one line each."""
        target = self._opened
        left = target.leftovers if target is not None else ()
        return [*self.misfits.values(), *left]

    @property
    def interrupted(self) -> bool:
        """Whether a person ended the session."""
        return self._interrupted

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Keep what applies to the dialect and to --only; invariants last."""
        from device_grant.catalogue import load
        from device_grant.judging import references

        if self.error is not None:
            items.clear()
            return
        catalogue = load()
        catalogue.check_references(references())
        target = self._opened
        selection = Selection(
            catalogue,
            self._dialect(),
            self.party,
            self._wanted,
            frozenset(name for rule in self._watching() for name in rule.requirements),
            target.holds if target is not None else lambda _name: True,
        )
        items[:], dropped = selection.split(items)
        if dropped:
            config.hook.pytest_deselected(items=dropped)
        if self._run is not None:
            arrange(config, items, self._begun_ahead([item for item in items if isinstance(item, CheckItem)]))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Write the header; on a real clock, begin the timed checks: they go on side by side."""
        checks = [item for item in session.items if isinstance(item, CheckItem)]
        if checks and self.collector is not None and self._run is not None:
            self.collector.begin(self._first_line(self._run))
        if self.on_start is not None:
            self.on_start(len(checks))
        if self._run is None or session.config.option.collectonly:
            return
        self._abreast.plan(self._begun_ahead(checks), self._places(), session.config)

    def pytest_runtest_logstart(self, location: tuple[str, int | None, str]) -> None:
        """Tell the progress display."""
        if self.on_check is not None:
            self.on_check(location[2])

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """An interrupted run has no footer; so has one whose target went away."""
        self._interrupted = self.error is not None or not isinstance(excinfo.value, pytest.exit.Exception)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Stop the target, settle the results; the exit status is that of the verdicts."""
        self.stop()
        collector = self.collector
        if collector is None or collector.header is None or is_worker(session.config):
            return
        report = collector.finish(interrupted=self._interrupted or self.error is not None)
        if self.options.report is not None:
            self._publish(report)
        if report.footer is not None and not session.config.option.collectonly:
            session.exitstatus = report.footer.exit_code

    def _publish(self, report: Any) -> None:
        from device_grant.report import write_all
        from device_grant.results import scan, withhold_security

        assert self.collector is not None  # noqa: S101 - set in start
        assert self.options.report is not None  # noqa: S101 - asked by the caller
        withheld = self.collector.baseline.withholds_security
        write_all(withhold_security(report) if withheld else report, self.options.report)
        scan(self.options.report, self.collector.secrets)

    def stop(self) -> None:
        """Drop the connections and stop the target; safe to call again."""
        if self._run is not None:
            self._run.close()
        if self._target is not None:
            target, self._target = self._target, None
            target.__exit__(None, None, None)

    # One case.

    def run(self, item: CheckItem) -> None:
        """Run (or wait for) the case of an item, then pass, skip or fail as pytest understands it."""
        try:
            finished = self._abreast.run(item)
        except KeyboardInterrupt:
            self._interrupt(item)
            raise
        item.case = finished.case
        try:
            item.payload = self._payload(item, finished)
        except Exception as error:
            item.payload = self._payload(item, self._broken(item, error))
            raise
        if isinstance(finished.error, TargetUnreachableError):
            # Everything that follows would only accuse a server that is no longer there.
            item.session.shouldstop = str(finished.error)
            self.end(item.config, finished.error)
        if finished.error is not None:
            if isinstance(finished.error, NotHeld):
                self.misfits[item.entry.name] = str(finished.error)
            raise finished.error
        tell_pytest(finished.case, self._withheld)

    def _interrupt(self, item: CheckItem) -> None:
        """Keep what the interrupted case has done so far."""
        if self.collector is not None and self._running is not None:
            from device_grant.results.lines import case_line

            seconds = time.perf_counter() - self._running_since
            self.collector.add(case_line(self._running, plain(item.nodeid), seconds, "interrupted"), [], [])

    def _broken(self, item: CheckItem, error: Exception) -> Finished:
        """A case that holds nothing but the error by which its own lines could not be written."""
        return Finished(self._new_case(item), 0.0, error)

    def _execute(self, item: CheckItem) -> Finished:
        began = time.perf_counter()
        case = self._new_case(item)
        if threading.current_thread() is threading.main_thread():
            self._running, self._running_since = case, began
        error: BaseException | None = None
        try:
            self._carry_out(case)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as caught:  # noqa: BLE001 - whatever breaks is an error of the suite, and is reported
            error = caught
        return Finished(case, time.perf_counter() - began, error)

    def _payload(self, item: CheckItem, finished: Finished) -> str:
        import msgspec

        from device_grant.results.lines import Payload, case_line, result_lines

        run, case = self._run, finished.case
        assert run is not None  # noqa: S101 - as above
        outcome: Literal["ran", "suite-error"] = "suite-error" if finished.error else "ran"
        message = told(finished.error) if finished.error else ""
        results = result_lines(run, case.ledger.tallies.values())
        seen = result_lines(run, [tally for ledger in case.invariants.values() for tally in ledger.tallies.values()])
        spare = result_lines(run, case.ledger.spare.values())
        if self._wanted is not None:
            results = [line for line in results if line.requirement in self._wanted]
            seen = [line for line in seen if line.requirement in self._wanted]
        for line in seen:
            self.seen_invariants.add(line.check)
            if line.verdict == "fail" and not run.expects(line.requirement, line.check, line.message):
                self.broken_invariants.setdefault(line.check, set()).add(f"{line.requirement}: {line.message}")
        secrets = list(run.secrets.entries())[self._sent_secrets :]
        self._sent_secrets += len(secrets)
        sent, self._sent_exchanges = self._sent_exchanges, run.exchanges
        payload = Payload(
            header=self._first_line(run),
            case=case_line(case, plain(item.nodeid), finished.duration, outcome, message),
            results=results,
            invariants=seen,
            spare=[line for line in spare if self._wanted is None or line.requirement in self._wanted],
            secrets=secrets,
            exchanges=run.exchanges - sent,
        )
        return msgspec.json.encode(payload).decode("utf-8", errors="replace")

    def _withheld(self, requirement: Requirement) -> bool:
        return requirement.security and self._baseline.withholds_security

    # From worker to controller.

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
        """Hang the lines of a case on the report of its call."""
        report = yield
        if call.when == "call" and isinstance(item, CheckItem) and item.payload is not None:
            setattr(report, PAYLOAD, item.payload)
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the lines of a case; in a controller they come from its workers."""
        encoded = getattr(report, PAYLOAD, None)
        if self.collector is None or not encoded:
            return
        import msgspec

        from device_grant.results.lines import Payload

        payload = msgspec.json.decode(encoded, type=Payload)
        for kind, value in payload.secrets:
            self.collector.secrets.register(kind, value)
        self.collector.begin(payload.header)
        self.collector.exchanges += payload.exchanges
        self.collector.add(payload.case, payload.results, payload.invariants, payload.spare)
        if self.on_case is not None:
            self.on_case(payload.case.check, [*payload.results, *payload.invariants])

    def _dialect(self) -> str:
        if self._run is not None:
            return self._run.dialect.name
        return resolved_dialect(self.options)

    def _first_line(self, run: Run | ClientRun) -> Header:
        import msgspec

        header = self._header(run)
        return msgspec.structs.replace(header, shard=self.shard) if self.shard is not None else header

    def _header(self, run: Run | ClientRun) -> Header:
        from device_grant.engine.headers import of_server

        del run  # that of this suite
        return of_server(self._server_run(), self.options.command)
