"""A tape while it is played: which recorded entry answers which request."""

from __future__ import annotations

import hashlib
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from device_grant.protocol.dpop import HEADER, outline
from device_grant.recordings.tape import line_of
from device_grant.targets.ports import NotHeld

if TYPE_CHECKING:
    from device_grant.protocol import Request
    from device_grant.recordings.tape import Tape, TapedExchange

UNKEPT = frozenset(
    {"host", "user-agent", "accept-encoding", "connection", "cookie", "content-length", "transfer-encoding"}
)
"""Request headers that are the HTTP library's own, or a browser's memory: they are neither kept nor compared."""
PROOF_HEADER = HEADER.lower()
"""The header field whose values are made anew each time."""
_LONGEST_BODY = 4096
"""Octets of a request that are kept as they are."""


Key = tuple[str, str, bytes, tuple[tuple[str, str], ...]]


def key_of(sent: Request) -> Key:
    """What makes two requests the same."""
    # Of fields with one name a cassette holds the last.
    fields = {name.lower(): value for name, value in sent.headers if name.lower() not in UNKEPT}
    kept = sorted((name, outline(value) if name == PROOF_HEADER else value) for name, value in fields.items())
    return sent.method, sent.url, condensed(sent.content), tuple(kept)


def condensed(content: bytes) -> bytes:
    """A body, or its length and digest where it is so long that it can only be filler."""
    if len(content) <= _LONGEST_BODY:
        return content
    return f"[{len(content)} octets, sha256 {hashlib.sha256(content).hexdigest()}]".encode()


@dataclass
class Playback:
    """A tape while it is played."""

    tape: Tape
    used: set[int] = field(default_factory=set)
    """Places of the entries that have been played."""
    acted: int = 0
    """Actions that have been."""
    acting: int | None = None
    """The action that goes on."""
    shift: float = 0.0
    """Seconds by which the check is behind the recording, because it waited longer."""
    last: int = -1
    """Place of the entry that was played last."""

    def __post_init__(self) -> None:
        self._waiting: dict[Key, deque[int]] = {}
        self._ordered: deque[int] = deque()
        for place, entry in enumerate(self.tape.entries):
            if entry.action is None:
                self._waiting.setdefault(key_of(entry.request), deque()).append(place)
                self._ordered.append(place)

    def alike(self, sent: Request) -> TapedExchange:
        """The first entry with that request; raises NotHeld."""
        places = self._waiting.get(key_of(sent))
        if not places:
            raise NotHeld(self.missing(sent))
        return self._play(places.popleft())

    def following(self) -> TapedExchange | None:
        """The next entry in order that no action brought."""
        return self._play(self._ordered.popleft()) if self._ordered else None

    def of_action(self) -> TapedExchange | None:
        """The next entry of the action that goes on."""
        place = self.next_of_action()
        return None if place is None else self._play(place)

    def next_of_action(self) -> int | None:
        """Its place."""
        places = range(self.last + 1, len(self.tape.entries))
        result = (place for place in places if self.tape.entries[place].action == self.acting)
        first = next(result, None)
        if first is not None:
            return first
        # A request of another thread may lie between.
        everything = range(len(self.tape.entries))
        return next((n for n in everything if self.tape.entries[n].action == self.acting and n not in self.used), None)

    def _play(self, place: int) -> TapedExchange:
        self.used.add(place)
        self.last = place
        return self.tape.entries[place]

    def missing(self, sent: Request) -> str:
        """One line for a request that is not there."""
        left = next((entry for place, entry in enumerate(self.tape.entries) if place not in self.used), None)
        then = f"what is left begins with {left.label}" if left else "nothing is left"
        return (
            f"{self.tape.place}: the recording does not hold {line_of(sent)} as it is sent now; {then}: record it again"
        )

    @property
    def leftovers(self) -> list[TapedExchange]:
        """Entries that nothing asked for."""
        return [entry for place, entry in enumerate(self.tape.entries) if place not in self.used]
