"""How a server is treated that belongs to somebody else: a budget of requests, a pace, and what is never sent.

The transports of a target ask here before each request, pages of the user included, so that nothing passes uncounted
but what a real browser, or a command of the user, sends by itself.
"""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from device_grant.judging import Spared
from device_grant.protocol.retry_after import pause_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from device_grant.targets.ports import Clock

BUDGET = 150
"""Requests of a run at most."""
RATE = 2.0
"""Requests a second at most."""
MOST_MALFORMED = 12
"""Bodies at most that are no valid form or JSON object, or longer than any good one."""
MOST_REGISTERED = 6
"""Clients at most that a run leaves behind."""
LONGEST_HOLD = 60.0
"""Seconds that a server may ask for at most; one that wants more time is left alone for good."""
MOST_REFUSALS = 3
"""Answers running that put off; after them the server is left alone for good."""
PAGE = "page"
"""What requests are that no operation and no check of it sends: pages, and what they link to."""
_LOOKS = ("GET", "HEAD")
_LEFT_ALONE = "the server {}, and was left alone from then on (--polite)"
_SLACK = 1.1
"""The share by which the pace is slower than its limit: requests reach the server later than they were let go, and
not all by as much."""
_NOW = 0.001
"""Seconds that are no wait."""


class Manners:
    """Counts and paces the requests of one run; safe to use from several threads.

    What may no longer be sent raises Spared, which ends a check without a verdict.
    """

    def __init__(self, clock: Clock, *, budget: int = BUDGET, rate: float = RATE) -> None:
        """`clock` is the target's; `rate` is in requests a second."""
        self._clock = clock
        self.budget = budget
        self.rate = rate
        self.sent = 0
        """Requests that were let go."""
        self.kinds: Counter[str] = Counter()
        """The same by what they are."""
        self.malformed = 0
        self.registered = 0
        """Clients that were registered."""
        self.ended = ""
        """Why nothing is sent any more; empty while something may be."""
        self._refusals = 0
        self._gap = _SLACK / rate
        self._free = 0.0
        """When the next request may go, on the clock."""
        self._lock = threading.Lock()
        self._local = threading.local()

    def before(self, request: httpx.Request) -> None:
        """Hook of HTTP clients, called before each request; waits, or raises Spared."""
        if getattr(self._local, "elsewhere", False):
            return
        if getattr(self._local, "turn", False):
            self._local.turn = False
            return
        self._take(PAGE if request.method in _LOOKS else "form of a page")

    def turn(self, kind: str) -> None:
        """Wait until this thread may send its next request, so that what it then measures is the server's time.

        `kind` says what it is, for people.
        """
        if not getattr(self._local, "turn", False):
            self._take(kind)
            self._local.turn = True

    def after(self, response: httpx.Response) -> None:
        """Hook of HTTP clients, called with each answer: a server that limits the rate of requests is heard by all."""
        if getattr(self._local, "elsewhere", False):
            return
        pause = pause_of(response.status_code, response.headers.get("retry-after"), self._clock.now())
        with self._lock:
            self._refusals = self._refusals + 1 if pause is not None else 0
            if pause is None:
                return
            if pause > LONGEST_HOLD:
                self.ended = self.ended or _LEFT_ALONE.format(f"asks for {pause:.0f} s without requests")
            elif self._refusals >= MOST_REFUSALS:
                self.ended = self.ended or _LEFT_ALONE.format(
                    f"limits the rate of requests {MOST_REFUSALS} times running"
                )
            else:
                self._free = max(self._free, self._clock.now() + pause)

    def spend_malformed(self) -> None:
        """One malformed body is going to be sent; raises Spared where that would be too many."""
        with self._lock:
            if self.malformed >= MOST_MALFORMED:
                raise Spared(f"left out by --polite: {MOST_MALFORMED} malformed bodies were sent, and no more are")
            self.malformed += 1

    def require_registration(self) -> None:
        """Raise Spared where another client would be too many."""
        if self.registered >= MOST_REGISTERED:
            raise Spared(f"left out by --polite: {MOST_REGISTERED} clients were registered, and no more are")

    def count_registration(self) -> None:
        """One more client was registered."""
        with self._lock:
            self.registered += 1

    @contextmanager
    def elsewhere(self) -> Iterator[None]:
        """Within: what this thread does is done by a person in a browser of their own."""
        self._local.elsewhere = True
        try:
            yield
        finally:
            self._local.elsewhere = False

    def _require_open(self) -> None:
        if self.ended:
            raise Spared(self.ended)

    def _take(self, kind: str) -> None:
        while True:
            with self._lock:
                if self.sent >= self.budget and not self.ended:
                    self.ended = f"the budget of {self.budget} requests was used up before this (--polite)"
                self._require_open()
                now = self._clock.now()
                left = self._free - now
                if left < _NOW:
                    self.sent += 1
                    self.kinds[kind] += 1
                    self._free = now + self._gap
                    return
            # Not under the lock: the server may ask for more time meanwhile.
            self._clock.wait(left)
