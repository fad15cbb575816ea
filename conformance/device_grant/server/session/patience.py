"""Patience with a server that limits the rate of requests (RFC 6585 section 4, RFC 9110 section 10.2.3)."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx

from device_grant.protocol import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

RETRIES = 3
"""How often a request is sent again that the server puts off by 429, or by 503 with Retry-After."""


class Patience(httpx.Auth):
    """For a browser of the user: what a server puts off is asked for again after the wait that it names."""

    def __init__(self, wait: Callable[[float], None], now: Callable[[], float]) -> None:
        self._wait = wait
        self._now = now

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send the request until the answer is none that puts it off, at most `RETRIES` times."""
        for _ in range(RETRIES):
            answer = yield request
            wait = put_off(Response(answer.status_code, tuple(answer.headers.items())), self._now())
            if wait is None:
                return
            self._wait(wait)


def put_off(response: Response | None, now: float) -> float | None:
    """Seconds after which to ask again, if the server limits the rate of requests (RFC 6585 4, RFC 9110 10.2.3).

    `now`: seconds since the epoch on the target's clock, from which a Retry-After that is a date counts.
    """
    if response is None:
        return None
    value = response.header("retry-after")
    if response.status != HTTPStatus.TOO_MANY_REQUESTS and not (
        response.status == HTTPStatus.SERVICE_UNAVAILABLE and value
    ):
        return None
    if value and value.isdecimal():
        return float(value)
    try:
        return max(1.0, parsedate_to_datetime(value or "").timestamp() - now)
    except (ValueError, OverflowError):
        return 1.0
