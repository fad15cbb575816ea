"""HTTP/1.1 in octets: requests read strictly by h11, responses read leniently, chunks written.

A request comes from a client under test, and whatever is no request is not served. A response comes from a server that
was sent broken HTTP on purpose, and may be anything: it is read as far as it can be.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import h11

from device_grant.protocol.exchange import Request, Response

if TYPE_CHECKING:
    from device_grant.protocol.exchange import Headers

END_OF_HEAD = b"\r\n\r\n"
LARGEST_HEAD = 65_536
LARGEST_BODY = 1_048_576
_WITHOUT_CONTENT = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
_HOST = re.compile(rb"\r?\nhost[ \t]*:", re.IGNORECASE)


# Requests.


class BrokenRequestError(ValueError):
    """Octets that are no HTTP/1 request; the message says why."""


@dataclass(frozen=True)
class RequestHead:
    """Request line and header section."""

    method: str
    target: str
    headers: Headers
    version: str = "1.1"
    """Of HTTP: `1.0` or `1.1`."""

    def header(self, name: str) -> str:
        """First value of a header, named in lower case; empty if absent."""
        return next((value for key, value in self.headers if key.lower() == name), "")

    @property
    def length(self) -> int | None:
        """Content-Length in octets, at most LARGEST_BODY; None if absent."""
        value = self.header("content-length")
        return min(int(value), LARGEST_BODY) if value.isdecimal() else None

    @property
    def chunked(self) -> bool:
        """Whether the body comes in chunks."""
        return "chunked" in self.header("transfer-encoding").lower()

    @property
    def keeps_alive(self) -> bool:
        """Whether the client means to go on over this connection."""
        options = [option.strip() for option in self.header("connection").lower().split(",")]
        return "keep-alive" in options if self.version == "1.0" else "close" not in options

    def request(self, base: str, content: bytes) -> Request:
        """The request; a target in absolute form is reduced to what follows the authority."""
        target = self.target
        if "://" in target:
            parts = urlsplit(target)
            target = parts.path + (f"?{parts.query}" if parts.query else "")
        return Request(self.method, base + target, self.headers, content)


class RequestReader:
    """One request, read as its octets come. A body that neither a length nor chunks announce is not read."""

    def __init__(self, octets: bytes) -> None:
        """`octets` are the head with the empty line after it; raises BrokenRequestError if they are none."""
        self._connection = h11.Connection(h11.SERVER, max_incomplete_event_size=LARGEST_HEAD)
        self.content = b""
        self.complete = False
        """Whether the last octet of an announced body has come."""
        # h11 refuses a request without Host. Ours are judged, not refused, so one is lent for reading.
        hostless = _HOST.search(octets) is None
        if hostless:
            octets = octets.removesuffix(END_OF_HEAD) + b"\r\nHost: -" + END_OF_HEAD
        self._connection.receive_data(octets)
        event = self._event()
        if not isinstance(event, h11.Request) or not event.http_version.startswith(b"1."):
            raise BrokenRequestError("no head of an HTTP/1 request")
        pairs = event.headers.raw_items()
        self.head = RequestHead(
            event.method.decode("latin-1"),
            event.target.decode("latin-1"),
            tuple(
                (name.decode("latin-1"), value.decode("latin-1")) for name, value in (pairs[:-1] if hostless else pairs)
            ),
            event.http_version.decode("latin-1"),
        )
        self._read()

    def feed(self, octets: bytes) -> None:
        """Go on with the octets of the body; raises BrokenRequestError where they break its framing."""
        self._connection.receive_data(octets)
        self._read()

    def _read(self) -> None:
        while isinstance(event := self._event(), h11.Data):
            self.content += bytes(event.data)
        self.complete = self.complete or isinstance(event, h11.EndOfMessage)

    def _event(self) -> object:
        try:
            return self._connection.next_event()
        except h11.RemoteProtocolError as error:
            raise BrokenRequestError(str(error)) from None


def chunked(*parts: bytes) -> bytes:
    """A body of these chunks and the last, empty one; empty parts are left out, since one of them would end it."""
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts if part) + b"0\r\n\r\n"


# Responses.


def read_responses(received: bytes, *, closed: bool, head: bool = False) -> tuple[tuple[Response, ...], bytes]:
    """All responses in what came, and the octets after the last; `closed` says that nothing more will come.

    `head` says that they answer HEAD and have no content.
    """
    responses, rest = parse_responses(received, head=head)
    last = until_closed(rest) if closed else None
    if last is None:
        return tuple(responses), rest
    return (*responses, last), b""


def parse_responses(buffer: bytes, *, head: bool = False) -> tuple[list[Response], bytes]:
    """Complete responses at the start of the buffer, and the octets after them; 1xx responses are dropped.

    A response without Content-Length and without chunks ends with the connection: see `until_closed`.
    """
    collected: list[Response] = []
    while True:
        parsed = _one(buffer, head=head)
        if parsed is None:
            return collected, buffer
        response, buffer = parsed
        if not _interim(response):
            collected.append(response)


def until_closed(buffer: bytes) -> Response | None:
    """The response whose content goes on until the connection is closed; None if there is no such one."""
    parsed = _head_of(buffer)
    if parsed is None:
        return None
    response, rest = parsed
    if response.header("content-length") is not None or response.header("transfer-encoding") is not None:
        return None
    return Response(response.status, response.headers, rest)


def _one(buffer: bytes, *, head: bool) -> tuple[Response, bytes] | None:
    parsed = _head_of(buffer)
    if parsed is None:
        return None
    bare, rest = parsed
    if head or _interim(bare) or bare.status in _WITHOUT_CONTENT:
        return bare, rest
    if "chunked" in (bare.header("transfer-encoding") or "").lower():
        body = _dechunked(rest)
    else:
        length = bare.header("content-length") or ""
        if not length.isdigit() or len(rest) < int(length):
            return None
        body = rest[: int(length)], rest[int(length) :]
    if body is None:
        return None
    return Response(bare.status, bare.headers, body[0]), body[1]


def _head_of(buffer: bytes) -> tuple[Response, bytes] | None:
    block, separator, rest = buffer.partition(b"\r\n\r\n")
    if not separator:
        return None
    first, *lines = block.split(b"\r\n")
    version, _, after = first.partition(b" ")
    status = after.partition(b" ")[0]
    if not version.startswith(b"HTTP/1.") or not status.isdigit():
        return None
    pairs = (line.partition(b":") for line in lines)
    headers = tuple((name.decode("latin-1").strip(), value.decode("latin-1").strip()) for name, _, value in pairs)
    return Response(int(status), headers), rest


def _interim(response: Response) -> bool:
    """Whether it is a 1xx, after which the response itself comes."""
    return response.status < HTTPStatus.OK


def _dechunked(rest: bytes) -> tuple[bytes, bytes] | None:
    body = b""
    while True:
        size, separator, rest = rest.partition(b"\r\n")
        if not separator:
            return None
        try:
            length = int(size.partition(b";")[0], 16)
        except ValueError:
            return None
        if len(rest) < length + 2:
            return None
        body, rest = body + rest[:length], rest[length + 2 :]
        if length == 0:
            return body, rest
