"""Linearizability: whether an order of concurrent operations, one after another, explains what was answered.

The search of Wing and Gong ("Testing and verifying concurrent objects", 1993) with the memory of Lowe ("Testing for
linearizability", 2017): whoever has been at the same set of placed operations in the same state is not there again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

    State = TypeVar("State", bound=Hashable)

MOST_VISITED = 100_000
"""Pairs of placed operations and a state after which the search is given up: a second or two."""


class Spanning(Protocol):
    """Something that took effect at some moment between two others."""

    @property
    def invoked(self) -> float:
        """Seconds, on any clock that never goes back: it took no effect before."""

    @property
    def answered(self) -> float:
        """Seconds on the same clock: it took no effect afterwards. Infinite for what was never answered."""


Op = TypeVar("Op", bound=Spanning)


class SearchTooLongError(Exception):
    """The search was given up: nothing is known."""


@dataclass(frozen=True)
class Linearization:
    """The outcome of a search."""

    order: tuple[int, ...] | None
    """Numbers of the operations in an order that explains the answers; None: there is none."""
    farthest: tuple[int, ...]
    """The longest beginning of an order that could be made; as long as `order` where there is one."""


def linearize(
    operations: Sequence[Op], start: State, step: Callable[[State, Op], Iterable[State]], most: int = MOST_VISITED
) -> Linearization:
    """Look for an order of all operations that keeps to real time and to a sequential specification.

    An operation stands before another if it was answered before that was invoked. `step` yields the states in which an
    operation that was answered as it was can leave a state: none where the answer is impossible in it, several where it
    may or may not have taken effect. Raises SearchTooLongError after `most` visits.
    """
    whole = (1 << len(operations)) - 1
    visited: set[tuple[int, State]] = {(0, start)}
    order: list[int] = []
    farthest: tuple[int, ...] = ()
    # Not recursive: a history may have more operations than Python has frames to spare.
    ways: list[Iterator[tuple[int, State]]] = [_next(operations, 0, start, step)]
    placed = [0]
    while ways:
        if placed[-1] == whole:
            return Linearization(tuple(order), tuple(order))
        for number, state in ways[-1]:
            now = placed[-1] | 1 << number
            if (now, state) in visited:
                continue
            if len(visited) >= most:
                raise SearchTooLongError(f"no answer after {most} steps of the search")
            visited.add((now, state))
            order.append(number)
            if len(order) > len(farthest):
                farthest = tuple(order)
            placed.append(now)
            ways.append(_next(operations, now, state, step))
            break
        else:
            ways.pop()
            placed.pop()
            if order:
                order.pop()
    return Linearization(None, farthest)


def _next(
    operations: Sequence[Op], placed: int, state: State, step: Callable[[State, Op], Iterable[State]]
) -> Iterator[tuple[int, State]]:
    """Operations that may come next, each with a state that it may leave."""
    left = [number for number in range(len(operations)) if not placed >> number & 1]
    # Whatever was invoked after another one had been answered has to wait for that one.
    deadline = min((operations[number].answered for number in left), default=0.0)
    for number in left:
        if operations[number].invoked <= deadline:
            for after in step(state, operations[number]):
                yield number, after
