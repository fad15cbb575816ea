"""A terminal for a client to write to, which keeps what is written."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import IO, Self

_CHUNK = 65_536


class ClientTerminal:
    """Both ends of a pseudo-terminal; what comes out of it goes into a file. Raises OSError where there is none."""

    def __init__(self, kept: IO[bytes]) -> None:
        self._kept = kept
        self._own, self.client_end = os.openpty()
        self._reader = threading.Thread(target=self._read, name="terminal", daemon=True)

    def __enter__(self) -> Self:
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.started()
        self._reader.join(1)
        os.close(self._own)

    def started(self) -> None:
        """Close our hold on the end of the client, which has its own by now: without it the reading ends with it."""
        if self.client_end >= 0:
            os.close(self.client_end)
            self.client_end = -1

    def _read(self) -> None:
        # Linux says EIO when the last program at the other end has gone.
        with suppress(OSError, ValueError):
            while octets := os.read(self._own, _CHUNK):
                self._kept.write(octets)
                self._kept.flush()
