"""The scripted server on loopback sockets, plain or TLS, and the proxy for clients that cannot be pointed elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
import time
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self, TypeVar

from device_grant.protocol.certificates import ClientCertificate
from device_grant.protocol.http1 import (
    END_OF_HEAD,
    LARGEST_BODY,
    LARGEST_HEAD,
    BrokenRequestError,
    RequestHead,
    RequestReader,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from device_grant.client.scripted.authority import Authority
    from device_grant.client.scripted.replies import Fate, Reply
    from device_grant.protocol import Request

T = TypeVar("T")
_ENDS = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, BrokenRequestError)
"""How a connection ends of which nothing more can be served."""
_LONGEST_HANG = 300.0
"""Real seconds after which a silent connection is closed; the run has ended long before."""
_REFUSAL = 0.02
"""Real seconds in which the loopback interface says that nobody reads."""
_UNFRAMED = 0.05
"""Real seconds in which a body that nothing announces may follow its head."""


class _Server(ABC):
    """A listening socket of 127.0.0.1 and the connections to it."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(
        self,
        context: ssl.SSLContext | None = None,
        wanted: int = 0,
        made: Callable[[int], socket.socket | None] = lambda _port: None,
    ) -> int:
        """Listen on 127.0.0.1, at the port that is wanted or else at a free one, and say which.

        `made` gives the listening socket for a port, in another network perhaps; None: one of our own will do.
        """
        self._made = made
        try:
            self._server = await self._listen(context, wanted)
        except OSError:
            if not wanted:
                raise
            self._server = await self._listen(context, 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _listen(self, context: ssl.SSLContext | None, port: int) -> asyncio.Server:
        there = self._made(port)
        if there is not None:
            return await asyncio.start_server(self._serve, sock=there, ssl=context, limit=LARGEST_BODY)
        return await asyncio.start_server(
            self._serve, "127.0.0.1", port, ssl=context, limit=LARGEST_BODY, reuse_address=True
        )

    async def close(self) -> None:
        """Stop listening, and drop every connection."""
        if self._server is not None:
            self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio runs this as a task
        self._tasks.add(task)
        try:
            with contextlib.suppress(
                OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, BrokenRequestError
            ):
                await self._connection(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            self._tasks.discard(task)
            writer.close()

    @abstractmethod
    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it is over."""


class Listener(_Server):
    """One listening socket with what answers there; `aliases`: where the endpoints for mutual TLS are."""

    def __init__(self, authority: Authority, began: float, scale: float, *, aliases: bool = False) -> None:
        super().__init__()
        self.authority = authority
        self._aliases = aliases
        self._began = began
        self._scale = scale
        self._connections = 0

    def _now(self) -> float:
        return (time.monotonic() - self._began) * self._scale

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        name = f"{'alias ' if self._aliases else ''}{self._connections}"
        while await self._one(reader, writer, name):
            pass

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str) -> bool:
        """Answer one request; False where the connection is over."""
        first = await reader.read(1)
        if not first:
            return False
        # The first octet's arrival: a client that waits cannot have sent it earlier.
        started = self._now()
        octets = first + await reader.readuntil(END_OF_HEAD)
        if len(octets) > LARGEST_HEAD:
            return False
        incoming = RequestReader(octets)
        head = incoming.head
        if head.header("expect").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        content = await _body(reader, incoming)
        mutual = self.authority.mutual
        request = head.request(mutual.base if mutual and self._aliases else self.authority.base, content)
        request = replace(request, operation=self.authority.operation(request), certificate=_shown(writer))
        reply = self.authority.answer(request)
        if reply.delay:
            try:
                await asyncio.sleep(reply.delay / self._scale)
            except asyncio.CancelledError:
                # The run is over: what was asked in it belongs to it all the same.
                fate: Fate = "missed" if reader.at_eof() else "hang"
                self._record(request, replace(reply, fate=fate), started, self._now(), name)
                raise
        # Before it is written: from here on the client may have the answer and begin to wait.
        ended = self._now()
        if reply.fate == "hang":
            # Noted now, since a client that goes away takes the connection with it.
            self._record(request, reply, started, ended, name)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LONGEST_HANG):
                    await reader.read(1)
            return False
        if reply.fate == "reset":
            self._record(request, reply, started, ended, name)
            _reset(writer)
            return False
        begun = 0
        if reply.delay and reader.at_eof():
            begun = 1
            if await _missed(writer, reply.octets[:begun]):
                # It gave up: from when on it waits before its next request, nobody sees.
                self._record(request, replace(reply, fate="missed"), started, ended, name)
                return False
        self._record(request, reply, started, ended, name)
        writer.write(reply.octets[begun:])
        await writer.drain()
        return head.keeps_alive and not reply.closes

    def _record(self, request: Request, reply: Reply, started: float, ended: float, name: str) -> None:
        self.authority.record(request, reply, started, ended, name)


class Proxy(_Server):
    """An HTTP proxy that leads CONNECT for the known hosts to the listeners of the run, and refuses all others."""

    def __init__(self, ports: Mapping[str, int]) -> None:
        super().__init__()
        self._ports = ports
        self.refused: list[str] = []
        """Hosts that the client asked for in vain."""

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        octets = await reader.readuntil(END_OF_HEAD)
        try:
            head = RequestReader(octets).head
        except BrokenRequestError:
            head = RequestHead("", "?", ())
        host = head.target.rpartition(":")[0].lower() if head.method == "CONNECT" else ""
        if host not in self._ports:
            self.refused.append(host or head.target)
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
            return
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._ports[host])
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        try:
            # One way that ends, or is reset, ends the other one too.
            ways = [
                asyncio.ensure_future(_pump(reader, inner_writer)),
                asyncio.ensure_future(_pump(inner_reader, writer)),
            ]
            done, left = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in left:
                way.cancel()
            if any(way.exception() for way in done):
                _reset(writer)
        finally:
            inner_writer.close()


class Loop:
    """An event loop in a thread of its own, in which all servers of a run live."""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        # A client that refuses our certificate on purpose is no news.
        self._loop.set_exception_handler(lambda _loop, _context: None)
        self._thread = threading.Thread(target=self._loop.run_forever, name="scripted-server", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run it in the loop and wait for its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)


async def _body(reader: asyncio.StreamReader, incoming: RequestReader) -> bytes:
    head = incoming.head
    if head.chunked:
        while not incoming.complete and len(incoming.content) < LARGEST_BODY:
            incoming.feed(await reader.readuntil(b"\r\n"))
        return incoming.content
    if head.length is not None:
        incoming.feed(await reader.readexactly(head.length))
        return incoming.content
    if head.method in ("GET", "HEAD"):
        return b""
    try:
        async with asyncio.timeout(_UNFRAMED):
            return await reader.read(LARGEST_BODY)
    except TimeoutError:
        return b""


def _shown(writer: asyncio.StreamWriter) -> ClientCertificate | None:
    """The certificate that the client has shown on the connection, where it was asked for one."""
    tls = writer.get_extra_info("ssl_object")
    der = tls.getpeercert(binary_form=True) if tls is not None else None
    return ClientCertificate(ssl.DER_cert_to_PEM_cert(der)) if der else None


async def _missed(writer: asyncio.StreamWriter, octets: bytes) -> bool:
    """Send the beginning of an answer to a client that sends no more: whether it reads no more either."""
    raw = writer.get_extra_info("socket")
    try:
        writer.write(octets)
        await writer.drain()
        await asyncio.sleep(_REFUSAL)
        return writer.transport.is_closing() or raw.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0
    except OSError:
        return True


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while octets := await reader.read(65_536):
        writer.write(octets)
        await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    """End the connection by RST instead of FIN."""
    raw = writer.get_extra_info("socket")
    if raw is not None:
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
