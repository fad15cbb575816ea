"""Patience with a server that limits the rate of requests (RFC 6585 section 4, RFC 9110 section 10.2.3)."""

from __future__ import annotations

import threading
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx

from device_grant.protocol import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from device_grant.targets import Target

RETRIES = 3
"""How often a request is sent again that the server puts off by 429, or by 503 with Retry-After."""
LONGEST_RETRY = 30.0
"""Seconds that are waited at most for each."""
LONGEST_JUMP = 3600.0
"""The same on a clock that jumps."""


class Rests:
    """The waits of a run that a server asks for, on a real clock within the budget of target.toml."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._taken = 0.0
        self._lock = threading.Lock()

    def take(self, seconds: float) -> bool:
        """Wait as long as the server asks for, within bounds: on a clock that jumps it costs nothing.

        False: the run has waited enough for that, and does not any more.
        """
        clock = self._target.clock
        seconds = min(seconds, LONGEST_RETRY if clock.sleeps else LONGEST_JUMP)
        if clock.sleeps:
            with self._lock:
                if self._taken + seconds > self._target.config.limits.retry_after:
                    return False
                self._taken += seconds
        clock.wait(seconds)
        return True


class Patience(httpx.Auth):
    """For a browser of the user: what a server puts off is asked for again after the wait that it names."""

    def __init__(self, rests: Rests, now: Callable[[], float]) -> None:
        self._rests = rests
        self._now = now

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send the request until the answer is none that puts it off, at most `RETRIES` times."""
        for _ in range(RETRIES):
            answer = yield request
            wait = put_off(Response(answer.status_code, tuple(answer.headers.items())), self._now())
            if wait is None or not self._rests.take(wait):
                return


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
