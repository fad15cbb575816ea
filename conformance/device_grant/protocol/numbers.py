"""Numbers of JSON as seconds: their texts may hold more than a float can."""

from __future__ import annotations

import math
import sys


def number(value: object) -> float | None:
    """A JSON number, no larger than floats are; None if it is anything else, booleans and NaN included."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and math.isnan(value):
        return None
    largest = sys.float_info.max
    return float(min(max(value, -largest), largest))


_LONG_NUMBER = 1e5
"""From here on `g` writes exponents, or drops digits."""
_UNREADABLE = 1e15


def plain(value: float) -> str:
    """A number of seconds for people: 5, 0.25, 2592000 and not 2.592e+06; what no clock measures keeps its exponent."""
    return f"{value:.0f}" if _LONG_NUMBER <= abs(value) < _UNREADABLE else f"{value:g}"
