"""Requests, responses, exchanges and transcripts, free of any HTTP library."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from device_grant.protocol.purpose import Purpose

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from device_grant.protocol.certificates import ClientCertificate
    from device_grant.protocol.events import Event

DEVICE_CODE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
"""Grant type of RFC 8628 section 3.4."""
REFRESH_TOKEN_GRANT = "refresh_token"  # noqa: S105 - the name of a grant type, not a secret

NO_RESPONSE = "no-response"
"""The outcome of a request that was not answered."""
UNREAD = "unread"
"""The outcome where the answer was beyond what the suite reads or waits for: nothing can be said of what it was."""
REFUSED = "refused"
"""A name of every outcome that is an error and leaves nothing open."""
_STILL_OPEN = ("authorization_pending", "slow_down")

RAW = "RAW"
"""In place of a method: the content is the whole message, octet by octet, which no HTTP library would send."""

Headers = tuple[tuple[str, str], ...]


class Operation(StrEnum):
    """The three operations, by their names in the RFC dialect's metadata; values are used in results."""

    REGISTRATION = "registration"
    """RFC 7591 section 3.1; AWS RegisterClient."""
    DEVICE_AUTHORIZATION = "device_authorization"
    """RFC 8628 section 3.1; AWS StartDeviceAuthorization."""
    TOKEN = "token"  # noqa: S105 - the name of an endpoint
    """RFC 8628 section 3.4; AWS CreateToken."""
    OTHER = "other"
    """Anything else that a check asks for: metadata, the verification page, an unknown path."""


@dataclass(frozen=True)
class Client:
    """A registered client and how it authenticates (RFC 6749 section 2.3)."""

    id: str
    secret: str | None = None
    authentication: str = "none"
    """`client_secret_basic`, `client_secret_post`, `none`, or one of the methods of mutual TLS; the AWS dialect always
    sends both members."""
    registered: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """Members of the registration response, canonical names; empty for clients known beforehand."""
    certificate: ClientCertificate | None = None
    """What it shows on connections of TLS (RFC 8705); None: nothing."""
    names_itself: frozenset[Operation] = field(default=frozenset(), compare=False)
    """Where its client_id stands in the body beside HTTP Basic, which some servers insist on."""

    @property
    def confidential(self) -> bool:
        """Whether the client has credentials that the server must check."""
        return self.secret is not None and self.authentication != "none"

    def named(self, operation: Operation) -> dict[str, str]:
        """The member by which it names itself at an endpoint beside HTTP Basic; empty where it does not."""
        return {"client_id": self.id} if operation in self.names_itself else {}


@dataclass(frozen=True)
class Request:
    """One HTTP request as it goes out."""

    method: str
    url: str
    headers: Headers = ()
    content: bytes = b""
    operation: Operation = Operation.OTHER
    aliases: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    """Canonical names of parameters by the other names that the dialect of its server has for them."""
    certificate: ClientCertificate | None = field(default=None, compare=False, repr=False)
    """Shown on the connection on which it is sent; None: nothing."""

    def header(self, name: str) -> str | None:
        """First value of a header, name matched case-insensitively."""
        return _first(self.headers, name)


@dataclass(frozen=True)
class Response:
    """One HTTP response as it came in; the body is complete and decoded from any content coding."""

    status: int
    headers: Headers = ()
    content: bytes = b""

    def header(self, name: str) -> str | None:
        """First value of a header, name matched case-insensitively."""
        return _first(self.headers, name)

    @property
    def media_type(self) -> str:
        """Content-Type without parameters, lower case; empty if the header is absent."""
        return (self.header("content-type") or "").partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        """The body as UTF-8, undecodable bytes shown as escapes."""
        return self.content.decode("utf-8", errors="backslashreplace")


@dataclass(frozen=True)
class Outcome:
    """A response as its dialect reads it: success members or an error code, under the RFC's snake_case names."""

    status: int
    code: str
    """`ok` for a success, else the OAuth error code; without one the name of a framework error
    (`SerializationException`) or `http-404`; `no-response` where the connection gave none, `unread` where the suite
    did not take the answer."""
    members: Mapping[str, Any] = field(default_factory=dict)
    """Members of the JSON object, canonical names; members that are null are left out."""
    error_type: str = ""
    """AWS dialect: the exception named in `x-amzn-ErrorType`, namespace and URI cut off."""

    @property
    def ok(self) -> bool:
        """Whether the operation succeeded."""
        return self.code == "ok"

    @property
    def names(self) -> frozenset[str]:
        """Names by which this may be accepted: its code, `http-400`, `http-4xx`, and AWS's exception name.

        `refused` is any error that grants nothing now or later: a pending code may still yield a token.
        """
        if self.ok or not self.status:
            return frozenset({self.code})
        collected = {self.code, f"http-{self.status}", f"http-{self.status // 100}xx", self.error_type} - {""}
        return frozenset(collected if self.code in _STILL_OPEN else collected | {REFUSED})


@dataclass(frozen=True)
class Exchange:
    """One request with its response, or with the reason why there was none."""

    request: Request
    response: Response | None
    outcome: Outcome
    started: float
    """Seconds on the target's clock since the transcript began."""
    ended: float
    elapsed: float = 0.0
    """Real seconds between sending and having the whole response (travelled clocks stand still meanwhile)."""
    error: str = ""
    """Why there is no response, for example `connection reset`."""
    label: str = ""
    """What the check was doing, in words for people: `poll after expiry`."""
    connection: str = ""
    purpose: Purpose = Purpose.OTHER
    """What the request was sent for."""
    malformation: str = ""
    """How a malformed request is wrong: the kind of malformation, and the member if there is one."""
    journal: str = ""
    """What the server wrote of its troubles when it answered 5xx: a traceback, or lines of its log."""
    came: Response | None = field(default=None, repr=False)
    """The answer as it came, where a dialect says in its own way what `response` says in the RFC's; None: as it is."""

    @property
    def code(self) -> str:
        """Short for `exchange.outcome.code`."""
        return self.outcome.code

    @property
    def status(self) -> int:
        """HTTP status; 0 without a response."""
        return self.outcome.status

    def get(self, name: str) -> Any:
        """A member of the response by canonical name; None if absent or null."""
        return self.outcome.members.get(name)

    @property
    def on_the_wire(self) -> Response | None:
        """The answer octet by octet as the server sent it."""
        return self.came or self.response

    # As the evidence of a judgement.

    @property
    def entries(self) -> tuple[Exchange]:
        """What a result shows of it: the exchange itself."""
        return (self,)

    @property
    def unanswered(self) -> bool:
        """Whether a lost connection leaves nothing to judge; to raw octets it is an answer."""
        return self.response is None and self.request.method != RAW

    def describe(self, _holds: bool | None = None) -> str:  # noqa: FBT001 - of a judgement, which changes nothing here
        """The outcome in a few words, stable enough for a baseline to match."""
        answer = self.on_the_wire
        if answer is None:
            return f"no response ({self.error.partition(':')[0]})"
        if self.code == f"http-{self.status}":
            kind = answer.media_type or "no content type"
            return f"{self.status} without an error code ({kind})"
        return f"{answer.status if self.came else self.status} {self.code}"


@dataclass
class Transcript:
    """Everything that happened in one check, in order."""

    entries: list[Exchange | Event] = field(default_factory=list)

    def append(self, entry: Exchange | Event) -> None:
        """Add the next entry."""
        self.entries.append(entry)

    @property
    def exchanges(self) -> list[Exchange]:
        """The exchanges alone."""
        return [entry for entry in self.entries if isinstance(entry, Exchange)]

    def __iter__(self) -> Iterator[Exchange | Event]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)


def _first(headers: Headers, name: str) -> str | None:
    wanted = name.lower()
    return next((value for key, value in headers if key.lower() == wanted), None)
