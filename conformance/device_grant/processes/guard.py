"""The guard process: started with the first thing that it is told of, ended when we end."""

from __future__ import annotations

import atexit
import json
import os
import secrets
import subprocess
import sys
import threading
from contextlib import suppress

from device_grant.processes import standing

_TIMEOUT = 10.0
"""Seconds that the guard has to end what it still knows of."""


class Guard:
    """Our hold on it; a fork has one of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._name = ""

    def tell(self, kind: str, value: int | str, *, keep: bool) -> None:
        """Have a group, a process or a folder ended with us, or no more."""
        line = json.dumps([kind, keep, value]).encode() + b"\n"
        with self._lock:
            process = self._started()
            # Without its guard a run goes on: it ends what it has started itself.
            with suppress(OSError):
                pipe = process.stdin
                if pipe is not None:
                    pipe.write(line)
                    pipe.flush()

    def mark(self, number: int) -> str:
        """What stands in the environment of a thing that we start, the number being its own; starts the guard."""
        with self._lock:
            self._started()
            return f"/{self._name}.{number}/"

    def close(self) -> None:
        """End it; what it still knows of ends with it."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            with suppress(OSError, subprocess.TimeoutExpired):
                process.communicate(timeout=_TIMEOUT)

    def forget(self) -> None:
        """In a fork: the guard is our parent's, and must see the parent's pipe close."""
        process, self._process = self._process, None
        self._lock = threading.Lock()
        if process is not None:
            process.returncode = 0  # not our child: nothing to wait for
            if process.stdin is not None:
                process.stdin.close()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._name = secrets.token_hex(8)
            environment = {name: value for name, value in os.environ.items() if name != standing.MARK}
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter with our own text
                [sys.executable, "-I", "-S", standing.__file__, f"/{self._name}."],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**environment, standing.GUARD: "1"},
                # A folder that may be removed or unmounted is none to stand in.
                cwd="/",
                start_new_session=True,
            )
        return self._process


GUARD = Guard()
# Registered before any owner of a group can register its own end, so that it runs after that.
atexit.register(GUARD.close)
os.register_at_fork(after_in_child=GUARD.forget)
