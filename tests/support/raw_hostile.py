"""Servers on a socket that are honest but for one place, whose answers they write as no honest server does."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from peer_aws import HonestAws
from peer_rfc import Honest

from device_grant.protocol.http1 import END_OF_HEAD, BrokenRequestError, RequestReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from peer_wire import Answer

PERSON = Path(__file__).parents[1] / "peers" / "person.py"
SERVERS = {"rfc8628": Honest, "aws-sso-oidc": HonestAws}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
BLOCK = b"x" * 65_536
MEMBER = b'{"a": "'


def endless_chunks(send: Callable[[bytes], None]) -> None:
    send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        send(b"10000\r\n" + BLOCK + b"\r\n")


def endless_body(send: Callable[[bytes], None]) -> None:
    send(HEAD + b"\r\n" + MEMBER)
    while True:
        send(BLOCK)


def large_body(send: Callable[[bytes], None]) -> None:
    send(HEAD + b"Content-Length: %d\r\n\r\n" % (1600 * len(BLOCK)))
    for _ in range(1600):
        send(BLOCK)


def bomb(layers: int) -> Callable[[Callable[[bytes], None]], None]:
    content = gzip.compress(b" " * 200_000_000, 9)
    for _ in range(layers - 1):
        content = gzip.compress(content, 9)
    coding = b", ".join([b"gzip"] * layers)

    def write(send: Callable[[bytes], None]) -> None:
        send(HEAD + b"Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (coding, len(content)) + content)

    return write


def dripping_body(send: Callable[[bytes], None]) -> None:
    send(HEAD + b"Content-Length: 100000\r\n\r\n")
    _drip(send, b"x")


def dripping_head(send: Callable[[bytes], None]) -> None:
    send(HEAD + b"X-Long: ")
    _drip(send, b"x")


def endless_continue(send: Callable[[bytes], None]) -> None:
    _drip(send, b"HTTP/1.1 100 Continue\r\n\r\n")


def flood_of_continue(send: Callable[[bytes], None]) -> None:
    while True:
        send(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)


def endless_head(send: Callable[[bytes], None]) -> None:
    send(HEAD + b"X-Long: ")
    while True:
        send(BLOCK)


def silence(_send: Callable[[bytes], None]) -> None:
    time.sleep(3600)


def _drip(send: Callable[[bytes], None], octets: bytes) -> None:
    while True:
        send(octets)
        time.sleep(0.2)


MANNERS = {
    "endless-chunks": endless_chunks,
    "endless-body": endless_body,
    "large-body": large_body,
    "dripping-body": dripping_body,
    "dripping-head": dripping_head,
    "continue": endless_continue,
    "flood-of-continue": flood_of_continue,
    "endless-head": endless_head,
    "silence": silence,
}


def member(name: str, text: str) -> Callable[[Answer], Answer]:
    """A member of every answer that has it, its value written as `text`."""

    def changed(answer: Answer) -> Answer:
        try:
            members = json.loads(answer.body)
        except ValueError:
            return answer
        if isinstance(members, dict) and name in members:
            texts = {key: json.dumps(value) for key, value in members.items()} | {name: text}
            answer.body = (
                "{" + ", ".join(f"{json.dumps(key)}: {value}" for key, value in texts.items()) + "}"
            ).encode()
        return answer

    return changed


class HostileServer:
    """One thread a connection; `places` are parts of paths whose answers are written in a hostile manner."""

    def __init__(
        self,
        dialect: str = "rfc8628",
        *,
        manner: Callable[[Callable[[bytes], None]], None] | None = None,
        change: Callable[[Answer], Answer] = lambda answer: answer,
        places: tuple[str, ...] = ("",),
    ) -> None:
        self.app = SERVERS[dialect]()
        self.manner, self.change, self.places = manner, change, places
        self.asked: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.base = self.app.base = f"http://127.0.0.1:{self.port}"
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        for connection in tuple(self._open):
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                while self._one(connection):
                    pass
            except (OSError, BrokenRequestError, ValueError):
                pass
        self._open.discard(connection)

    def _one(self, connection: socket.socket) -> bool:
        received = b""
        while END_OF_HEAD not in received:
            block = connection.recv(65_536)
            if not block:
                return False
            received += block
        end = received.index(END_OF_HEAD) + len(END_OF_HEAD)
        reader = RequestReader(received[:end])
        if received[end:]:
            reader.feed(received[end:])
        while not reader.complete:
            reader.feed(connection.recv(65_536))
        head = reader.head
        path, _, query = head.target.partition("?")
        self.asked.append(f"{head.method} {path}")
        if self.manner is not None and path != "/" and any(place in path for place in self.places):
            self.manner(connection.sendall)
            return False
        scope = {
            "method": head.method,
            "path": path,
            "query_string": query.encode(),
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in head.headers],
        }
        answer = self.change(self.app.wire(self.app.receive(scope, reader.content)))
        content = b"" if head.method == "HEAD" else answer.body
        lines = [f"HTTP/1.1 {answer.status} X", *(f"{name}: {value}" for name, value in answer.headers)]
        length = [] if answer.status == 204 else [f"Content-Length: {len(answer.body)}"]
        connection.sendall("\r\n".join([*lines, *length, "", ""]).encode("latin-1") + content)
        return True

    def target_toml(self, extra: str = "", *, configured: bool = True) -> str:
        """A target.toml for it."""
        dialect = "aws-sso-oidc" if isinstance(self.app, HonestAws) else "rfc8628"
        lines = [f'name = "hostile"\ndialect = "{dialect}"', "[endpoints]", f'base = "{self.base}"']
        if configured and dialect == "rfc8628":
            app = self.app
            paths = {"device_authorization": app.start_path, "token": app.token_path, "registration": app.register_path}
            lines += [f'{name} = "{path}"' for name, path in paths.items()]
        return "\n".join([*lines, "[user]", f"module = {json.dumps(str(PERSON))}", extra, ""])


@contextmanager
def hostile(dialect: str = "rfc8628", **how: object) -> Iterator[HostileServer]:
    """Such a server, while it listens."""
    server = HostileServer(dialect, **how)
    try:
        yield server
    finally:
        server.close()
