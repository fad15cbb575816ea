"""The one user whom all checks of a run share: who may have them when, and what the pages had against them."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import nullcontext
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

_FEWEST = 3
"""Refusals alike from which on they are told of."""


class Admitting(Protocol):
    """What lets checks to the user, in this process or among several that meet the same server."""

    def __call__(self, *, alone: bool) -> AbstractContextManager[None]:
        """Within: the user decides; `alone`: and for nobody else meanwhile. Blocks until then."""


def _at_once(*, alone: bool) -> AbstractContextManager[None]:  # noqa: ARG001 - nobody else is there
    return nullcontext()


class SharedUser:
    """What a run knows of its user."""

    def __init__(self) -> None:
        self.admitted: Admitting = _at_once
        self._lock = threading.Lock()
        self._decided: set[str] = set()
        self._refusals: Counter[tuple[str, int]] = Counter()

    def has_decided(self, client: str) -> bool:
        """Whether the user has decided for that client: the first time makes what later ones find."""
        with self._lock:
            return client in self._decided

    def decided(self, client: str) -> None:
        """The pages took a decision for that client."""
        with self._lock:
            self._decided.add(client)

    def refused(self, complaint: str, status: int) -> None:
        """The pages did not take a decision that a check needed; `status` is that of a page that broke, or 0."""
        with self._lock:
            self._refusals[complaint, status] += 1

    def remarks(self) -> list[str]:
        """One line for each refusal that came again and again: it leaves many checks without a verdict."""
        with self._lock:
            again = [entry for entry in self._refusals.most_common() if entry[1] >= _FEWEST]
        return [
            f"{count} times {complaint}{f' (the server answered {status})' if status else ''}: "
            "checks that need it could say nothing"
            for (complaint, status), count in again
        ]
