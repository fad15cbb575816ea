"""The protocol's own machine, and what of a learned one it does not allow.

The data are `catalogue/machines/device-grant.yaml`: variables whose values make a state, what may be answered in it,
and what each answer changes. The learned machine and this one are walked side by side.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import yaml

from device_grant.catalogue import Verdict
from device_grant.learning.inputs import POLLS
from device_grant.learning.machine import Word

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from device_grant.catalogue import Catalogue, Requirement
    from device_grant.learning.machine import Machine
    from device_grant.protocol import Dialect

ANY = "any"
"""In the data: all other answers."""
OK = "ok"
"""The answer to a decision that the pages took, and to time that passed."""
IMPOSSIBLE = "-"
"""The answer to an input that cannot act, such as a refresh without a token: nothing is sent, and nothing is judged."""
WITHHELD = "withheld"
"""The same of an input that is given to nobody in that state, where a machine is learned to be published."""
OTHER = "other"
"""In such a machine: an answer of which it is not said which one it is."""
ERROR = "error"
"""In such a machine: an error whose code is none of those that keep their names."""
KINDS = frozenset({ERROR, "http-4xx", "http-5xx"})
"""In such a machine: what errors are called where they break nothing on security."""
TOKEN = "token"  # noqa: S105 - the name of an answer
_STATUS = re.compile(r"http-(\d)\d\d")
"""An answer that has no code: its status is all that it says."""
_NOT_ASKED = frozenset({IMPOSSIBLE, WITHHELD})
_FILE = Path(__file__).parent.parent / "catalogue" / "machines" / "device-grant.yaml"

Asked = Callable[[Word], tuple[str, ...]]
"""Gives the answers to a word."""
State = tuple[tuple[str, str], ...]
"""A value of each variable, by name."""


class Colour(StrEnum):
    """What the texts say of an answer."""

    ALLOWED = "allowed"
    OPEN = "open"
    """They are silent, or leave latitude."""
    RED = "red"
    """It breaks a requirement."""


class AllowedAnswers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may be answered to some inputs in some states."""

    inputs: tuple[str, ...]
    when: dict[str, str | tuple[str, ...]] = {}
    allowed: tuple[str, ...] = ()
    open: tuple[str, ...] | str = ()
    red: dict[str, str | tuple[str, ...]] = {}
    without: tuple[str, ...] = ()


class StateChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What some answers change."""

    inputs: tuple[str, ...]
    set: dict[str, str | dict[str, str]]
    when: dict[str, str | tuple[str, ...]] = {}
    answers: tuple[str, ...] = ()
    """Empty: any."""


class NeverPublished(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Inputs and states that no published machine has."""

    inputs: tuple[str, ...]
    when: dict[str, str | tuple[str, ...]]


class ProtocolMachine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The machine of one grant as the texts have it."""

    title: str
    variables: dict[str, tuple[str, ...]]
    answers: tuple[AllowedAnswers, ...]
    changes: tuple[StateChange, ...]
    withheld: tuple[NeverPublished, ...]
    shown: tuple[str, ...]

    def initial(self, **facts: str) -> dict[str, str]:
        """The first state; `facts` are values of variables that are what they are from the beginning."""
        return {name: values[0] for name, values in self.variables.items()} | facts

    def rule(self, letter: str, state: Mapping[str, str]) -> AllowedAnswers:
        """What may be answered; raises LookupError where the data say nothing of the input."""
        for rule in self.answers:
            if letter in rule.inputs and _fits(rule.when, state):
                return rule
        raise LookupError(f"{self.title}: nothing is said of {letter} in {dict(state)}")

    def after(self, state: Mapping[str, str], letter: str, answer: str) -> dict[str, str]:
        """The state that an answer leads to."""
        result = dict(state)
        if answer in _NOT_ASKED:
            return result
        for change in self.changes:
            fits = letter in change.inputs and answer in (change.answers or (answer,)) and _fits(change.when, state)
            for name, value in change.set.items() if fits else ():
                result[name] = value.get(state[name], result[name]) if isinstance(value, dict) else value
        return result

    def judge(self, state: Mapping[str, str], letter: str, answer: str) -> tuple[Colour, tuple[str, ...]]:
        """What the texts say of an answer; of a red one also the requirements that it may break, the first one first.

        What is blamed on inputs before it is compared with the word without them by `edges` and `judged`.
        """
        if answer in _NOT_ASKED:
            return Colour.ALLOWED, ()
        rule = self.rule(letter, state)
        if answer in rule.allowed:
            return Colour.ALLOWED, ()
        if rule.open == ANY or answer in rule.open:
            return Colour.OPEN, ()
        named = rule.red.get(answer) or rule.red.get(ANY)
        if named is None:
            raise LookupError(f"{self.title}: nothing is said of {letter}/{answer} in {dict(state)}")
        return Colour.RED, (named,) if isinstance(named, str) else named

    def withholds(self, state: Mapping[str, str], letter: str) -> bool:
        """Whether an input is not given in a state where a machine is learned to be published."""
        return any(letter in one.inputs and _fits(one.when, state) for one in self.withheld)

    def requirements(self) -> Iterator[str]:
        """All that any edge may break."""
        for rule in self.answers:
            for named in rule.red.values():
                yield from (named,) if isinstance(named, str) else named


@dataclass(frozen=True)
class Monitor:
    """Walks the protocol's machine along one word, and says where nothing more is to be asked."""

    protocol: ProtocolMachine
    facts: Mapping[str, str]

    def start(self) -> dict[str, str]:
        """The state before the first input."""
        return self.protocol.initial(**self.facts)

    def after(self, state: Mapping[str, str] | None, letter: str, answer: str) -> dict[str, str] | None:
        """The state after an answer; None past one that is red."""
        if state is None or self.protocol.judge(state, letter, answer)[0] is Colour.RED:
            return None
        return self.protocol.after(state, letter, answer)

    def instead(self, state: Mapping[str, str] | None, letter: str) -> str:
        """What stands for the answer to an input that is not given; empty: it is given."""
        del letter
        return IMPOSSIBLE if state is None else ""

    def said(self, state: Mapping[str, str] | None, letter: str, answer: str) -> str:
        """What the machine has for an answer."""
        del state, letter
        return answer


@dataclass(frozen=True)
class PublicMonitor(Monitor):
    """The same where the machine is to be published: nothing is asked that has to be withheld, whoever is asked.

    So it can tell nothing of it: two targets that differ there alone are given the same inputs, and their machines
    are the same.
    """

    catalogue: Catalogue

    def instead(self, state: Mapping[str, str] | None, letter: str) -> str:
        """Likewise; an input that is withheld changes nothing."""
        if state is not None and self.protocol.withholds(state, letter):
            return WITHHELD
        return super().instead(state, letter)

    def said(self, state: Mapping[str, str] | None, letter: str, answer: str) -> str:
        """One name for all answers among which may be one that breaks a requirement on security.

        An error that the protocol does not have is told as one, without its code, and a status by its class.
        """
        if state is None or answer in {*self.protocol.shown, *_NOT_ASKED, OK}:
            return answer
        kind = _kind(answer) if letter in POLLS else answer
        broken = self.protocol.judge(state, letter, answer)[1]
        if kind not in KINDS:
            named = self.protocol.rule(letter, state).red.values()
            broken = tuple(name for one in named for name in ((one,) if isinstance(one, str) else one))
        return OTHER if any(self.catalogue.get(one).security for one in broken) else kind


def _kind(answer: str) -> str:
    """An error by its kind; any other answer as it is."""
    status = _STATUS.fullmatch(answer)
    kind = f"http-{status[1]}xx" if status else answer if answer == TOKEN else ERROR
    return kind if kind in KINDS else answer


@dataclass(frozen=True)
class Edge:
    """An edge of a learned machine that the protocol's machine does not allow, or leaves open."""

    word: Word
    """A shortest word that ends with it."""
    answers: tuple[str, ...]
    colour: Colour
    state: int
    """Of the learned machine, in which the last input was given."""
    requirement: Requirement | None = None
    """Which one it breaks; None: it is open."""

    @property
    def verdict(self) -> Verdict:
        """How grave it is."""
        return self.requirement.verdict_if_broken if self.requirement is not None else Verdict.OBSERVED

    @property
    def security(self) -> bool:
        """Whether it is about a requirement that is tagged so."""
        return self.requirement is not None and self.requirement.security


@cache
def protocol_machine() -> ProtocolMachine:
    """The machine of the catalogue."""
    data: Any = yaml.load(_FILE.read_bytes(), Loader=yaml.BaseLoader)  # noqa: S506 - a loader of texts alone
    return msgspec.convert(data, ProtocolMachine)


def edges(
    machine: Machine, protocol: ProtocolMachine, dialect: Dialect, catalogue: Catalogue, **facts: str
) -> list[Edge]:
    """The edges that are red or open, by a walk of both machines that goes no further after a red one.

    An edge is there once for each requirement that it breaks, with the shortest word.
    """
    ask, initial = machine.answers, protocol.initial(**facts)
    first = (0, _frozen(initial))
    seen = {first}
    queue = deque[tuple[tuple[int, State], Word, tuple[str, ...]]]([(first, (), ())])
    collected: dict[tuple[str, str, int, str], Edge] = {}
    while queue:
        (number, frozen), word, said = queue.popleft()
        state = dict(frozen)
        for letter in machine.inputs:
            step = machine.states[number][letter]
            longer, answers = (*word, letter), (*said, step.answer)
            colour, requirement = _coloured(protocol, state, word, letter, step.answer, ask, dialect, catalogue)
            if colour is Colour.RED and requirement is None:
                continue
            if colour is not Colour.ALLOWED:
                key = (colour, requirement.id if requirement else "", number, letter)
                collected.setdefault(key, Edge(longer, answers, colour, number, requirement))
            if colour is Colour.RED:
                continue
            pair = (step.target, _frozen(protocol.after(state, letter, step.answer)))
            if pair not in seen:
                seen.add(pair)
                queue.append((pair, longer, answers))
    return sorted(collected.values(), key=lambda edge: (edge.colour is not Colour.RED, len(edge.word)))


@dataclass(frozen=True)
class WordStep:
    """One input of a word that was asked by itself."""

    letter: str
    answer: str
    colour: Colour | None
    """None where nothing is judged: after a red one, and where a shorter word is to blame."""
    requirement: Requirement | None
    allowed: tuple[str, ...]
    """What the texts allow there."""


def judged(  # noqa: PLR0913, PLR0917 - a word, what is asked about it, and what the texts are
    word: Word,
    answers: tuple[str, ...],
    ask: Asked,
    protocol: ProtocolMachine,
    dialect: Dialect,
    catalogue: Catalogue,
    **facts: str,
) -> list[WordStep]:
    """Each input of one word with what the texts say of its answer; `ask` gives those to another word."""
    state, steps, over = protocol.initial(**facts), list[WordStep](), False
    for place, (letter, answer) in enumerate(zip(word, answers, strict=True)):
        if over:
            steps.append(WordStep(letter, answer, None, None, ()))
            continue
        colour, requirement = _coloured(protocol, state, word[:place], letter, answer, ask, dialect, catalogue)
        over = colour is Colour.RED
        judgement = colour if requirement is not None or not over else None
        steps.append(WordStep(letter, answer, judgement, requirement, protocol.rule(letter, state).allowed))
        state = protocol.after(state, letter, answer)
    return steps


def _coloured(  # noqa: PLR0913, PLR0917 - likewise
    protocol: ProtocolMachine,
    state: Mapping[str, str],
    before: Word,
    letter: str,
    answer: str,
    ask: Asked,
    dialect: Dialect,
    catalogue: Catalogue,
) -> tuple[Colour, Requirement | None]:
    """What the texts say after some inputs; red without a requirement where a shorter word is to blame."""
    colour, named = protocol.judge(state, letter, answer)
    if colour is not Colour.RED:
        return colour, None
    requirement = next((one for one in map(catalogue.get, named) if dialect.binds(one)), None)
    if requirement is None:
        return Colour.OPEN, None
    blamed = protocol.rule(letter, state).without
    control = (*(one for one in before if one not in blamed), letter)
    return colour, None if len(control) <= len(before) and ask(control)[-1:] == (answer,) else requirement


def _fits(when: Mapping[str, str | tuple[str, ...]], state: Mapping[str, str]) -> bool:
    return all(state[name] == value if isinstance(value, str) else state[name] in value for name, value in when.items())


def _frozen(state: Mapping[str, str]) -> State:
    return tuple(sorted(state.items()))
