"""How long a server that limits the rate of requests wants to be left alone (RFC 6585 4, RFC 9110 10.2.3)."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from http import HTTPStatus


def pause_of(status: int, retry_after: str | None, now: float) -> float | None:
    """Seconds after which to ask again; None where the answer puts nobody off.

    `retry_after` is the value of that header field, and `now`, in seconds since the epoch on the target's clock, what
    one that is a date counts from.
    """
    if status != HTTPStatus.TOO_MANY_REQUESTS and not (status == HTTPStatus.SERVICE_UNAVAILABLE and retry_after):
        return None
    if retry_after and retry_after.isdecimal():
        return float(retry_after)
    try:
        return max(1.0, parsedate_to_datetime(retry_after or "").timestamp() - now)
    except (ValueError, OverflowError):
        return 1.0
