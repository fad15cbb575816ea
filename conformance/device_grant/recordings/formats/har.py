"""HTTP Archive 1.2, as browsers and proxies write it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import msgspec

from device_grant.errors import UsageError
from device_grant.recordings.formats.capture import Capture, Entry
from device_grant.recordings.formats.text import converted, moment, octets_of_base64, web_url, whole_seconds

_TIMEOUT = ("timed_out", "timed out", "timeout")
SILENT = "no answer"
"""How transcripts of ours call a timeout."""


class _Header(msgspec.Struct, frozen=True):
    name: str
    value: str | None = ""


class _PostData(msgspec.Struct, frozen=True):
    text: str | None = None
    params: list[_Header] | None = None
    encoding: str | None = None


class _Request(msgspec.Struct, frozen=True, rename="camel"):
    method: str
    url: str
    headers: list[_Header] = []
    post_data: _PostData | None = None


class _Content(msgspec.Struct, frozen=True):
    text: str | None = None
    encoding: str | None = None
    size: float | None = None


class _Response(msgspec.Struct, frozen=True):
    status: int = 0
    headers: list[_Header] = []
    content: _Content = _Content()
    error: str | None = msgspec.field(default=None, name="_error")


class _Entry(msgspec.Struct, frozen=True):
    request: _Request
    response: _Response | None = None
    started: str | None = msgspec.field(default=None, name="startedDateTime")
    time: float | None = None
    error: str | None = msgspec.field(default=None, name="_error")


def read(file: str, data: dict[str, Any]) -> Capture:
    """The entries of a HAR file; raises UsageError naming the entry that is wrong, from 1."""
    log = data["log"]
    listed = log.get("entries") if isinstance(log, dict) else None
    if not isinstance(listed, list):
        raise UsageError(f"{file}: a HAR file without log.entries: was it cut off?")
    raw = [converted(entry, _Entry, f"{file}: entry {number}") for number, entry in enumerate(listed, 1)]
    entries = tuple(_entry(file, number, one) for number, one in enumerate(raw, 1))
    coarse = whole_seconds([one.started for one in raw if one.started])
    return Capture(file, "HAR", entries, precision=1.0 if coarse else 0.0)


def _entry(file: str, number: int, raw: _Entry) -> Entry:
    where = f"{file}: entry {number}"
    response = raw.response or _Response()
    content, rebuilt = _sent(raw.request.post_data, where)
    answer, octets = _came(response.content, where)
    lost = response.status <= 0
    return Entry(
        number=number,
        method=raw.request.method.upper(),
        url=web_url(raw.request.url, where),
        headers=_headers(raw.request.headers),
        content=content,
        status=0 if lost else response.status,
        answered=_headers(response.headers),
        answer=answer,
        started=moment(raw.started, where) if raw.started else None,
        took=raw.time / 1000 if raw.time is not None and raw.time >= 0 else None,
        error=_reason(response.error or raw.error or "") if lost else "",
        rebuilt=rebuilt,
        octets=octets,
        name=f"entry {number}",
    )


def _headers(listed: list[_Header]) -> tuple[tuple[str, str], ...]:
    # HTTP/2 has its request line among the fields.
    return tuple((one.name, one.value or "") for one in listed if not one.name.startswith(":"))


def _sent(data: _PostData | None, where: str) -> tuple[bytes, bool]:
    if data is None:
        return b"", False
    if data.text:
        if data.encoding == "base64":
            return octets_of_base64(data.text, where), False
        return data.text.encode("utf-8", errors="surrogatepass"), False
    pairs = [(one.name, one.value or "") for one in data.params or ()]
    return urlencode(pairs, errors="surrogatepass").encode(), bool(pairs)


def _came(content: _Content, where: str) -> tuple[bytes | None, bool]:
    if content.text is None:
        return (None, False) if content.size is None or content.size > 0 else (b"", True)
    if content.encoding == "base64":
        return octets_of_base64(content.text, where), True
    if content.encoding:
        raise UsageError(f"{where}: the encoding {content.encoding!r} of the body is not known: only base64 is")
    return content.text.encode("utf-8", errors="surrogatepass"), False


def _reason(error: str) -> str:
    if any(word in error.lower() for word in _TIMEOUT):
        return SILENT
    return error or "no response in the capture"
