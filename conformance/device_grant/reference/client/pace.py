"""How long the reference client waits before each poll (RFC 8628 section 3.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from device_grant.reference.client.faults import ClientFaults

SLOWER = 5.0
"""Seconds that slow_down adds for good."""
CAP = 5.0
"""Seconds of the fault interval_capped."""
LONGEST = 30.0
"""Seconds of the fault slow_down_capped."""
MOST_TROUBLE = 6
"""Answers in a row that say nothing of the grant, after which the login is given up."""


@dataclass
class Pace:
    """The wait before the next poll; `interval` in seconds."""

    faults: ClientFaults
    interval: float
    polls: int = 0
    _once: float = 0.0
    _slowed: bool = False
    _hasty: bool = False
    _trouble: int = 0
    _tick: float | None = None

    def wait(self) -> float:
        """Seconds to wait before the poll that comes now."""
        faults = self.faults
        seconds, self._once = max(self.interval, self._once), 0.0
        self.polls += 1
        hasty, self._hasty = self._hasty, False
        if hasty or (faults.polls_twice and self.polls == 2):  # noqa: PLR2004 - the second poll
            return 0.0
        if faults.interval_halved:
            seconds /= 2
        return min(seconds, CAP) if faults.interval_capped else seconds

    def left(self, since: float, now: float) -> float:
        """Seconds to sleep at this moment before the poll that comes now; the wait is counted from `since`."""
        seconds = self.wait()
        if not self.faults.polls_by_ticks:
            return max(0.0, since + seconds - now)
        due = (since if self._tick is None else self._tick) + seconds
        # Of several ticks that nobody waited for one is kept.
        self._tick = due + max(0.0, (now - due) // seconds if seconds else 0.0) * seconds
        return max(0.0, self._tick - now)

    def pending(self) -> None:
        """The server knows the grant."""
        self._trouble = 0

    def slow_down(self) -> None:
        """Five seconds more, for this and all later polls."""
        faults, self._trouble = self.faults, 0
        first, self._slowed = not self._slowed, True
        if faults.slow_down_once:
            self._once = self.interval + SLOWER
        elif faults.slow_down_doubles:
            self.interval *= 2
        elif (first or not faults.slow_down_first_only) and not faults.slow_down_ignored:
            self.interval += SLOWER
        if faults.slow_down_capped:
            self.interval = min(self.interval, LONGEST)

    def lost(self, *, timeout: bool) -> bool:
        """No answer came: twice the wait from now on; False where it is time to give up."""
        self._trouble += 1
        if timeout and self.faults.timeout_adds_a_second:
            self.interval += 1
        elif not (timeout and self.faults.timeout_same_pace):
            self.interval *= 2
        return self._trouble <= MOST_TROUBLE and not self.faults.trouble_fatal

    def hurry(self) -> bool:
        """No wait before the next poll, as no client should have it; False where it is time to give up."""
        self._trouble += 1
        self._hasty = True
        return self._trouble <= MOST_TROUBLE

    def trouble(self, retry_after: float) -> bool:
        """The server has a problem: twice the wait once, or what it asks for; False where it is time to give up."""
        self._trouble += 1
        self._once = max(self.interval * 2, 0.0 if self.faults.retry_after_ignored else retry_after)
        return self._trouble <= MOST_TROUBLE and not self.faults.trouble_fatal
