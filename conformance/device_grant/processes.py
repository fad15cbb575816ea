"""Commands that we start: each in a process group of its own, ended for sure, however we end ourselves.

One guard process stands beside us as long as we live. It knows which groups are alive and which folders are theirs.
If we are killed, its pipe closes, and it ends the groups and removes the folders.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_LOOK = 0.02
"""Seconds between two looks at a process. `Popen.wait` with a timeout looks up to two thousand times a second."""
_DYING = 2.0
"""Seconds that the system has to end what was killed."""
_GUARD_TIMEOUT = 5.0
"""Seconds that the guard has to end."""
_GUARD = """
import json, os, shutil, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
groups, folders = set(), set()
for line in sys.stdin:
    kind, keep, value = json.loads(line)
    kept = groups if kind == "group" else folders
    kept.add(value) if keep else kept.discard(value)
for number in (signal.SIGTERM, signal.SIGKILL):
    for group in tuple(groups):
        try:
            os.killpg(group, number)
        except OSError:
            groups.discard(group)
    if groups:
        time.sleep(1)
for folder in folders:
    shutil.rmtree(folder, ignore_errors=True)
"""


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
        self._process = subprocess.Popen(  # noqa: S603 - to start what the caller names is what this class is for
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            start_new_session=True,
            umask=umask,
        )
        _guard.tell("group", self.pid, keep=True)

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
        group, strays = self._members(), []
        if self._process.poll() is None:
            strays = self._strays(group)
            self._signal(signal.SIGTERM)
            for stray in strays:
                with suppress(psutil.Error):
                    stray.terminate()
            self.wait(patience)
        # Also where the leader has ended: its children may have stayed.
        self._signal(signal.SIGKILL)
        self._process.wait()
        _await_end(group, _DYING)
        for stray in _await_end(strays, patience):
            with suppress(psutil.Error):
                stray.kill()
        _guard.tell("group", self.pid, keep=False)
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
        """Descendants of the leader that have left its group; nobody finds them any more once it has ended."""
        try:
            return [process for process in psutil.Process(self.pid).children(recursive=True) if process not in group]
        except psutil.Error:
            return []


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
    _guard.tell("folder", str(folder), keep=True)


def kept_no_more(folder: Path) -> None:
    """The folder has been removed by its owner."""
    _guard.tell("folder", str(folder), keep=False)


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


class _Guard:
    """The guard process: started with the first command, ended when we end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def tell(self, kind: str, value: int | str, *, keep: bool) -> None:
        """Have a group or a folder ended with us, or no more."""
        line = json.dumps([kind, keep, value]).encode() + b"\n"
        with self._lock:
            if self._process is None:
                self._process = self._started()
            # Without its guard a run goes on: it ends what it has started itself.
            with suppress(OSError):
                pipe = self._process.stdin
                if pipe is not None:
                    pipe.write(line)
                    pipe.flush()

    def close(self) -> None:
        """End it; what it still knows of ends with it."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            with suppress(OSError, subprocess.TimeoutExpired):
                process.communicate(timeout=_GUARD_TIMEOUT)

    def forget(self) -> None:
        """In a fork: the guard is our parent's, and must see the parent's pipe close."""
        process, self._process = self._process, None
        self._lock = threading.Lock()
        if process is not None:
            process.returncode = 0  # not our child: nothing to wait for
            if process.stdin is not None:
                process.stdin.close()

    @staticmethod
    def _started() -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - our own interpreter with our own text
            [sys.executable, "-I", "-S", "-c", _GUARD],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # A folder that may be removed or unmounted is none to stand in.
            cwd="/",
            start_new_session=True,
        )


_guard = _Guard()
# Registered before any owner of a group can register its own end, so that it runs after that.
atexit.register(_guard.close)
os.register_at_fork(after_in_child=_guard.forget)
