"""Requests that reach the server at the same moment, and browsers that decide side by side.

In process the requests are concurrent tasks or threads of the target. Over a socket each is written to a connection of
its own but for its last octet; then the last octets go out in one loop, microseconds apart, so that neither connecting
nor threads of ours spread the requests in time.
"""

from __future__ import annotations

import selectors
import socket
import ssl
import time
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING

import httpx

from device_grant.protocol import DEVICE_CODE_GRANT, Operation
from device_grant.protocol.events import OverlapTried
from device_grant.protocol.http1 import parse_responses, until_closed
from device_grant.targets.dispatch import Dispatch, dispatched, together
from device_grant.targets.transports.limits import TooLarge, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from device_grant.protocol import Client, Exchange, Request, Response
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Grant
    from device_grant.targets.dispatch import Meanwhile

DEADLINE = 15.0
"""Real seconds for all answers of one race."""
SETTLED = 0.02
"""Real seconds between the bulk of the requests and their last octets: the server has read all of the former."""
PATIENCE = 2.0
"""Real seconds after which a request that waits beside an unfinished one counts as held up by it."""
_BLOCK = 65_536
_LARGEST = 2**20 + 2**16
"""Octets of an answer that are read: as much content as others may have by default, and its head."""


@dataclass
class Race:
    """Races of one check; `case` gets the exchanges and their story."""

    case: ServerCase

    def send(self, requests: Sequence[httpx.Request]) -> list[httpx.Response | Exception]:
        """The answers, in the order of the requests; a request that got none has the reason in its place."""
        return together(self.overlap, requests)

    def overlap(self, dispatches: Sequence[Dispatch], meanwhile: Meanwhile | None = None) -> None:
        """Send requests side by side, each after its delay, and fill in their answers and moments."""
        target = self.case.run.target
        if target.in_process:
            target.overlap(dispatches, meanwhile)
            return
        try:
            lanes = _connected(dispatches)
        except (OSError, UnicodeError):
            # A proxy, or a host that only the HTTP library can reach: it has its own way of being quick.
            target.overlap(dispatches, meanwhile)
        else:
            _released(lanes, meanwhile)

    def dispatch(self, request: Request, *, delay: float = 0.0, dropped: bool = False) -> Dispatch:
        """A request of the protocol, to be sent with others."""
        return Dispatch(self.case.run.build(request), delay, dropped)

    def exchange(self, requests: Sequence[Request], label: str) -> list[Exchange]:
        """Send requests of the protocol together; their exchanges are kept and judged by the invariants."""
        run = self.case.run
        with self.case.redeeming():
            answers = self.send([run.build(request) for request in requests])
        return [
            self.case.take(run.read(request, answer, self.case.began, label))
            for request, answer in zip(requests, answers, strict=True)
        ]

    def poll(self, grant: Grant, client: Client | None = None) -> Request:
        """A poll of the grant, to be sent with others; by another client if one is given."""
        client = client or grant.device.client
        return self.token_request(client, grant_type=DEVICE_CODE_GRANT, device_code=grant.device_code)

    def token_request(self, client: Client, **members: str) -> Request:
        """A token request with these members."""
        run = self.case.run
        return run.dialect.encode(Operation.TOKEN, run.url(Operation.TOKEN), members, client)

    def held_up(self, request: Request) -> str:
        """Why the target cannot be raced, after trying: empty if it serves one connection beside another.

        `request` is sent but for its last octet and, before that follows, once more as a whole on a second connection.
        A server that lets the second wait for the first never has two requests in hand.
        """
        run = self.case.run
        if run.target.in_process:
            return ""
        built = run.build(request)
        try:
            first, second = _connected(dispatched([built, built]))
        except (OSError, UnicodeError):
            return ""
        first.write()
        second.write()
        second.finish()
        beside = _answers([second], PATIENCE)
        first.finish()
        _answers([first, second], DEADLINE)
        overlapping = beside[0] is not None
        self.case.transcript.append(OverlapTried(self.case.now(), overlapping, PATIENCE))
        if overlapping:
            return ""
        return "the target serves one connection at a time, so that requests never overlap: give it more workers"


@dataclass
class _Lane:
    """One request on a connection of its own; raises OSError if there is none to be had."""

    dispatch: Dispatch
    buffer: bytes = b""
    octets: bytes = field(init=False)
    connection: socket.socket = field(init=False)

    def __post_init__(self) -> None:
        self.octets = octets(self.request)
        url = self.request.url
        connection = socket.create_connection((url.host, url.port or (443 if url.scheme == "https" else 80)), DEADLINE)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection = _encrypted(connection, url.host) if url.scheme == "https" else connection

    @property
    def request(self) -> httpx.Request:
        """What is sent."""
        return self.dispatch.request

    @property
    def answer(self) -> httpx.Response | Exception | None:
        """What came of it so far."""
        return self.dispatch.answer

    def write(self) -> None:
        """All but the last octet. From now on the server knows what is asked, and may act on it."""
        self.dispatch.begin()
        self._send(self.octets[:-1])

    def finish(self) -> None:
        """The last octet: only now is there a request to serve."""
        self._send(self.octets[-1:])
        if self.dispatch.dropped and self.answer is None:
            self._end(httpx.ReadError("closed", request=self.request))

    def whole(self) -> None:
        """Both at once, unless it is over already."""
        if self.answer is None:
            self.write()
            self.finish()

    def _send(self, octets: bytes) -> None:
        try:
            self.connection.sendall(octets)
        except OSError as error:
            self._end(httpx.WriteError(str(error), request=self.request))

    def read(self) -> None:
        """Take what has come; with a complete response, or without hope of one, the connection is closed."""
        block = b""
        try:
            block = self.connection.recv(_BLOCK)
            # What TLS has decrypted already is invisible to the selector.
            while isinstance(self.connection, ssl.SSLSocket) and self.connection.pending():
                self.buffer += block
                block = self.connection.recv(_BLOCK)
        except ssl.SSLWantReadError:
            return
        except OSError as error:
            self._end(httpx.ReadError(str(error), request=self.request))
            return
        self.buffer += block
        if len(self.buffer) > _LARGEST:
            self._end(TooLarge(f"an answer goes on after {_LARGEST} octets", request=self.request))
            return
        responses, _ = parse_responses(self.buffer, head=self.request.method == "HEAD")
        result = responses[0] if responses else None if block else until_closed(self.buffer)
        if result is not None:
            self._end(_as_httpx(result, self.request))
        elif not block:
            self._end(httpx.RemoteProtocolError("connection closed without a response", request=self.request))

    def _end(self, answer: httpx.Response | Exception) -> None:
        self.dispatch.end(answer)
        # At once: a server that serves one connection after another waits for this before it looks at the next.
        self.connection.close()


def _as_httpx(response: Response, request: httpx.Request) -> httpx.Response | Exception:
    headers = [(name, value) for name, value in response.headers if name.lower() != "transfer-encoding"]
    answer = httpx.Response(response.status, headers=headers, stream=httpx.ByteStream(response.content))
    return whole(answer, request, _LARGEST)


def octets(request: httpx.Request) -> bytes:
    """The request as HTTP/1.1, on a connection that ends with it."""
    lines = [request.method.encode("ascii") + b" " + request.url.raw_path + b" HTTP/1.1"]
    lines += [name + b": " + value for name, value in request.headers.raw if name.lower() != b"connection"]
    return b"\r\n".join([*lines, b"Connection: close", b"", b""]) + request.read()


def _connected(dispatches: Sequence[Dispatch]) -> list[_Lane]:
    lanes: list[_Lane] = []
    try:
        lanes.extend(_Lane(dispatch) for dispatch in dispatches)
    except (OSError, UnicodeError):
        for lane in lanes:
            lane.connection.close()
        raise
    return lanes


def _released(lanes: Sequence[_Lane], meanwhile: Meanwhile | None = None) -> None:
    at_once = [lane for lane in lanes if not lane.dispatch.delay]
    for lane in at_once:
        lane.write()
    # The server's threads or its loop come to wait for the rest; some refuse a request without having it whole.
    _answers(at_once, SETTLED)
    for lane in at_once:
        if lane.answer is None:
            lane.finish()
    began = time.perf_counter()
    due: list[tuple[float, _Lane | None]] = [(lane.dispatch.delay, lane) for lane in lanes if lane.dispatch.delay]
    due += [(meanwhile.delay, None)] if meanwhile is not None else []
    sent = list(at_once)
    for delay, next_lane in sorted(due, key=itemgetter(0)):
        _answers(sent, began + delay - time.perf_counter())
        time.sleep(max(0.0, began + delay - time.perf_counter()))
        if next_lane is not None:
            next_lane.whole()
            sent.append(next_lane)
        elif meanwhile is not None:
            meanwhile.action()
    _answers(lanes, DEADLINE)
    for lane in lanes:
        lane.connection.close()
        if lane.answer is None:
            lane.dispatch.end(httpx.ReadTimeout(f"no answer within {DEADLINE:g} s", request=lane.request))


def _answers(lanes: Sequence[_Lane], deadline: float) -> list[httpx.Response | Exception | None]:
    """Read until every lane has its answer or the deadline has passed."""
    until = time.perf_counter() + deadline
    with selectors.DefaultSelector() as selector:
        for lane in lanes:
            if lane.answer is None:
                lane.connection.settimeout(0)
                selector.register(lane.connection, selectors.EVENT_READ, lane)
        while selector.get_map() and (left := until - time.perf_counter()) > 0:
            for key, _ in selector.select(left):
                lane = key.data
                lane.read()
                if lane.answer is not None:
                    selector.unregister(key.fileobj)
    return [lane.answer for lane in lanes]


def _encrypted(connection: socket.socket, host: str) -> socket.socket:
    # No ALPN: without it the server speaks HTTP/1.1, whose last octet can be held back.
    return httpx.create_ssl_context().wrap_socket(connection, server_hostname=host)
