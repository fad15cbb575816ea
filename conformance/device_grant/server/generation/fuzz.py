"""Running a judge over generated examples, and taking the claims that Hypothesis ends on."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from device_grant.judging import Inconclusive, StopCheck, Untestable, Violation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from hypothesis.database import ExampleDatabase
    from hypothesis.stateful import RuleBasedStateMachine
    from hypothesis.strategies import SearchStrategy

    from device_grant.judging import Ledger
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.profile import Profile
    from device_grant.targets.ports import Codec, Sampler

MOST_RUNS = 3
"""Times that one batch is run, where an invariant ends examples of it before they are judged."""

T = TypeVar("T")
E = TypeVar("E", bound=BaseException)


class Fuzz:
    """Runs a judge over generated examples, as many as the profile says; failures shrink."""

    def __init__(self, case: ServerCase) -> None:
        self._case = case
        self._batches: Counter[str] = Counter()

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

        Where the target has a sampler, `batch` names them there, and `codec` says how they are written: they are drawn
        before the first of them is judged, all of them are judged, and none is made smaller.
        """
        from hypothesis import given

        case = self._case
        profile = case.run.profile
        sampler = self.sampler
        if sampler is not None:
            count = max(1, int(profile.examples * share))

            def draw() -> list[T]:
                # The first one is always the simplest there is.
                return drawn(strategy, settings_for(profile, count + 1))[-count:]

            for example in sampler.cases(batch, draw, codec or Json()):
                case.examples += 1
                judge(example)
            return

        def one(example: T) -> None:
            case.examples += 1
            judge(example)

        count = max(1, int(profile.examples * share))

        def test(database: ExampleDatabase | None) -> Callable[[], None]:
            result = given(strategy)(one)
            self._seed(result, lambda: one, database)
            made: Callable[[], None] = settings_for(profile, count, database=database)(result)
            return made

        self._run(test, self._database(batch))

    @property
    def sampler(self) -> Sampler | None:
        """Where cases are drawn beforehand or given; None: they are drawn as they are judged."""
        return self._case.run.target.sampler

    def stories(  # noqa: PLR0913 - all but three are named where they are given
        self,
        machine: type[RuleBasedStateMachine],
        number: int,
        steps: int,
        *,
        batch: str = "stories",
        longer: float = 1,
        written: Written[Any] | None = None,
    ) -> None:
        """Run a state machine as `number` stories of so many steps.

        `longer` multiplies the profile's time for shrinking, for examples of many requests. `written` are the same
        stories as values, for a target with a sampler.
        """
        if self.sampler is not None and written is not None:
            share = number / self._case.run.profile.examples
            self(written.strategy, written.judge, share=share, batch=batch)
            return
        from hypothesis.stateful import get_state_machine_test, run_state_machine_as_test

        def test(database: ExampleDatabase | None) -> Callable[[], None]:
            settings = settings_for(self._case.run.profile, number, steps, database)

            def function() -> Any:
                made: Any = get_state_machine_test(machine, settings=settings)
                return made.hypothesis.inner_test

            self._seed(machine, function, database)
            # Schemathesis's machines have a way of their own to be run.
            run = getattr(machine, "run", None) or partial(run_state_machine_as_test, machine)
            return partial(run, settings=settings)

        self._run(test, self._database(batch), longer=longer)

    def _database(self, batch: str) -> ExampleDatabase | None:
        """Where failing examples of the next test are kept, under a name that is the same in every process."""
        case, run = self._case, self._case.run
        number, self._batches[batch] = self._batches[batch], self._batches[batch] + 1
        if run.examples is None or self.sampler is not None:
            return None
        # With the target: what no longer fails is deleted, and that another one is sound says nothing of this one.
        key = " ".join((run.name, run.dialect.name, case.check.name, batch, str(number)))
        return run.examples.of(key, case.note)

    def _seed(self, test: Any, function: Callable[[], Any], database: ExampleDatabase | None) -> None:
        """Give a test, or a machine, the run's seed; it takes away the database of settings that were given before.

        Derandomized tests cannot have a database. With one they get the seed that Hypothesis would have derived from
        the function that it runs, so that the same examples are generated as without.
        """
        from hypothesis import seed
        from hypothesis.internal.reflection import function_digest

        run = self._case.run
        if run.seed is not None:
            seed(run.seed)(test)
        elif database is not None and run.profile.derandomize:
            seed(int.from_bytes(function_digest(function()), "big"))(test)

    def _run(
        self,
        make: Callable[[ExampleDatabase | None], Callable[[], None]],
        database: ExampleDatabase | None,
        *,
        longer: float = 1,
    ) -> None:
        """Run the Hypothesis test that `make` makes for a database.

        Once more where an invariant ended examples: they were not judged for what they were made to show.
        """
        if self.sampler is not None:
            with _own_constants_left_out():
                make(None)()
            return
        for turn in range(MOST_RUNS):
            before = self._found_by_invariants()
            # What the database holds stays there: in a later turn it no longer fails, and would be deleted.
            self._run_once(make(None if turn else database), longer)
            if self._found_by_invariants() <= before:
                return

    def _found_by_invariants(self) -> set[tuple[str, str]]:
        return {failure for ledger in self._case.invariants.values() for failure in ledger.failed}

    def _run_once(self, test: Callable[[], None], longer: float) -> None:
        """Run a Hypothesis test; the claims that it ends on are kept after shrinking."""
        case = self._case
        from hypothesis.errors import Flaky, Unsatisfiable

        ledgers = (case.ledger, *case.invariants.values())
        for ledger in ledgers:
            ledger.raised = None
        try:
            with case.raising(), _shrinking_for(case.run.profile.shrinking * longer), _own_constants_left_out():
                test()
        except Violation as violation:
            case.record([violation])
        except Unsatisfiable as error:
            # What may follow in a story is made of what the server answered.
            raise Untestable("nothing that can follow was answered, so that no story could be told") from error
        except BaseExceptionGroup as group:
            self._take(group, ledgers)
        except Flaky as error:
            self._take(BaseExceptionGroup("", [error]), ledgers)

    def _take(self, group: BaseExceptionGroup[BaseException], ledgers: Iterable[Ledger]) -> None:
        """Keep the claims of several failures; raises what else is among them."""
        from hypothesis.errors import Flaky

        ends = list(_leaves(group))
        if not all(isinstance(end, Violation | StopCheck | Flaky) for end in ends):
            raise group
        claims = [end for end in ends if isinstance(end, Violation)]
        stops = [end for end in ends if isinstance(end, StopCheck)]
        if not claims:
            # Hypothesis tells an example again and again, and gives up where the server answers it as it likes.
            claims = [ledger.raised for ledger in ledgers if ledger.raised is not None]
        self._case.record(claims)
        if stops:
            # Several examples ended before they could be judged, each in its way: one reason is enough.
            raise stops[0] from None
        if not claims:
            raise Inconclusive("the server answers the same requests differently from time to time") from group


@dataclass(frozen=True)
class Written(Generic[T]):
    """Stories whose every step is drawn beforehand, so that each is one value."""

    strategy: SearchStrategy[T]
    judge: Callable[[T], None]
    """Tells one of them; it counts no example of its own."""


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

    collected: list[T] = []

    def collect(example: T) -> None:
        collected.append(example)

    with _own_constants_left_out():
        settings(given(strategy)(collect))()
    return collected


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


@contextmanager
def _own_constants_left_out() -> Iterator[None]:
    """Keep Hypothesis from trying the constants that it finds in the modules of ours that are loaded.

    They say nothing about the target, and what is generated would depend on which checks had run before in the process
    (other ones in each shard and worker), and on whether the suite is installed or a checkout.
    """
    from hypothesis.internal.conjecture import providers

    name = "_get_local_constants"
    before, constants = getattr(providers, name, None), getattr(providers, "Constants", None)
    if before is None or constants is None:
        yield
        return
    none = constants()
    setattr(providers, name, lambda: none)
    try:
        yield
    finally:
        setattr(providers, name, before)


def settings_for(profile: Profile, examples: int, steps: int = 50, database: ExampleDatabase | None = None) -> Any:
    """Hypothesis settings of a profile: no deadline (I/O), no health checks about speed, nothing printed."""
    from hypothesis import HealthCheck, Phase, Verbosity, settings

    # Not the explaining phase: it traces every line that is run, and explains our code, not the target's. Without
    # shrinking Hypothesis looks for no second failure.
    phases = [Phase.generate, *([Phase.shrink] if profile.shrinking else [])]
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        derandomize=profile.derandomize and database is None,
        database=database,
        deadline=None,
        print_blob=False,
        phases=[*([Phase.reuse] if database is not None else []), *phases],
        report_multiple_bugs=True,
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )


def _leaves(group: BaseExceptionGroup[E]) -> Iterator[E]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
