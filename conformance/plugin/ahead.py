"""Cases that have been started in threads of their own, so that waits on a real clock go on side by side."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.client.case import ClientCase
    from conformance.server.case import Case


@dataclass
class Finished:
    """A case that has run, and the error of ours that ended it, if any."""

    case: Case | ClientCase
    duration: float
    error: BaseException | None


class Ahead:
    """A case that has been started in a thread of its own, as soon as there is a place; daemon: Ctrl-C ends it."""

    def __init__(self, work: Callable[[], Finished], places: threading.BoundedSemaphore) -> None:
        self._places = places
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
            with self._places:
                self._outcome = work()
        except BaseException as error:  # noqa: BLE001 - handed to the thread that asks for the result
            self._error = error
