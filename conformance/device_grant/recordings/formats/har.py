"""HTTP Archive 1.2, as browsers and proxies write it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

import msgspec

from device_grant.errors import UsageError
from device_grant.files import formed
from device_grant.protocol import Request, Response
from device_grant.recordings.formats.capture import SILENT, Capture, Captured, Format
from device_grant.recordings.formats.text import left_out, moment, octets_of_base64, web_url, whole_seconds

if TYPE_CHECKING:
    from pathlib import Path

_TIMEOUT = ("timed_out", "timed out", "timeout")


_Size = Annotated[float, msgspec.Meta(ge=-1, le=1e15)]
"""Octets; -1: unknown."""


class _HarField(msgspec.Struct, frozen=True):
    name: str
    value: str | None = ""


class _HarPost(msgspec.Struct, frozen=True):
    text: str | None = None
    params: list[_HarField] | None = None
    encoding: str | None = None


class _HarRequest(msgspec.Struct, frozen=True, rename="camel"):
    method: Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,100}(?![\s\S])")]
    url: str
    headers: list[_HarField] = []
    post_data: _HarPost | None = None
    body_size: _Size | None = None


class _HarContent(msgspec.Struct, frozen=True):
    text: str | None = None
    encoding: str | None = None
    size: _Size | None = None


class _HarResponse(msgspec.Struct, frozen=True):
    status: Annotated[int, msgspec.Meta(ge=-999, le=999)] = 0
    headers: list[_HarField] = []
    content: _HarContent = _HarContent()
    error: str | None = msgspec.field(default=None, name="_error")


class _HarEntry(msgspec.Struct, frozen=True):
    request: _HarRequest
    response: _HarResponse | None = None
    started: str | None = msgspec.field(default=None, name="startedDateTime")
    time: Annotated[float, msgspec.Meta(ge=-1e12, le=1e12)] | None = None
    """Milliseconds."""
    error: str | None = msgspec.field(default=None, name="_error")


def _read(file: Path, data: dict[str, Any]) -> Capture:
    """The entries of a HAR file; raises UsageError naming the entry that is wrong, from 1."""
    log = data["log"]
    listed = log.get("entries") if isinstance(log, dict) else None
    if not isinstance(listed, list):
        raise UsageError(f"{file}: a HAR file without log.entries: was it cut off?")
    raw = [formed(entry, _HarEntry, f"{file}: entry {number}", strict=False) for number, entry in enumerate(listed, 1)]
    entries = tuple(_entry(file, number, one) for number, one in enumerate(raw, 1))
    coarse = whole_seconds([one.started for one in raw if one.started])
    return Capture(str(file), "HAR", entries, precision=1.0 if coarse else 0.0)


FORMAT = Format("a HAR file", lambda data: isinstance(data, dict) and "log" in data, _read)


def _entry(file: Path, number: int, raw: _HarEntry) -> Captured:
    where = f"{file}: entry {number}"
    response = raw.response or _HarResponse()
    content, rebuilt = _sent(raw.request.post_data, where)
    answer, octets = _came(response.content, where)
    lost = response.status <= 0
    url, headers = web_url(raw.request.url, where), _headers(raw.request.headers)
    request = Request(raw.request.method.upper(), url, headers, content)
    return Captured(
        number,
        request,
        None if lost else Response(response.status, _headers(response.headers), answer or b""),
        bodiless=answer is None,
        unsent=left_out(request, raw.request.body_size),
        started=moment(raw.started, where) if raw.started else None,
        took=raw.time / 1000 if raw.time is not None and raw.time >= 0 else None,
        error=_reason(response.error or raw.error or "") if lost else "",
        rebuilt=rebuilt,
        octets=octets,
        name=f"entry {number}",
    )


def _headers(listed: list[_HarField]) -> tuple[tuple[str, str], ...]:
    # HTTP/2 has its request line among the fields.
    return tuple((one.name, one.value or "") for one in listed if not one.name.startswith(":"))


def _sent(data: _HarPost | None, where: str) -> tuple[bytes, bool]:
    if data is None:
        return b"", False
    if data.text:
        if data.encoding == "base64":
            return octets_of_base64(data.text, where), False
        return data.text.encode("utf-8", errors="surrogatepass"), False
    pairs = [(one.name, one.value or "") for one in data.params or ()]
    return urlencode(pairs, errors="surrogatepass").encode(), bool(pairs)


def _came(content: _HarContent, where: str) -> tuple[bytes | None, bool]:
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
