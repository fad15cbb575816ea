"""HTTP messages as text shows them: start lines, fields, and where a body ends that somebody copied by hand.

What people paste has more around it than HTTP has: prompts, remarks, line breaks for the eye. A body that is not whole
for certain is none, since half of an answer would accuse whoever sent it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from device_grant.protocol import Request, Response
from device_grant.recordings.formats.text import Allowance, left_out, undone

if TYPE_CHECKING:
    from device_grant.protocol.exchange import Headers

REQUEST_LINE = re.compile(r"([A-Z]{3,20}) (\S{1,8000}) HTTP/[0-9](?:\.[0-9])?")
STATUS_LINE = re.compile(r"HTTP/[0-9](?:\.[0-9])? ([1-9][0-9]{2})(?: .*)?")
_FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}):[ \t]?(.*)")
_INTERIM = range(100, 200)
_FORM = "application/x-www-form-urlencoded"
_NO_BODY = frozenset({204, 304})
_LONGEST_LENGTH = 12
"""Digits of a Content-Length that is believed."""


@dataclass
class Message:
    """One message as it is put together line by line."""

    method: str = ""
    """Empty: it is an answer."""
    target: str = ""
    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: list[str] = field(default_factory=list)
    """Lines."""
    octets: bytes | None = None
    """The body, where the text has it octet by octet."""
    at: float | None = None
    """Seconds on the clock of the file when it began."""
    until: float | None = None
    """When it was complete."""
    open: bool = True
    """Whether its fields still go on."""

    @property
    def interim(self) -> bool:
        """Whether it is an answer after which the real one follows (RFC 9110, section 15.2)."""
        return self.status in _INTERIM

    def header(self, name: str) -> str:
        """The first value of a field; empty if it is absent."""
        return next((value for known, value in self.headers if known.lower() == name), "")

    def add(self, line: str) -> bool:
        """Take a line of the head; False: it is no field, and the head is over."""
        known = field_of(line)
        if known is None:
            if line[:1] in (" ", "\t") and line.strip() and self.headers:
                name, value = self.headers[-1]
                self.headers[-1] = (name, f"{value} {line.strip()}")
                return True
            return False
        # HTTP/2 has its start line among the fields.
        if not line.startswith(":"):
            self.headers.append(known)
        return True


def start_of(line: str) -> Message | None:
    """The message that begins with this line; None: it is no start line."""
    asked = REQUEST_LINE.fullmatch(line)
    if asked:
        return Message(method=asked[1], target=asked[2])
    answered = STATUS_LINE.fullmatch(line)
    return Message(status=int(answered[1])) if answered else None


def field_of(line: str) -> tuple[str, str] | None:
    """Name and value of a header field; None: the line is none."""
    known = _FIELD.fullmatch(line)
    return (known[1], known[2].strip()) if known else None


@dataclass(frozen=True)
class Body:
    """A body as far as a text shows it."""

    content: bytes
    missing: bool = False
    """Whether the text leaves it out, or only has a part of it."""
    rebuilt: bool = False
    """Whether line breaks that somebody added were taken out."""


def sent(message: Message) -> Body:
    """The body of a request."""
    if message.octets is not None:
        return Body(message.octets)
    lines = message.body
    if _FORM in message.header("content-type").lower() or _is_form(lines):
        # No octet of a form is white space: it was broken into lines for the eye.
        kept = [line.strip() for line in _paragraph(lines)]
        return Body("".join(kept).encode(), rebuilt=len(kept) > 1)
    text = "\n".join(lines).strip()
    return Body((json_start(text) or text).encode())


def came(message: Message, where: str, allowance: Allowance) -> Body:  # noqa: PLR0911 - a body ends in as many ways
    """The body of an answer without its chunks and content coding; raises UsageError if that is more than is read."""
    coded = tuple(message.headers)
    if message.octets is not None:
        content = undone(dechunked(message.octets, coded), coded, where, allowance)
        return Body(content or b"", missing=content is None)
    text = "\n".join(message.body).strip("\n")
    length = _length(message.header("content-length"))
    if not text.strip():
        return Body(b"", missing=message.status not in _NO_BODY and length != 0)
    chunks = dechunked(text.replace("\n", "\r\n").encode(), coded)
    if chunks != text.replace("\n", "\r\n").encode():
        return Body(chunks)
    if _json(text):
        return Body(text.strip().encode())
    content = text.encode()
    if length is not None and not message.header("content-encoding"):
        if len(content) == length:
            return Body(content)
        if 0 < length < len(content) and _ends_there(content, length):
            return Body(content[:length])
    start = json_start(text)
    if start:
        return Body(start.encode())
    if _FORM in message.header("content-type").lower():
        return Body(_paragraph(message.body)[0].strip().encode())
    looks = "json" in message.header("content-type").lower() or text.lstrip()[:1] in ("{", "[")
    # What is no JSON for a reason of its own has its Content-Length, and was caught above.
    return Body(b"" if looks else content, missing=looks)


def request_of(message: Message, url: str) -> tuple[Request, bool, bool]:
    """The request; whether its body was left out, and whether it was put together from several lines."""
    body = sent(message)
    request = Request(message.method, url, tuple(message.headers), body.content)
    return request, body.missing or left_out(request), body.rebuilt


def response_of(message: Message, where: str, allowance: Allowance) -> tuple[Response, bool]:
    """The answer, and whether its body was left out; raises UsageError where the body is more than is read."""
    body = came(message, where, allowance)
    return Response(message.status, tuple(message.headers), body.content), body.missing


def dechunked(content: bytes, headers: Headers) -> bytes:
    """A body without its chunks (RFC 9112, section 7.1); as it is where it has none, as tools often take them out."""
    if not any(name.lower() == "transfer-encoding" and "chunked" in value.lower() for name, value in headers):
        return content
    rest, collected = content, b""
    while True:
        line, ended, rest = rest.partition(b"\r\n")
        size = line.partition(b";")[0].strip()
        if size == b"0" and not rest.strip():
            return collected
        if not ended or not re.fullmatch(rb"[0-9A-Fa-f]{1,8}", size):
            return content
        length = int(size, 16)
        if length == 0:
            return collected
        if rest[length : length + 2] != b"\r\n":
            return content
        collected += rest[:length]
        rest = rest[length + 2 :]


def json_start(text: str) -> str:
    """The JSON object that a text begins with; empty if it begins with none."""
    text = text.lstrip()
    if not text.startswith("{"):
        return ""
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return ""
    return text[:end]


def _json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _length(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _LONGEST_LENGTH else None


def _ends_there(content: bytes, length: int) -> bool:
    """Whether what follows after so many octets is something else: it begins on a line of its own, or is curl's."""
    return content[length : length + 1] in (b"\n", b"*", b"%")


def _paragraph(lines: list[str]) -> list[str]:
    """The lines up to the first blank one."""
    kept: list[str] = []
    for line in lines:
        if not line.strip():
            if kept:
                break
            continue
        kept.append(line)
    return kept or [""]


def _is_form(lines: list[str]) -> bool:
    first = _paragraph(lines)[0].strip()
    return bool(re.match(r"[A-Za-z_][\w.-]*=", first)) and " " not in first


def dumped(value: object) -> bytes:
    """A body that a tool has parsed: JSON again. Its white space, repeated members and spelling of numbers are gone."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", errors="surrogatepass")


def listed_headers(data: object) -> Headers:
    """Fields of an object whose values are texts or lists of them; anything else in it is left out."""
    if not isinstance(data, dict):
        return ()
    collected: list[tuple[str, str]] = []
    for name, value in data.items():
        values = value if isinstance(value, list) else [value]
        collected += [(str(name), str(one)) for one in values if isinstance(one, str | int | float)]
    return tuple(collected)


def paired_headers(data: object, name: str = "name") -> Headers:
    """Fields of a list of objects with `name` and `value`."""
    listed = data if isinstance(data, list) else []
    return tuple(
        (str(one[name]), str(one.get("value") or ""))
        for one in listed
        if isinstance(one, dict) and isinstance(one.get(name), str) and not one[name].startswith(":")
    )
