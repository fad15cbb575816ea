"""When to poll: polite, early, in bursts and late (RFC 8628 section 3.5)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument

from device_grant.protocol import DEFAULT_INTERVAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypothesis.strategies import DrawFn, SearchStrategy

PACES = ("polite", "late", "early", "burst")
"""The sorts of wait, simplest first: a counterexample shrinks towards polite polls."""


@dataclass(frozen=True)
class PollingSchedule:
    """Waits between polls, in seconds; the first one is the wait before the first poll."""

    interval: float
    """The interval that the server asked for, seconds."""
    waits: tuple[float, ...]
    """Seconds to wait before each poll."""
    paces: tuple[str, ...]
    """What each wait is, relative to the interval: `polite`, `late`, `early` or `burst` (no wait)."""

    @property
    def total(self) -> float:
        """Seconds from the start to the last poll."""
        return math.fsum(self.waits)

    @property
    def polite(self) -> bool:
        """Whether no poll comes before its interval is over, so that `slow_down` is never due."""
        return all(pace in ("polite", "late") for pace in self.paces)

    def __iter__(self) -> Iterator[float]:
        return iter(self.waits)

    def __len__(self) -> int:
        return len(self.waits)


def polling_schedules(
    interval: float = DEFAULT_INTERVAL, *, max_total: float = 120.0, max_polls: int = 12, margin: float = 1.0
) -> SearchStrategy[PollingSchedule]:
    """Draw schedules of at least one and at most `max_polls` polls that end within `max_total` seconds.

    A polite wait is `interval + margin` seconds: servers that count whole seconds may see a shorter one as too
    early. A late wait is 2 to 3.4 times that; an early one is 10 to 80 % of the interval; a burst waits 0 s.
    Raises InvalidArgument if not even one polite poll fits, or for a negative number.
    """
    polite = interval + margin
    if min(interval, margin) < 0 or max_polls < 1 or not polite <= max_total < math.inf:
        raise InvalidArgument(
            f"polling_schedules(interval={interval}, max_total={max_total}, max_polls={max_polls}, margin={margin}): "
            "interval and margin must not be negative, and at least one poll after interval + margin must fit"
        )
    return _schedules(interval, polite, max_total, max_polls)


@st.composite
def _schedules(draw: DrawFn, interval: float, polite: float, max_total: float, max_polls: int) -> PollingSchedule:
    # An octet a poll: a quarter of its values for each pace, the rest for the size within the pace.
    drawn = draw(st.binary(min_size=1, max_size=max_polls))
    waits: list[float] = []
    paces: list[str] = []
    total = 0.0
    for octet in drawn:
        pace = PACES[octet % len(PACES)]
        wait = _wait(pace, octet // len(PACES) / 90, interval, polite)
        if total + wait > max_total:
            break
        total += wait
        waits.append(wait)
        paces.append(pace)
    if not waits:
        waits, paces = [polite], ["polite"]
    return PollingSchedule(interval, tuple(waits), tuple(paces))


def _wait(pace: str, size: float, interval: float, polite: float) -> float:
    """Seconds for a pace; `size` from 0 to 0.7 chooses within its range."""
    match pace:
        case "polite":
            return polite
        case "late":
            return round(polite * (2 + size * 2), 3)
        case "early":
            return round(interval * (0.1 + size), 3)
        case _:
            return 0.0
