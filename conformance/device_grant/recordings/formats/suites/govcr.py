"""Cassettes of go-vcr: those of version 2 of the library (`version: 1` in the file), of 3 and 4 (`version: 2`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec

from device_grant.errors import UsageError
from device_grant.files import formed
from device_grant.protocol import Request, Response
from device_grant.recordings.formats.capture import Capture, Captured, Format
from device_grant.recordings.formats.messages import listed_headers
from device_grant.recordings.formats.text import Allowance, left_out, octets_of, undone, web_url

if TYPE_CHECKING:
    from pathlib import Path

_PIECE = re.compile(r"(\d{1,12}(?:\.\d{1,12})?)(ns|us|µs|μs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
"""Units of a duration as Go writes it."""


class _GoRequest(msgspec.Struct, frozen=True):
    method: str
    url: str
    body: Any = ""
    form: dict[str, Any] | None = None
    headers: dict[str, Any] | None = None
    content_length: int | None = None


class _GoResponse(msgspec.Struct, frozen=True):
    code: int | None = None
    status: Any = None
    body: Any = ""
    headers: dict[str, Any] | None = None
    duration: Any = None
    content_length: int | None = None


class _GoInteraction(msgspec.Struct, frozen=True):
    request: _GoRequest
    response: _GoResponse


def _read(path: Path, data: dict[str, Any]) -> Capture:
    """The interactions of a cassette; raises UsageError naming the one that is wrong, from 1."""
    listed = data["interactions"]
    allowance = Allowance()
    entries = tuple(
        _captured(f"{path}: interaction {number}", number, one, allowance) for number, one in enumerate(listed, 1)
    )
    return Capture(str(path), "a go-vcr cassette", entries)


def _fits(data: Any) -> bool:
    listed = data.get("interactions") if isinstance(data, dict) else None
    if not isinstance(listed, list):
        return False
    requests = [one.get("request") for one in listed if isinstance(one, dict)]
    return any(isinstance(one, dict) and "url" in one and "uri" not in one for one in requests)


FORMAT = Format("a cassette of go-vcr", _fits, _read)


def _captured(where: str, number: int, data: Any, allowance: Allowance) -> Captured:
    one = formed(data, _GoInteraction, where, strict=False)
    headers, came = listed_headers(one.request.headers), listed_headers(one.response.headers)
    content, rebuilt = octets_of(one.request.body, where), False
    if not content and one.request.form and one.request.method.upper() == "POST":
        # Go keeps the form beside the body; where a hook took the body out, the form may still be there.
        pairs = [(name, str(value)) for name, value in listed_headers(one.request.form)]
        content, rebuilt = urlencode(pairs, errors="surrogatepass").encode(), True
    request = Request(one.request.method.upper(), web_url(one.request.url, where), headers, content)
    status = _status(one.response, where)
    body = undone(octets_of(one.response.body, where), came, where, allowance)
    lost = body is None or (not body and (one.response.content_length or 0) > 0)
    return Captured(
        number,
        request,
        Response(status, came, body or b""),
        bodiless=lost,
        unsent=left_out(request, one.request.content_length if (one.request.content_length or 0) > 0 else None),
        took=_duration(one.response.duration),
        rebuilt=rebuilt,
        name=f"interaction {number}",
    )


def _status(response: _GoResponse, where: str) -> int:
    code = response.code
    if code is None:
        first = str(response.status or "").partition(" ")[0]
        code = int(first) if re.fullmatch(r"[1-9]\d\d", first, re.ASCII) else 0
    if not 100 <= code <= 999:  # noqa: PLR2004 - three digits, whatever they mean
        raise UsageError(f"{where}: {response.code!r} is no status: give it three digits")
    return code


def _duration(value: Any) -> float | None:
    """Seconds of `84.6ms` or `1m0.5s`; None: there is none, as in version 2 of the library."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return max(float(value) * 1e-9, 0.0) if abs(value) < 1e15 else None  # noqa: PLR2004 - days, in nanoseconds
    text = value if isinstance(value, str) else ""
    pieces = _PIECE.findall(text)
    if not pieces or "".join(number + unit for number, unit in pieces) != text:
        return None
    return float(sum(float(number) * _SECONDS[unit] for number, unit in pieces))
