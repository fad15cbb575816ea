"""Runs many targets, each in a process of its own, and says of each in one line how it went."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_grant.errors import ExitCode, UsageError
from device_grant.processes import ProcessGroup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from types import FrameType

_PATIENCE = 12.0
"""Seconds that a run has for stopping its target, once it was asked to end."""
_BUILDING = 3
"""Times the limit, for a run that builds something first."""
_ENDING = 3.0
"""Seconds that its guard then has for the same."""
_LAST_LINES = 25
"""Of the output of a run that did not end well."""


@dataclass(frozen=True)
class Job:
    """One target to run."""

    name: str
    """Its folder among the reports."""
    arguments: tuple[str, ...]
    """Of `device-grant`, without the option that takes its folder."""
    waits: bool = False
    """Whether it lives by the real clock, so that it mostly waits and can share the machine with others like it."""
    folder: Path | None = None
    """Where real software is described."""
    builds: bool = False
    """Whether something has to be built first."""
    output: str = "--report"
    """The option that takes its folder."""


@dataclass(frozen=True)
class JobOutcome:
    """How one run went."""

    job: Job
    exit_code: int | None
    """None: out of time, or it could not be started."""
    seconds: float
    log: Path
    kept: bool = False
    """Whether it was not run, since an earlier run of the same still holds."""

    @property
    def ok(self) -> bool:
        """Whether it was conformant, or as its baseline expects."""
        return self.exit_code == ExitCode.CONFORMANT

    @property
    def words(self) -> str:
        """`exit 0`, and what that means."""
        if self.exit_code is None:
            return "out of time"
        try:
            meaning = ExitCode(self.exit_code).name.lower().replace("_", " ")
        except ValueError:
            meaning = "ended by a signal" if self.exit_code < 0 else "unknown"
        return f"exit {self.exit_code}: {meaning}"

    @property
    def end_of_log(self) -> str:
        """The last lines that the run printed."""
        with contextlib.suppress(OSError):
            return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:])
        return ""


class Fleet:
    """Runs jobs side by side; whatever it started is stopped when it ends, also by an interrupt.

    `limit` is in seconds, for each job; those that build have three times as much. Each report goes to `reports/NAME`,
    what a run prints to `reports/NAME.log`.
    """

    def __init__(
        self,
        reports: Path,
        *,
        workers: int,
        limit: float,
        done: Callable[[JobOutcome], None],
        command: Sequence[str] = (sys.executable, "-P", "-m", "device_grant"),
    ) -> None:
        self._reports = reports
        self._command = tuple(command)
        self._workers = workers
        self._limit = limit
        self._done = done
        self._lock = threading.Lock()
        self._running: set[ProcessGroup] = set()
        self._stopping = False

    def run(self, jobs: Sequence[Job]) -> list[JobOutcome]:
        """Run those that wait together, then the others as many at a time as there are workers."""
        # What builds keeps the machine busy, whatever it does then.
        waiting = [job for job in jobs if job.waits and not job.builds]
        busy = [job for job in jobs if job not in waiting]
        outcomes: list[JobOutcome] = []
        with _terminable():
            try:
                for group, workers in ((waiting, len(waiting)), (busy, self._workers)):
                    if group:
                        outcomes += self._side_by_side(group, workers)
            finally:
                self._stop()
        return outcomes

    def _side_by_side(self, jobs: Sequence[Job], workers: int) -> list[JobOutcome]:
        with ThreadPoolExecutor(max_workers=workers) as pool:
            try:
                return list(pool.map(self._one, jobs))
            except BaseException:
                self._stop()
                raise

    def _one(self, job: Job) -> JobOutcome:
        report, log = self._reports / job.name, self._reports / f"{job.name}.log"
        began = time.perf_counter()
        try:
            self._reports.mkdir(parents=True, exist_ok=True)
            output = log.open("wb")
        except OSError as error:
            raise UsageError(f"{log}: cannot be written ({error.strerror}); choose another folder") from error
        code: int | None = None
        with output:
            process = self._start(job, report, output.fileno())
            if process is not None:
                code = process.wait(self._limit * (_BUILDING if job.builds else 1))
                if code is None:
                    process.interrupt()
                _end(process)
                with self._lock:
                    self._running.discard(process)
        outcome = JobOutcome(job, code, time.perf_counter() - began, log)
        with self._lock:
            if not self._stopping:
                self._done(outcome)
        return outcome

    def _start(self, job: Job, report: Path, output: int) -> ProcessGroup | None:
        with self._lock:
            if self._stopping:
                return None
            # A group of its own: an interrupt from the terminal reaches us, and we end each run just once.
            process = ProcessGroup(
                [*self._command, *job.arguments, job.output, str(report)],
                output=output,
                environment={**os.environ, "NO_COLOR": "1", "COLUMNS": os.environ.get("COLUMNS", "120")},
            )
            self._running.add(process)
            return process

    def _stop(self) -> None:
        with self._lock:
            if self._stopping:
                return
            self._stopping = True
            running = list(self._running)
        for process in running:
            process.interrupt()
        for process in running:
            _end(process)


def _end(process: ProcessGroup) -> None:
    """Wait for a run that stops its target; end it if that takes too long."""
    process.wait(_PATIENCE)
    process.end(_ENDING)


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Take a request to terminate, or the end of the terminal, as an interrupt, so that what was started is stopped."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise KeyboardInterrupt

    # What is set already has its reasons: the command line's own, or none to end.
    ours = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)
