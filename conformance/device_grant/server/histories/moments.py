"""One clock for a history: the target's, with the real time between."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from device_grant.targets.ports import Clock

_HARDLY = 1e-3
"""Seconds of a clock that stands still that a real second counts as: enough to tell before from after."""


@dataclass
class Moments:
    """Turns moments of `time.perf_counter` into seconds on the target's clock since the history began.

    Never goes back, and no two real moments are one: what was asked later is later, also while the clock stands still.
    """

    clock: Clock
    _origin: float = field(default_factory=time.perf_counter)
    _jumps: list[tuple[float, float]] = field(default_factory=list)
    """When the clock was moved, and how far."""

    def of(self, moment: float) -> float:
        """Seconds of a moment of `time.perf_counter`, which may be infinite."""
        runs = 1.0 if self.clock.kind != "travel" else _HARDLY
        return (moment - self._origin) * runs + sum(seconds for at, seconds in self._jumps if at <= moment)

    def now(self) -> float:
        """Seconds now."""
        return self.of(time.perf_counter())

    def moved(self, seconds: float) -> None:
        """The clock has just been moved; on one that sleeps the time has passed by itself."""
        if not self.clock.sleeps:
            self._jumps.append((time.perf_counter(), seconds))
