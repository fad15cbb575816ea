"""Requests that overlap, with the moments at which each was sent and answered."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@dataclass(eq=False)
class Dispatch:
    """One of several requests that overlap; whoever sends it fills in what became of it."""

    request: httpx.Request
    delay: float = 0.0
    """Real seconds after the first ones."""
    dropped: bool = False
    """Whether the connection is closed as soon as the request is sent, so that nobody sees its answer."""
    answer: httpx.Response | Exception | None = None
    """The response, or the reason why there is none."""
    invoked: float = 0.0
    """Seconds of `time.perf_counter`: nothing was sent before."""
    answered: float = math.inf
    """When the whole answer was there; infinite where there is none: the request may take effect at any time."""

    def begin(self) -> None:
        """It is sent now."""
        self.invoked = time.perf_counter()

    def end(self, answer: httpx.Response | Exception) -> None:
        """Keep what came of it, now."""
        if self.dropped:
            answer = httpx.ReadError("the connection was closed by us", request=self.request)
        elif isinstance(answer, httpx.Response):
            self.answered = time.perf_counter()
        self.answer = answer

    @property
    def outcome(self) -> httpx.Response | Exception:
        """The answer; an error where nobody sent the request."""
        return self.answer if self.answer is not None else TimeoutError("the request was never sent")


@dataclass(frozen=True)
class Meanwhile:
    """What is done beside requests that overlap, such as moving a clock."""

    delay: float
    """Real seconds after the first requests."""
    action: Callable[[], None]


def together(
    overlap: Callable[[list[Dispatch]], None], requests: Iterable[httpx.Request]
) -> list[httpx.Response | Exception]:
    """The answers to requests that `overlap` sends at the same moment, in their order; errors where there are none."""
    dispatches = dispatched(requests)
    overlap(dispatches)
    return [one.outcome for one in dispatches]


def dispatched(requests: Iterable[httpx.Request]) -> list[Dispatch]:
    """Requests that are sent at the same moment."""
    return [Dispatch(request) for request in requests]
