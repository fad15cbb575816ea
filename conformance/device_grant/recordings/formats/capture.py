"""A capture, whatever file it came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_grant.protocol import Operation

Headers = tuple[tuple[str, str], ...]
Party = Literal["server", "client"]
PARTIES: tuple[Party, ...] = ("server", "client")


@dataclass(frozen=True)
class Entry:
    """One request with its response, as a file holds them."""

    number: int
    """Place in the file, from 1, for messages."""
    method: str
    url: str
    headers: Headers = ()
    content: bytes = b""
    """Body of the request."""
    status: int = 0
    """0: no response was captured."""
    answered: Headers = ()
    """Headers of the response."""
    answer: bytes | None = b""
    """Body of the response, decoded from its content coding; None: the file leaves it out."""
    started: float | None = None
    """Seconds on any clock that is the same for the whole file; None: the file does not say."""
    took: float | None = None
    """Seconds until the response was complete; None: the file does not say."""
    error: str = ""
    """Why there is no response."""
    rebuilt: bool = False
    """Whether the body of the request was put together from parameters that the file lists."""
    octets: bool = True
    """Whether the answer is octet by octet what was sent, and not what a browser made of it."""
    name: str = ""
    """What the file calls it."""
    unsettled: Mapping[str, str] = field(default_factory=dict)
    """Requirements that this entry cannot settle, and why."""


@dataclass(frozen=True)
class Capture:
    """A file that was read."""

    file: str
    kind: str
    """What the file is, in words for people."""
    entries: tuple[Entry, ...]
    parties: tuple[Party, ...] = PARTIES
    """Who can be judged by it: the requests of a test suite say nothing of any client."""
    precision: float = 0.0
    """Seconds to which its times are exact; 0: well below what matters."""
    endpoints: Mapping[str, Operation] = field(default_factory=dict)
    """What is known of URLs beforehand, where the requests need not tell: those of a test suite may be malformed."""
    dialect: str = ""
    """Dialect that the file states; empty: it is told from the requests."""
