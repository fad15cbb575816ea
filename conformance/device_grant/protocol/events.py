"""What happens in a check besides its exchanges: waits, decisions of the user, pages, runs of a client.

Each kind of event keeps what is known of it in fields. `describe` makes words of them for people, and nothing reads
these words back.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from device_grant.protocol.numbers import plain


@dataclass(frozen=True)
class Event(ABC):
    """Something other than an exchange that belongs in the story of a check."""

    kind: ClassVar[str]
    """How results name events of this kind."""
    of_user: ClassVar[bool] = False
    """Whether the user at the verification page does something: the picture of a polling loop shows these events."""

    at: float
    """Seconds on the target's clock since the transcript began."""

    @abstractmethod
    def describe(self) -> str:
        """What happened, in a few words for people."""


@dataclass(frozen=True)
class Waited(Event):
    """The check let time pass on the target's clock."""

    kind = "waited"
    seconds: float

    def describe(self) -> str:
        """`wait 5 s`."""
        return f"wait {plain(self.seconds)} s"


@dataclass(frozen=True)
class Decided(Event):
    """The user sets out to decide; a `DecisionRefused` follows where the pages do not let them."""

    kind = "decided"
    of_user = True
    action: str
    """`approve` or `deny`."""
    grant: str = ""
    """What a story with several grants calls the one that is decided; empty where there is one alone."""

    def describe(self) -> str:
        """`user approves grant 3`."""
        return f"user {'approves' if self.action == 'approve' else 'denies'} {self.grant}".rstrip()


@dataclass(frozen=True)
class Mistyped(Event):
    """The user types a wrong code and tries to approve."""

    kind = "mistyped"
    of_user = True
    grant: str = ""
    """The grant whose code the user meant, as in `Decided`."""

    def describe(self) -> str:
        """`user mistypes the code of grant 3 and approves`."""
        return f"user mistypes the code of {self.grant or 'the grant'} and approves"


@dataclass(frozen=True)
class DecisionRefused(Event):
    """The pages did not let the user do what they set out to do."""

    kind = "decision-refused"
    action: str
    """`approve` or `deny`."""
    complaint: str
    """What the page, or the module that acts for the user, says."""

    def describe(self) -> str:
        """`the page did not let the user approve: wrong password`."""
        return f"the page did not let the user {self.action}: {self.complaint}"


@dataclass(frozen=True)
class PageLoaded(Event):
    """A browser of the user got an answer."""

    kind = "page-loaded"
    method: str
    address: str
    """The URL without its query, which may hold codes."""
    status: int
    real: bool = False
    """Whether a real browser loaded it and not an HTTP client that reads forms."""

    def describe(self) -> str:
        """`page: GET https://server.example/device: 200`."""
        return f"{'browser' if self.real else 'page'}: {self.method} {self.address}: {self.status}"


@dataclass(frozen=True)
class ConnectionDropped(Event):
    """The check closed a connection without reading an answer."""

    kind = "connection-dropped"
    sent: str
    """What had been sent over it, in words."""

    def describe(self) -> str:
        """`half a request: connection closed by us`."""
        return f"{self.sent}: connection closed by us"


@dataclass(frozen=True)
class OverlapTried(Event):
    """The check tried whether the server answers one connection while another one has not finished its request."""

    kind = "overlap-tried"
    overlapping: bool
    """Whether it did."""
    seconds: float
    """How long the check waited at most, real time."""

    def describe(self) -> str:
        """`a request was answered beside an unfinished one: …`."""
        if self.overlapping:
            return "a request was answered beside an unfinished one: connections are served side by side"
        return f"a request was not answered for {self.seconds:g} s beside an unfinished one on another connection"


@dataclass(frozen=True)
class RoundBegan(Event):
    """A round of a race between two decisions of the user begins."""

    kind = "round-began"
    of_user = True
    number: int
    """From 1."""
    actions: tuple[str, ...]
    """`approve` and `deny`, in the order in which they are sent."""

    def describe(self) -> str:
        """`round 1: approve and deny at the same moment`."""
        return f"round {self.number}: {' and '.join(self.actions)} at the same moment"


@dataclass(frozen=True)
class Bar:
    """An operation of a history, from when it was invoked to when it was answered."""

    name: str
    """What was done, in words: `poll 2`."""
    answer: str
    """In words: `token 1`, `authorization_pending`; empty where nobody saw one."""
    began: float
    """Seconds since the history began, on the target's clock; while that stands, real time counts a thousandth."""
    ended: float | None
    """None: it was never answered, and may take effect at any time."""


@dataclass(frozen=True)
class HistoryDrawn(Event):
    """Operations on one grant overlapped, and an order was searched for that explains their answers."""

    kind = "history"
    bars: tuple[Bar, ...]
    """In the order in which they were invoked."""
    explained: bool
    """Whether there is one."""

    def describe(self) -> str:
        """`8 operations overlapped: no order explains their answers`."""
        which = "an order explains" if self.explained else "no order explains"
        return f"{len(self.bars)} operations on one grant: {which} their answers"


@dataclass(frozen=True)
class ClientStarted(Event):
    """The client under test is started."""

    kind = "client-started"
    scenario: str
    """What it is to do, in words."""

    def describe(self) -> str:
        """`the client runs: a login`."""
        return f"the client runs: {self.scenario}"


@dataclass(frozen=True)
class ClientEnded(Event):
    """A run of the client under test is over."""

    kind = "client-ended"
    status: int | None
    """Exit status, negative for a signal; None: it was still going on and was ended by us."""
    how: str
    """How it ended, in words behind `the client`."""

    def describe(self) -> str:
        """`the client ended with success`."""
        return f"the client {self.how}"


@dataclass(frozen=True)
class Noted(Event):
    """A remark for people, of which nothing else is made."""

    kind = "noted"
    remark: str

    def describe(self) -> str:
        """The remark itself."""
        return self.remark


OF_USER = frozenset(one.kind for one in Event.__subclasses__() if one.of_user)
"""Kinds of the events in which the user does something."""
