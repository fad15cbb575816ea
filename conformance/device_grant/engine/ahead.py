"""Cases that have been started in threads of their own, so that waits on a real clock go on side by side."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from device_grant.engine.items import CheckItem
from device_grant.engine.workers import group, grouped, is_worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest

    from device_grant.client.session.case import ClientCase
    from device_grant.server.session.case import Case


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


def arrange(config: pytest.Config, items: list[pytest.Item], ahead: list[CheckItem]) -> None:
    """Put those that go on side by side where they keep nobody waiting: with one worker, or behind all other checks."""
    group(config, ahead)
    if not is_worker(config):
        names = {item.nodeid for item in ahead}
        # Invariants stay last, for they are judged on what all checks have exchanged.
        items.sort(key=lambda item: (not isinstance(item, CheckItem), item.nodeid in names))


class Abreast:
    """Runs each item when its turn comes, those that were planned side by side in threads that begin together.

    In a worker of xdist they begin when it is given the first of them, for then it is given all.
    """

    def __init__(self, execute: Callable[[CheckItem], Finished]) -> None:
        self._execute = execute
        self._planned: list[CheckItem] = []
        self._places = 1
        self._threads: dict[str, Ahead] = {}
        self._own = threading.local()
        """The places of which this thread holds one."""

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Within: the thread's place is free for others. A case that only waits does not keep another one waiting."""
        places: threading.BoundedSemaphore | None = getattr(self._own, "places", None)
        if places is None:
            yield
            return
        places.release()
        try:
            yield
        finally:
            places.acquire()

    def plan(self, items: list[CheckItem], places: int, config: pytest.Config) -> None:
        """Let these go on side by side, at most so many at a time; outside a worker they begin now."""
        self._places = places
        if not is_worker(config):
            self._begin(items)
        elif grouped(config):
            self._planned = items

    def run(self, item: CheckItem) -> Finished:
        """Run the item, or wait for its thread."""
        if item in self._planned:
            self._begin(self._planned)
            self._planned = []
        ahead = self._threads.pop(item.nodeid, None)
        return ahead.result() if ahead else self._execute(item)

    def _begin(self, items: list[CheckItem]) -> None:
        places = threading.BoundedSemaphore(self._places)
        self._threads = {item.nodeid: Ahead(partial(self._placed, item, places), places) for item in items}

    def _placed(self, item: CheckItem, places: threading.BoundedSemaphore) -> Finished:
        self._own.places = places
        return self._execute(item)
