"""Mealy machines: what a learned server answers to each input in each state, drawn, compared, walked."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

Word = tuple[str, ...]
"""Inputs one after the other."""


@dataclass(frozen=True)
class Transition:
    """What one input does in one state."""

    answer: str
    target: int


@dataclass(frozen=True)
class Parting:
    """A word at whose last input two machines answer otherwise; all earlier answers are the same."""

    word: Word
    answers: tuple[str, ...]
    """To all inputs but the last."""
    one: str
    other: str


@dataclass(frozen=True)
class Machine:
    """A deterministic Mealy machine; state 0 is the initial one, and every state has every input."""

    inputs: tuple[str, ...]
    states: tuple[Mapping[str, Transition], ...]

    def __post_init__(self) -> None:
        """Raises ValueError where a transition is missing, or leads nowhere."""
        for number, state in enumerate(self.states):
            for letter in self.inputs:
                transition = state.get(letter)
                if transition is None or not 0 <= transition.target < len(self.states):
                    raise ValueError(f"state {number} has no transition for {letter}")
        if not self.states:
            raise ValueError("a machine has at least one state")

    def __len__(self) -> int:
        return len(self.states)

    def walk(self, word: Iterable[str], start: int = 0) -> Iterator[Transition]:
        """The transitions of a word."""
        state = start
        for letter in word:
            transition = self.states[state][letter]
            yield transition
            state = transition.target

    def answers(self, word: Iterable[str], start: int = 0) -> tuple[str, ...]:
        """What the machine answers to a word."""
        return tuple(step.answer for step in self.walk(word, start))

    def state_after(self, word: Iterable[str], start: int = 0) -> int:
        """Where a word leads."""
        state = start
        for step in self.walk(word, start):
            state = step.target
        return state

    @cached_property
    def access(self) -> tuple[Word, ...]:
        """A shortest word to each state that can be reached; states that cannot come last, with none."""
        words: dict[int, Word] = {0: ()}
        queue = deque([0])
        while queue:
            state = queue.popleft()
            for letter in self.inputs:
                target = self.states[state][letter].target
                if target not in words:
                    words[target] = (*words[state], letter)
                    queue.append(target)
        return tuple(words[state] for state in sorted(words))

    def canonical(self) -> Machine:
        """The same machine, states numbered as a breadth-first walk meets them; those out of reach are left out."""
        order = {0: 0}
        queue = deque([0])
        while queue:
            state = queue.popleft()
            for letter in self.inputs:
                target = self.states[state][letter].target
                if target not in order:
                    order[target] = len(order)
                    queue.append(target)
        states = tuple(
            {
                letter: Transition(self.states[state][letter].answer, order[self.states[state][letter].target])
                for letter in self.inputs
            }
            for state in order
        )
        return Machine(self.inputs, states)

    def apart(self, one: int, other: int) -> Word | None:
        """A shortest word that two states answer otherwise; None where there is none."""
        first = (one, other)
        seen, queue = {first}, deque[tuple[tuple[int, int], Word]]([(first, ())])
        while queue:
            (left, right), word = queue.popleft()
            for letter in self.inputs:
                here, there = self.states[left][letter], self.states[right][letter]
                if here.answer != there.answer:
                    return (*word, letter)
                pair = (here.target, there.target)
                if here.target != there.target and pair not in seen:
                    seen.add(pair)
                    queue.append((pair, (*word, letter)))
        return None


def differences(one: Machine, other: Machine) -> list[Parting]:
    """Where two machines part, by bisimulation over the inputs that both have: the shortest word first.

    Of each pair of answers to a kind of input the shortest word; nothing is looked at past a difference.
    """
    letters = [letter for letter in one.inputs if letter in other.inputs]
    seen = {(0, 0)}
    queue = deque[tuple[tuple[int, int], Word, tuple[str, ...]]]([((0, 0), (), ())])
    collected: dict[tuple[str, str, str], Parting] = {}
    while queue:
        (left, right), word, said = queue.popleft()
        for letter in letters:
            here, there = one.states[left][letter], other.states[right][letter]
            if here.answer != there.answer:
                kind = letter.removesuffix("_now").removesuffix("_polite")
                difference = Parting((*word, letter), said, here.answer, there.answer)
                collected.setdefault((kind, here.answer, there.answer), difference)
            elif (pair := (here.target, there.target)) not in seen:
                seen.add(pair)
                queue.append((pair, (*word, letter), (*said, here.answer)))
    return list(collected.values())


def dot(
    machine: Machine,
    name: str,
    red: Iterable[tuple[int, str]] = (),
    undecided: Iterable[tuple[int, str]] = (),
    *,
    links: bool = False,
) -> str:
    """The machine in the language of Graphviz; edges by state and input that are red, and those that are open.

    What changes no state stands in the box of the state: loops with labels are drawn over one another. What a colour
    says a sign says too. `links`: each state leads to `#s` and its number.
    """
    kinds = dict.fromkeys(undecided, "open") | dict.fromkeys(red, "red")
    lines = [f"digraph {_quoted(name)} {{", "  node [shape=box, style=rounded];"]
    arrows = []
    for number, state in enumerate(machine.states):
        grouped: dict[tuple[int, str, str], list[str]] = {}
        for letter in machine.inputs:
            key = (state[letter].target, kinds.get((number, letter), ""), state[letter].answer)
            grouped.setdefault(key, []).append(letter.replace("_", " "))
        box = [f"s{number}"]
        between: dict[tuple[int, str], list[str]] = {}
        for (target, kind, answer), letters in grouped.items():
            text = f"{SIGNS[kind]}{', '.join(letters)} / {answer}"
            (box if target == number else between.setdefault((target, kind), [])).append(text)
        first = ", peripheries=2" if number == 0 else ""
        link = f', URL="#s{number}"' if links else ""
        lines.append(f"  s{number} [label={_quoted(*box)}{first}{link}];")
        arrows += [
            f"  s{number} -> s{target} [label={_quoted(*texts)}{_LOOKS[kind]}];"
            for (target, kind), texts in between.items()
        ]
    return "\n".join([*lines, *arrows, "}", ""])


SIGNS = {"red": "\u2715 ", "open": "? ", "": ""}
"""What stands before an answer that the texts do not allow, and before one that they leave open."""
_LOOKS = {"red": ", class=red, color=red, fontcolor=red, penwidth=2", "open": ", class=open, style=dashed", "": ""}


def spoken(word: Sequence[str], answers: Sequence[str]) -> str:
    """A word with its answers: `approve/ok poll_polite/token`."""
    return " ".join(f"{letter}/{answer}" for letter, answer in zip(word, answers, strict=True))


def _quoted(*lines: str) -> str:
    """Lines as one text of Graphviz."""
    text = _NEW_LINE.join(line.replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return f'"{text}"'


_NEW_LINE = "\\n"
"""As Graphviz writes it."""
