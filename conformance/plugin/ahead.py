"""Cases that have been started in threads of their own, so that waits on a real clock go on side by side."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.server.case import Case


_PLACES = threading.BoundedSemaphore(16)
"""Cases that go on at the same time: enough that the longest wait decides, few enough to spare the server."""


@dataclass
class Finished:
    """A case that has run, and the error of ours that ended it, if any."""

    case: Case
    duration: float
    error: BaseException | None


class Ahead:
    """A timed case that has been started in a thread of its own; daemon, so that Ctrl-C ends it."""

    def __init__(self, work: Callable[[], Finished]) -> None:
        self._outcome: Finished | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()

    def result(self) -> Finished:
        """Wait for it, staying open to Ctrl-C."""
        while self._thread.is_alive():
            self._thread.join(0.2)
        if self._outcome is None:
            raise self._error or RuntimeError("a timed check ended without an outcome")
        return self._outcome

    def _run(self, work: Callable[[], Finished]) -> None:
        try:
            with _PLACES:
                self._outcome = work()
        except BaseException as error:  # noqa: BLE001 - handed to the thread that asks for the result
            self._error = error
