"""When the polls of a transcript came and when they were allowed to: the picture of a polling loop (RFC 8628 3.5).

Each device code has a lane. The client may poll when the interval has passed since its last poll, and every slow_down
adds 5 seconds to the interval for good (RFC 8628 section 3.5).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from device_grant.protocol import DEFAULT_INTERVAL
from device_grant.protocol.events import OF_USER
from device_grant.protocol.numbers import number
from device_grant.report.text import one_line, plural
from device_grant.report.view import natural

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from device_grant.results.model import Step

WIDTH = 720
"""Pixels of the drawing, which scales."""
LANE = 54
"""Pixels of a lane."""
_ENDLESS = 1e12
"""Seconds from which a life is too long to be drawn."""
_LEFT, _RIGHT, _TOP, _AXIS = 112, 24, 8, 26
_SLOW_DOWN = 5.0
_LONGEST_GAP = 4.0
"""Gaps longer than so many intervals are drawn shorter, with a break in the axis."""
_MOST_LANES = 6
_EARLY = 0.05
"""Seconds that a poll may come early before it is drawn so: times are rounded, and clocks differ."""
_SECRET = re.compile(r"<(?:altered )?device_code \d+>")

Kind = Literal["pending", "slow_down", "token", "refused", "lost"]
_KINDS: dict[str, Kind] = {"authorization_pending": "pending", "slow_down": "slow_down", "ok": "token"}
WORDS: dict[Kind, str] = {
    "pending": "pending",
    "slow_down": "slow_down",
    "token": "token",
    "refused": "refused",
    "lost": "no answer",
}
"""What each mark means, for the legend."""


@dataclass(frozen=True)
class Poll:
    """One request for a token."""

    at: float
    """Seconds on the target's clock since the case began."""
    kind: Kind
    code: str
    allowed: float
    """The moment from which on it was allowed."""

    @property
    def early(self) -> bool:
        """Whether it came sooner than a client may send it."""
        return self.at < self.allowed - _EARLY


@dataclass
class Lane:
    """What happened to one device code."""

    name: str
    started: float | None = None
    interval: float = DEFAULT_INTERVAL
    expires: float | None = None
    polls: list[Poll] = field(default_factory=list)

    def add(self, step: Step) -> None:
        """One more poll."""
        since = self.polls[-1].at if self.polls else self.started
        allowed = step.at if since is None else since + self.interval
        kind = "lost" if step.response is None else _KINDS.get(step.code, "refused")
        self.polls.append(Poll(step.at, kind, step.code or step.error, allowed))
        if kind == "slow_down":
            self.interval += _SLOW_DOWN


@dataclass(frozen=True)
class Timeline:
    """What is drawn: lanes, what the user did, and the places of moments on the axis."""

    lanes: tuple[Lane, ...]
    events: tuple[tuple[float, str], ...]
    """Moments of decisions, with their words."""
    marks: tuple[tuple[float, float], ...]
    """Moments and their places in pixels, in order; between two of them the axis is straight."""
    breaks: tuple[float, ...]
    """Places at which time is left out."""
    ticks: tuple[tuple[float, str], ...]

    @property
    def height(self) -> int:
        """Pixels."""
        return _TOP + LANE * len(self.lanes) + _AXIS

    def x(self, moment: float) -> float:
        """The place of a moment, pixels from the left."""
        (before, left), *rest = self.marks
        for after, right in rest:
            if moment <= after:
                return round(left + (right - left) * max(0.0, moment - before) / (after - before), 1)
            before, left = after, right
        return round(left, 1)

    def y(self, lane: int) -> int:
        """The middle of a lane, pixels from the top."""
        return _TOP + LANE * lane + LANE // 2

    @property
    def kinds(self) -> list[Kind]:
        """Kinds of marks that occur, in the order of the legend."""
        present = {poll.kind for lane in self.lanes for poll in lane.polls}
        return [kind for kind in WORDS if kind in present]

    @property
    def early(self) -> int:
        """How many polls came too soon."""
        return sum(poll.early for lane in self.lanes for poll in lane.polls)

    @property
    def description(self) -> str:
        """The drawing in words, for whoever cannot see it."""
        return "; ".join(
            f"{lane.name}: "
            + ", ".join(
                f"poll at {poll.at:.1f} s {one_line(poll.code, 40)}" + (" (early)" if poll.early else "")
                for poll in lane.polls
            )
            for lane in self.lanes
        )


def timeline(steps: Sequence[Step]) -> Timeline | None:
    """The timeline of a transcript; None where there is nothing to see: fewer than two polls, or all at one moment."""
    lanes = [lane for lane in _lanes(steps) if len(lane.polls) > 1]
    if not lanes or all(len({poll.at for poll in lane.polls}) == 1 for lane in lanes):
        return None
    lanes = lanes[:_MOST_LANES]
    moments = {poll.at for lane in lanes for poll in lane.polls}
    moments |= {lane.started for lane in lanes if lane.started is not None}
    first, last = min(moments), max(moments)
    moments |= {lane.expires for lane in lanes if lane.expires is not None and lane.expires <= last}
    events = tuple(
        (step.at, one_line(step.label, 40)) for step in steps if step.event in OF_USER and first <= step.at <= last
    )
    moments |= {at for at, _ in events}
    marks, breaks = _axis(sorted(moments), max(lane.interval for lane in lanes))
    return Timeline(tuple(lanes), events, marks, breaks, _ticks(marks))


def _lanes(steps: Iterable[Step]) -> list[Lane]:
    lanes: dict[str, Lane] = {}
    for step in steps:
        if step.request is None:
            continue
        if step.operation == "device_authorization" and step.response is not None and step.code == "ok":
            members = _members(step.response.body)
            code = next((str(members[name]) for name in ("device_code", "deviceCode") if name in members), "")
            lane = Lane(_plain(code), started=step.at, interval=_number(members.get("interval"), DEFAULT_INTERVAL))
            life = _number(members.get("expires_in", members.get("expiresIn")), 0)
            lane.expires = step.at + life if life else None
            lanes[code] = lane
        # Some clients send the code in the URL, wrongly: when they poll is of interest all the same.
        elif step.operation == "token" and (match := _SECRET.search(f"{step.request.body} {step.request.url}")):
            lanes.setdefault(match.group(), Lane(_plain(match.group()))).add(step)
    return sorted(lanes.values(), key=lambda lane: natural(lane.name))


def _plain(pseudonym: str) -> str:
    return pseudonym.strip("<>").replace("_", " ")


def _members(body: str) -> dict[str, Any]:
    try:
        members = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return members if isinstance(members, dict) else {}


def _number(value: object, default: float) -> float:
    stated = number(value)
    return stated if stated is not None and 0 <= stated < _ENDLESS else default


def _axis(moments: list[float], interval: float) -> tuple[tuple[tuple[float, float], ...], tuple[float, ...]]:
    """Places of the moments; a gap of many intervals takes no more room than a few."""
    longest = max(interval, 1.0) * _LONGEST_GAP
    gaps = [after - before for before, after in pairwise(moments)]
    shown = [min(gap, longest) for gap in gaps]
    scale = (WIDTH - _LEFT - _RIGHT) / (sum(shown) or 1.0)
    place, marks, breaks = float(_LEFT), [(moments[0], float(_LEFT))], []
    for moment, gap, room in zip(moments[1:], gaps, shown, strict=True):
        if gap > room:
            breaks.append(round(place + room * scale / 2, 1))
        place += room * scale
        marks.append((moment, round(place, 1)))
    return tuple(marks), tuple(breaks)


def _ticks(marks: Sequence[tuple[float, float]]) -> tuple[tuple[float, str], ...]:
    """Labels of moments, as many as fit."""
    ticks: list[tuple[float, str]] = []
    for moment, place in marks:
        if not ticks or place - ticks[-1][0] >= 44:  # noqa: PLR2004 - pixels of a label
            ticks.append((place, f"{moment:.1f}".removesuffix(".0") + " s"))
    return tuple(ticks)


def caption(result: Timeline) -> str:
    """One sentence below the drawing."""
    polls = sum(len(lane.polls) for lane in result.lanes)
    early = f", {result.early} sooner than a client may" if result.early else ", none sooner than a client may"
    return f"{plural(polls, 'poll')}{early}. Shaded: when polling was not yet allowed."
