"""The clock of a replay: recorded times, without waiting for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import time_machine

from device_grant.recordings.tape import SHARED

if TYPE_CHECKING:
    from device_grant.recordings.replay.matching import Playback
    from device_grant.recordings.tape import TapedExchange
    from device_grant.targets.ports import Clock


class ReplayClock:
    """The recorded times: it jumps with each wait, and to each request's moment."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.title = f"recorded ({kind})"
        self.sleeps = False
        self._now = 0.0
        self._began = 0.0
        self._depth = 0
        self._traveller: time_machine.travel | None = None
        self._moving: time_machine.Traveller | None = None

    def __enter__(self) -> Self:
        if self._depth == 0:
            # Cookies end by this process's clock.
            self._traveller = time_machine.travel(self._now, tick=False)
            self._moving = self._traveller.start()
        self._depth += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if self._depth == 0 and self._traveller is not None:
            self._traveller.stop()
            self._traveller = self._moving = None

    def now(self) -> float:
        """Seconds since the epoch, as recorded."""
        return self._now

    def wait(self, seconds: float) -> None:
        """Jump; raises ValueError for a negative time."""
        if not seconds >= 0:
            raise ValueError(f"time does not run backwards: cannot wait {seconds} s")
        self._move(self._now + seconds)

    def begin(self, moment: float) -> None:
        """Begin a tape."""
        self._began = moment
        self._move(moment)

    def reach(self, playback: Playback, at: float, took: float) -> None:
        """Jump to where the recording was, if the check has not waited longer than it did then."""
        then = self._began + at + playback.shift
        if self._now > then:
            playback.shift += self._now - then
        self._move(max(then, self._now) + took)

    def _move(self, moment: float) -> None:
        self._now = moment
        if self._moving is not None:
            self._moving.move_to(moment, tick=False)


def reach(clock: Clock, playback: Playback, entry: TapedExchange) -> None:
    """Let the clock follow an entry, unless it belongs to all checks."""
    if isinstance(clock, ReplayClock) and playback.tape.name != SHARED:
        clock.reach(playback, entry.at, entry.took)
