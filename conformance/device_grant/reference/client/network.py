"""The reference client's view of the world: time and connections. Real here; a proof brings its own."""

from __future__ import annotations

import http.client
import ssl
import time
from typing import Protocol

ANSWER_TIMEOUT = 10.0
"""Seconds that the client waits for an answer."""


class Surroundings(Protocol):
    """What a client needs of its surroundings."""

    def now(self) -> float:
        """Seconds on a clock that never goes back."""

    def time(self) -> float:
        """Seconds since the epoch."""

    def sleep(self, seconds: float) -> None:
        """Let time pass."""

    def connection(self, scheme: str, authority: str, *, verify: bool) -> http.client.HTTPConnection:
        """A new connection to `host:port`, not opened yet; `verify`: whether certificates are checked."""


class RealNetwork:
    """Real time and sockets; `ca` is a file with the authorities to trust, the system's own if empty."""

    def __init__(self, ca: str = "") -> None:
        self._ca = ca

    def now(self) -> float:
        """The monotonic clock."""
        return time.monotonic()

    def time(self) -> float:
        """The wall clock."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)

    def connection(self, scheme: str, authority: str, *, verify: bool) -> http.client.HTTPConnection:
        """Plain or TLS."""
        if scheme == "http":
            return http.client.HTTPConnection(authority, timeout=ANSWER_TIMEOUT)
        context = ssl.create_default_context(cafile=self._ca or None)
        if not verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return http.client.HTTPSConnection(authority, timeout=ANSWER_TIMEOUT, context=context)
