"""What a grant may answer one operation after another: the sequential specification that histories are held against.

The latitude of the texts is in it: slow_down may come at any time, a code that is gone may be called so by any name and
at any time, a token that is sent again is the same one, a decision may take a while to be seen, a refusal of a page may
have acted all the same, and what nobody answered may or may not have taken effect.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import combinations
from typing import TYPE_CHECKING, Literal, NamedTuple

from device_grant.server.histories.linearization import Linearization, linearize

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

APPROVE, DENY = "approve", "deny"
SOME_TOKEN = "?"  # noqa: S105 - stands for a token that nobody received
Late = Literal["counts", "ignored", "unknown"]
"""What the pages mean when they take a decision after the other one: it counts, it changes nothing, nobody knows."""


class GrantRule(StrEnum):
    """What no order may break, each by the words that say how it is broken; the most telling first."""

    ONE_TOKEN = "one code yielded more than one token set"  # noqa: S105 - words
    DENIED = "a code that was denied came to life again"
    APPROVED = "a token came although nobody had approved"
    EXPIRED = "a token came after the end of the code's life"
    KEPT = "an approval that the pages took was undone"


class Said(StrEnum):
    """An answer, as far as the specification tells answers apart."""

    TOKEN = "token"  # noqa: S105 - the name of an answer
    PENDING = "pending"
    DENIED = "denied"
    TAKEN = "taken"
    """The pages took a decision."""
    REFUSED = "refused"
    """The pages did not; it may have acted all the same."""
    NOTHING = "nothing"
    """Said in every state, and changes none: slow_down, a code that is gone."""
    UNKNOWN = "unknown"
    """No answer, or one of a server that broke: it may have taken effect or not."""


@dataclass(frozen=True)
class GrantOperation:
    """One operation on a grant with what came of it."""

    kind: Literal["poll", "approve", "deny"]
    said: Said
    invoked: float
    """Seconds on the clock of the history."""
    answered: float
    token: str = ""
    """Names the token set, for TOKEN."""
    late: bool = False
    """Whether it was invoked when the code's life was over by any clock."""


class GrantState(NamedTuple):
    """What is so of a grant between two operations."""

    decision: str = ""
    denied: bool = False
    """Whether the device was told that the user refused, while no token was out."""
    token: str = ""
    """The token set that the code has yielded."""


@dataclass(frozen=True)
class GrantModel:
    """The specification; `rules` are those that hold."""

    rules: frozenset[GrantRule] = frozenset(GrantRule)
    late_denial: Late = "unknown"
    """A denial after an approval."""
    late_approval: Late = "unknown"
    forgets: bool = False
    """Whether codes that were redeemed are called pending at other times too."""
    grace: bool = False
    """Whether more token sets may come as long as it is not late."""

    def step(self, state: GrantState, operation: GrantOperation) -> Iterator[GrantState]:
        """The states that an operation may leave; see `linearize`."""
        if operation.kind != "poll":
            yield from self._decided(state, operation)
            return
        match operation.said:
            case Said.TOKEN:
                if self._yields(state, operation):
                    yield state._replace(token=operation.token)
            case Said.PENDING:
                if self._is_pending(state):
                    yield state
            case Said.DENIED:
                # Some servers call a redeemed code so; that it is no denial other checks say.
                yield state if state.token else state._replace(denied=True)
            case Said.UNKNOWN:
                yield state
                if not state.token and self._yields(state, operation):
                    yield state._replace(token=SOME_TOKEN)
            case _:
                yield state

    def _yields(self, state: GrantState, operation: GrantOperation) -> bool:
        """Whether a token may come."""
        # What was sent again is one set, and what nobody received may have been this one.
        if state.token and state.token in (operation.token, SOME_TOKEN):
            return True
        broken = {
            GrantRule.ONE_TOKEN: bool(state.token) and (operation.late or not self.grace),
            GrantRule.DENIED: state.denied or state.decision == DENY,
            GrantRule.APPROVED: not state.decision,
            GrantRule.EXPIRED: operation.late,
        }
        return not any(broken[rule] for rule in broken.keys() & self.rules)

    def _is_pending(self, state: GrantState) -> bool:
        if GrantRule.DENIED in self.rules and (state.denied or state.decision == DENY):
            return False
        if GrantRule.KEPT not in self.rules or (state.token and self.forgets):
            return True
        return state.decision != APPROVE

    def _decided(self, state: GrantState, operation: GrantOperation) -> Iterator[GrantState]:
        decision = operation.kind
        if state.token or state.denied or state.decision == decision:
            yield state
            return
        late: Late = "unknown"
        if state.decision:
            late = self.late_denial if decision == DENY else self.late_approval
        # That a refusal stands harms nobody, whatever the page says to a later approval.
        stands = late != "counts" or decision == APPROVE
        if operation.said is not Said.TAKEN or (state.decision and stands):
            yield state
        if decision == DENY or late != "ignored":
            yield state._replace(decision=decision)


@dataclass(frozen=True)
class GrantVerdict:
    """What became of the search for an order."""

    broken: tuple[GrantRule, ...]
    """The fewest rules without which an order explains the answers; none: an order explains them as they are."""
    search: Linearization


def explain(operations: Sequence[GrantOperation], model: GrantModel) -> GrantVerdict:
    """Look for an order; where there is none, for what has to be given up to have one.

    Raises SearchTooLongError.
    """
    search = linearize(operations, GrantState(), model.step)
    if search.order is not None:
        return GrantVerdict((), search)
    rules = [rule for rule in GrantRule if rule in model.rules]
    for number in range(1, len(rules) + 1):
        for given_up in combinations(rules, number):
            weaker = replace(model, rules=model.rules.difference(given_up))
            if linearize(operations, GrantState(), weaker.step).order is not None:
                return GrantVerdict(given_up, search)
    raise AssertionError("without any rule everything is explained")


def loosened(
    operations: Collection[GrantOperation], delay: float, rules: frozenset[GrantRule] = frozenset(GrantRule)
) -> tuple[list[GrantOperation], frozenset[GrantRule]]:
    """The operations with the time that a server may take to see what happened, `delay` seconds; and the rules left.

    No text says when a decision has to be seen, nor that a pending answer is newer than the interval. So a decision may
    take effect that much later, and pending may be that old: twice as much for what is pending after a decision. Where
    the pages took both decisions, a code that stays pending is no contradiction: the two may have undone each other.
    """
    decisions = {one.kind for one in operations if one.kind != "poll"}
    moved = [
        replace(one, answered=one.answered + delay)
        if one.kind != "poll"
        else replace(one, invoked=one.invoked - delay)
        if one.said is Said.PENDING
        else one
        for one in operations
    ]
    return moved, rules - {GrantRule.KEPT} if len(decisions) > 1 else rules
