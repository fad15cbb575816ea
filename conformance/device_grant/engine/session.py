"""One session: opens what is under test, runs the checks that a runner hands it, collects what they say.

The runner decides which tests there are and when each has its turn; pytest is one (`device_grant.pytest_plugin`).
"""

from __future__ import annotations

import threading
import time
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from device_grant.engine.agreement import remark, require_agreement
from device_grant.engine.exclusion import Admission
from device_grant.engine.last_run import Memory, remembered
from device_grant.engine.payloads import Finished, Sender
from device_grant.engine.scheduling import SideBySide, Task
from device_grant.engine.selection import Selection
from device_grant.engine.shards import Share
from device_grant.engine.subject import subject_of
from device_grant.errors import DeviceGrantError, TargetUnreachableError, UsageError
from device_grant.results.baseline import Baseline
from device_grant.results.baseline import load as load_baseline
from device_grant.targets.ports import NotHeld

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from device_grant.catalogue import Catalogue, Requirement
    from device_grant.engine.options import Options
    from device_grant.engine.subject import Subject
    from device_grant.judging import Check
    from device_grant.judging.ledger import Expects
    from device_grant.judging.trial import CheckRun, Trial
    from device_grant.results.collector import Collector
    from device_grant.results.lines import Payload
    from device_grant.results.model import Header, Shard
    from device_grant.results.reader import Report


@dataclass
class CheckSession:
    """Everything from the opening of what is under test to the last line of the results."""

    options: Options
    subject: Subject
    collector: Collector | None = None
    """The results; None in a worker, which hands its lines to its controller."""
    error: DeviceGrantError | None = None
    """Why the session ended before its end."""
    interrupted: bool = False
    """Whether a person ended the session, or its error did."""
    on_start: Callable[[Sequence[str]], None] | None = None
    """Called with the names of the checks that are to be run."""
    on_check: Callable[[str], None] | None = None
    """Called with the name of a check when it begins."""
    on_case: Callable[[Payload], None] | None = None
    """Called when a check has ended, with its lines, which are not yet redacted."""
    on_repeat: Callable[[int, int], None] | None = None
    """Called while checks are run once more, with how many of them have ended, and how many there are."""
    speaking: Callable[[], AbstractContextManager[None]] = nullcontext
    """Entered for what is said to people while a check runs: a runner may keep what is written then to itself."""
    on_settled: Callable[[], None] | None = None
    """Called when nothing is judged any more, before reports are written."""
    remembers: bool = False
    """Whether a later run is to know which checks failed and how long each took."""
    shard: Shard | None = None
    """The part of the run that this session is; None: all of it."""
    baseline: Baseline = field(default_factory=Baseline)
    """The known deviations of what is under test."""
    broken_invariants: dict[str, set[str]] = field(default_factory=dict)
    """What each invariant, or rule, has found that nobody expects; in this process."""
    seen_invariants: set[str] = field(default_factory=set)
    """The invariants, or rules, that had something to judge."""
    narrowed: str = ""
    """Why not all checks were run that could have shown what was asked for; empty: they were."""
    stopped: bool = False
    """Whether the run was ended because something failed, as it was asked to be."""
    total: int = 0
    """How many checks were to be run."""
    first: Payload | None = None
    """The lines of the check that stood before all others, where it found anything."""
    misfits: dict[str, str] = field(default_factory=dict)
    """Checks that ask a target with given answers for others, and why."""

    def __post_init__(self) -> None:
        self._run: CheckRun | None = None
        self._side_by_side: SideBySide[Finished] | None = None
        self._sender: Sender | None = None
        self._wanted: frozenset[str] | None = None
        self._running: tuple[Trial, float] | None = None
        self._memory = Memory()

    # From the beginning to the end.

    def start(self, *, worker: bool = False, parallel: bool = False) -> None:
        """Load catalogue and baseline and open what is under test; workers open one each, their controller none.

        Raises DeviceGrantError if the run cannot be made.
        """
        from device_grant.catalogue import load
        from device_grant.protocol import Secrets
        from device_grant.results.collector import Collector
        from device_grant.results.reader import FILE_NAME
        from device_grant.results.writer import ResultsWriter

        catalogue = load()
        if self.options.last_failed:
            self.options = replace(self.options, checks=remembered(self.options).failed)
            if self.options.checks:
                self.narrowed = "Only the checks that failed in the last run of this target ran."
        options = self.options
        if options.shard:
            Share.parse(options.shard)
        if options.only:
            self._wanted = frozenset(entry.id for entry in catalogue.select(options.only))
        self.baseline = self._known(catalogue, self._located(alone=not worker and not parallel))
        secrets = Secrets()
        if options.database:
            from device_grant.server.generation.database import passwords

            for password in passwords(options.database):
                secrets.register_given("database_password", password)
        try:
            if worker or not parallel:
                self._run = self.subject.open(catalogue, self._expecting(catalogue), secrets)
                self._sender = Sender(self._run, self._wanted)
            if not worker:
                # Only now: a target that cannot be reached must not cost anyone the results of an earlier run.
                writer = ResultsWriter(options.report / FILE_NAME, secrets) if options.report else None
                self.collector = Collector(secrets, self.baseline, writer)
        except BaseException:
            self.stop()
            raise

    @property
    def opened(self) -> bool:
        """Whether this process runs checks; the controller of workers does not."""
        return self._run is not None

    @property
    def started(self) -> bool:
        """Whether `start` has been called."""
        return self._run is not None or self.collector is not None

    def stop(self) -> None:
        """Drop the connections and stop what was started; safe to call again."""
        if self._run is not None:
            self._run.close()
        self.subject.close()
        if self._side_by_side is not None:
            self._side_by_side.admission.close()

    def finish(self) -> int | None:
        """Stop, settle the results and write the reports; returns the exit code of the verdicts, if there is one."""
        self.stop()
        collector = self.collector
        if collector is None or collector.header is None:
            return None
        if self.on_settled is not None:
            self.on_settled()
        if self.remembers:
            self._memory.keep(self.options)
        if self.subject.polite:
            self.narrowed = f"{self.narrowed} {remark(self.options, collector.cases)}".strip()
        report = collector.finish(interrupted=self.interrupted or self.error is not None, narrowed=self.narrowed)
        if self.options.report is not None:
            try:
                self._publish(collector, report, self.options.report)
            except OSError as error:
                raise UsageError(
                    f"{error.filename or self.options.report}: cannot be written ({error.strerror})"
                ) from error
        return report.footer.exit_code if report.footer is not None else None

    def _publish(self, collector: Collector, report: Report, folder: Path) -> None:
        from device_grant.report import write_all
        from device_grant.results import leaks, save, scan
        from device_grant.results.reader import FILE_NAME

        write_all(self.published(report), folder)
        if leaks(folder, collector.secrets):
            again = self.published(collector.redact_again())
            save(again, folder / FILE_NAME)
            write_all(again, folder)
            scan(folder, collector.secrets)

    def published(self, report: Report) -> Report:
        """The report without what the baseline withholds."""
        from device_grant.results import withhold_security

        return withhold_security(report) if self.baseline.withholds_security else report

    def redacted(self, text: str) -> str:
        """The text without the secrets that this process has seen."""
        return self.collector.secrets.redact(text) if self.collector is not None else ""

    @property
    def problems(self) -> list[str]:
        """What of a target's given answers did not fit the checks, one line each."""
        return [*self.misfits.values(), *self.subject.leftovers()]

    def withheld(self, requirement: Requirement) -> bool:
        """Whether results on the requirement are written nowhere."""
        return requirement.security and self.baseline.withholds_security

    # Which checks, and when.

    def selection(self) -> Selection:
        """What decides which checks are run; raises SuiteError if one names a requirement that there is not."""
        from device_grant.catalogue import load
        from device_grant.judging import references
        from device_grant.protocol import any_dialect

        catalogue = load()
        catalogue.check_references(references())
        watching = frozenset(name for rule in self.subject.watching() for name in rule.requirements)
        subject = self.subject
        spoken, checks = any_dialect(subject.dialect), self.options.checks
        tour = subject.tour()
        return Selection(catalogue, spoken, subject.party, self._wanted, watching, tour, subject.holds, checks)

    def waits(self, check: Check) -> bool:
        """Whether the check goes on beside others, in a thread of its own, because it waits on a real clock."""
        return self.opened and not check.alone and not check.order and self.subject.waits(check)

    @property
    def share(self) -> Share | None:
        """The shard that the options ask for."""
        return Share.parse(self.options.shard) if self.options.shard else None

    def begin(self, tasks: Sequence[Task]) -> None:
        """Write the header of a session that is going to run these, in a process that collects."""
        first = self.subject.preflight() if tasks and self.opened else None
        if tasks and self.collector is not None and self.opened:
            self.collector.begin(self._header())
        if first is not None:
            self._before_all(first)
        if self.opened:
            self.subject.expect([task.check for task in tasks])
            self.announce([task.check.name for task in tasks])

    def announce(self, names: Sequence[str]) -> None:
        """Take note of the checks that are to be run."""
        self.total = len(names)
        self._memory.begin()
        if self.on_start is not None:
            self.on_start(names)

    def stopped_early(self) -> None:
        """Take note that the run ended before its end because something failed."""
        ran = len({case.nodeid for case in self.collector.cases if ".py::" in case.nodeid}) if self.collector else 0
        self.narrowed = f"The run stopped at a failure, after {ran} of {self.total} checks: the others may fail too."

    def plan(self, tasks: Iterable[Task], *, at_once: bool, locks: Path | None = None) -> None:
        """Let those that wait go on side by side: `at_once`, or with the first of them that is run.

        `locks` is a folder that all processes of this run share.
        """
        running = self._scheduler(locks)
        running.admission.begin()
        waiting = [task for task in tasks if self.waits(task.check)]
        running.plan(waiting, self.subject.places, at_once=at_once, kept=self.subject.keeps_places)

    def _before_all(self, check: Check) -> None:
        """Run the check that stands before all others; what it finds blocks them."""
        assert self._sender is not None  # noqa: S101 - a session that opened nothing runs nothing
        task, run, began = Task(check.name, check), self._opened(), time.perf_counter()
        # Not by way of the scheduler, which begins with the checks: nothing goes on beside this one.
        finished = Finished(run.trial(check), 0.0)
        try:
            run.carry_out(finished.trial)
        except Exception as caught:  # noqa: BLE001 - whatever breaks is an error of the suite, and is reported
            finished.error = caught
        if isinstance(finished.error, UsageError) and not isinstance(finished.error, NotHeld):
            # What the target is said to be, it is not: every verdict would be about something else.
            raise finished.error
        finished.duration = time.perf_counter() - began
        findings = self.subject.learn(finished.trial)
        share = self.share
        if (findings or finished.error is not None) and (share is None or share.index == 1):
            # A path that leads to its end says nothing: the checks say of each step what is to be said. Each shard
            # walks it, and the first one tells of it.
            self.first = self._sender.payload(task, finished, self._header(), findings)
            self._watch(self.first)
            self.take(self.first)
        if isinstance(finished.error, TargetUnreachableError):
            raise finished.error

    # One check.

    def run(self, task: Task) -> tuple[Finished, Payload]:
        """Run the check, or wait for its thread; returns what came of it, errors included.

        Raises KeyboardInterrupt, having kept what the check had done until then.
        """
        assert self._sender is not None  # noqa: S101 - a session that opened nothing runs nothing
        try:
            finished = self._scheduler().run(task)
        except KeyboardInterrupt:
            self._keep_interrupted(task)
            raise
        try:
            payload = self._sender.payload(task, finished, self._header())
        except Exception as error:  # noqa: BLE001 - an error of ours: it is reported like one in the check
            # All that is left of it is the error by which its own lines could not be written.
            finished = Finished(self._trial(task), 0.0, error)
            payload = self._sender.payload(task, finished, self._header())
        self._watch(payload)
        if isinstance(finished.error, NotHeld):
            self.misfits[task.check.name] = str(finished.error)
        return finished, payload

    def take(self, payload: Payload) -> None:
        """Collect the lines of a check, which may have run in another process."""
        if self.collector is None:
            return
        for kind, value in payload.secrets:
            self.collector.secrets.adopt(kind, value)
        self.collector.begin(payload.header)
        self.collector.exchanges += payload.exchanges
        self.collector.add(payload.case, payload.results, payload.invariants, payload.spare)
        self._memory.note(payload, self.baseline)
        if self.on_case is not None:
            self.on_case(payload)

    # Inside.

    def _scheduler(self, locks: Path | None = None) -> SideBySide[Finished]:
        if self._side_by_side is None:
            shared = locks if self.subject.shared else None
            self._side_by_side = SideBySide(self._execute, Admission(shared), self._crowded, self._repeating)
            self.subject.meet(self._side_by_side.admission)
        return self._side_by_side

    def _crowded(self, finished: Finished) -> bool:
        return finished.error is None and self.subject.crowded(finished.trial)

    def _repeating(self, ended: int, number: int) -> None:
        if self.on_repeat is not None:
            with self.speaking():
                self.on_repeat(ended, number)

    def _trial(self, task: Task) -> Trial:
        return self._opened().trial(task.check, self._scheduler().resting)

    def _execute(self, task: Task) -> Finished:
        began = time.perf_counter()
        trial = self._trial(task)
        if threading.current_thread() is threading.main_thread():
            self._running = trial, began
        error: BaseException | None = None
        try:
            self._opened().carry_out(trial)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as caught:  # noqa: BLE001 - whatever breaks is an error of the suite, and is reported
            error = caught
        return Finished(trial, time.perf_counter() - began, error)

    def _keep_interrupted(self, task: Task) -> None:
        if self.collector is not None and self._running is not None:
            from device_grant.results.lines import case_line

            trial, began = self._running
            seconds = time.perf_counter() - began
            self.collector.add(case_line(trial, task.nodeid, seconds, "interrupted"), [], [])

    def _watch(self, payload: Payload) -> None:
        expects = self._opened().expects
        for line in payload.invariants:
            self.seen_invariants.add(line.check)
            if line.verdict == "fail" and not expects(line.requirement, line.check, line.message):
                self.broken_invariants.setdefault(line.check, set()).add(f"{line.requirement}: {line.message}")

    def _opened(self) -> CheckRun:
        assert self._run is not None  # noqa: S101 - a session that could not open its subject runs nothing
        return self._run

    def _header(self) -> Header:
        import msgspec

        header = self.subject.header()
        return msgspec.structs.replace(header, shard=self.shard) if self.shard is not None else header

    def _located(self, *, alone: bool) -> Path | None:
        beside = self.subject.locate()
        if self.subject.polite:
            require_agreement(self.options, alone=alone)
        return beside

    def _known(self, catalogue: Catalogue, beside: Path | None) -> Baseline:
        expect = self.options.expect
        if expect is not None and not expect.is_file():
            raise UsageError(f"--expect {expect}: no such file")
        path = expect or beside
        if not path:
            return Baseline()
        ids = {entry.id for entry in catalogue.requirements}
        security = {entry.id for entry in catalogue.requirements if entry.security}
        return load_baseline(path, ids, security_ids=security)

    def _expecting(self, catalogue: Catalogue) -> Expects:
        today, known = datetime.now(UTC).date(), self.baseline
        return lambda requirement, check, message: (
            self.withheld(catalogue.get(requirement)) or known.expects(requirement, check, message, today) is not None
        )


def new_session(options: Options) -> CheckSession:
    """A session, not yet started, for what the options name."""
    return CheckSession(options, subject_of(options))
