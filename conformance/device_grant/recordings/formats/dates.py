"""Times where a file has none: those of the answers' Date headers (RFC 9110, section 6.6.1)."""

from __future__ import annotations

from dataclasses import replace
from email.utils import parsedate_to_datetime
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from device_grant.protocol import Response
    from device_grant.recordings.formats.capture import Capture

BY_DATES = "the times are those of the answers' Date headers"
PRECISION = 2.0
"""Seconds: Date counts whole ones, and how long the request took to be answered is added to that."""


def dated(capture: Capture) -> Capture:
    """The capture with the times of its answers, where it has no others and they can be those of one run.

    What stands still was set by a test, and what goes backwards was put together from several runs: neither is a clock.
    """
    if not capture.entries or any(entry.started is not None for entry in capture.entries):
        return capture
    moments = [_moment(entry.response) for entry in capture.entries]
    known = [one for one in moments if one is not None]
    if len(set(known)) < 2 or any(later < earlier for earlier, later in pairwise(known)):  # noqa: PLR2004 - a clock shows two moments
        return capture
    entries = tuple(replace(entry, started=at) for entry, at in zip(capture.entries, moments, strict=True))
    return replace(capture, entries=entries, precision=PRECISION, timing=BY_DATES)


def _moment(response: Response | None) -> float | None:
    if response is None:
        return None
    age = (response.header("age") or "0").strip()
    if age != "0":
        return None  # a cache answered: its Date is that of another answer
    try:
        return parsedate_to_datetime(response.header("date") or "").timestamp()
    except (ValueError, OverflowError, OSError):
        return None
