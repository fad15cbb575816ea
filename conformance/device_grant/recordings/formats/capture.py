"""A capture, whatever file it came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from device_grant.protocol import Operation, Request, Response

Party = Literal["server", "client"]
PARTIES: tuple[Party, ...] = ("server", "client")
SILENT = "no answer"
"""How transcripts of ours call a timeout."""


@dataclass(frozen=True)
class Captured:
    """One request with its response, as a file holds them."""

    number: int
    """Place in the file, from 1, for messages."""
    request: Request
    response: Response | None = None
    """The body is decoded from its content coding; None: no response was captured."""
    bodiless: bool = False
    """Whether the file leaves out the body of the response, or has it in a coding that cannot be undone here."""
    unsent: bool = False
    """Whether the file leaves out the body of the request, or has something in its place that somebody put there."""
    headless: bool = False
    """Whether the file leaves out the media type of the request, which is told from the body then."""
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
    entries: tuple[Captured, ...]
    parties: tuple[Party, ...] = PARTIES
    """Who can be judged by it: the requests of a test suite say nothing of any client."""
    precision: float = 0.0
    """Seconds to which its times are exact; 0: well below what matters."""
    endpoints: Mapping[str, Operation] = field(default_factory=dict)
    """What is known of URLs beforehand, where the requests need not tell: those of a test suite may be malformed."""
    dialect: str = ""
    """Dialect that the file states; empty: it is told from the requests."""
    timing: str = ""
    """Where its times come from, in words for people, if not from the file itself."""


@dataclass(frozen=True)
class Format:
    """A form of files that captures come in; the registry is `device_grant.recordings.formats.FORMATS`."""

    title: str
    """What to give, in words for people: `a HAR file`."""
    fits: Callable[[Any], bool]
    """Whether a file has this form, by its content as `form` says."""
    read: Callable[[Path, Any], Capture]
    """The capture in such content; raises UsageError in one line that names the file, and the entry that is wrong."""
    form: Literal["data", "text", "octets"] = "data"
    """What `fits` and `read` are given: the data of a JSON or YAML file, its text, or its octets."""
