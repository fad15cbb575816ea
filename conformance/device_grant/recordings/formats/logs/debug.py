"""Debug logs of the AWS CLI (`aws --debug`, versions 1 and 2) and of botocore with whatever handler wrote them."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from device_grant.protocol import Request, Response
from device_grant.recordings.formats.capture import SILENT, Capture, Captured, Format
from device_grant.recordings.formats.text import left_out, web_url

if TYPE_CHECKING:
    from pathlib import Path

_ENTRY = re.compile(
    r"(?:\x1b\[[0-9;]*m)?"
    r"(?:(?P<iso>\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d{1,6})?)|(?P<us>\d\d/\d\d/\d{4} \d\d:\d\d:\d\d)"
    r"|\[?(?:DEBUG|INFO|WARNING|ERROR)\b)(?P<rest>.*)"
)
"""Where an entry begins: with a time, or with a level, as the usual handlers write it."""
_THREAD = re.compile(r" - (\S{1,80}) - [\w.]+ - (?:DEBUG|INFO|WARNING|ERROR) - ")
_MAKING = re.compile(r"Making request for OperationModel\(name=(\w+)\).*? with params: (\{.*)")
_SENDING = re.compile(r"Sending http request: <AWSPreparedRequest .*?method=([A-Z]+), url=([^ ,]+), headers=(\{.*\})>")
_STATUS = re.compile(r"\"[A-Z]+ \S* HTTP/[0-9.]+\" (\d{3}) ")
_TEXT = r"b?(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
_METHOD, _URL = re.compile(r"'method': '([A-Z]+)'"), re.compile(r"'url': (" + _TEXT + ")")
_BODY, _HEADERS = re.compile(r"'body': (" + _TEXT + ")"), re.compile(r"'headers': (\{[^{}]*\})")
_CAME_HEADERS, _CAME_BODY = "Response headers: ", "Response body:"
_TIMEOUT = re.compile(r"timed? ?out|TimeoutError", re.IGNORECASE)
_MARKS = ("botocore.endpoint", "botocore.parsers", "AWSPreparedRequest")
_ERROR, _OK = 400, 200


@dataclass
class _Asked:
    """One request on its way, and what came of it."""

    method: str = "POST"
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    started: float | None = None
    ended: float | None = None
    sent: bool = False
    status: int = 0
    answered: dict[str, str] | None = None
    answer: bytes | None = None
    silent: bool = False


class _Log:
    """The requests of a log; each thread has its own."""

    def __init__(self) -> None:
        self.done: list[_Asked] = []
        self.exact = False
        """Whether any time has a fraction of a second."""
        self._open: dict[str, _Asked] = {}

    def entry(self, at: float | None, thread: str, text: str, more: list[str]) -> None:
        """Take one entry of the log: its message, and the lines below it."""
        current = self._open.get(thread)
        making = _MAKING.search(text)
        sending = _SENDING.search(text)
        if making:
            self._open[thread] = self._made(making[2], at)
        elif sending:
            self._open[thread] = self._again(current, sending, at)
        elif current is not None:
            self._answered(current, at, text, more)

    def _made(self, params: str, at: float | None) -> _Asked:
        url, method, headers, body = (form.search(params) for form in (_URL, _METHOD, _HEADERS, _BODY))
        asked = _Asked(
            method=method[1] if method else "POST",
            url=_plain(url[1]) if url else "",
            headers=_texts(headers[1]) if headers else {},
            body=_octets(body[1]) if body else None,
            started=at,
        )
        self.done.append(asked)
        return asked

    def _again(self, current: _Asked | None, sending: re.Match[str], at: float | None) -> _Asked:
        """The moment at which it goes out; a second time, it is a retry of botocore's own."""
        if current is None or current.url.partition("?")[0] != sending[2].partition("?")[0]:
            current = _Asked(method=sending[1], url=sending[2], body=None)
            self.done.append(current)
        elif current.sent:
            current = replace(current, status=0, answered=None, answer=None, ended=None, silent=False)
            self.done.append(current)
        current.headers = _texts(sending[3]) or current.headers
        current.started = at if at is not None else current.started
        current.sent = True
        return current

    @staticmethod
    def _answered(current: _Asked, at: float | None, text: str, more: list[str]) -> None:
        status = _STATUS.search(text)
        if status and not current.status:
            current.status = int(status[1])
        if _CAME_HEADERS in text and current.answered is None:
            current.answered = _texts(text.partition(_CAME_HEADERS)[2].strip())
            current.ended = at
        elif _CAME_BODY in text and current.answer is None:
            shown = "\n".join([text.partition(_CAME_BODY)[2].strip(), *more]).strip()
            current.answer = _octets(shown) if re.match(r"b['\"]", shown) else shown.encode()
        elif current.answered is None and _TIMEOUT.search(text) and "Setting " not in text:
            current.silent = True


def _read(path: Path, text: str) -> Capture:
    """The requests of a log; raises UsageError naming the one whose address is none."""
    log, lines = _Log(), text.splitlines()
    place = 0
    while place < len(lines):
        known = _ENTRY.match(lines[place])
        end = place + 1
        if known is None:
            place = end
            continue
        while end < len(lines) and not _ENTRY.match(lines[end]):
            end += 1
        log.exact |= "," in (known["iso"] or "") or "." in (known["iso"] or "")
        thread = _THREAD.search(lines[place])
        log.entry(_moment(known), thread[1] if thread else "", lines[place], lines[place + 1 : end])
        place = end
    entries = tuple(_captured(path, number, one) for number, one in enumerate(log.done, 1))
    timed = any(entry.started is not None for entry in entries)
    return Capture(str(path), "a debug log of botocore", entries, precision=1.0 if timed and not log.exact else 0.0)


FORMAT = Format(
    "a debug log of the AWS CLI or botocore",
    lambda text: any(mark in text for mark in _MARKS) and bool(_MAKING.search(text) or _SENDING.search(text)),
    _read,
    form="text",
)


def _captured(path: Path, number: int, one: _Asked) -> Captured:
    url = web_url(one.url, f"{path}: request {number}")
    request = Request(one.method, url, tuple(one.headers.items()), one.body or b"")
    answer, response = one.answer, None
    if one.answered is not None:
        # Handlers of botocore alone lack the line of urllib3 that has the status: nobody is judged by a guess.
        guessed = _ERROR if b'"error"' in (answer or b"") else _OK
        response = Response(one.status or guessed, tuple(one.answered.items()), answer or b"")
    timed = one.started is not None and one.ended is not None
    return Captured(
        number,
        request,
        response,
        bodiless=response is not None and (answer is None or not one.status),
        unsent=left_out(request),
        started=one.started,
        took=max((one.ended or 0.0) - (one.started or 0.0), 0.0) if timed else None,
        error="" if response else SILENT if one.silent else "no response in the log",
        name=f"request {number}",
    )


def _moment(known: re.Match[str]) -> float | None:
    try:
        if known["iso"]:
            return datetime.fromisoformat(known["iso"].replace(",", ".")).replace(tzinfo=UTC).timestamp()
        if known["us"]:
            return datetime.strptime(known["us"], "%m/%d/%Y %H:%M:%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
    return None


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def _octets(text: str) -> bytes | None:
    """What a text in Python's notation stands for; None: it is cut off."""
    value = _literal(text)
    return value if isinstance(value, bytes) else value.encode("utf-8", "replace") if isinstance(value, str) else None


def _plain(text: str) -> str:
    return (_octets(text) or b"").decode("utf-8", errors="replace")


def _texts(text: str) -> dict[str, str]:
    """Header fields in Python's notation."""
    value = _literal(text)
    if not isinstance(value, dict):
        return {}
    return {
        str(name): one.decode("latin-1") if isinstance(one, bytes) else str(one)
        for name, one in value.items()
        if one is not None
    }
