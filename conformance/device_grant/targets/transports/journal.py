"""What an application in process says when it breaks: exceptions that escape from it, and those that it logs."""

from __future__ import annotations

import logging
import threading
import traceback
from collections import deque

_KEPT = 50
_FRAMES = 5
"""Calls of a traceback, from its end: before them are those of the suite and of frameworks."""


class Journal(logging.Handler):
    """Keeps the newest entries, each a traceback; as a handler of the root logger it also has what frameworks log."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._entries: deque[tuple[int, str]] = deque(maxlen=_KEPT)
        self._turn = threading.Lock()
        self.length = 0
        """How many entries there were."""

    def add(self, error: BaseException) -> None:
        """Keep an exception that escaped."""
        self._append("".join(traceback.format_exception(error, limit=-_FRAMES)))

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the exception of a record, if it has one."""
        if record.exc_info and record.exc_info[1] is not None:
            self.add(record.exc_info[1])

    def since(self, length: int) -> str:
        """The last entry after there were so many; empty without one."""
        with self._turn:
            return next((text for number, text in reversed(self._entries) if number > length), "")

    def _append(self, text: str) -> None:
        with self._turn:
            self.length += 1
            self._entries.append((self.length, text))
