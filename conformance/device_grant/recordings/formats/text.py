"""What the readers share: text to data, and errors that name the file and the entry."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from device_grant.errors import UsageError
from device_grant.files import TooLargeError, decoded

if TYPE_CHECKING:
    from device_grant.protocol import Request
    from device_grant.protocol.exchange import Headers

_PUT_THERE = re.compile(
    rb"\W*(redacted|filtered|removed|masked|hidden|scrubbed|omitted|sanitized|binary data|[*xX.-]+)\W*", re.IGNORECASE
)
"""What stands for a whole body that somebody took out."""

_UNWRITABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
"""What no URL can have, escaped or not."""
_LONGEST = 16 * 2**20
"""Octets that one compressed body may stand for."""
_MOST = 64 * 2**20
"""Octets that all of a file may."""
_SHOWN = 200


@dataclass
class Allowance:
    """Octets that the compressed bodies of a file may still stand for."""

    left: int = _MOST

    @property
    def next(self) -> int:
        """Those of the next body."""
        return min(self.left, _LONGEST)


def web_url(url: str, where: str) -> str:
    """An absolute URL without user information; raises UsageError for what is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = None
    if parts is None or not parts.scheme or _UNWRITABLE.search(url):
        raise UsageError(f"{where}: {url[:_SHOWN]!r} is no absolute URL: put it right, or take the entry out")
    # Browsers list what they load from data: and blob: URLs too; it concerns nobody here.
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if parts.netloc else url


def moment(text: str, where: str) -> float:
    """Seconds since the epoch of a time by ISO 8601, or as HTTP writes it; one without an offset counts as UTC."""
    text = text.strip()
    try:
        # The other form is that of VCR for Ruby.
        result = parsedate_to_datetime(text) if text[:1].isalpha() else datetime.fromisoformat(text)
        return (result if result.tzinfo else result.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, TypeError, IndexError):
        raise UsageError(f"{where}: {text[:_SHOWN]!r} is no time by ISO 8601: put it right") from None


def whole_seconds(texts: list[str]) -> bool:
    """Whether times are given to the second only."""
    return bool(texts) and not any("." in text or "," in text for text in texts)


def octets_of_base64(text: str, where: str) -> bytes:
    """The octets; raises UsageError."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise UsageError(f"{where}: the body is said to be base64 and is not") from None


def octets_of(body: object, where: str) -> bytes:
    """Text or octets as octets; raises UsageError for anything else."""
    match body:
        case None:
            return b""
        case bytes():
            return body
        case str():
            return body.encode("utf-8", errors="surrogatepass")
        case _:
            raise UsageError(f"{where}: a body is neither text nor octets")


def left_out(request: Request, size: float | None = None) -> bool:
    """Whether a request must have had a body that the file does not have; `size` in octets, as far as the file says.

    A POST without one, and without parameters anywhere else, is no request that a client sends.
    """
    if request.method != "POST":
        return False
    if request.content:
        return bool(_PUT_THERE.fullmatch(request.content))
    length = (request.header("content-length") or "").strip()
    if length.isdecimal():
        return int(length) > 0
    return size != 0 and not urlsplit(request.url).query


def undone(content: bytes, headers: Headers, where: str, allowance: Allowance) -> bytes | None:
    """A body without its content coding; None where it cannot be undone here.

    Recorders that have undone it already often leave the header as it was: what does not fit it is taken as it is.
    Raises UsageError where it, or all of the file, stands for more than is read.
    """
    coding = next((value.strip().lower() for name, value in headers if name.lower() == "content-encoding"), "")
    if coding in ("", "identity") or not content:
        return content
    try:
        plain = decoded(content, coding, allowance.next)
    except TooLargeError:
        all_of_it = "all compressed bodies of the file stand" if allowance.left < _LONGEST else "the body stands"
        most = _MOST if allowance.left < _LONGEST else _LONGEST
        raise UsageError(f"{where}: {all_of_it} for more than {most // 2**20} MB: take it out") from None
    if plain is None:
        return content if _readable(content) else None
    allowance.left -= len(plain)
    return plain


def _readable(content: bytes) -> bool:
    try:
        return content.decode("utf-8").isprintable() or content.lstrip()[:1] in (b"{", b"<")
    except UnicodeDecodeError:
        return False
