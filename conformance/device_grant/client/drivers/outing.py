"""The browser of a real client: threads that go where it has sent them, in the network in which it runs."""

from __future__ import annotations

import http.client
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from device_grant.client.drivers.visiting import Visit, authorizations_in, go, noted

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Generator

    from device_grant.client.drivers.invocation import Invocation
    from device_grant.client.drivers.isolation import Isolation
    from device_grant.client.drivers.visiting import BrowserStep

PATIENCE = 10.0
"""Real seconds that the browser waits for the client's answer."""
MOST = 3
"""Addresses that are opened of one run."""
OPENS_WITHIN = 1.0
"""Real seconds after which a client that has printed the address opens no browser."""
_LARGEST = 65_536


class Outings:
    """All that the browser does in one run; entered while the client goes on."""

    def __init__(self, invocation: Invocation, network: Isolation, began: float, scale: float) -> None:
        self._invocation, self._network = invocation, network
        self._began, self._scale = began, scale
        self._over = threading.Event()
        self._seen: list[str] = []
        self._threads: list[threading.Thread] = []
        self._visits: list[list[Visit]] = []
        self._printed: tuple[str, ...] = ()
        self._since = 0.0

    @property
    def visits(self) -> tuple[Visit, ...]:
        """What came of them so far, in the order of the addresses."""
        return tuple(visit for one in self._visits for visit in one)

    def look(self, opened: tuple[str, ...], printed: Callable[[], str]) -> None:
        """Go to what the client has opened; where it opens nothing, to what it has printed for a person."""
        authority = self._invocation.authority
        wanted = [address for address in opened if address.startswith(("http://", "https://"))]
        if not wanted and (addresses := authorizations_in(printed(), authority)):
            # Most clients print it before they open a browser, and some for want of one; half of it may be there.
            if addresses != self._printed:
                self._printed, self._since = addresses, time.monotonic()
            wanted = list(addresses) if time.monotonic() - self._since > OPENS_WITHIN else []
        for address in wanted:
            if address not in self._seen and len(self._seen) < MOST:
                self._seen.append(address)
                visits: list[Visit] = []
                self._visits.append(visits)
                thread = threading.Thread(target=self._go, args=(address, visits), daemon=True, name="browser")
                self._threads.append(thread)
                thread.start()

    def finish(self) -> None:
        """Wait for what is under way, now that the client has ended."""
        self._over.set()
        for thread in self._threads:
            thread.join(2 * PATIENCE)

    def _go(self, address: str, visits: list[Visit]) -> None:
        invocation = self._invocation
        going: Generator[BrowserStep, Visit, tuple[Visit, ...]] = go(
            address,
            invocation.authority,
            invocation.errands,
            lambda request: noted(invocation.authority, request, self._now, self._pause),
        )
        try:
            step = next(going)
            while True:
                visit = self._done(step)
                if step.what != "wait":
                    visits.append(visit)
                step = going.send(visit)
        except StopIteration as end:
            visits[:] = end.value

    def _now(self) -> float:
        return (time.monotonic() - self._began) * self._scale

    def _pause(self, seconds: float) -> None:
        self._over.wait(seconds / self._scale)

    def _done(self, step: BrowserStep) -> Visit:
        if step.what == "wait":
            self._pause(step.seconds)
            return Visit(step.url)
        parts = urlsplit(step.url)
        host, port = parts.hostname or "", parts.port or 80
        if step.what == "knock" and not sys.platform.startswith("linux"):
            return Visit(step.url, problem="untold")
        made = self._connected(host, port)
        if made is None:
            return Visit(step.url, problem="refused")
        with made:
            if step.what == "knock":
                return Visit(step.url)
            return _asked(step.url, made)

    def _connected(self, host: str, port: int) -> socket.socket | None:
        # Which of the two a name stands for differs from machine to machine, and clients listen at either.
        for address in ("127.0.0.1", "::1") if host == "localhost" else (host,):
            with suppress(OSError):
                return self._network.connection(address, port)
        return None


def _asked(url: str, connected: socket.socket) -> Visit:
    parts = urlsplit(url)
    connected.settimeout(PATIENCE)
    connection = http.client.HTTPConnection(parts.netloc)
    connection.sock = connected
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", target, headers={"Accept": "text/html", "Connection": "close"})
        answer = connection.getresponse()
        with suppress(http.client.HTTPException):
            answer.read(_LARGEST)
        return Visit(url, answer.status)
    except (OSError, http.client.HTTPException):
        return Visit(url, problem="no answer")
