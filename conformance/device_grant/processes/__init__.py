"""Commands that we start: each in a process group of its own, ended for sure, however we end ourselves.

One guard process stands beside us as long as we live (`standing`). It knows which groups are alive and which folders
are ours. If we are killed, its pipe closes, and it ends the groups and removes the folders. What has left its group,
its session and its parent is known by a variable of its environment, on Linux; one that gives up that too is not.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

import psutil

from device_grant.processes.guard import GUARD
from device_grant.processes.standing import MARK, still_running

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_LOOK = 0.02
"""Seconds between two looks at a process. `Popen.wait` with a timeout looks up to two thousand times a second."""
_DYING = 2.0
"""Seconds that the system has to end what was killed."""
_HURRY = 0.3
"""Seconds that a command has to end by itself once a person waits for our end."""
_hurried = threading.Event()
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Completed:
    """How a command ended that was waited for."""

    status: int | None
    """Its exit status, negative for a signal; None if it was ended because it took too long."""
    output: bytes
    errors: bytes
    """Standard error, empty where it went into `output`."""


def why_not_started(program: str, folder: Path, error: OSError) -> str:
    """What is said of a program that could not be started, and what to do; `folder` is where it was looked for."""
    file = folder / program
    if isinstance(error, PermissionError) and file.is_file():
        return f"is not executable: chmod +x {file}"
    if not isinstance(error, FileNotFoundError):
        return f"cannot be started: {error.strerror}"
    if file.is_file() and "/" not in program:
        return f"is not on PATH, but a file here: write ./{program}"
    if file.is_file():
        return "names no program that is here in its first line"
    return "is not there: build or install it" if "/" in program else "is not on PATH: install it"


class ProcessGroup:
    """A running command, the leader of a process group and a session of its own.

    `end` it, however it went: its children may outlive it. It has no standard input. Raises OSError if the command
    cannot be started.
    """

    def __init__(  # noqa: PLR0913 - what a process is started with
        self,
        command: Sequence[str],
        *,
        output: IO[bytes] | int,
        errors: IO[bytes] | int = subprocess.STDOUT,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
        umask: int = -1,
    ) -> None:
        """`folder` is its working directory, `environment` all its variables; by default both are ours."""
        self._mark = GUARD.mark(next(_numbers))
        variables = dict(os.environ if environment is None else environment)
        variables[MARK] = os.environ.get(MARK, "") + self._mark
        self._process = subprocess.Popen(  # noqa: S603 - to start what the caller names is what this class is for
            command,
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            start_new_session=True,
            umask=umask,
        )
        GUARD.tell("group", self.pid, keep=True)

    @property
    def pid(self) -> int:
        """Number of the leader, and of the group."""
        return self._process.pid

    def poll(self) -> int | None:
        """Exit status of the leader, negative for a signal; None while it runs."""
        return self._process.poll()

    def wait(self, seconds: float) -> int | None:
        """Exit status of the leader, for which it has so many seconds; None if it still runs then."""
        until = time.monotonic() + seconds
        while (status := self._process.poll()) is None and (left := until - time.monotonic()) > 0:
            time.sleep(min(_LOOK, left))
        return status

    def interrupt(self) -> None:
        """Send the leader what a person sends by Ctrl-C."""
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGINT)

    def end(self, patience: float) -> frozenset[int]:
        """End the group and what left it, within about twice `patience` seconds; returns the numbers of all.

        The group is asked to end (SIGTERM) and killed after `patience`. Descendants of the leader that have made
        sessions of their own may be guards that tidy up now: they have as long again.
        """
        patience = patience if not _hurried.is_set() else min(patience, _HURRY)
        group, running = self._members(), self._process.poll() is None
        strays = self._strays(group)
        if running:
            self._signal(signal.SIGTERM)
        for stray in strays:
            with suppress(psutil.Error):
                stray.terminate()
        if running:
            self.wait(patience)
        # Also where the leader has ended: its children may have stayed.
        self._signal(signal.SIGKILL)
        self._process.wait()
        _await_end(group, _DYING)
        for stray in (*_await_end(strays, patience), *self._marked()):
            with suppress(psutil.Error):
                stray.kill()
        _await_end(strays, _DYING)
        GUARD.tell("group", self.pid, keep=False)
        return frozenset({self.pid} | {process.pid for process in (*group, *strays)})

    def completed(self, seconds: float) -> Completed:
        """Wait for the end of a command whose outputs are pipes, and end it after so many seconds."""
        status: int | None = None
        try:
            output, errors = self._process.communicate(timeout=seconds)
            status = self._process.returncode
        except subprocess.TimeoutExpired:
            self.end(0)
            output, errors = self._process.communicate()
        finally:
            self.end(0)
        return Completed(status, output or b"", errors or b"")

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def _members(self) -> list[psutil.Process]:
        """All of the group but the leader."""
        members = []
        for pid in psutil.pids():
            with suppress(OSError, psutil.Error):
                if pid != self.pid and os.getpgid(pid) == self.pid:
                    members.append(psutil.Process(pid))
        return members

    def _strays(self, group: list[psutil.Process]) -> list[psutil.Process]:
        """What the command has started and is in its group no more."""
        collected = self._marked()
        with suppress(psutil.Error):
            # While the leader is there, also those that have no mark any more.
            collected += psutil.Process(self.pid).children(recursive=True)
        return [process for process in dict.fromkeys(collected) if process not in group]

    def _marked(self) -> list[psutil.Process]:
        collected = []
        for pid in still_running(frozenset(), frozenset(), self._mark) - {self.pid}:
            with suppress(psutil.Error):
                collected.append(psutil.Process(pid))
        return collected


def _await_end(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those that still run after so many seconds; one that nobody has reaped yet has ended."""
    until = time.monotonic() + seconds
    while (processes := [process for process in processes if _runs(process)]) and time.monotonic() < until:
        time.sleep(_LOOK / 4)
    return processes


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def completed(
    command: Sequence[str], *, folder: Path, seconds: float, errors: IO[bytes] | int = subprocess.PIPE
) -> Completed:
    """Run a command in a folder to its end, or end it after so many seconds; raises OSError as ProcessGroup does."""
    return ProcessGroup(command, output=subprocess.PIPE, errors=errors, folder=folder).completed(seconds)


def removed_with_us(folder: Path) -> None:
    """Have a folder removed if we are killed before `kept_no_more` is called with it."""
    GUARD.tell("folder", str(folder), keep=True)


def kept_no_more(folder: Path) -> None:
    """The folder has been removed by its owner."""
    GUARD.tell("folder", str(folder), keep=False)


def ended_with_us(pid: int) -> None:
    """Have a process ended if we are killed before `ended_before_us` is called with it."""
    GUARD.tell("process", pid, keep=True)


def ended_before_us(pid: int) -> None:
    """The process has ended."""
    GUARD.tell("process", pid, keep=False)


@contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """Within: a fresh folder for us alone, which is removed afterwards, also if we are killed."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    removed_with_us(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        kept_no_more(folder)


def marked_environment() -> dict[str, str]:
    """Our environment for a program that another library starts; the program is ended with us if we are killed."""
    return {**os.environ, MARK: os.environ.get(MARK, "") + GUARD.mark(0)}


def hurry() -> None:
    """From now on nothing is waited for that can be killed."""
    _hurried.set()


def last_lines(text: str, count: int) -> str:
    """The last `count` lines that are not empty, joined into one."""
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    return " | ".join(lines[-count:])


def last_words(text: str, count: int) -> str:
    """What a process wrote last, as the end of a sentence: `its last lines: …`, or `it wrote nothing`."""
    lines = last_lines(text, count)
    return f"its last lines: {lines}" if lines else "it wrote nothing"


def exit_words(status: int) -> str:
    """An exit status of a process in words: `exit status 1`, `signal SIGKILL`."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"signal {signal.Signals(-status).name}"
    except ValueError:  # signals for real-time use have no names
        return f"signal {-status}"
