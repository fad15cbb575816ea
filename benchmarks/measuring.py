"""What every benchmark uses: figures with their goals, processes, and a reference server on a port of its own."""

from __future__ import annotations

import os
import re
import resource
import selectors
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

CORES = 2
"""How many cores everything is measured on, servers and clients together."""
DIGITS = 3
"""Of a figure: more would be noise."""
STARTING = 60.0
"""Seconds that a server has until it says where it is."""
_BASE = re.compile(r"http://\S+")


class BenchmarkError(Exception):
    """Something could not be measured; the text says what and why."""


@dataclass(frozen=True)
class Goal:
    """A bound that a figure is to keep."""

    what: str
    value: float
    bound: float
    least: bool = True
    """Whether the bound is the least that is wanted, not the most."""
    unit: str = ""

    @property
    def met(self) -> bool:
        """Whether the figure keeps it."""
        return self.value >= self.bound if self.least else self.value <= self.bound

    def __str__(self) -> str:
        word = "at least" if self.least else "at most"
        return f"{self.what}: {figure(self.value)}{self.unit}, wanted {word} {figure(self.bound)}{self.unit}"


@dataclass(frozen=True)
class Section:
    """The outcome of one benchmark."""

    title: str
    how: str
    """What was measured, and how."""
    columns: tuple[str, ...]
    """The first one is text, the others are figures."""
    rows: tuple[tuple[str, ...], ...]
    goals: tuple[Goal, ...] = ()


def figure(value: float) -> str:
    """A number with as many digits as it is good for."""
    digits = max(0, DIGITS - len(str(int(value))))
    return f"{value:,.{digits}f}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def per_cent(part: float, whole: float) -> str:
    """A share of a whole."""
    return f"{100 * part / whole:.1f} %" if whole else "-"


def bind_to_cores(number: int = CORES) -> int:
    """Keep this process and all that it starts to so many cores; returns how many there are, at most that."""
    if not hasattr(os, "sched_setaffinity"):
        return os.cpu_count() or 1
    chosen = sorted(os.sched_getaffinity(0))[:number]
    os.sched_setaffinity(0, chosen)
    return len(chosen)


@dataclass(frozen=True)
class Finished:
    """A process that has ended."""

    seconds: float
    """Wall time."""
    cpu: float
    """User and system time, children included."""
    status: int
    """Exit status; that of `timeout` where it was stopped."""
    output: str
    """Standard output and standard error."""


STOPPED = 124


def run_process(
    command: Sequence[str], *, limit: float, environment: dict[str, str] | None = None, folder: Path | None = None
) -> Finished:
    """Run a command to its end, or stop it with all that it started after `limit` seconds."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(  # noqa: S603 - our own tools
        command,
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=limit)
        status = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        status = STOPPED
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Finished(time.perf_counter() - began, cpu, status, output)


@contextmanager
def served(dialect: str, *options: str) -> Iterator[str]:
    """`device-grant serve` in a process of its own; gives its base URL. Raises BenchmarkError if it does not start."""
    command = [sys.executable, "-m", "device_grant", "serve", "--port", "0", "--dialect", dialect, *options]
    process = subprocess.Popen(  # noqa: S603 - our own command
        command, env=os.environ | {"PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield _announced(process)
    finally:
        process.terminate()
        try:
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _announced(process: subprocess.Popen[str]) -> str:
    if process.stdout is None:
        raise BenchmarkError("the reference server was started without a pipe to hear it")
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        line = process.stdout.readline() if selector.select(STARTING) else ""
    match = _BASE.search(line)
    if match is None:
        raise BenchmarkError(f"the reference server did not start: {line.strip() or 'it said nothing'}")
    return match.group()
