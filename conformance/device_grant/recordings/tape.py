"""What is kept of one check: its traffic in order, the user's actions, the generated cases, and the times of all."""

from __future__ import annotations

from dataclasses import dataclass, field

from device_grant.protocol import Request, Response  # noqa: TC001 - part of what a dataclass of this module holds
from device_grant.protocol.exchange import RAW

SHARED = "shared"
"""Name of the tape for what all checks share: discovery, and clients that are registered at their first use."""


@dataclass
class TapedExchange:
    """One request and what became of it: a response, what came over a raw socket, or an error."""

    request: Request
    """As it went out; its method is RAW for octets on a raw socket."""
    response: Response | None = None
    """The body is decoded from its content coding, and the headers do not name that any more."""
    at: float = 0.0
    """Seconds on the target's clock since the tape began."""
    took: float = 0.0
    """Seconds on the target's clock until the answer was there."""
    elapsed: float = 0.0
    """Real seconds until the answer was there."""
    reason: str = ""
    """Reason phrase of the response."""
    coding: str = ""
    """Content coding that the body had."""
    received: bytes = b""
    """Everything that came over a raw socket."""
    ending: str = ""
    """How the connection of a raw socket ended."""
    error: str = ""
    """Name of the httpx exception that came instead of a response."""
    message: str = ""
    """What that exception said."""
    action: int | None = None
    """Index of the user's action that it belongs to; None: the check sent it."""
    number: int = 0
    """Place among the interactions of its file, for messages; 0 for what is no interaction."""

    @property
    def raw(self) -> bool:
        """Whether octets were sent over a raw socket."""
        return self.request.method == RAW

    @property
    def label(self) -> str:
        """What messages call it."""
        line = line_of(self.request)
        return f"interaction {self.number} ({line})" if self.number else line


def line_of(request: Request) -> str:
    """Method and URL of a request, for messages."""
    return f"{'octets to' if request.method == RAW else request.method} {request.url}"


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
    """Whether it was the user module that broke (UserModuleError), not the page that refused (UserError)."""
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
    entries: list[TapedExchange] = field(default_factory=list)
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
    """Where it was read from; empty before it is written."""

    @property
    def place(self) -> str:
        """Where messages say that it is: file and check."""
        return f"{self.file}: {self.name}" if self.file else self.name
