"""What the readers share: text to data, and errors that name the file and the entry."""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import re
import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import httpx
import msgspec
import yaml

from device_grant.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from device_grant.protocol import Request
    from device_grant.protocol.exchange import Headers

T = TypeVar("T")

_PUT_THERE = re.compile(
    rb"\W*(redacted|filtered|removed|masked|hidden|scrubbed|omitted|sanitized|binary data|[*xX.-]+)\W*", re.IGNORECASE
)
"""What stands for a whole body that somebody took out."""

_MOST = 512 * 2**20
"""Octets of a file that are read: more than that is no capture of one login."""


def parsed(path: Path) -> Any:
    """The data of a JSON or YAML file; raises UsageError naming the line that is wrong."""
    try:
        if path.stat().st_size > _MOST:
            raise UsageError(f"{path}: larger than {_MOST // 2**20} MB: cut out the login that matters")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 (octet {error.start}): it is no HAR file and no cassette") from None
    if path.suffix.lower() in (".har", ".json") or text.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(text)
        except ValueError as error:
            if path.suffix.lower() in (".har", ".json"):
                raise UsageError(f"{path}: not JSON: {error}: was it cut off?") from None
        except RecursionError:
            raise UsageError(f"{path}: nested too deeply to be a capture") from None
    try:
        return yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" in line {mark.line + 1}" if mark else ""
        raise UsageError(f"{path}: neither JSON nor YAML{place}: {getattr(error, 'problem', error)}") from None


def converted(data: Any, form: type[T], where: str) -> T:
    """The data in that form; raises UsageError that says where it is wrong."""
    try:
        return msgspec.convert(data, form, strict=False)
    except msgspec.ValidationError as error:
        raise UsageError(f"{where}: {error}") from None


def web_url(url: str, where: str) -> str:
    """An absolute URL without user information; raises UsageError for what is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = None
    if parts is None or not parts.scheme:
        raise UsageError(f"{where}: {url[:200]!r} is no absolute URL")
    # Browsers list what they load from data: and blob: URLs too; it concerns nobody here.
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if parts.netloc else url


def moment(text: str, where: str) -> float:
    """Seconds since the epoch of an ISO 8601 time; one without an offset counts as UTC."""
    try:
        result = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(f"{where}: {text!r} is no ISO 8601 time") from None
    return (result if result.tzinfo else result.replace(tzinfo=UTC)).timestamp()


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


def undone(content: bytes, headers: Headers) -> bytes | None:
    """A body without its content coding; None where it cannot be undone here.

    Recorders that have undone it already often leave the header as it was: what does not fit it is taken as it is.
    """
    coding = next((value.strip().lower() for name, value in headers if name.lower() == "content-encoding"), "")
    if coding in ("", "identity") or not content:
        return content
    try:
        match coding:
            case "gzip" | "x-gzip":
                return gzip.decompress(content)
            case "deflate":
                return zlib.decompress(content)
            case _:
                decoded = httpx.Response(200, headers={"content-encoding": coding}, content=content).content
    except (OSError, EOFError, zlib.error, httpx.DecodingError):
        decoded = content
    return decoded if decoded != content or _readable(content) else None


def _readable(content: bytes) -> bool:
    try:
        return content.decode("utf-8").isprintable() or content.lstrip()[:1] in (b"{", b"<")
    except UnicodeDecodeError:
        return False
