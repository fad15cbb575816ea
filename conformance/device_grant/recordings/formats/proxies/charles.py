"""Sessions of Charles saved as JSON (`.chlsj`): a list of transactions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from device_grant.files import formed
from device_grant.protocol import Request, Response
from device_grant.recordings.formats.capture import SILENT, Capture, Captured, Format
from device_grant.recordings.formats.messages import paired_headers
from device_grant.recordings.formats.text import (
    Allowance,
    left_out,
    moment,
    octets_of_base64,
    undone,
    web_url,
    whole_seconds,
)

if TYPE_CHECKING:
    from pathlib import Path

    from device_grant.protocol.exchange import Headers

_PORTS = {"http": 80, "https": 443}


class _Side(msgspec.Struct, frozen=True):
    """A request or a response."""

    status: int | None = None
    header: dict[str, Any] | None = None
    body: dict[str, Any] | None = None
    sizes: dict[str, Any] | None = None


class _Transaction(msgspec.Struct, frozen=True, rename="camel"):
    method: str
    host: str
    scheme: str = "https"
    path: str | None = None
    query: str | None = None
    port: int | None = None
    actual_port: int | None = None
    tunnel: bool | None = None
    status: str | None = None
    error_message: str | None = None
    times: dict[str, Any] | None = None
    durations: dict[str, Any] | None = None
    request: _Side | None = None
    response: _Side | None = None


def _read(path: Path, data: list[Any]) -> Capture:
    """The transactions of a session; raises UsageError naming the one that is wrong, from 1."""
    wheres = [f"{path}: transaction {number}" for number in range(1, len(data) + 1)]
    raw = [formed(one, _Transaction, where, strict=False) for one, where in zip(data, wheres, strict=True)]
    allowance = Allowance()
    entries = tuple(
        _captured(where, number, one, allowance)
        for number, (one, where) in enumerate(zip(raw, wheres, strict=True), 1)
        if not one.tunnel
    )
    coarse = whole_seconds([text for one in raw if (text := _start(one))])
    return Capture(str(path), "a Charles session", entries, precision=1.0 if coarse else 0.0)


def _fits(data: Any) -> bool:
    first = data[0] if isinstance(data, list) and data else None
    return isinstance(first, dict) and {"method", "host", "scheme"} <= first.keys() and "request" in first


FORMAT = Format("a session of Charles (.chlsj)", _fits, _read)


def _captured(where: str, number: int, one: _Transaction, allowance: Allowance) -> Captured:
    asked = one.request or _Side()
    sent = _headers(asked)
    content = _body(asked, where)
    url = web_url(_address(one), where)
    request = Request(one.method.upper(), url, sent, content or b"")
    size = _number(asked.sizes, "body")
    response, body = one.response, None
    came: Headers = ()
    if response is not None:
        came = _headers(response)
        stated = _body(response, where)
        empty = stated is None and not _number(response.sizes, "body")
        body = b"" if empty else None if stated is None else undone(stated, came, where, allowance)
    known = response is not None and response.status is not None and 100 <= response.status <= 999  # noqa: PLR2004 - three digits
    started, took = _start(one), _number(one.durations, "total")
    text = one.error_message or one.status or ""
    return Captured(
        number,
        request,
        Response(response.status or 0, came, body or b"") if known and response else None,
        bodiless=known and body is None,
        unsent=left_out(request, size),
        started=moment(started, where) if started else None,
        took=took / 1000 if took is not None else None,
        error="" if known else SILENT if "time" in text.lower() else text or "no response in the capture",
        octets=bool(response and response.body and "encoded" in response.body),
        name=f"transaction {number}",
    )


def _start(one: _Transaction) -> str:
    times = one.times or {}
    text = times.get("requestBegin") or times.get("start")
    return text if isinstance(text, str) else ""


def _address(one: _Transaction) -> str:
    port = one.port or one.actual_port
    place = one.host if port in (None, _PORTS.get(one.scheme)) else f"{one.host}:{port}"
    query = f"?{one.query}" if one.query else ""
    return f"{one.scheme}://{place}/{(one.path or '').removeprefix('/')}{query}"


def _headers(side: _Side) -> tuple[tuple[str, str], ...]:
    return paired_headers((side.header or {}).get("headers"))


def _body(side: _Side, where: str) -> bytes | None:
    """The octets of a body; None: the session has none."""
    body = side.body or {}
    text, encoded = body.get("text"), body.get("encoded")
    if isinstance(encoded, str):
        return octets_of_base64(encoded, where)
    return text.encode("utf-8", errors="surrogatepass") if isinstance(text, str) else None


def _number(data: dict[str, Any] | None, name: str) -> float | None:
    value = (data or {}).get(name)
    known = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e12  # noqa: PLR2004 - sane
    return float(value or 0) if known else None
