"""Peers that listen on a socket: other HTTP servers, real time, short lifetimes. `python odd_sockets.py NAME PORT`."""

from __future__ import annotations

import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import uvicorn
from odd_answers import OddJson
from odd_rules import NeverSlowDown, NineDigits, NoInterval, WaitingRoom
from peer_aws import HonestAws
from peer_rfc import Honest
from peer_wire import LONGEST_BODY, Answer, Request


class ShortLived:
    """Lifetimes for a clock that cannot travel."""

    lifetime = 20
    interval = 1
    window = 8
    server = "uvicorn"
    deviations = {"rfc8628-5.4-user-code-lifetime-balanced": "codes live for seconds, so that the test is short"}

    def listen(self, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}"
        if self.server == "uvicorn":
            uvicorn.run(self, host="127.0.0.1", port=port, log_level="warning", **self.options())
            return
        handler = type("Handler", (Plain,), {"peer": self, "protocol_version": self.server})
        ThreadingHTTPServer(("127.0.0.1", port), handler).serve_forever()

    def options(self) -> dict:
        return {}


class BySocket(ShortLived, Honest):
    """uvicorn as it comes."""


class BySocketAws(ShortLived, HonestAws):
    """uvicorn as it comes, AWS dialect."""


class KeepsFew(ShortLived, Honest):
    """Keeps the thirty youngest codes, in memory: what is begun makes it forget the eldest, as caches do.

    Nothing is wrong for a device; whoever has a hundred codes at a time loses most of them.
    """

    lifetime = 60
    kept = 30

    def new_device_code(self) -> str:
        while len(self.grants) >= self.kept:
            self.grants.pop(next(iter(self.grants)), None)
        return super().new_device_code()


class KeepsTwelve(KeepsFew):
    """The same for twelve codes."""

    lifetime = 20
    kept = 12


class Http10(ShortLived, Honest):
    """HTTP/1.0 answers, each connection closed after one (RFC 9112 section 9.3)."""

    server = "HTTP/1.0"


class Http11(ShortLived, Honest):
    """http.server of Python, connections kept."""

    server = "HTTP/1.1"


class Chunked(ShortLived, Honest):
    """Answers in chunks of seven octets with an extension and a trailer (RFC 9112 section 7.1)."""

    server = "HTTP/1.1"
    chunks = 7


class ChunkedAws(ShortLived, HonestAws):
    """Answers in chunks, AWS dialect."""

    server = "HTTP/1.1"
    chunks = 100


class ConnectionClose(ShortLived, OddJson):
    """Connection: close with every answer (RFC 9112 section 9.6), and JSON with odd white space."""

    def wire(self, answer: Answer) -> Answer:
        return super().wire(answer).with_header("Connection", "close")


class Slow(ShortLived, NeverSlowDown):
    """Every answer of the token endpoint takes 150 ms."""

    server = "HTTP/1.1"

    def token(self, request: Request) -> Answer:
        time.sleep(0.15)
        return super().token(request)


class NineDigitsBySocket(ShortLived, NineDigits):
    """Nine digits, no Server field and no date but the application's."""

    def options(self) -> dict:
        return {"server_header": False}


class FiveSecondsBySocket(ShortLived, NoInterval):
    """No interval, so that five seconds hold, on a real clock."""

    interval = 5
    lifetime = 30


class WaitingRoomBySocket(ShortLived, WaitingRoom):
    """Too many wrong codes are told by a page with status 200, without Retry-After."""


class Plain(BaseHTTPRequestHandler):
    """A small HTTP/1.1 server: framing by RFC 9112, everything else by the peer."""

    peer: Honest
    turn = threading.Lock()
    timeout = 30
    server_version = "peer"
    sys_version = ""

    def log_message(self, *_: object) -> None:
        """Nothing is written down."""

    def handle_any(self) -> None:
        try:
            body = self.body()
        except ValueError as problem:
            self.close_connection = True
            self.write(Answer(400, f"{problem}\n".encode(), [("Content-Type", "text/plain"), ("Connection", "close")]))
            return
        path, _, query = self.path.partition("?")
        scope = {
            "method": self.command,
            "path": path,
            "query_string": query.encode("latin-1"),
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self.headers.items()],
        }
        with self.turn:
            answer = self.peer.wire(self.peer.receive(scope, body))
        if len(body) > LONGEST_BODY:
            self.close_connection = True
            answer.with_header("Connection", "close")
        self.write(answer)

    do_GET = do_POST = do_HEAD = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_TRACE = handle_any  # noqa: N815 - names of http.server

    def __getattr__(self, name: str):
        # http.server looks for do_ and the method: whatever that is, the peer knows what to say of it.
        if name.startswith("do_"):
            return self.handle_any
        raise AttributeError(name)

    def body(self) -> bytes:
        hosts = self.headers.get_all("host", [])
        if self.request_version == "HTTP/1.1" and len(hosts) != 1:
            raise ValueError("one Host, please")
        if hosts and not re.fullmatch(
            r"[A-Za-z0-9.\-_~%!$&'()*+,;=]*|\[[0-9A-Fa-f:.]+\]", re.sub(r":\d*$", "", hosts[0])
        ):
            raise ValueError("this is no host")
        if any(letter in value for value in self.headers.values() for letter in "\r\n\0"):
            raise ValueError("a field has a control character")
        coding, lengths = self.headers.get("transfer-encoding", ""), self.headers.get_all("content-length", [])
        if coding and lengths:
            raise ValueError("Content-Length beside Transfer-Encoding")
        if coding:
            if coding.strip().lower() != "chunked":
                raise ValueError("this coding is unknown")
            return self.chunked()
        if len(set(lengths)) > 1 or (lengths and not re.fullmatch(r"[0-9]{1,15}", lengths[0].strip())):
            raise ValueError("Content-Length is no number")
        return self.rfile.read(min(int(lengths[0]), LONGEST_BODY + 1)) if lengths else b""

    def chunked(self) -> bytes:
        whole = b""
        while True:
            size = self.rfile.readline(1000).partition(b";")[0].strip()
            if not re.fullmatch(rb"[0-9A-Fa-f]{1,8}", size):
                raise ValueError("a chunk has no size")
            if not (length := int(size, 16)):
                break
            if len(whole) + length > LONGEST_BODY:
                raise ValueError("too many chunks")
            whole += self.rfile.read(length)
            self.rfile.readline(3)
        while self.rfile.readline(1000).strip():
            pass
        return whole

    def write(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        chunks = getattr(self.peer, "chunks", 0)
        content = b"" if self.command == "HEAD" else answer.body
        if chunks and self.request_version == "HTTP/1.1" and self.command != "HEAD" and answer.status not in (204, 304):
            self.send_header("Transfer-Encoding", "chunked")
            parts = [content[at : at + chunks] for at in range(0, len(content), chunks)]
            written = b"".join(b"%x;peer=1\r\n%s\r\n" % (len(part), part) for part in parts)
            content = written + b"0\r\nX-Trailer: done\r\n\r\n"
        elif answer.status != 204:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(content)


if __name__ == "__main__":
    globals()[sys.argv[1]]().listen(int(sys.argv[2]))
