"""Bodies octet by octet: what a proper encoder would never write."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from device_grant_strategies.malformations.context import Context


class Raw(bytes):
    """Octets that go into the body as they are."""

    __slots__ = ()


def json_body(pairs: Iterable[tuple[Any, Any]]) -> bytes:
    """Write a JSON object with the members in order, repeated ones too; lone surrogates become escapes."""
    return b"{" + b", ".join(_json(name) + b": " + _json(value) for name, value in pairs) + b"}"


def form_body(pairs: Iterable[tuple[Any, Any]]) -> bytes:
    """Write a form; a value of None leaves the equals sign out."""
    return b"&".join(encode(name) if value is None else encode(name) + b"=" + encode(value) for name, value in pairs)


def body(ctx: Context, pairs: Iterable[tuple[Any, Any]]) -> bytes:
    """Write the pairs in the operation's own encoding."""
    return json_body(pairs) if ctx.encoding == "json" else form_body(pairs)


def insert(ctx: Context, text: str, octets: bytes) -> Raw:
    """Encode a text with octets put in as they are, after its first half."""
    half = len(text) // 2
    if ctx.encoding == "json":
        return Raw(b'"' + _json(text[:half])[1:-1] + octets + _json(text[half:])[1:-1] + b'"')
    return Raw(encode(text[:half]) + octets + encode(text[half:]))


def joined(ctx: Context, pairs: Iterable[tuple[Any, Any]], encoded: bytes) -> bytes:
    """Write the pairs with an encoded body of further ones after them."""
    if ctx.encoding == "json":
        return json_body(pairs)[:-1] + b", " + encoded[1:]
    return form_body(pairs) + b"&" + encoded


@cache
def repeated(encoding: str, unit: str, size: int, first: str = "") -> Raw:
    """Encode a long text once for all examples: `first`, and `unit` until it takes `size` octets on the wire."""
    if encoding == "json":
        unit_sent = _json(unit)[1:-1]
        return Raw(b'"' + _json(first)[1:-1] + unit_sent * (size // len(unit_sent)) + b'"')
    return Raw(encode(first) + encode(unit) * (size // len(encode(unit))))


@cache
def numbered(encoding: str, count: int) -> bytes:
    """Encode a body of that many numbered members once for all examples."""
    pairs = [(f"x{number}", "1") for number in range(count)]
    return json_body(pairs) if encoding == "json" else form_body(pairs)


def as_text(value: object) -> str:
    """Turn a value into what a form carries."""
    return value if isinstance(value, str) else json.dumps(value)


def _json(value: object) -> bytes:
    return bytes(value) if isinstance(value, Raw) else json.dumps(value).encode()


def encode(value: object) -> bytes:
    """Percent-encode one name or value of a form."""
    return bytes(value) if isinstance(value, Raw) else quote_plus(as_text(value), errors="surrogatepass").encode()
