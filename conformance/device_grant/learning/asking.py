"""A server as what a learner asks: answers that are known are not asked for again, and no word is believed twice over.

Lazily: as long as every input of a word is known, nothing is sent; at the first unknown one the whole word begins on a
fresh grant. The part that was known is then seen again, which shows whether the server is deterministic.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from device_grant.learning.endings import (
    ForgottenError,
    LateError,
    NonDeterminismError,
    OutOfBudgetError,
    ThrottledError,
    TooLongError,
)
from device_grant.learning.inputs import DECISIONS, Stimulus
from device_grant.learning.word import WordRun

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from device_grant.learning.machine import Machine, Word
    from device_grant.learning.protocol import Monitor
    from device_grant.learning.word import Actors

_VOTES = 3
"""How often a word is asked once more that was answered in two ways."""
_MOST_ODD = 5
"""Words that were answered in two ways, after which nothing is learned any more."""
_RESTS = 4
T = TypeVar("T")


@dataclass
class Budget:
    """How long it may take, in real seconds, and how many requests."""

    seconds: float
    requests: int
    began: float = field(default_factory=time.perf_counter)
    """The process's own clock: that of the target may be frozen, or jump."""

    @property
    def spent(self) -> float:
        """Real seconds so far."""
        return time.perf_counter() - self.began

    def require(self, requests: int) -> None:
        """Raise OutOfBudgetError if there is nothing left; `requests` were sent."""
        if self.spent > self.seconds:
            raise OutOfBudgetError(f"the time of {self.seconds:g} s is over (--budget)")
        if requests >= self.requests:
            raise OutOfBudgetError(f"{self.requests} requests were sent (--requests)")


@dataclass
class _Node:
    """What is known after a word: answers and what follows, by input."""

    after: dict[str, tuple[str, _Node]] = field(default_factory=dict)
    too_long: set[str] = field(default_factory=set)
    """Inputs after which the word would outlive a part of the codes' life."""


@dataclass
class Asking:
    """The system under learning, in the form that AALpy asks for: pre, step, post, query."""

    actors: Actors
    budget: Budget
    gap: float = 0.0
    """Seconds that the target's clock is moved before each word: pages count wrong codes by the minute."""
    monitor: Monitor | None = None
    """If there is one, nothing is asked past an answer that is red: what follows it is answered `-`."""
    progress: Callable[[], object] = lambda: None
    """Called after each word that was asked."""

    def __post_init__(self) -> None:
        self._root = _Node()
        self._node, self._word = self._root, list[str]()
        self._fresh: WordRun | None = None
        self._state: dict[str, str] | None = None
        """Of the monitor; None past red."""
        self._lock = threading.Lock()
        self._put_off: ThrottledError | None = None
        """What a user met that decides beside others."""
        self._over = False
        """Whether nobody waits any more for what is asked beside others."""
        self.actors.still = self._require
        self._words = 0
        self.num_queries = self.num_steps = self.num_cached_queries = 0
        """What AALpy counts."""
        self.inputs = 0
        """Inputs that were given to the server."""
        self.disagreements: dict[Word, Counter[str]] = {}
        """Words whose last input was answered in several ways, and how often in each."""
        self.too_long: set[Word] = set()
        """Words that were left out since their waits outlive a part of the codes' life."""

    @property
    def words(self) -> int:
        """Words that were asked on fresh grants."""
        return self._words

    # What AALpy calls.

    def pre(self) -> None:
        """A new word begins."""
        self._node, self._word, self._fresh = self._root, [], None
        self._state = self._initial()

    def post(self) -> None:
        """The word is over."""
        self._fresh = None

    def step(self, letter: str) -> str:
        """The answer to one more input."""
        self.num_steps += 1
        instead = self._instead(self._state, letter)
        if instead:
            return instead
        known = self._node.after.get(letter)
        if letter in self._node.too_long:
            raise TooLongError
        if known is None:
            known = self._node.after.setdefault(letter, (self._patiently(lambda: self._next(letter)), _Node()))
        elif self._fresh is not None:
            answer = self._patiently(lambda: self._next(letter))
            if answer != known[0]:
                self._settle([*self._word, letter], known[0], answer)
        self._word.append(letter)
        self._node = known[1]
        said = self._said(self._state, letter, known[0])
        self._state = self._after(self._state, letter, known[0])
        return said

    def query(self, word: Iterable[str]) -> list[str]:
        """The answers to a word."""
        self.num_queries += 1
        self.pre()
        answers = [self.step(letter) for letter in word]
        self.post()
        return answers

    def adaptive_query(self, word: list[str], ads: Any) -> tuple[list[str], list[str]]:
        """The same, going on with the inputs that a tree of distinguishing words chooses by the answers."""
        self.num_queries += 1
        self.pre()
        answers = [self.step(letter) for letter in word]
        answer: str | None = None
        while (letter := ads.next_input(answer)) is not None:
            word.append(letter)
            answer = self.step(letter)
            answers.append(answer)
        self.post()
        return word, answers

    # What the oracle calls.

    def answers(self, word: Word) -> tuple[str, ...]:
        """The answers to a word as far as it can be asked: one that is too long ends before."""
        try:
            return tuple(self.query(word))
        except TooLongError:
            self.too_long.add(word)
            return self._known_part(word)

    def contradiction(self, hypothesis: Machine) -> Word | None:
        """A shortest word that is known to be answered otherwise than a hypothesis says."""
        level: list[tuple[_Node, int, Word, dict[str, str] | None]]
        level = [(self._root, 0, (), self._initial())]
        while level:
            following = []
            for node, state, word, watched in level:
                for letter, (answer, after) in node.after.items():
                    if self._instead(watched, letter):
                        continue
                    step = hypothesis.states[state][letter]
                    if step.answer != self._said(watched, letter, answer):
                        return (*word, letter)
                    following.append((after, step.target, (*word, letter), self._after(watched, letter, answer)))
            level = following
        return None

    def side_by_side(self, words: Sequence[Word], places: int) -> None:
        """Ask many words at once, each on its own grant, so that their waits overlap."""
        wanted = [word for word in words if not self._is_known(word)]
        if places == 1 or not wanted:  # one at a time is what the learner does itself
            return
        with ThreadPoolExecutor(places) as pool:
            futures = [pool.submit(self._alone, word) for word in wanted]
            try:
                for future in futures:
                    future.result()
            except BaseException:
                self._over = True
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        if self._put_off is not None and not self.actors.sparing:
            self._rest(self._put_off)

    def afresh(self, word: Word) -> tuple[str, ...]:
        """The answers of a fresh grant to a word, whatever is known of it; they are not remembered."""
        answers = self._patiently(lambda: self._asked_afresh(word))
        self.progress()
        return tuple(said for _, said in answers)

    def _asked_afresh(self, word: Word) -> list[tuple[str, str]]:
        """Each answer, as it came and as the machine has it."""
        fresh, state, answers = self._begin(), self._initial(), list[tuple[str, str]]()
        for letter in word:
            instead = self._instead(state, letter)
            if instead:
                answers.append((instead, instead))
                continue
            answer = self._count(fresh.act(letter))
            answers.append((answer, self._said(state, letter, answer)))
            state = self._after(state, letter, answer)
        return answers

    # What the monitor says, if there is one.

    def _initial(self) -> dict[str, str] | None:
        return self.monitor.start() if self.monitor is not None else None

    def _instead(self, state: dict[str, str] | None, letter: str) -> str:
        return self.monitor.instead(state, letter) if self.monitor is not None else ""

    def _said(self, state: dict[str, str] | None, letter: str, answer: str) -> str:
        return self.monitor.said(state, letter, answer) if self.monitor is not None else answer

    def _after(self, state: dict[str, str] | None, letter: str, answer: str) -> dict[str, str] | None:
        return self.monitor.after(state, letter, answer) if self.monitor is not None else None

    # Asking.

    def _begin(self) -> WordRun:
        self.budget.require(self.actors.requests)
        with self._lock:
            turn = self._words
            self._words += 1
        if self.gap:
            self.actors.run.target.clock.wait(self.gap)
        return WordRun(self.actors, turn)

    def _next(self, letter: str) -> str:
        """The answer of the grant of this word to one more input; it begins here where there is none yet."""
        if self._fresh is None:
            self._fresh = self._again(self._word)
        return self._act(self._fresh, letter, self._node)

    def _patiently(self, ask: Callable[[], T]) -> T:
        """What `ask` returns, once more where the pages put the user off, or a decision outlasted the interval.

        Raises OutOfBudgetError where the pages go on; decisions that go on to last so long are taken as they are.
        """
        for left in reversed(range(_RESTS)):
            try:
                return ask()
            except LateError:
                self._fresh, self.actors.waits = None, left <= 1
            except ThrottledError as reason:
                self._fresh = None
                self._rest(reason)
        raise OutOfBudgetError("the pages limit how often somebody types a code, and went on putting the user off")

    def _rest(self, reason: ThrottledError) -> None:
        """Wait until the user is let in again; on a real clock no wrong code is typed from then on (ForgottenError)."""
        clock = self.actors.run.target.clock
        left = self.budget.seconds - self.budget.spent
        clock.wait(max(0.0, min(reason.rest, left)) if clock.sleeps else reason.rest)
        self.budget.require(self.actors.requests)
        if clock.sleeps and not self.actors.sparing:
            self.actors.sparing = True
            _spare(self._root)
            raise ForgottenError

    def _require(self) -> None:
        if self._over:
            raise OutOfBudgetError("nobody waits for the answer any more")
        self.budget.require(self.actors.requests)

    def _again(self, word: Sequence[str]) -> WordRun:
        """A fresh grant that has gone through a word with the answers that are known."""
        while True:
            fresh, node = self._begin(), self._root
            for place, letter in enumerate(word):
                answer = self._act(fresh, letter, node)
                known, following = node.after[letter]
                if answer != known:
                    self._settle(list(word[: place + 1]), known, answer)
                    break
                node = following
            else:
                self.progress()
                return fresh

    def _alone(self, word: Word) -> None:
        """Ask a word in a thread of its own."""
        fresh, node, state = self._begin(), self._root, self._initial()
        given: list[str] = []
        for letter in word:
            if self._instead(state, letter):
                continue
            given.append(letter)
            try:
                answer = self._act(fresh, letter, node)
            except ThrottledError as reason:
                self._put_off = reason
                return
            except (TooLongError, LateError):
                return  # the learner asks it once more, by itself, if it needs it
            with self._lock:
                known, following = node.after.setdefault(letter, (answer, _Node()))
            if answer != known:
                self._settle(given, known, answer)
                return
            node, state = following, self._after(state, letter, known)
        self.progress()

    def _act(self, fresh: WordRun, letter: str, node: _Node) -> str:
        self._require()
        try:
            return self._count(fresh.act(letter))
        except TooLongError:
            node.too_long.add(letter)
            raise

    @staticmethod
    def counter(answer: str) -> Counter[str]:
        """How often an answer was seen that was seen once."""
        return Counter({answer: 1})

    def _count(self, answer: str) -> str:
        self.inputs += 1
        return answer

    def _settle(self, word: list[str], known: str, answer: str) -> None:
        """Ask a word that was answered in two ways until it is clear which one is the rule.

        Returns where the known answer is. Raises ForgottenError where it was a chance one, and NonDeterminismError
        where there is no rule, or too many words have none.
        """
        key = tuple(word)
        seen = self.disagreements.setdefault(key, Counter({known: 1}))
        seen[answer] += 1
        votes = Counter[str]()
        for _ in range(_VOTES):
            answers = self._patiently(lambda: self._asked_afresh(key))
            votes[answers[-1][0]] += 1
        seen.update(votes)
        if len(self.disagreements) > _MOST_ODD or len(votes) > 1:
            raise NonDeterminismError
        if votes[known] == _VOTES:
            return
        self._forget(key)
        raise ForgottenError

    def _forget(self, word: Word) -> None:
        with self._lock:
            node = self._root
            for letter in word[:-1]:
                node = node.after[letter][1]
            node.after.pop(word[-1], None)

    def _is_known(self, word: Word) -> bool:
        return len(self._known_part(word)) == len(word)

    def _known_part(self, word: Word) -> tuple[str, ...]:
        node, answers, state = self._root, list[str](), self._initial()
        for letter in word:
            instead = self._instead(state, letter)
            if instead:
                answers.append(instead)
                continue
            if letter not in node.after or letter in node.too_long:
                break
            answer, node = node.after[letter]
            answers.append(self._said(state, letter, answer))
            state = self._after(state, letter, answer)
        return tuple(answers)


def _spare(node: _Node, halves: int = 0, *, tried: bool = False) -> None:
    """Forget what was answered to decisions about codes that were over, or that somebody had tried to decide."""
    for letter in [one for one in node.after if one in DECISIONS and (tried or halves > 1)]:
        del node.after[letter]
    for letter, (_, following) in node.after.items():
        passed = {Stimulus.EXPIRE: 2, Stimulus.HALF_LIFE: 1}.get(Stimulus(letter), 0)
        _spare(following, halves + passed, tried=tried or letter in DECISIONS)
