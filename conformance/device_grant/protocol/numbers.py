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
