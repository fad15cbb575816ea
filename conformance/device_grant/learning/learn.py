"""Learns the machine of a target: hypotheses by L# (AALpy), tested by the Wp-method, and what of it breaks a rule."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any

from device_grant.errors import DeviceGrantError, UsageError
from device_grant.learning.abilities import actors_for
from device_grant.learning.asking import Asking, Budget
from device_grant.learning.endings import ForgottenError, NonDeterminismError, OutOfBudgetError, TooLongError
from device_grant.learning.inputs import PUBLIC
from device_grant.learning.machine import Machine, Transition
from device_grant.learning.oracle import WpOracle
from device_grant.learning.protocol import Colour, Edge, Monitor, PublicMonitor, edges, protocol_machine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from device_grant.learning.inputs import Stimulus
    from device_grant.learning.machine import Word
    from device_grant.learning.word import Actors
    from device_grant.server.session.run import Run

GAP = 61.0
"""Seconds between words on a clock that jumps: pages throttle whoever typed wrong codes, and count by the minute."""
PLACES = 60
"""Words that are asked side by side on a real clock, where they mostly wait."""
_DEPTH = 3
"""Length of all the words that are asked beforehand there."""
_AGAIN = 2
"""How often a red edge has to be seen again, on fresh grants, before it is said."""
_MOST_RESTARTS = 5
MOST_STATES = 24
"""States from which on nothing is asked past an answer that the texts do not allow."""
_CUT = (
    f"more than {MOST_STATES} states appeared: past an answer that the texts do not allow nothing was asked, and the "
    "machine says -"
)
_SPARED = (
    "the pages limit how often somebody types a code, and time cannot be moved: decisions about codes that were over, "
    "or that somebody had tried to decide, were not asked, and the machine says -"
)
INTERRUPTED = "interrupted (Ctrl-C)"


@dataclass
class Learned:
    """What became of the learning of one set."""

    name: str
    """Of the set."""
    inputs: tuple[str, ...]
    extra: int
    """The k of the Wp-method."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Inputs that cannot be asked there, with the reason."""
    machine: Machine | None = None
    """The last hypothesis; None if there is none."""
    stopped: str = ""
    """Why it is unfinished; empty: no other machine with at most `bound` states answers so."""
    longest: int = 0
    """Inputs of the longest word that was asked."""
    words: int = 0
    """Words on fresh grants."""
    steps: int = 0
    """Inputs in them."""
    requests: int = 0
    seconds: float = 0.0
    """Real ones."""
    edges: list[Edge] = field(default_factory=list)
    """Red ones, each seen again, and open ones; of a finished machine alone."""
    disagreements: dict[Word, dict[str, int]] = field(default_factory=dict)
    """Words whose last input was answered in several ways, and how often in each."""
    too_long: int = 0
    """Words of the suite that were left out, since their waits outlive a part of the codes' life."""
    remarks: list[str] = field(default_factory=list)
    error: DeviceGrantError | None = None
    """What ended it, if the target did, or the user module."""

    @property
    def complete(self) -> bool:
        """Whether anything is claimed of the machine."""
        return self.machine is not None and not self.stopped

    @property
    def bound(self) -> int:
        """No other machine with at most so many states answers so."""
        return len(self.machine) + self.extra if self.machine is not None else 0

    @property
    def red(self) -> list[Edge]:
        """The edges that break a requirement."""
        return [edge for edge in self.edges if edge.colour is Colour.RED]


def require_aalpy() -> None:
    """Raise UsageError where the library is not installed."""
    try:
        import aalpy  # noqa: F401 - whether it is there
    except ImportError:
        raise UsageError(
            "learning needs AALpy: install device-grant-conformance[learn] (or: pip install 'aalpy>=2,<3')"
        ) from None


def learn_set(  # noqa: PLR0913 - each is an option of the command
    run: Run,
    name: str,
    stimuli: Sequence[Stimulus],
    *,
    extra: int,
    budget: Budget,
    progress: Callable[[Asking, WpOracle], object] = lambda _asking, _oracle: None,
) -> Learned:
    """Learn the machine over a set of inputs; whatever ends it, what was learned until then is kept.

    Raises UsageError and NotLearnableError where it cannot begin. `progress` is called after each word.
    """
    sent = run.exchanges
    began = budget.spent
    actors, left_out = actors_for(run, stimuli)
    letters = tuple(str(stimulus) for stimulus in stimuli if stimulus not in left_out)
    result = Learned(name, letters, extra, {str(one): reason for one, reason in left_out.items()})
    clock = run.target.clock
    asking = Asking(actors, budget, gap=0.0 if clock.sleeps else GAP)
    if name == PUBLIC:
        asking.monitor = PublicMonitor(protocol_machine(), actors.facts, run.catalogue)
    places = PLACES if clock.sleeps else 1

    def accusations(machine: Machine) -> list[Word]:
        protocol, catalogue = protocol_machine(), run.catalogue
        return [edge.word for edge in edges(machine, protocol, run.dialect, catalogue, **actors.facts)]

    oracle = WpOracle(asking, extra, lambda words: asking.side_by_side(words, places), accusations)
    asking.progress = lambda: progress(asking, oracle)
    try:
        try:
            result.machine = _learned(asking, oracle, letters, places)
        except _TooManyStatesError:
            # Past what the texts forbid a server may count, and there is no end to that.
            asking.monitor = Monitor(protocol_machine(), actors.facts)
            result.remarks.append(_CUT)
            result.machine = _learned(asking, oracle, letters, places)
        result.edges = _confirmed(result.machine, actors, asking)
    except OutOfBudgetError as reason:
        result.stopped = str(reason)
    except NonDeterminismError:
        result.stopped = "the server answers the same inputs in several ways"
    except TooLongError:
        result.stopped = "a word that the learner needs outlives a part of the codes' life by its waits"
    except KeyboardInterrupt:
        result.stopped = INTERRUPTED
    except DeviceGrantError as error:
        result.stopped, result.error = str(error), error
    if result.stopped:
        result.machine = oracle.hypothesis
    result.longest = oracle.longest
    result.words, result.steps = asking.words, asking.inputs
    result.disagreements = {word: dict(seen) for word, seen in asking.disagreements.items()}
    result.too_long = len(asking.too_long)
    result.requests, result.seconds = run.exchanges - sent, budget.spent - began
    result.remarks += _remarks(actors)
    return result


def _learned(asking: Asking, oracle: WpOracle, letters: tuple[str, ...], places: int) -> Machine:
    from aalpy.learning_algs import run_Lsharp

    for _ in range(_MOST_RESTARTS):
        try:
            if places > 1:
                asking.side_by_side([*product(letters, repeat=_DEPTH)], places)
            model = run_Lsharp(
                list(letters),
                asking,
                _Bridge(asking, oracle, letters),
                "mealy",
                cache_and_non_det_check=False,
                print_level=0,
            )
        except ForgottenError:
            continue
        return machine_of(model, letters)
    raise NonDeterminismError


class _TooManyStatesError(Exception):
    """The hypothesis has more states than anybody reads."""


class _Bridge:
    """The oracle in the form that AALpy asks for."""

    num_queries = num_steps = 0

    def __init__(self, asking: Asking, oracle: WpOracle, letters: tuple[str, ...]) -> None:
        self._asking, self._oracle, self._letters = asking, oracle, letters

    def find_cex(self, hypothesis: Any) -> Word | None:
        machine = machine_of(hypothesis, self._letters)
        if len(machine) > MOST_STATES and self._asking.monitor is None:
            raise _TooManyStatesError
        return self._oracle.counterexample(machine)


def machine_of(model: Any, letters: Sequence[str]) -> Machine:
    """AALpy's Mealy machine as ours."""
    initial = model.initial_state
    ordered = [initial, *(state for state in model.states if state is not initial)]
    number = {id(state): place for place, state in enumerate(ordered)}
    states = tuple(
        {letter: Transition(state.output_fun[letter], number[id(state.transitions[letter])]) for letter in letters}
        for state in ordered
    )
    return Machine(tuple(letters), states).canonical()


def _confirmed(machine: Machine, actors: Actors, asking: Asking) -> list[Edge]:
    """The edges that are open, and the red ones that fresh grants show again each time."""
    run, kept = actors.run, []
    for edge in edges(machine, protocol_machine(), run.dialect, run.catalogue, **actors.facts):
        if edge.colour is Colour.RED:
            again = [asking.afresh(edge.word) for _ in range(_AGAIN)]
            if any(answers != edge.answers for answers in again):
                seen = asking.disagreements.setdefault(edge.word, asking.counter(edge.answers[-1]))
                seen.update(answers[-1] for answers in again)
                continue
        kept.append(edge)
    return kept


def _remarks(actors: Actors) -> list[str]:
    remarks = []
    if actors.sparing:
        remarks.append(_SPARED)
    if actors.slow:
        remarks.append(
            f"a decision took {actors.slow:.1f} s, longer than the interval: a poll at once after it was not early"
        )
    dialect = actors.run.dialect
    codes = {"pending": "authorization_pending", "denied": "access_denied", "expired": "expired_token"}
    for answer, seen in sorted(actors.statuses.items()):
        usual = set(dialect.error_statuses(codes.get(answer, answer)))
        odd = sorted(seen - usual)
        if answer != "token" and usual and odd and not answer.startswith("http-"):
            remarks.append(f"{answer} came with status {', '.join(map(str, odd))}")
    return remarks
