"""When each check of a session runs: in which order, which side by side in threads, which alone."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from device_grant.engine.exclusion import Admission
    from device_grant.judging import Check

Result = TypeVar("Result")


@dataclass(frozen=True)
class Task:
    """A check that the session is to run."""

    nodeid: str
    """Its name among the tests of the session: unique."""
    check: Check


def rank(check: Check, *, waits: bool) -> int:
    """What checks are sorted by, before the order in which they were found.

    Those that go on side by side (`waits`) come after the others, so that they keep nobody waiting; then those that
    run alone, which would have to wait for them; then the last ones.
    """
    if check.order == "last":
        return 3
    if check.alone:
        return 2
    return 1 if waits else 0


class Started(Generic[Result]):
    """Work that goes on in a thread of its own; daemon: Ctrl-C ends it."""

    def __init__(self, work: Callable[[], Result]) -> None:
        self._work = work
        self._results: list[Result] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def result(self) -> Result:
        """Wait for it, staying open to Ctrl-C; raises what ended it."""
        while self._thread.is_alive():
            self._thread.join(0.2)
        if not self._results:
            raise self._error or RuntimeError("a timed check ended without an outcome")
        return self._results[0]

    def _run(self) -> None:
        try:
            self._results.append(self._work())
        except BaseException as error:  # noqa: BLE001 - handed to the thread that asks for the result
            self._error = error


class SideBySide(Generic[Result]):
    """Runs each task when its turn comes, those that were planned side by side in threads that begin together.

    None of them runs while another one that must be alone has been admitted to the target, nor the other way round.
    """

    def __init__(self, execute: Callable[[Task], Result], admission: Admission) -> None:
        self._execute = execute
        self.admission = admission
        self._planned: list[Task] = []
        self._places = 1
        self._kept = False
        self._started: dict[str, Started[Result]] = {}
        self._own = threading.local()
        """The places of which this thread holds one."""

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Within: the thread's place is free for others. A check that only waits does not keep another one waiting."""
        places: threading.BoundedSemaphore | None = getattr(self._own, "places", None)
        if places is None or self._kept:
            yield
            return
        places.release()
        try:
            yield
        finally:
            places.acquire()

    def plan(self, tasks: Sequence[Task], places: int, *, at_once: bool, kept: bool = False) -> None:
        """Let these go on side by side, at most so many at a time; places are `kept` by those that rest, or not.

        They begin `at_once`, or with the first of them that is run: a worker of several may be given none.
        """
        self._planned, self._places, self._kept = list(tasks), places, kept
        if at_once:
            self._begin()

    def run(self, task: Task) -> Result:
        """Run the task, or wait for its thread."""
        if task in self._planned:
            self._begin()
        started = self._started.pop(task.nodeid, None)
        if started is not None:
            return started.result()
        with self.admission.admitted(task.check):
            return self._execute(task)

    def _begin(self) -> None:
        places = threading.BoundedSemaphore(self._places)
        planned, self._planned = self._planned, []
        self._started = {task.nodeid: Started(partial(self._placed, task, places)) for task in planned}

    def _placed(self, task: Task, places: threading.BoundedSemaphore) -> Result:
        # In this order: a thread that waits for its admission must hold no place that one needs to end its rest.
        with self.admission.admitted(task.check), places:
            self._own.places = places
            return self._execute(task)
