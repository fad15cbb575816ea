"""Running a judge over generated examples, and taking the claims that Hypothesis ends on."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from conformance.judging import Violation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hypothesis.strategies import SearchStrategy

    from conformance.server.case import Case
    from conformance.server.run import Profile
    from conformance.targets.base import Codec

T = TypeVar("T")


class Fuzz:
    """Runs a judge over generated examples, as many as the profile says; failures shrink."""

    def __init__(self, case: Case) -> None:
        self._case = case

    def __call__(
        self,
        strategy: SearchStrategy[T],
        judge: Callable[[T], None],
        *,
        share: float = 1.0,
        batch: str = "examples",
        codec: Codec[T] | None = None,
    ) -> None:
        """Judge examples of the strategy; `share` of the profile's number of examples.

        In a recorded run `batch` names them, and `codec` says how they are written. They are drawn before the first of
        them is judged, all of them are judged, and none is made smaller: a replay then needs no generator.
        """
        from hypothesis import given

        case = self._case
        profile = case.run.profile
        if case.run.tape is not None:
            count = max(1, int(profile.examples * share))

            def draw() -> list[T]:
                # The first one is always the simplest there is.
                return drawn(strategy, settings_for(profile, count + 1))[-count:]

            kept = case.run.tape.cases(batch, draw, codec or Json())
            for example in kept:
                case.examples += 1
                judge(example)
            return

        def one(example: T) -> None:
            case.examples += 1
            judge(example)

        self.run(settings_for(profile, max(1, int(profile.examples * share)))(given(strategy)(one)))

    def run(self, test: Callable[[], None], *, longer: float = 1.0) -> None:
        """Run a Hypothesis test; the claims that it ends on are recorded after shrinking.

        `longer` multiplies the profile's time for shrinking, for examples of many requests.
        """
        from hypothesis import seed

        case = self._case
        if case.run.tape is not None:
            test()
            return
        if case.run.seed is not None:
            test = seed(case.run.seed)(test)
        try:
            with case.raising(), _shrinking_for(case.run.profile.shrinking * longer):
                test()
        except Violation as violation:
            case.record([violation])
        except BaseExceptionGroup as group:
            found, rest = group.split(Violation)
            if rest is not None or found is None:
                raise
            case.record(_leaves(found))


class Json:
    """Codec of cases that are JSON values already; tuples come back as lists."""

    def encode(self, case: Any) -> str:
        """The case as JSON."""
        return json.dumps(case)

    def decode(self, text: str) -> Any:
        """The case back; raises ValueError."""
        return json.loads(text)


def drawn(strategy: SearchStrategy[T], settings: Any) -> list[T]:
    """Examples of a strategy, judged by nobody; the same ones each time where the settings are derandomized."""
    from hypothesis import given

    found: list[T] = []

    def collect(example: T) -> None:
        found.append(example)

    settings(given(strategy)(collect))()
    return found


@contextmanager
def _shrinking_for(seconds: float) -> Iterator[None]:
    """Bound the time for shrinking; Hypothesis has no setting for it, and its own bound is five minutes a failure."""
    from hypothesis.internal.conjecture import engine

    name = "MAX_SHRINKING_SECONDS"
    before = getattr(engine, name, None)
    if before is None:
        yield
        return
    setattr(engine, name, seconds)
    try:
        yield
    finally:
        setattr(engine, name, before)


def settings_for(profile: Profile, examples: int, steps: int = 50) -> Any:
    """Hypothesis settings of a profile: no deadline (I/O), no health checks about speed, nothing printed."""
    from hypothesis import HealthCheck, Phase, Verbosity, settings

    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        derandomize=profile.derandomize,
        database=None,
        deadline=None,
        print_blob=False,
        # Not the explaining phase: it traces every line that is run, and explains our code, not the target's.
        phases=[Phase.generate, Phase.shrink],
        report_multiple_bugs=True,
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )


def _leaves(group: BaseExceptionGroup[Violation]) -> Iterator[Violation]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
