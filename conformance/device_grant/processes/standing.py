"""Stands beside a process that may be killed, and then ends what it had started and removes what it had made.

Run by its path, with nothing but the standard library: its standard input says what there is, one JSON array a line
(kind, whether it is there, value), and its end is the end of the process. What left its group and its parent too is
known by a mark among its environment variables, which Linux shows; what has no such variable any more, and has left
all of them, is not seen.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

MARK = "DEVICE_GRANT_STARTED_BY"
"""Environment variable of everything that is started: who started it, and who started that one, each with a slash."""
GUARD = "DEVICE_GRANT_GUARD"
"""Environment variable of this process, by which those that end others leave it alone: it ends by itself."""
_ASKED = 3.0
"""Seconds for ending after a request to terminate; another one of us may tidy up among those."""
_KILLED = 5.0
_LOOK = 0.05
_PROC = Path("/proc")


def still_running(groups: frozenset[int], pids: frozenset[int], mark: str) -> set[int]:
    """Running processes of these groups or sessions, these ones, and those with the mark, with all their children."""
    parents: dict[int, int] = {}
    collected: set[int] = set()
    guards: set[int] = set()
    wanted, guard = mark.encode(), f"{GUARD}=".encode()
    for entry in _entries():
        try:
            state, parent, group, session = (entry / "stat").read_text("latin-1").rpartition(")")[2].split()[:4]
        except (OSError, ValueError):
            continue
        if state in "ZX":
            continue
        pid = int(entry.name)
        parents[pid] = int(parent)
        try:
            environment = (entry / "environ").read_bytes()
        except OSError:  # of another user
            environment = b""
        if guard in environment:
            guards.add(pid)
        elif pid in pids or int(group) in groups or int(session) in groups or (mark and wanted in environment):
            collected.add(pid)
    while further := {pid for pid, parent in parents.items() if parent in collected} - collected - guards:
        collected |= further
    return collected - {os.getpid()}


def _entries() -> list[Path]:
    try:
        return [entry for entry in _PROC.iterdir() if entry.name.isdecimal()]
    except OSError:
        return []


def end(groups: frozenset[int], pids: frozenset[int], mark: str) -> None:
    """End them: asked first, killed then."""
    for number, seconds in ((signal.SIGTERM, _ASKED), (signal.SIGKILL, _KILLED)):
        _signal(groups, still_running(groups, pids, mark) | pids, number)
        until = time.monotonic() + seconds
        while (left := still_running(groups, pids, mark)) and time.monotonic() < until:
            time.sleep(_LOOK)
            if number == signal.SIGKILL:
                _signal(frozenset(), left, number)
        if not _PROC.is_dir() and (groups or pids):
            time.sleep(1)


def _signal(groups: frozenset[int], pids: set[int] | frozenset[int], number: int) -> None:
    for group in groups:
        try:
            os.killpg(group, number)
        except OSError:
            continue
    for pid in pids:
        try:
            os.kill(pid, number)
        except OSError:
            continue


def main() -> None:
    """Listen until the pipe closes, then end and remove."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    mark = sys.argv[1]
    kept: dict[str, set[int | str]] = {"group": set(), "process": set(), "folder": set()}
    for line in sys.stdin:
        kind, keep, value = json.loads(line)
        if keep:
            kept[kind].add(value)
        else:
            kept[kind].discard(value)
    groups, pids = (frozenset(int(one) for one in kept[kind]) for kind in ("group", "process"))
    end(groups, pids, mark)
    for folder in kept["folder"]:
        shutil.rmtree(str(folder), ignore_errors=True)


if __name__ == "__main__":
    main()
