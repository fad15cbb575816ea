"""When each check of a session runs: in which order, which side by side in threads, which alone."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from device_grant.engine.exclusion import Admission
    from device_grant.judging import Check

Result = TypeVar("Result")
_FEW = 4
"""How many of those that are run once more go on at a time, those that only wait counted."""
_MOST_ALONE = 20
"""How many are run alone at most: each takes its time, and where more are left it is hardly for their number."""


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

    def wait(self) -> None:
        """Wait for its end, staying open to Ctrl-C."""
        while self._thread.is_alive():
            self._thread.join(0.2)

    def done(self) -> Result | None:
        """What came of it; None where it goes on, or ended in an error."""
        return self._results[0] if self._results else None

    def result(self) -> Result:
        """Wait for it likewise; raises what ended it."""
        self.wait()
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

    def __init__(
        self,
        execute: Callable[[Task], Result],
        admission: Admission,
        crowded: Callable[[Result], bool] | None = None,
        on_repeat: Callable[[int, int], None] | None = None,
    ) -> None:
        """`crowded`: whether a result may come of how many went on at once; such tasks are run once more.

        `on_repeat` is called while they are, with how many of them have ended, and how many there are.
        """
        self._execute = execute
        self.admission = admission
        self._crowded = crowded or (lambda _: False)
        self._on_repeat = on_repeat or (lambda _ended, _all: None)
        self._repeated = False
        self._planned: list[Task] = []
        self._places = 1
        self._kept = False
        self._started: dict[str, tuple[Task, Started[Result]]] = {}
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
        beside = bool(self._started)
        result = self._result(task)
        if result is None:
            with self.admission.admitted(task.check):
                result = self._execute(task)
        if beside and not self._repeated and self._crowded(result):
            self._repeat_crowded(task)
            result = self._result(task) or result
        return result

    def _result(self, task: Task) -> Result | None:
        """What came of it in its thread; None where it has none."""
        _, started = self._started.pop(task.nodeid, (task, None))
        return started.result() if started is not None else None

    def _begin(self) -> None:
        planned, self._planned = self._planned, []
        self._start(planned, self._places)

    def _start(self, tasks: Iterable[Task], number: int) -> None:
        places = threading.BoundedSemaphore(number)
        for task in tasks:
            self._started[task.nodeid] = task, Started(partial(self._placed, task, places))

    def _repeat_crowded(self, first: Task) -> None:
        """When none of them goes on any more, run those anew that met too many others, and this one; a few at a time.

        Those for which a few were too many are run alone, unless they are many. What they come to then stands.
        """
        self._repeated = True
        for _, started in self._started.values():
            started.wait()
        # Not before: whoever has yet to end may need the place of one that rests.
        self._kept = True
        self._repeat([first, *self._still_crowded()], _FEW)
        alone = self._still_crowded()
        if len(alone) <= _MOST_ALONE:
            self._repeat(alone, 1)

    def _repeat(self, tasks: Sequence[Task], places: int) -> None:
        """Run them anew, so many at a time, to the end of the last one."""
        self._start(tasks, places)
        for ended, task in enumerate(tasks):
            self._on_repeat(ended, len(tasks))
            self._started[task.nodeid][1].wait()

    def _still_crowded(self) -> list[Task]:
        return [task for task, one in self._started.values() if (done := one.done()) and self._crowded(done)]

    def _placed(self, task: Task, places: threading.BoundedSemaphore) -> Result:
        # In this order: a thread that waits for its admission must hold no place that one needs to end its rest.
        with self.admission.admitted(task.check), places:
            self._own.places = places
            return self._execute(task)
