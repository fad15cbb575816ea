"""A target on the real clock: how long a run takes, beside its longest single wait.

Timed checks go on side by side, so that a run should take little longer than the longest of them. The run is a process
of its own, `python -m benchmarks.waiting TARGET FILE`, in which the real clock is wrapped to write down every wait.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from benchmarks.measuring import BenchmarkError, Goal, Section, figure, run_process

DIALECT = "rfc8628"
MOST_TIMES = 1.3
LIFETIME, QUICK_LIFETIME = 120, 20
"""Seconds that codes of the target live."""
TARGET = """\
name = "reference-on-the-real-clock"
dialect = "{dialect}"

[serve]
command = [
  "{{python}}", "-m", "device_grant", "serve",
  "--port", "{{port}}", "--dialect", "{dialect}", "--expires-in", "{lifetime}",
]
ready = "/.well-known/oauth-authorization-server"

[endpoints]
base = "http://127.0.0.1:{{port}}"

[user]
module = "{user}"

[clock]
kind = "real"
longest_wait = {patience}

[lifetimes]
device_code = {lifetime}
interval = 5
"""


class Waits:
    """How long is waited: at a time, and by each check altogether."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.longest = 0.0
        self.number = 0
        self.altogether: defaultdict[str, float] = defaultdict(float)

    def record(self, check: str, seconds: float) -> None:
        """One wait."""
        with self._lock:
            self.number += 1
            self.longest = max(self.longest, seconds)
            self.altogether[check] += seconds


def child(target: Path, file: Path) -> None:
    """Run the suite in this process and write down how long it waited."""
    from device_grant.cli import cli
    from device_grant.server.session.case import ServerCase
    from device_grant.targets.clocks import RealClock

    waits, current = Waits(), threading.local()
    execute, wait = ServerCase.execute, RealClock.wait

    def executed(case: ServerCase, *arguments: Any) -> None:
        # Each timed check has a thread of its own.
        current.check = case.check.name
        execute(case, *arguments)

    def waited(clock: RealClock, seconds: float) -> None:
        waits.record(getattr(current, "check", ""), seconds)
        wait(clock, seconds)

    ServerCase.execute = executed  # type: ignore[method-assign, assignment]
    RealClock.wait = waited  # type: ignore[method-assign, assignment]
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()) as said:
        command = ["run", str(target), "--report", folder]
        status = cli.main(command, prog_name="device-grant", standalone_mode=False)
    seconds = time.perf_counter() - began
    if status not in (0, 1):
        raise SystemExit(f"the run ended with {status}: {said.getvalue()[-2000:]}")
    check = max(waits.altogether, key=lambda name: waits.altogether[name], default="")
    collected = {
        "seconds": seconds,
        "longest": waits.longest,
        "number": waits.number,
        "sum": sum(waits.altogether.values()),
        "check": check,
        "of_check": waits.altogether[check],
        "status": status,
    }
    file.write_text(json.dumps(collected), encoding="utf-8")


def measure(*, quick: bool) -> Section:
    """One run of the default profile against the reference server with short-lived codes."""
    lifetime = QUICK_LIFETIME if quick else LIFETIME
    result = _measured(lifetime)
    times = result["seconds"] / result["longest"]
    rows = (
        ("longest single wait", figure(result["longest"]), "1.00"),
        ("the whole run", figure(result["seconds"]), figure(times)),
        (
            f"all {result['number']} waits one after the other",
            figure(result["sum"]),
            figure(result["sum"] / result["longest"]),
        ),
        (f"all waits of {result['check']}", figure(result["of_check"]), figure(result["of_check"] / result["longest"])),
    )
    goal = Goal("times the longest single wait", times, MOST_TIMES, least=False)
    how = (
        f"`device-grant run` against the launched reference server ({DIALECT}) on the real clock; its codes live "
        f"{lifetime} s."
    )
    if quick:
        how += " With lives that short the run itself takes longer than the waits: no goal applies."
    columns = ("what", "seconds", "of the longest wait")
    return Section("Waiting on a real clock", how, columns, rows, () if quick else (goal,))


def _measured(lifetime: int) -> dict[str, Any]:
    from device_grant.reference.server import user

    with tempfile.TemporaryDirectory() as folder:
        target, file = Path(folder) / "target.toml", Path(folder) / "waits.json"
        patience = 2 * lifetime
        text = TARGET.format(dialect=DIALECT, lifetime=lifetime, patience=patience, user=user.__file__)
        target.write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "benchmarks.waiting", str(target), str(file)]
        done = run_process(command, limit=20 * lifetime + 300)
        if done.status != 0:
            raise BenchmarkError(f"the run on the real clock failed: {done.output.strip()[-400:]}")
        collected: dict[str, Any] = json.loads(file.read_text("utf-8"))
        return collected


if __name__ == "__main__":
    child(Path(sys.argv[1]), Path(sys.argv[2]))
