"""The reference client's view of the world: time and connections. Real here; a proof brings its own."""

from __future__ import annotations

import http.client
import os
import select
import ssl
import subprocess
import time
from typing import Protocol

from device_grant.reference.client.listening import CallbackListener, RealListener

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

    def connection(
        self,
        scheme: str,
        authority: str,
        *,
        verify: bool,
        patience: float | None,
        certificate: tuple[str, str] | None = None,
    ) -> http.client.HTTPConnection:
        """A new connection to `host:port`, not opened yet; `verify`: whether certificates are checked.

        `patience` are the seconds that it waits for an answer; None: without a limit. `certificate` are files in PEM
        with the client's own and with its key, which a server of TLS is shown if it asks for one.
        """

    def open(self, address: str, *, by_shell: bool) -> None:
        """Open an address in the person's browser; `by_shell` as no client should do it."""

    def arrives(self, connection: http.client.HTTPConnection, seconds: float) -> bool:
        """Whether an answer begins within so many seconds, which pass until then."""

    def listen(self, *, everywhere: bool) -> CallbackListener:
        """Listen for the person's browser on loopback; `everywhere` as no client should do it."""


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

    def connection(
        self,
        scheme: str,
        authority: str,
        *,
        verify: bool,
        patience: float | None,
        certificate: tuple[str, str] | None = None,
    ) -> http.client.HTTPConnection:
        """Plain or TLS."""
        if scheme == "http":
            return http.client.HTTPConnection(authority, timeout=patience)
        context = ssl.create_default_context(cafile=self._ca or None)
        if not verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if certificate is not None:
            context.load_cert_chain(*certificate)
        return http.client.HTTPSConnection(authority, timeout=patience, context=context)

    def open(self, address: str, *, by_shell: bool) -> None:
        """By the program that BROWSER names, if it does."""
        browser = os.environ.get("BROWSER")
        if browser and by_shell:
            subprocess.run(f"{browser} {address}", shell=True, check=False)  # noqa: S602 - the fault itself
        elif browser:
            subprocess.run([browser, address], check=False)  # noqa: S603 - the person's own browser

    def arrives(self, connection: http.client.HTTPConnection, seconds: float) -> bool:
        """Look at the socket."""
        return bool(select.select([connection.sock], [], [], seconds)[0])

    def listen(self, *, everywhere: bool) -> CallbackListener:
        """At a free port."""
        return RealListener(everywhere=everywhere)
