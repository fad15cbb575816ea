"""A server on loopback that sends what a mode makes of the honest answer, octet by octet if need be."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from typing import TYPE_CHECKING, Self

from hostile.honest import Answer, Honest, Request

if TYPE_CHECKING:
    from collections.abc import Callable

    Lie = Callable[["Exchange"], "Answer | None"]
    """Makes of an exchange another answer; None: all octets were sent, and the connection is closed."""


class Exchange:
    """One request, what an honest server would answer, and the connection on which anything else can be sent."""

    def __init__(self, request: Request, answer: Answer, server: HostileServer, connection: socket.socket) -> None:
        self.request, self.answer, self.server, self.connection = request, answer, server, connection

    def send(self, octets: bytes) -> None:
        self.connection.sendall(octets)

    def pause(self, seconds: float) -> None:
        """Wait, and give up with the server: nobody waits for a mode that drips."""
        if self.server.stopped.wait(seconds):
            raise ConnectionAbortedError

    def head(self, status: int = 200, *fields: tuple[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} Any", "Content-Type: application/json", *(f"{n}: {v}" for n, v in fields)]
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class HostileServer:
    """Listens while the block lasts; each connection carries one exchange."""

    def __init__(self, dialect: str, lie: Lie | None, port: int = 0) -> None:
        self.stopped = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=256)
        self._open: set[socket.socket] = set()
        self.base = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.honest = Honest(dialect, self.base)
        self._lie = lie

    def __enter__(self) -> Self:
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stopped.set()
        for connection in [self._listener, *self._open]:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def accept(self) -> None:
        while not self.stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        self._open.add(connection)
        try:
            request = _read(connection)
            if request is not None:
                self._exchange(Exchange(request, self.honest.answer(request), self, connection))
        except (OSError, ValueError):
            pass  # the other side has enough of this, or sends what is no request
        finally:
            self._open.discard(connection)
            with contextlib.suppress(OSError):
                connection.close()

    def _exchange(self, exchange: Exchange) -> None:
        answer = self._lie(exchange) if self._lie else exchange.answer
        if answer is not None:
            self.honest.learn(exchange.answer, answer)
            exchange.send(written(answer, exchange.request.method))


def written(answer: Answer, method: str = "POST") -> bytes:
    """The octets of an answer; a header field that is named twice stands twice, and a given length is kept."""
    body = answer.octets()
    names = {name.lower() for name, _ in answer.headers}
    fields = list(answer.headers)
    if "content-type" not in names:
        fields.append(("Content-Type", "application/json"))
    if "content-length" not in names and "transfer-encoding" not in names:
        fields.append(("Content-Length", str(len(body))))
    lines = [f"HTTP/1.1 {answer.status:03} Any", "Connection: close", *(f"{name}: {value}" for name, value in fields)]
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogatepass") + (b"" if method == "HEAD" else body)


def _read(connection: socket.socket) -> Request | None:
    connection.settimeout(30)
    stream = connection.makefile("rb")
    first = stream.readline(70_000).decode("latin-1").split()
    if len(first) < 2:
        return None
    headers: dict[str, str] = {}
    while (line := stream.readline(1_100_000)) not in (b"\r\n", b"\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    if "chunked" in headers.get("transfer-encoding", ""):
        body = b""
        while size := int(stream.readline().split(b";")[0] or b"0", 16):
            body += stream.read(size)
            stream.readline()
        stream.readline()
    else:
        body = stream.read(min(int(headers.get("content-length") or 0), 20_000_000))
    return Request(first[0], first[1], headers, body)
