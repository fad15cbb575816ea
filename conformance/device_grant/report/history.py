"""Operations that overlapped, drawn as bars: on a terminal and in HTML. Pure over a step of results.

Moments are spaced evenly, in their order: what overlaps is to be seen, and not that a thousandth of a second passed
between two of them and an hour between two others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_grant.report.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from device_grant.results.model import HistoryBar, Step

NO_ANSWER = "no answer"
_LONGEST_NAME = 34
_LONGEST_ANSWER = 24
_NARROWEST, _WIDEST = 12, 60
"""Columns of the bars on a terminal."""
_MOST_BARS = 40
WIDTH = 720
"""Pixels of the drawing, which scales."""
_ROW, _TOP, _LEFT, _RIGHT = 22, 6, 220, 150


@dataclass(frozen=True)
class BarRow:
    """One operation, its bar from `left` to `right` in equal steps of moments."""

    name: str
    answer: str
    left: int
    right: int
    open: bool
    """Whether it was never answered, so that the bar has no end."""


@dataclass(frozen=True)
class Bars:
    """What is drawn."""

    rows: tuple[BarRow, ...]
    moments: int
    explained: bool
    left_out: int
    """Operations after those that are drawn."""

    @property
    def height(self) -> int:
        """Pixels."""
        return 2 * _TOP + _ROW * len(self.rows)

    def x(self, moment: int) -> float:
        """The place of a moment, pixels from the left."""
        return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * moment / max(1, self.moments - 1), 1)

    def y(self, row: int) -> int:
        """The top of a row, pixels."""
        return _TOP + _ROW * row

    @property
    def caption(self) -> str:
        """One sentence below the drawing."""
        which = "an order of these operations explains" if self.explained else "no order of these operations explains"
        more = f" {self.left_out} more are left out." if self.left_out else ""
        return f"Bars that overlap were under way at the same time: {which} the answers.{more}"


def bars(steps: Sequence[Step]) -> Bars | None:
    """The history among the steps that show something; None where there is none."""
    step = next((one for one in steps if one.bars), None)
    if step is None:
        return None
    shown = step.bars[:_MOST_BARS]
    moments = sorted({moment for bar in shown for moment in _ends(bar)})
    place = {moment: number for number, moment in enumerate(moments)}
    rows = [
        BarRow(
            one_line(bar.name, _LONGEST_NAME),
            one_line(bar.answer, _LONGEST_ANSWER) or NO_ANSWER,
            place[bar.began],
            len(moments) if bar.ended is None else place[bar.ended],
            bar.ended is None,
        )
        for bar in shown
    ]
    return Bars(tuple(rows), len(moments) + 1, step.explained, len(step.bars) - len(shown))


def _ends(bar: HistoryBar) -> tuple[float, ...]:
    return (bar.began,) if bar.ended is None else (bar.began, bar.ended)


def as_text(drawing: Bars, width: int) -> list[str]:
    """A line for each operation in that many columns: `poll 1   |======|      token 1`."""
    names = max(len(row.name) for row in drawing.rows)
    answers = max(len(row.answer) for row in drawing.rows)
    room = max(_NARROWEST, min(_WIDEST, width - names - answers - 2))
    last = max(1, drawing.moments - 1)
    lines = []
    for row in drawing.rows:
        left = row.left * (room - 2) // last
        right = max(left + 1, row.right * (room - 2) // last)
        bar = "|" + "=" * (right - left - 1) + (">" if row.open else "|")
        lines.append(f"{row.name:<{names}} {' ' * left + bar:<{room}} {row.answer}".rstrip())
    return lines
