"""HTTP as both dialects need it: requests read whole and within bounds, small responses, refusals as exceptions."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

LONGEST_BODY = 256 * 1024
"""Octets of a request body that are read; more is answered 413, before time is spent on decoding it."""
_LONGEST_DRAIN = 64 * 1024 * 1024
"""Octets of an oversized body that are still taken off the wire, so that the client gets to read the 413."""


class Refusal(Exception):  # noqa: N818 - an answer of the protocol, not an error of the program
    """An error response: the OAuth error code, a description for people, and the status if it is not the usual one."""

    def __init__(  # noqa: PLR0913 - what an answer may say, each named where it is given
        self,
        code: str,
        description: str,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        exception: str = "",
        members: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code, description)
        self.code = code
        self.exception = exception
        """AWS: its name, where the code has several."""
        self.members = dict(members or {})
        """What the answer says besides."""
        self.description = description
        self.status = status
        self.headers = dict(headers or {})


class VerbatimAnswer(Exception):  # noqa: N818 - likewise
    """A response outside the protocol; only faults raise it."""

    def __init__(self, status: int, content: bytes, media_type: str) -> None:
        super().__init__(status)
        self.answer = Answer(status, content, media_type)


def crash() -> VerbatimAnswer:
    """What faults answer where a careless server would fail."""
    return VerbatimAnswer(500, b"Internal Server Error", "text/plain")


class Answer:
    """A complete response."""

    __slots__ = ("content", "headers", "media_type", "status")

    def __init__(self, status: int, content: bytes, media_type: str, headers: Mapping[str, str] | None = None) -> None:
        self.status = status
        self.content = content
        self.media_type = media_type
        self.headers: dict[str, str] = dict(headers or {})


class Call:
    """One request with its whole body."""

    __slots__ = ("_headers", "body", "method", "path", "query", "scope", "too_large")

    def __init__(self, scope: Scope, body: bytes, *, too_large: bool) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: bytes = scope["query_string"]
        self.body = body
        self.too_large = too_large
        self._headers: list[tuple[bytes, bytes]] = scope["headers"]

    def header(self, name: bytes) -> str | None:
        """First value of a header, given in lower case as ASGI has it."""
        for key, value in self._headers:
            if key == name:
                return value.decode("latin-1")
        return None

    def headers(self, name: bytes) -> list[str]:
        """All values of a header."""
        return [value.decode("latin-1") for key, value in self._headers if key == name]

    @property
    def header_names(self) -> list[str]:
        """Names of all headers, lower case."""
        return [name.decode("latin-1") for name, _ in self._headers]

    def forget(self, name: bytes) -> None:
        """Drop a header; only faults do that."""
        self._headers = [(key, value) for key, value in self._headers if key != name]

    @property
    def media_type(self) -> str:
        """Content-Type without parameters, lower case; empty if absent."""
        return (self.header(b"content-type") or "").partition(";")[0].strip().lower()

    @property
    def content_type_parameters(self) -> str:
        """What follows the media type."""
        return (self.header(b"content-type") or "").partition(";")[2].strip()

    @property
    def content_coding(self) -> str:
        """Content-Encoding; empty if absent or identity."""
        coding = (self.header(b"content-encoding") or "").strip().lower()
        return "" if coding == "identity" else coding

    @property
    def address(self) -> str:
        """The peer's address; empty where the transport has none."""
        client = self.scope.get("client")
        return str(client[0]) if client else ""


Handler = Callable[[Call], Awaitable[Answer]]


_FRAMED_TWICE = Answer(
    400, b"Content-Length and Transfer-Encoding exclude each other", "text/plain", {"Connection": "close"}
)
"""RFC 9112 6.1: such a request may have been smuggled, so that nothing more is read from its connection."""


class Endpoint:
    """An ASGI application around one handler, for all methods of its path."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the request, let the handler answer, send the answer."""
        if _framed_twice(scope):
            await answer_with(_FRAMED_TWICE, send, head=False)
            return
        body, too_large = await _read(receive)
        _RECEIVING.set(receive)
        answer = await self.handler(Call(scope, body, too_large=too_large))
        await answer_with(answer, send, head=scope["method"] == "HEAD")


_RECEIVING: ContextVar[Receive] = ContextVar("_RECEIVING")
_HANGING_UP = 0.05
"""Real seconds within which it is noticed that a client has gone."""


async def hung_up() -> bool:
    """Whether the client of the request that is being served has closed its connection; only faults ask."""
    try:
        message = await asyncio.wait_for(_RECEIVING.get()(), _HANGING_UP)
    except TimeoutError:
        return False
    return bool(message["type"] == "http.disconnect")


def _framed_twice(scope: Scope) -> bool:
    return {b"content-length", b"transfer-encoding"} <= {name for name, _ in scope["headers"]}


def encode_json(members: Mapping[str, Any], *, first_twice: bool = False) -> bytes:
    """A JSON object; `first_twice` makes it one that repeats a name."""
    text = json.dumps(members, separators=(",", ":"))
    if first_twice and members:
        name, value = next(iter(members.items()))
        text = f"{{{json.dumps(name)}:{json.dumps(value)},{text[1:]}"
    return text.encode()


def decode_json(body: bytes) -> Any:
    """A JSON text as RFC 8259 has it: UTF-8 without byte order mark, finite numbers, no name twice in an object.

    Raises ValueError for anything else, lone surrogates and nesting beyond Python's limits included.
    """
    text = body.decode("utf-8")
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if "\\u" in text:
        # Escapes can name half of a surrogate pair, which no UTF-8 response could repeat: UnicodeEncodeError.
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name occurs twice in an object")
    return members


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


async def _read(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        return (body, False) if len(body) <= LONGEST_BODY else (b"", True)
    chunks = [body]
    length = len(body)
    while message.get("more_body", False) and length <= _LONGEST_DRAIN:
        message = await receive()
        chunk: bytes = message.get("body", b"")
        length += len(chunk)
        if length <= LONGEST_BODY:
            chunks.append(chunk)
    return (b"".join(chunks), False) if length <= LONGEST_BODY else (b"", True)


async def answer_with(answer: Answer, send: Send, *, head: bool) -> None:
    """Send an answer, without its content to HEAD."""
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers.items()]
    if answer.media_type:
        headers.append((b"content-type", answer.media_type.encode()))
    headers.append((b"content-length", str(len(answer.content)).encode()))
    start: Message = {"type": "http.response.start", "status": answer.status, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": b"" if head else answer.content})
