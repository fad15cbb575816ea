"""What is kept of one check: its traffic in order, the user's actions, the generated cases, and the times of all."""

from __future__ import annotations

from dataclasses import dataclass, field

Headers = tuple[tuple[str, str], ...]

SHARED = "shared"
"""Name of the tape for what all checks share: discovery, and clients that are registered at their first use."""


@dataclass(frozen=True)
class Sent:
    """A request as it went out; for octets on a raw socket the method is empty."""

    method: str
    url: str
    headers: Headers = ()
    content: bytes = b""

    @property
    def line(self) -> str:
        """Method and URL, for messages."""
        return f"{self.method or 'octets to'} {self.url}"


@dataclass(frozen=True)
class Got:
    """What came back."""

    status: int = 0
    reason: str = ""
    headers: Headers = ()
    content: bytes = b""
    """The body, decoded from its content coding; of a raw socket, everything that came."""
    coding: str = ""
    """The content coding that it had."""
    ending: str = ""
    """Of a raw socket: how the connection ended."""
    error: str = ""
    """Name of the httpx exception that came instead of a response."""
    message: str = ""
    """What that said."""


@dataclass
class Entry:
    """One request and what became of it."""

    sent: Sent
    got: Got
    at: float
    """Seconds on the target's clock since the tape began."""
    took: float = 0.0
    """Seconds on the target's clock until the answer was there."""
    elapsed: float = 0.0
    """The same in real seconds."""
    action: int | None = None
    """Index of the user's action that it belongs to; None: the check sent it."""
    number: int = 0
    """Place among the interactions of its file, for messages; 0 for what is no interaction."""

    @property
    def label(self) -> str:
        """What messages call it."""
        return f"interaction {self.number} ({self.sent.line})" if self.number else self.sent.line


@dataclass(eq=False)
class Action:
    """One thing that the user did."""

    do: str
    """`approve`, `deny`, or a step of Pages."""
    code: str = ""
    """The user code that was typed."""
    refused: str | None = None
    """Why the pages did not let the user; None: they did."""
    broke: bool = False
    """Whether it was the user module that gave up (SuiteError), not the page (UserError)."""
    seen: bool = True
    """Whether the check saw the pages; those that it did not see are kept without their content."""
    returned: int | None = None
    """Which of the action's requests brought the page that the step returned."""


@dataclass
class Tape:
    """One check, or what all of them share."""

    name: str
    began: float = 0.0
    """Seconds since the epoch on the target's clock."""
    entries: list[Entry] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    waits: list[tuple[float, float]] = field(default_factory=list)
    """When the check waited, in seconds of the tape, and for how long."""
    cases: dict[str, list[str]] = field(default_factory=dict)
    """Generated cases by batch, as JSON texts."""
    answers: dict[str, bool] = field(default_factory=dict)
    """What discovery learned about addresses, by address."""
    uncarried: dict[str, str] = field(default_factory=dict)
    """Why a requirement cannot be judged from this tape; `*` stands for all."""
    file: str = ""
    """Where it was read from, for messages."""
