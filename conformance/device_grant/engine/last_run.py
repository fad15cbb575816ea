"""What the last run of the same target is remembered by: which checks failed, and how long it was until each ended."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from device_grant.files import STATE, UnreadableFileError, formed, json_of, read_octets

if TYPE_CHECKING:
    from device_grant.engine.options import Options
    from device_grant.results.baseline import Baseline
    from device_grant.results.lines import Payload


class LastRun(msgspec.Struct, frozen=True, kw_only=True):
    """Kept in the cache of the user; nothing of it is a verdict."""

    failed: tuple[str, ...] = ()
    """Names of the checks that failed, or in which an invariant or a rule did, and have not passed since."""
    seconds: dict[str, float] = {}
    """By check: real seconds from the end of the one before it to its own; they add up to a run, however many went on
    at the same time."""


def remembered(options: Options) -> LastRun:
    """What is known of the last run of this target; nothing where there was none."""
    try:
        return formed(json_of(read_octets(file := _file(options), STATE), file, STATE), LastRun, file)
    except UnreadableFileError:
        # Of a cache, which nobody needs.
        return LastRun()


class Memory:
    """What a run is going to be remembered by."""

    def __init__(self) -> None:
        self._failed: dict[str, bool] = {}
        """By check that ran: whether it failed."""
        self._seconds: dict[str, float] = {}
        self._ended: float | None = None
        """When the last check ended."""

    def begin(self) -> None:
        """Checks begin now; what is noted before is of the one that stands before all others."""
        self._ended = time.perf_counter()

    def note(self, payload: Payload, known: Baseline) -> None:
        """Take note of a check that has ended."""
        name, now = payload.case.check, time.perf_counter()
        if self._ended is None or payload.case.findings is not msgspec.UNSET:
            return
        self._seconds[name], self._ended = round(now - self._ended, 3), now
        today = datetime.now(UTC).date()
        failed = payload.case.outcome == "suite-error" or any(
            line.verdict == "fail" and known.expects(line.requirement, line.check, line.message, today) is None
            for line in (*payload.results, *payload.invariants)
        )
        if failed or payload.case.left_out is msgspec.UNSET:
            # What was left out may still fail.
            self._failed[name] = failed

    def keep(self, options: Options) -> None:
        """Write it down; checks that did not run stay as they were.

        Of a check of which only some requirements were asked for it is not known that it passes.
        """
        before = remembered(options)
        ran = {name: broke for name, broke in self._failed.items() if broke or not options.only}
        failed = [name for name in before.failed if name not in ran] + [name for name, broke in ran.items() if broke]
        line = LastRun(failed=tuple(failed), seconds={**before.seconds, **self._seconds})
        file = _file(options)
        # A cache that cannot be written costs nobody a run.
        with contextlib.suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
            written = file.with_suffix(f".{os.getpid()}")
            written.write_bytes(msgspec.json.encode(line))
            written.replace(file)


def _file(options: Options) -> Path:
    from device_grant.targets.environments import cache_folder

    named = (str(Path.cwd()), options.party, options.target, options.dialect or "", options.speaks or "")
    return cache_folder() / "last-runs" / f"{hashlib.sha256(repr(named).encode()).hexdigest()[:20]}.json"
