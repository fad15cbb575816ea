"""The listener of the reference client, to which the browser brings the code back (RFC 8252 section 7.3)."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from typing import Protocol

_LARGEST = 16_384
_READ = 2.0
"""Seconds for the head of one request."""


class CallbackListener(Protocol):
    """Takes requests of a browser one after the other."""

    @property
    def port(self) -> int:
        """Where it listens."""

    def next(self, seconds: float) -> str | None:
        """Path and query of the next request; None if none comes within so many seconds."""

    def answer(self, status: int, text: str) -> None:
        """Answer the request that `next` gave last."""

    def close(self) -> None:
        """Listen no more."""


class RealListener:
    """On a socket, at a free port."""

    def __init__(self, *, everywhere: bool) -> None:
        self._socket = socket.create_server(("0.0.0.0" if everywhere else "127.0.0.1", 0))  # noqa: S104 - the fault
        self._client: socket.socket | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._socket.getsockname()[1]
        return port

    def next(self, seconds: float) -> str | None:
        """Path and query of the next request; connections without one are passed over."""
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                client, _ = self._socket.accept()
            except TimeoutError:
                return None
            client.settimeout(_READ)
            head = b""
            with suppress(OSError):
                while b"\r\n\r\n" not in head and len(head) < _LARGEST and (octets := client.recv(4096)):
                    head += octets
            words = head.partition(b"\r\n")[0].decode("latin-1").split(" ")
            if len(words) == 3 and b"\r\n\r\n" in head:  # noqa: PLR2004 - method, target, version
                self._client = client
                return words[1]
            client.close()
        return None

    def answer(self, status: int, text: str) -> None:
        """A page of one line."""
        client, self._client = self._client, None
        if client is None:
            return
        content = text.encode()
        head = f"HTTP/1.1 {status} -\r\nContent-Type: text/plain\r\nContent-Length: {len(content)}\r\n"
        with client, suppress(OSError):
            client.sendall(f"{head}Connection: close\r\n\r\n".encode() + content)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
