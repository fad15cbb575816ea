"""Bisection: where an answer changes, between two times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_DOUBLINGS = 4


@dataclass(frozen=True)
class Bracket:
    """Between which times an answer changes, in seconds."""

    least: float
    """Here it is still the first one."""
    most: float | None
    """Here it is the other one; None: it did not change up to `least`."""
    varies: bool = False
    """Whether one of these two was answered otherwise when it was asked once more."""

    @property
    def middle(self) -> float:
        """The time itself, as near as it was measured."""
        return self.least if self.most is None else (self.least + self.most) / 2

    @property
    def words(self) -> str:
        """`6 s`, `more than 2400 s`, `about 6 s, not always the same`."""
        if self.most is None:
            return f"more than {self.least:g} s"
        number = f"{self.middle:.1f}".removesuffix(".0")
        return f"about {number} s, not always the same" if self.varies else f"{number} s"


def bisect(before: Callable[[float], bool], most: float, within: float) -> Bracket:
    """Look for the time up to which `before` holds: at 0 it does, and it does no more from some time on.

    `most` is where that is expected at the latest; it is doubled a few times where it is not. The bracket is at most
    `within` seconds wide. Both its ends are asked twice.
    """
    least = 0.0
    for _ in range(_MOST_DOUBLINGS):
        if not before(most):
            break
        least, most = most, 2 * most
    else:
        return Bracket(least, None)
    while most - least > within:
        middle = (least + most) / 2
        if before(middle):
            least = middle
        else:
            most = middle
    return Bracket(least, most, varies=before(most) or not (least == 0 or before(least)))
