"""Patience with a server that limits the rate of requests (RFC 6585 section 4, RFC 9110 section 10.2.3)."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import httpx

from device_grant.protocol import Response
from device_grant.protocol.retry_after import pause_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from device_grant.targets import Target
    from device_grant.targets.manners import Manners

RETRIES = 3
"""How often a request is sent again that the server puts off by 429, or by 503 with Retry-After."""
LONGEST_RETRY = 30.0
"""Seconds that are waited at most for each."""
LONGEST_JUMP = 3600.0
"""The same on a clock that jumps."""


class Rests:
    """The waits of a run that a server asks for, on a real clock within the budget of target.toml."""

    def __init__(self, target: Target, manners: Manners | None = None) -> None:
        """`manners` keep every request waiting after such an answer, so that nobody has to wait here."""
        self._target = target
        self._manners = manners
        self._taken = 0.0
        self._lock = threading.Lock()

    def take(self, seconds: float) -> bool:
        """Wait as long as the server asks for, within bounds: on a clock that jumps it costs nothing.

        False: the run has waited enough for that, and does not any more.
        """
        if self._manners is not None:
            return True
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
        """Send the request until the answer is none that puts it off, again at most `RETRIES` times."""
        for _ in range(RETRIES):
            answer = yield request
            wait = put_off(Response(answer.status_code, tuple(answer.headers.items())), self._now())
            if wait is None or not self._rests.take(wait):
                return
        yield request


def put_off(response: Response | None, now: float) -> float | None:
    """Seconds after which to ask again, if the server limits the rate of requests (RFC 6585 4, RFC 9110 10.2.3).

    `now`: seconds since the epoch on the target's clock, from which a Retry-After that is a date counts.
    """
    return None if response is None else pause_of(response.status, response.header("retry-after"), now)
