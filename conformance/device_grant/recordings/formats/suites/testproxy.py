"""Recordings of the Azure SDK's test proxy: one JSON file a test, `Entries` in order."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from device_grant.errors import UsageError
from device_grant.files import formed
from device_grant.protocol import Request, Response
from device_grant.recordings.formats.capture import Capture, Captured, Format
from device_grant.recordings.formats.messages import dumped, listed_headers
from device_grant.recordings.formats.text import Allowance, left_out, octets_of_base64, undone, web_url

if TYPE_CHECKING:
    from pathlib import Path

    from device_grant.protocol.exchange import Headers

_TEXT = re.compile(r"text/|json|xml|x-www-form-urlencoded|javascript", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")


class _Entry(msgspec.Struct, frozen=True, rename="pascal"):
    request_uri: str
    request_method: str
    status_code: int
    request_headers: dict[str, Any] | None = None
    request_body: Any = None
    response_headers: dict[str, Any] | None = None
    response_body: Any = None


def _read(path: Path, data: dict[str, Any]) -> Capture:
    """The entries of a recording; raises UsageError naming the one that is wrong, from 1."""
    listed = data["Entries"]
    if not isinstance(listed, list):
        raise UsageError(f"{path}: a test-proxy recording whose Entries are no list: was it cut off?")
    allowance = Allowance()
    entries = tuple(
        _captured(f"{path}: entry {number}", number, one, allowance) for number, one in enumerate(listed, 1)
    )
    return Capture(str(path), "a test-proxy recording", entries)


FORMAT = Format(
    "a recording of the Azure SDK's test proxy",
    lambda data: isinstance(data, dict) and "Entries" in data,
    _read,
)


def _captured(where: str, number: int, data: Any, allowance: Allowance) -> Captured:
    one = formed(data, _Entry, where, strict=False)
    sent, came = listed_headers(one.request_headers), listed_headers(one.response_headers)
    asked, _ = _octets(one.request_body, sent)
    request = Request(one.request_method.upper(), web_url(one.request_uri, where), sent, asked or b"")
    answer, exact = _octets(one.response_body, came)
    plain = undone(answer or b"", came, where, allowance)
    missing = plain is None or (one.response_body is None and _length(came) > 0)
    return Captured(
        number,
        request,
        Response(one.status_code, came, plain or b""),
        bodiless=missing,
        unsent=left_out(request),
        octets=exact,
        name=f"entry {number}",
    )


def _octets(body: Any, headers: Headers) -> tuple[bytes | None, bool]:
    """A body, and whether it is octet by octet what was sent: text and JSON were read and written again."""
    kind = next((value for name, value in headers if name.lower() == "content-type"), "")
    match body:
        case None:
            return None, False
        case []:
            return b"", True
        case str():
            # The proxy writes in base64 what is no text by its media type.
            if kind and not _TEXT.search(kind) and len(body) % 4 == 0 and _BASE64.fullmatch(body):
                return octets_of_base64(body, ""), True
            return body.encode("utf-8", errors="surrogatepass"), False
        case list() if all(isinstance(line, str) for line in body):
            return "".join(body).encode("utf-8", errors="surrogatepass"), False
        case _:
            return dumped(body), False


def _length(headers: Headers) -> int:
    text = next((value.strip() for name, value in headers if name.lower() == "content-length"), "0")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 12 else 0  # noqa: PLR2004 - no body is longer
