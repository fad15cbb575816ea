"""Running a judge over generated examples, and taking the claims that Hypothesis ends on."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
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

        Where the target has a sampler, `batch` names them there, and `codec` says how they are written: the same ones
        are drawn before the first of them is judged, all of them are judged, and none is made smaller.
        """
        from hypothesis import given

        case = self._case
        key = self._key(batch)
        count = max(1, int(case.run.profile.examples * share))
        sampler = self.sampler
        if sampler is not None:
            for example in sampler.cases(batch, lambda: self._drawn(strategy, count, key), codec or Json()):
                case.examples += 1
                judge(example)
            return

        def one(example: T) -> None:
            case.examples += 1
            judge(example)

        def test(database: ExampleDatabase | None) -> Callable[[], None]:
            result = given(strategy)(one)
            self._seed(result, key)
            made: Callable[[], None] = settings_for(case.run.profile, count, database=database)(result)
            return made

        self._run(test, self._database(key))

    def drawn(self, strategy: SearchStrategy[T], *, share: float = 1.0, batch: str = "examples") -> list[T]:
        """The examples that a call with the same strategy, share and batch would judge, judged by nobody."""
        return self._drawn(strategy, max(1, int(self._case.run.profile.examples * share)), self._key(batch))

    def _drawn(self, strategy: SearchStrategy[T], count: int, key: str) -> list[T]:
        from hypothesis import given

        collected: list[T] = []

        def collect(example: T) -> None:
            collected.append(example)

        test = given(strategy)(collect)
        self._seed(test, key)
        with _own_constants_left_out():
            settings_for(self._case.run.profile, count)(test)()
        return collected

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
        from hypothesis.stateful import run_state_machine_as_test

        case, profile, sampler = self._case, self._case.run.profile, self.sampler
        key = self._key(batch)
        if sampler is not None and written is not None:
            # The first one is the simplest there is, in which nothing happens.
            count = (profile.stories_kept or number) + 1
            for story in sampler.cases(batch, lambda: self._drawn(written.strategy, count, key)[1:], Json()):
                case.examples += 1
                written.judge(story)
            return

        def test(database: ExampleDatabase | None) -> Callable[[], None]:
            self._seed(machine, key)
            # Schemathesis's machines have a way of their own to be run.
            run = getattr(machine, "run", None) or partial(run_state_machine_as_test, machine)
            return partial(run, settings=settings_for(profile, number, steps, database))

        self._run(test, self._database(key), longer=longer)

    def _key(self, batch: str) -> str:
        """A name of the next test that is the same in every process, and for whoever draws its examples."""
        number, self._batches[batch] = self._batches[batch], self._batches[batch] + 1
        return f"{self._case.check.name} {batch} {number}"

    def _database(self, key: str) -> ExampleDatabase | None:
        """Where failing examples of a test are kept."""
        case, run = self._case, self._case.run
        if run.examples is None or self.sampler is not None:
            return None
        # With the target: what no longer fails is deleted, and that another one is sound says nothing of this one.
        return run.examples.of(f"{run.name} {run.dialect.name} {key}", case.note)

    def _seed(self, test: Any, key: str) -> None:
        """Give a test, or a machine, the run's seed, or one of its own; it takes away the database of earlier settings.

        Not the one that Hypothesis would derive from the function that it runs: what is drawn for a recording is
        collected by another function than judges it in a run.
        """
        from hypothesis import seed

        run = self._case.run
        if run.seed is not None:
            seed(run.seed)(test)
        elif run.profile.derandomize:
            seed(int.from_bytes(sha256(key.encode()).digest(), "big"))(test)

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
