"""Whether a hypothesis is the machine: the Wp-method for k more states than the hypothesis of the moment has.

Our own: the one of AALpy 2 yields no word of its second phase for a hypothesis of one state, whose states nothing
tells apart, and takes one state for complete after a handful of words. Here what identifies a state is the empty word
where nothing else is needed, so that each access word, transition and middle part is asked all the same.

Fujiwara and others, "Test selection based on finite state models" (1991).
"""

from __future__ import annotations

from itertools import pairwise, product
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from device_grant.learning.machine import Machine, Word


class Answering(Protocol):
    """What is asked: a server, or a machine whose states are known."""

    def answers(self, word: Word) -> tuple[str, ...]:
        """The answers to a word, which may be known from before."""

    def contradiction(self, hypothesis: Machine) -> Word | None:
        """A word whose answers are known and not those of the hypothesis; None where there is none."""


def suite(machine: Machine, extra: int) -> list[Word]:
    """The words that tell the machine from every other one with at most `extra` more states; the shortest first.

    A word that begins another one is left out, since that one asks it as well.
    """
    machine = machine.canonical()
    count = len(machine.access)
    apart: list[set[Word]] = [{()} for _ in range(count)]
    for one in range(count):
        for other in range(one + 1, count):
            word = machine.apart(one, other)
            if word is not None:
                apart[one].add(word)
                apart[other].add(word)
    everything: set[Word] = set().union(*apart)
    cover = set(machine.access)
    transitions = {(*word, letter) for word in cover for letter in machine.inputs} - cover
    words: set[Word] = set()
    for length in range(extra + 1):
        for middle in product(machine.inputs, repeat=length):
            words |= {prefix + middle + tail for prefix in cover for tail in everything}
            for prefix in transitions:
                reached = prefix + middle
                words |= {reached + tail for tail in apart[machine.state_after(reached)]}
    ordered = sorted(words)
    longest = [word for word, after in pairwise([*ordered, ()]) if after[: len(word)] != word]
    return sorted(longest, key=lambda word: (len(word), word))


class WpOracle:
    """Looks for a word at which the asked one and a hypothesis part."""

    def __init__(
        self,
        asked: Answering,
        extra: int,
        prepare: Callable[[Sequence[Word]], None] | None = None,
        further: Callable[[Machine], Iterable[Word]] = lambda _hypothesis: (),
    ) -> None:
        """`extra` more states than the hypothesis are looked for; `prepare` is given each suite before it is asked.

        `further` names words that are asked besides of a hypothesis that has passed its suite.
        """
        self._asked, self._extra, self._prepare, self._further = asked, extra, prepare, further
        self.hypothesis: Machine | None = None
        """The newest one, complete or not."""
        self.longest = 0
        """Inputs of the longest word of the newest suite."""
        self.words = 0
        """How many words that suite had."""

    def counterexample(self, hypothesis: Machine) -> Word | None:
        """The word, ending where the two part; None where no machine with so few states is another one."""
        self.hypothesis = hypothesis
        known = self._asked.contradiction(hypothesis)
        if known is not None:
            return known
        words = suite(hypothesis, self._extra)
        self.words, self.longest = len(words), max(map(len, words), default=0)
        if self._prepare is not None:
            self._prepare(words)
        # What a hypothesis accuses a server of is asked as well: the suite tests its states, and not what they mean.
        for word in (*words, *self._further(hypothesis)):
            for place, (said, expected) in enumerate(
                zip(self._asked.answers(word), hypothesis.answers(word), strict=False)
            ):
                if said != expected:
                    return word[: place + 1]
        return None
