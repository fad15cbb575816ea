"""The three clocks: travelled (in process), faked (a launched process under libfaketime) and real.

A clock is entered around each check and left after it, whatever happens in between.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Self
from unittest import mock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from collections.abc import Set as AbstractSet

    import time_machine

_LIBRARY_PATTERNS = (
    "usr/lib/*/faketime/libfaketime{variant}.so.1",
    "usr/lib/faketime/libfaketime{variant}.so.1",
    "usr/lib64/faketime/libfaketime{variant}.so.1",
    "usr/local/lib/faketime/libfaketime{variant}.so.1",
)

_NEXT_SECOND = 0.02
"""Real seconds after the begin of a second from which on it has begun for every process."""


class RealClock:
    """The wall clock: waiting is sleeping."""

    kind = title = "real"
    sleeps = True

    def __init__(self) -> None:
        # Wall time once, then the monotonic clock: a correction of the wall clock during a run is no finding.
        self._offset = time.time() - time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to restore."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.monotonic() + self._offset

    def wait(self, seconds: float) -> None:
        """Sleep; raises ValueError for a negative time."""
        time.sleep(_checked(seconds))


class TravelClock:
    """Frozen time for code in this process, moved only by `wait`.

    Inside the clock `time.time`, `datetime.now` and their kin stand still (time-machine). `time.monotonic` keeps
    ticking, since asyncio and locks depend on it, but every wait moves it on by as much, so that a target that
    counts its lifetimes on the monotonic clock, or by timers of its event loop, sees the same jump.
    `time.perf_counter` is left alone: durations of pytest and deadlines of Hypothesis stay real.

    Re-entrant. Left and entered again it never goes back: what a target stored in an earlier check stays in its past.
    """

    kind = title = "travel"
    sleeps = False

    def __init__(self) -> None:
        self._depth = 0
        self._travelled = 0.0
        self._moment = 0.0
        self._traveller: time_machine.Traveller | None = None
        self._restore = ExitStack()

    def __enter__(self) -> Self:
        if self._depth == 0:
            import time_machine  # brings its plugin of pytest along, and with it pytest

            start = max(self._moment, time.time())
            with ExitStack() as stack:
                self._traveller = stack.enter_context(time_machine.travel(start, tick=False))
                stack.enter_context(self._shifted("monotonic", time.monotonic, 1))
                stack.enter_context(self._shifted("monotonic_ns", time.monotonic_ns, 1_000_000_000))
                self._restore = stack.pop_all()
        self._depth += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if self._depth == 0:
            self._moment = time.time()
            self._traveller = None
            self._restore.close()

    def now(self) -> float:
        """Seconds since the epoch on the travelled clock."""
        return time.time() if self._traveller else max(self._moment, time.time())

    def wait(self, seconds: float) -> None:
        """Jump; outside the clock the jump is kept for the next entry. Raises ValueError for a negative time."""
        _checked(seconds)
        self._travelled += seconds
        if self._traveller is None:
            self._moment = self.now() + seconds
        else:
            self._traveller.shift(float(seconds))

    def _shifted(self, name: str, original: Callable[[], float], unit: int) -> mock._patch[Callable[[], float]]:
        whole = unit > 1

        def shifted() -> float:
            jump = self._travelled * unit
            return original() + (int(jump) if whole else jump)

        return mock.patch.object(time, name, shifted)


class FaketimeClock:
    """The clock of a launched process under libfaketime: real time plus an offset that is kept in a file.

    The process reads the file at every look at its clock, so a wait is seen at once; where that is too slow, for
    programs that look very often, the offset is `cached` for the rest of the second, and a wait takes up to a second
    of real time. Its monotonic clock moves too:
    timers of its event loop fire. A process that waits for a lock with a timeout (glibc's `sem_clockwait`, which
    the library does not intercept) would wait too long after a jump; such a target sets
    `FAKETIME_DONT_FAKE_MONOTONIC = "1"` in its `env`.
    """

    kind = title = "faketime"
    sleeps = False

    def __init__(self, folder: Path, *, cached: bool = False, preloaded: bool = True) -> None:
        """`preloaded`: the program reads the file through the library; else by itself, as programs in Go are built."""
        self._file = folder / "faketime-offset"
        self.cached = cached
        self._preloaded = preloaded
        self._offset = 0.0
        self._write()

    @staticmethod
    def library() -> Path | None:
        """The shared library, the variant for threaded programs first; None if it is not installed."""
        for variant in ("MT", ""):
            for pattern in _LIBRARY_PATTERNS:
                collected = sorted(Path("/").glob(pattern.format(variant=variant)))
                if collected:
                    return collected[0]
        return None

    @classmethod
    def available(cls) -> bool:
        """Whether libfaketime is installed (Debian: package libfaketime)."""
        return cls.library() is not None

    def environment(self, inherited: Mapping[str, str]) -> dict[str, str]:
        """Variables for the process to be launched; `inherited` is what it would get otherwise."""
        preloaded = [str(self.library()), inherited.get("LD_PRELOAD", "")]
        preload = {"LD_PRELOAD": ":".join(part for part in preloaded if part)}
        return {
            **(preload if self._preloaded else {}),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            # A cache of 0 s ends with the second in which it was filled.
            **({"FAKETIME_CACHE_DURATION": "0"} if self.cached else {"FAKETIME_NO_CACHE": "1"}),
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """The process goes on living in its own time."""

    def now(self) -> float:
        """Seconds since the epoch as the process sees them."""
        return time.time() + self._offset

    def wait(self, seconds: float) -> None:
        """Move the process's clock; raises ValueError for a negative time."""
        self._offset += _checked(seconds)
        self._write()
        if self.cached:
            time.sleep(1 - time.time() % 1 + _NEXT_SECOND)

    def _write(self) -> None:
        # Replaced in one step: the process must never read half a number.
        new = self._file.with_suffix(".new")
        new.write_text(f"+{self._offset:.6f}\n", encoding="ascii")
        new.replace(self._file)


def remove_faketime_leftovers(pids: AbstractSet[int]) -> None:
    """Remove the shared memory that libfaketime leaves behind when its process is ended by a signal."""
    for pid in pids:
        for name in (f"faketime_shm_{pid}", f"sem.faketime_sem_{pid}"):
            try:
                os.unlink(f"/dev/shm/{name}")  # noqa: PTH108, S108 - a fixed name that libfaketime chose, not a file of ours
            except OSError:
                continue


def _checked(seconds: float) -> float:
    if not seconds >= 0:
        raise ValueError(f"time does not run backwards: cannot wait {seconds} s")
    return seconds
