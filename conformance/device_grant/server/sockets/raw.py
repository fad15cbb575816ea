"""A raw-socket client: exact octets out, what came back in, never longer than a deadline.

For what an HTTP library would refuse to send: two lengths in one request, control characters in a field, half a body.
"""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from device_grant.judging import Untestable
from device_grant.protocol import Exchange, Outcome, Purpose, Request, Response
from device_grant.protocol.events import ConnectionDropped
from device_grant.protocol.exchange import RAW
from device_grant.protocol.http1 import read_responses

if TYPE_CHECKING:
    from device_grant.server.session.case import ServerCase

DEADLINE = 5.0
"""Real seconds from sending to the end of reading."""
QUIET = 0.3
"""Real seconds of silence after a complete response, after which the connection counts as kept open."""
_LARGEST = 1024 * 1024
_BLOCK = 65_536


@dataclass(frozen=True)
class RawAnswer:
    """What a server did with the octets that it was sent."""

    responses: tuple[Response, ...]
    """Complete responses in the order of their coming; a 1xx is left out."""
    ending: str
    """`open` after a complete response, `closed`, `reset`, or `timeout` if nothing complete came in time."""
    rest: bytes = b""
    """Octets after the last complete response, for example the content of a response to HEAD."""
    elapsed: float = 0.0
    """Real seconds."""

    @property
    def status(self) -> int:
        """Status of the first response; 0 if there is none."""
        return self.responses[0].status if self.responses else 0

    @property
    def refused(self) -> bool:
        """Whether the request was refused: by a 4xx or 501, or by closing the connection without a word."""
        if not self.responses:
            return self.ending in ("closed", "reset")
        return all(response.status // 100 == 4 or response.status == 501 for response in self.responses)

    @property
    def server_error(self) -> bool:
        """Whether a response is a 5xx other than 501 (not implemented) and 505 (HTTP version)."""
        return any(response.status >= 500 and response.status not in (501, 505) for response in self.responses)


class RawClient:
    """Connections to the host of one URL; raises Untestable where there is no socket to speak of."""

    def __init__(self, case: ServerCase, url: str) -> None:
        if case.run.target.in_process:
            raise Untestable("no socket: the target is called in process")
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise Untestable("octets are written to plain HTTP only: give the target an http:// address")
        self._case = case
        self._url = url
        self._address = (parts.hostname, parts.port or 80)
        self.host = parts.netloc
        self.path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    def message(
        self, request: Request, *extra: bytes, host: bytes | None = b"", length: bytes | None = b"", method: str = ""
    ) -> bytes:
        """The request as octets, `extra` being header lines without their CRLF.

        `host` and `length` replace the lines of Host and Content-Length; None leaves the line out.
        """
        lines = [f"{method or request.method} {self.path} HTTP/1.1".encode()]
        if host is not None:
            lines.append(host or b"Host: " + self.host.encode())
        lines += [f"{name}: {value}".encode() for name, value in request.headers]
        if length is not None:
            lines.append(length or b"Content-Length: " + str(len(request.content)).encode())
        return b"\r\n".join([*lines, *extra, b"", b""]) + request.content

    def send(  # noqa: PLR0913 - each says one thing about the octets
        self,
        octets: bytes,
        label: str,
        request: Request,
        *,
        expected: int = 1,
        head: bool = False,
        half_close: bool = False,
    ) -> tuple[RawAnswer, Exchange]:
        """Send the octets over a new connection and read `expected` responses, or until the connection ends.

        The exchange is for the report; the invariants do not judge it, since answers to broken HTTP come from the
        HTTP server and not from the endpoint. `half_close` ends our side after the octets.
        """
        case, began = self._case, time.perf_counter()
        started = case.now()

        def talk() -> tuple[bytes, str]:
            with _Conversation(self._address, DEADLINE) as conversation:
                return conversation.hold(octets, expected=expected, head=head, half_close=half_close)

        received, ending = case.run.target.talk(self._url, octets, talk)
        elapsed = time.perf_counter() - began
        responses, rest = read_responses(received, closed=ending == "closed", head=head)
        answer = RawAnswer(responses, ending, rest, elapsed)
        case.run.count()
        case.run.secrets.register_variants(octets.decode("latin-1"))
        response = answer.responses[0] if answer.responses else None
        shown = Request(RAW, self._url, (), octets[:_BLOCK], request.operation)
        came, outcome = response, Outcome(0, "no-response")
        if came is not None:
            response, outcome = case.run.dialect.read(request, came)
            came = None if response is came else came
        case.run.remember(outcome)
        error = "" if response is not None else f"connection {answer.ending}"
        exchange = Exchange(
            shown,
            response,
            outcome,
            started,
            case.now(),
            elapsed,
            error,
            f"raw: {label}",
            purpose=Purpose.RAW,
            came=came,
        )
        case.transcript.append(exchange)
        return answer, exchange

    def abandon(self, octets: bytes, label: str) -> None:
        """Send octets and close the connection at once, without reading."""

        def write() -> None:
            with _Conversation(self._address, DEADLINE) as conversation:
                conversation.write(octets)

        self._case.run.target.hang_up(write)
        self._case.transcript.append(ConnectionDropped(self._case.now(), label))


class _Conversation:
    """One connection with a deadline for everything."""

    def __init__(self, address: tuple[str, int], deadline: float) -> None:
        self._address = address
        self._until = time.perf_counter() + deadline
        self._socket: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._socket is not None:
            self._socket.close()

    def write(self, octets: bytes) -> str:
        """Connect and send; empty if all went out, else why not."""
        try:
            self._socket = socket.create_connection(self._address, timeout=self._left())
            self._socket.settimeout(self._left())
            self._socket.sendall(octets)
        except TimeoutError:
            return "timeout"
        except (OSError, UnicodeError):  # the latter of a name with labels that are empty or too long
            return "reset"
        return ""

    def hold(self, octets: bytes, *, expected: int, head: bool, half_close: bool) -> tuple[bytes, str]:
        """Send, then read until there is nothing more to wait for: what came, and how it ended (see RawAnswer)."""
        failed = self.write(octets)
        if self._socket is None:
            return b"", failed
        # Even after a failed write there may be an answer: a server may refuse before it has read everything.
        if half_close and not failed:
            try:
                self._socket.shutdown(socket.SHUT_WR)
            except OSError:
                failed = "reset"
        received = b""
        while True:
            responses, _ = read_responses(received, closed=False, head=head)
            block = self._receive(QUIET if len(responses) >= expected else None)
            if isinstance(block, str):
                responses, _ = read_responses(received, closed=block == "closed", head=head)
                if failed and not responses:
                    return received, failed
                return received, "open" if block == "timeout" and responses else block
            received += block
            if len(received) > _LARGEST:
                return received, "timeout"

    def _receive(self, quiet: float | None) -> bytes | str:
        assert self._socket is not None
        wait = self._left() if quiet is None else min(quiet, self._left())
        try:
            self._socket.settimeout(max(wait, 0.001))
            block = self._socket.recv(_BLOCK)
        except TimeoutError:
            return "timeout"
        except OSError:
            return "reset"
        return block or "closed"

    def _left(self) -> float:
        return max(self._until - time.perf_counter(), 0.001)
