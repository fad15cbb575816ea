"""A small HTTP/1.1 server around the reference application, honest or with one misbehaviour of the HTTP layer.

Real HTTP servers are right where these are wrong, so that a check of HTTP itself needs one that is not.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
import warnings
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import TYPE_CHECKING, Self

import trustme

from device_grant.reference import Faults, Settings, create_app

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MISBEHAVIOURS = {
    "names_case_sensitive": "Names of header fields are known in their usual spelling only.",
    "long_field_500": "A long header field is answered 500.",
    "control_characters_500": "A control character in a header field is answered 500.",
    "control_characters_split": "A CR in a header field comes back as a field of the answer.",
    "huge_length_hangs": "A Content-Length of many digits is waited for without end.",
    "bad_length_ignored": "A Content-Length that is no number counts as what has come.",
    "chunks_unread": "A chunked body is taken for an empty one.",
    "two_framings_kept": "After Content-Length beside Transfer-Encoding the connection stays open.",
    "host_optional": "Host may be missing, or come twice.",
    "head_with_content": "HEAD is answered with content.",
    "date_missing": "Responses have no Date.",
    "pipelined_500": "A second request on its heels is answered 500.",
    "half_body_forgets": "A connection that breaks within a body makes the server forget all grants.",
    "old_tls": "TLS 1.0 and 1.1 are offered.",
}
TLS = frozenset({"old_tls", "new_tls"})


@dataclass
class Message:
    method: str
    target: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    close: bool = False

    def get(self, name: str) -> str | None:
        return next((value for key, value in self.fields if key.lower() == name), None)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key.lower() == name]


class RefusedError(Exception):
    def __init__(self, status: int, extra: str = "") -> None:
        super().__init__(status)
        self.status, self.extra = status, extra


class RawServer:
    """Serves on 127.0.0.1 from a thread of its own, from entering to leaving."""

    def __init__(self, dialect: str, misbehaviour: str = "", folder: Path | None = None) -> None:
        if misbehaviour and misbehaviour not in MISBEHAVIOURS and misbehaviour not in TLS:
            raise ValueError(misbehaviour)
        self.bad = misbehaviour
        self.base = ""
        self._dialect = dialect
        self._context = _context(folder, old=misbehaviour == "old_tls") if misbehaviour in TLS and folder else None
        self._writers: list[asyncio.StreamWriter] = []
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(10)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stopping = asyncio.Event()
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0, ssl=self._context, limit=400_000)
        scheme = "https" if self._context else "http"
        self.base = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._app = create_app(Settings(dialect=self._dialect, issuer=self.base, interval=1), Faults())
        self._ready.set()
        await self._stopping.wait()
        server.close()
        for writer in self._writers:
            writer.transport.abort()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        try:
            while True:
                try:
                    message = await self._read(reader)
                except RefusedError as refused:
                    await self._write(writer, "", (refused.status, [], b"refused"), refused.extra)
                    break
                # What lies in the buffer already is a second request on the heels of the first.
                if self.bad == "pipelined_500" and reader._buffer:
                    await self._write(writer, message.method, (500, [], b"busy"))
                    break
                await self._write(writer, message.method, await self._call(message))
                if message.close:
                    break
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, ssl.SSLError):
            return  # the peer went away, or sends no HTTP: closing is the answer
        finally:
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> Message:
        head = (await reader.readuntil(b"\r\n\r\n"))[:-4]
        first, *lines = head.split(b"\r\n")
        method, target, _ = first.decode("latin-1").split(" ", 2)
        pairs = (line.partition(b":") for line in lines)
        message = Message(
            method,
            target,
            [(name.decode("latin-1"), value.strip(b" \t").decode("latin-1")) for name, _, value in pairs],
        )
        self._check_fields(message)
        chunked, length = message.get("transfer-encoding"), message.get("content-length")
        if chunked and length:
            if self.bad != "two_framings_kept":
                raise RefusedError(400)
            length = None
        if chunked:
            message.body = await self._chunks(reader)
            if self.bad == "chunks_unread":
                message.body = b""
        elif length:
            message.body = await self._exactly(reader, length)
        return message

    def _check_fields(self, message: Message) -> None:
        hosts = message.all("host")
        if len(hosts) != 1 and self.bad != "host_optional":
            raise RefusedError(400)
        if self.bad == "names_case_sensitive" and not any(name == "Content-Type" for name, _ in message.fields):
            message.fields = [pair for pair in message.fields if pair[0].lower() != "content-type"]
        if any(len(value) > 64_000 for _, value in message.fields):
            raise RefusedError(500 if self.bad == "long_field_500" else 431)
        control = next((value for _, value in message.fields if "\0" in value or "\r" in value), None)
        if control is not None:
            split = self.bad == "control_characters_split"
            extra = control.partition("\r")[2] + "\r\n" if split and "\r" in control else ""
            raise RefusedError(500 if self.bad == "control_characters_500" else 400, extra)

    async def _exactly(self, reader: asyncio.StreamReader, length: str) -> bytes:
        if not length.isdigit():
            if self.bad != "bad_length_ignored":
                raise RefusedError(400)
            return await reader.read(65_536)
        if len(length) > 20:
            if self.bad == "huge_length_hangs":
                await self._stopping.wait()
            raise RefusedError(413)
        try:
            return await reader.readexactly(int(length))
        except asyncio.IncompleteReadError:
            if self.bad == "half_body_forgets":
                self._app.state.store.grants.clear()
            raise

    async def _chunks(self, reader: asyncio.StreamReader) -> bytes:
        body = b""
        while size := int((await reader.readuntil(b"\r\n")).strip(), 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
        return body

    async def _call(self, message: Message) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        path, _, query = message.target.partition("?")
        skipped = ("transfer-encoding", "content-length")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": message.method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [
                (name.lower().encode("latin-1"), value.encode("latin-1"))
                for name, value in message.fields
                if name.lower() not in skipped
            ],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
            "state": {},
        }
        sent: list[dict] = []

        async def receive() -> Mapping[str, object]:
            return {"type": "http.request", "body": message.body, "more_body": False}

        async def send(event: dict) -> None:
            sent.append(event)

        await self._app(scope, receive, send)
        body = b"".join(event.get("body", b"") for event in sent[1:])
        return sent[0]["status"], list(sent[0]["headers"]), body

    async def _write(
        self,
        writer: asyncio.StreamWriter,
        method: str,
        answer: tuple[int, list[tuple[bytes, bytes]], bytes],
        extra: str = "",
    ) -> None:
        status, headers, body = answer
        lines = [f"HTTP/1.1 {status} Status".encode()]
        lines += [name + b": " + value for name, value in headers if name != b"content-length"]
        lines.append(f"content-length: {len(body)}".encode())
        if not headers:
            lines += [b"content-type: text/plain", b"connection: close"]
        if self.bad != "date_missing":
            lines.append(f"date: {formatdate(usegmt=True)}".encode())
        if method == "HEAD":
            body = b"content" if self.bad == "head_with_content" else b""
        writer.write(b"\r\n".join(lines) + b"\r\n" + extra.encode() + b"\r\n" + body)
        await writer.drain()


def _context(folder: Path, *, old: bool) -> ssl.SSLContext:
    own = folder / "server.pem"
    if not own.exists():
        issued = trustme.CA().issue_cert("127.0.0.1", key_type=trustme.KeyType.RSA)
        issued.private_key_and_cert_chain_pem.write_to_path(own)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own)
    if old:
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
    else:
        context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
