"""What a capture leaves open of its times: a flow is told in each way that it may have gone, and judged in each.

A rule that comes to the same in all of them does not depend on what is unknown. Where it does not, nothing can be told.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from device_grant.protocol import Exchange
    from device_grant.recordings.formats.capture import Capture
    from device_grant.recordings.judge.flows import Flow

NO_TIMES = "the capture has no times"
COARSE = "the times in the capture are whole seconds"
NO_DURATIONS = "the capture does not say how long the answers took"

_MOMENT = 1e-6
"""Seconds between two requests that came at the same time: their order is known."""
_LONG = 1e4
"""Seconds, longer than any wait that a client owes."""
_MOST_GROWTH = 300
"""Steps after which a wait that triples leaves what a double can hold."""
_SLOWEST = 1.0
"""Seconds that an answer may have taken where nothing is known: more is unusual for these operations."""


@dataclass(frozen=True)
class Reading:
    """One way in which a flow may have gone."""

    exchanges: tuple[Exchange, ...]
    over: float | None
    """End of the capture on the same clock; None: unknown."""


@dataclass(frozen=True)
class Readings:
    """All ways in which a flow may have gone."""

    shown: tuple[Exchange, ...]
    """The exchanges with the times that are known, for reports."""
    variants: tuple[Reading, ...]
    unknown: str = ""
    """Why there are several."""
    source: str = ""
    """Where the times come from, if not from the file itself."""

    def evidence(self, exchanges: Sequence[Exchange]) -> tuple[Exchange, ...]:
        """The exchanges as they are shown, of those of any variant."""
        places = {id(one): place for variant in self.variants for place, one in enumerate(variant.exchanges)}
        return tuple(self.shown[places[id(one)]] for one in exchanges)

    def told_twice(self, change: Callable[[Exchange], Exchange], why: str) -> Readings:
        """The same ways, and each of them once more with exchanges that were changed."""
        changed = tuple(
            Reading(tuple(change(one) for one in variant.exchanges), variant.over) for variant in self.variants
        )
        return Readings(self.shown, self.variants + changed, self.unknown or why, self.source)


def readings_of(flow: Flow, capture: Capture) -> Readings:
    """The ways in which a flow may have gone, as far as the times in the capture leave it open."""
    entries = [one.entry for one in flow.members]
    exchanges = [one.exchange for one in flow.members]
    begun = [entry.started for entry in entries if entry.started is not None]
    if len(begun) < len(entries):
        untimed = (
            _described(exchanges, lambda _: _MOMENT, [_MOMENT / 2] * len(exchanges), None),
            _described(exchanges, _growing, [0.0] * len(exchanges), None),
        )
        return Readings(tuple(exchanges), untimed, NO_TIMES)
    first = begun[0]
    over = max((entry.started or first) + (entry.took or 0.0) for entry in capture.entries) - first
    gaps = [0.0] + [max(later - earlier, 0.0) for earlier, later in pairwise(begun)]
    took = [entry.took or 0.0 for entry in entries]
    exact = _described(exchanges, gaps.__getitem__, took, over)
    vague = any(entry.took is None for entry in entries)
    if capture.precision:
        unit = capture.precision
        variants = [
            _described(exchanges, lambda place: gaps[place] + unit, took, over + unit * len(entries)),
            _described(exchanges, lambda place: gaps[place] - unit, _slow(entries, gaps, took), over - unit),
            _described(exchanges, lambda place: gaps[place] + (unit if place % 2 else -unit), took, over),
        ]
        return Readings(exact.exchanges, tuple(variants), capture.timing or COARSE, capture.timing)
    if vague:
        return Readings(
            exact.exchanges,
            (exact, _described(exchanges, gaps.__getitem__, _slow(entries, gaps, took), over)),
            NO_DURATIONS,
        )
    return Readings(exact.exchanges, (exact,))


def _described(
    exchanges: Sequence[Exchange], gap: Callable[[int], float], took: Sequence[float], over: float | None
) -> Reading:
    """The exchanges, each so long after the start of the one before it, the first at zero."""
    at = 0.0
    timed = []
    for place, exchange in enumerate(exchanges):
        at += max(gap(place), _MOMENT) if place else 0.0
        timed.append(replace(exchange, started=at, ended=at + took[place], elapsed=took[place]))
    return Reading(tuple(timed), over)


def _growing(place: int) -> float:
    return _LONG * 3.0 ** min(place, _MOST_GROWTH)


def _slow(entries: Sequence[object], gaps: Sequence[float], took: Sequence[float]) -> list[float]:
    """Durations at their longest, where they are not known."""
    following = [*gaps[1:], _SLOWEST]
    return [
        duration if getattr(entry, "took", None) is not None else min(_SLOWEST, next_gap)
        for entry, duration, next_gap in zip(entries, took, following, strict=True)
    ]
