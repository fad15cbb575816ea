"""Transcripts of `curl -v`, `-i` and `--trace`, and HTTP messages as text: in documents, of HTTPie, `gh` and others.

Lines have marks (`>` sent, `<` came, `*` said by the program), or none. Fences, prompts and `###` end a message.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from device_grant.errors import UsageError
from device_grant.protocol import Request
from device_grant.recordings.formats.capture import SILENT, Capture, Captured, Format
from device_grant.recordings.formats.logs.commands import COMMAND, CurlCommand, command_of
from device_grant.recordings.formats.logs.trace import SECTION, messages_of
from device_grant.recordings.formats.messages import (
    REQUEST_LINE,
    STATUS_LINE,
    Message,
    json_start,
    request_of,
    response_of,
    start_of,
)
from device_grant.recordings.formats.text import Allowance, web_url

if TYPE_CHECKING:
    from pathlib import Path

_TIME = re.compile(r"(\d\d):(\d\d):(\d\d\.\d{1,6}) ")
_MARKED = re.compile(r"\s{0,12}([<>*]) ?(.*)")
_COUNTED = re.compile(r"\s*[{}] \[\d+ bytes data\]\s*")
_METER = re.compile(
    r"\s*(?:% Total +% Received|Dload +Upload|\d+ +[\d.]+[kMG]? +\d+ +[\d.]+[kMG]? .*[-\d]+:[-\d]+:[-\d]+)"
)
_FENCE = re.compile(r"\s{0,12}(```|~~~)")
_TAIL = re.compile(r"\* (?:Connection #\d+ to host|Closing connection|Excess found)")
"""What curl writes behind a body that does not end its line."""
_TLS = re.compile(r"\b(?:ALPN|SSL connection|TLSv1|SSL certificate|schannel)")
_CONNECTED = re.compile(
    r"(?:Connected to|Connection #\d+ to host|Established connection to) (\S+) ?(?:\(.*?\))?(?: port (\d+))?"
)
_REQUEST_AT = re.compile(r"Request at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?)")
_REQUEST_TOOK = re.compile(r"Request took ([\d.]{1,12})(ms|µs|s)\b")
_UNITS = {"ms": 1e-3, "µs": 1e-6, "s": 1.0}
_TIMEOUT = re.compile(r"timed out", re.IGNORECASE)
_DAY = 86_400
BY_CURL = "the times are those of curl, whose clock is up to a second off in each process"
"""With --trace-time: what is counted exactly is counted from a whole second."""
_TLS_PORTS = frozenset({443, 8443})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_ANY_START = re.compile(rf"^.{{0,40}}?(?:{REQUEST_LINE.pattern}|{STATUS_LINE.pattern})\s*$", re.MULTILINE)


@dataclass
class _Pair:
    """A request with its answer."""

    asked: Message | None
    command: CurlCommand | None
    secure: bool | None
    """Whether the connection has TLS; None: the text does not say."""
    answered: Message | None = None
    marked: bool = False
    """Whether lines of the request have marks: what follows without them is not always its body."""
    silent: bool = False
    at: float | None = None
    took: float | None = None


class _Transcript:
    def __init__(self) -> None:
        self.pairs: list[_Pair] = []
        self.orphans = 0
        """Answers whose request the text does not show."""
        self._command: CurlCommand | None = None
        self._command_used = True
        self._secure: bool | None = None
        self._message: Message | None = None
        self._marked = False
        """Whether the message at hand has marks before its lines."""
        self._body = False
        self._blank = False
        """Whether the line before was blank and had no mark."""
        self._indent = 0
        self._said: float | None = None
        self._day = 0.0
        self._last = 0.0
        self.clocked = False
        """Whether lines have the times that curl writes before them."""

    # Lines.

    def line(self, line: str) -> None:
        """Take one line."""
        at, line = self._timed(line)
        if _FENCE.match(line) or line.lstrip().startswith("###"):
            self._message = None
            return
        marked = _MARKED.fullmatch(line)
        if marked and (marked[1] != "*" or line.startswith("*")):
            self._blank = False
            self._with_mark(marked[1], marked[2].rstrip(), at)
            return
        command = COMMAND.fullmatch(line.strip())
        if command:
            self._message, self._command, self._command_used = None, command_of(command[1]), False
            self._secure = None
            return
        if not _COUNTED.fullmatch(line) and not _METER.match(line):
            self._without_mark(line, at)
            self._blank = not line.strip()

    def _timed(self, line: str) -> tuple[float | None, str]:
        known = _TIME.match(line)
        if known is None:
            return None, line
        self.clocked = True
        at = int(known[1]) * 3600 + int(known[2]) * 60 + float(known[3]) + self._day
        if at < self._last - _DAY / 2:
            self._day += _DAY
            at += _DAY
        self._last = at
        return at, line[known.end() :]

    def _with_mark(self, mark: str, text: str, at: float | None) -> None:
        if mark == "*":
            self._remark(text)
            return
        begun = start_of(text)
        if begun is not None and bool(begun.method) == (mark == ">"):
            self._begin(begun, at, marked=True)
        elif self._message is not None and self._marked and bool(self._message.method) == (mark == ">"):
            self._head(self._message, text)
            self._until(at)
        elif self._message is not None and not self._marked:
            self._message.body.append(f"{mark} {text}")

    def _without_mark(self, line: str, at: float | None) -> None:
        text = line.rstrip()
        begun = start_of(text.strip())
        current = self._message
        if (
            begun is not None
            and begun.status
            and current is not None
            and self._marked
            and current.status == begun.status
        ):
            # With -i curl prints the head of the answer once more.
            current.open = True
            self._body = True
            return
        if begun is not None and not (self._marked and current is not None and current.open):
            self._indent = len(text) - len(text.lstrip())
            self._begin(begun, at, marked=False)
        elif current is None:
            return
        elif self._marked:
            if not current.open:
                self._cut(current, line)
            elif self._body and not text.strip():
                current.open, self._body = False, False
            elif self._blank and text.strip() and not self._body:
                # Programs other than curl have no mark on the line that ends the head.
                current.open = False
                self._cut(current, line)
        else:
            plain = line[self._indent :] if not line[: self._indent].strip() else line
            if current.open:
                self._head(current, plain.rstrip())
            else:
                current.body.append(plain)

    def _cut(self, current: Message, line: str) -> None:
        tail = _TAIL.search(line)
        current.body.append(line[: tail.start()] if tail else line)
        if tail:
            self._remark(line[tail.start() + 2 :])

    @staticmethod
    def _head(current: Message, text: str) -> None:
        if not current.open:
            current.body.append(text)
        elif not text.strip() or not current.add(text):
            current.open = False
            if text.strip():
                current.body.append(text)

    def _remark(self, text: str) -> None:
        connected = _CONNECTED.search(text)
        if text.startswith(("Trying", "Connected")) or (connected and "Established" in text):
            self._secure = bool(connected and connected[2] and int(connected[2][:6]) in _TLS_PORTS)
        if _TLS.search(text):
            self._secure = True
        if "Request to https://" in text or "Request to http://" in text:
            self._secure = "https://" in text
        at, took = _REQUEST_AT.search(text), _REQUEST_TOOK.search(text)
        if at:
            self._said = datetime.fromisoformat(f"{at[1]}+00:00").timestamp()
        if self.pairs and took and self.pairs[-1].at is not None:
            self.pairs[-1].took = float(took[1].rstrip(".") or 0) * _UNITS[took[2]] if took[1].count(".") < 2 else None  # noqa: PLR2004 - two points are no number
        if self.pairs and self.pairs[-1].answered is None and _TIMEOUT.search(text):
            self.pairs[-1].silent = True

    # Messages.

    def _begin(self, begun: Message, at: float | None, *, marked: bool) -> None:
        self._message, self._marked, self._body = begun, marked, False
        if begun.method:
            command = None if self._command_used else self._command
            self._command_used = True
            self.pairs.append(
                _Pair(begun, command, self._secure, marked=marked, at=at if at is not None else self._said)
            )
            self._said = None
            return
        last = self.pairs[-1] if self.pairs else None
        if not self._command_used and self._command is not None:
            last = _Pair(None, self._command, None)
            self._command_used = True
            self.pairs.append(last)
        if last is not None and (last.answered is None or last.answered.interim):
            last.answered = begun
        else:
            self.orphans += 1
        self._until(at)

    def _until(self, at: float | None) -> None:
        if at is not None and self.pairs and self.pairs[-1].at is not None and self.pairs[-1].answered is not None:
            self.pairs[-1].took = max(at - (self.pairs[-1].at or at), 0.0)


def _read(path: Path, text: str) -> Capture:
    """The messages of a text in pairs; raises UsageError where there are no pairs in it."""
    transcript = _Transcript()
    lines = _joined(text)
    if sum(bool(SECTION.fullmatch(line)) for line in lines[:200]) > 1:
        kind = "a trace of curl"
        for message, at in messages_of(text):
            begun, _ = transcript._timed(f"{at} ") if at else (None, "")  # noqa: SLF001 - of this module
            message.open = False
            transcript._begin(message, begun, marked=True)  # noqa: SLF001 - of this module
    else:
        kind = "HTTP messages as text"
        for line in lines:
            transcript.line(line)
    answered = [one for one in transcript.pairs if one.answered is not None and not one.answered.interim]
    if not answered and transcript.orphans:
        raise UsageError(f"{path}: answers without the requests that they answer: add those, or export a HAR file")
    if not answered:
        raise UsageError(
            f"{path}: requests without answers, as .http files are: there is nothing to judge; send them, "
            "and export what went over the network as a HAR file"
        )
    entries = _entries(path, transcript.pairs)
    if transcript.clocked:
        return Capture(str(path), kind, entries, precision=1.0, timing=BY_CURL)
    return Capture(str(path), kind, entries)


FORMAT = Format(
    "the output of curl -v, or HTTP messages as text",
    lambda text: bool(_ANY_START.search(text)) or len(SECTION.findall(text[:100_000])) > 1,
    _read,
    form="text",
)


def _joined(text: str) -> list[str]:
    """Lines, those of one command made one."""
    collected: list[str] = []
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if collected and collected[-1].endswith(("\\", " ^")) and COMMAND.match(collected[-1].strip()):
            collected[-1] = f"{collected[-1].rstrip('^').rstrip(chr(92))} {line.strip()}"
        else:
            collected.append(line)
    return collected


def _entries(path: Path, pairs: list[_Pair]) -> tuple[Captured, ...]:
    collected: list[Captured] = []
    bodiless_before, allowance = False, Allowance()
    for number, pair in enumerate(pairs, 1):
        where = f"{path}: request {number}"
        request, unsent, rebuilt = _asked(pair, where)
        response, bodiless = (None, False) if pair.answered is None else response_of(pair.answered, where, allowance)
        if pair.answered is not None and pair.answered.octets is None and not bodiless:
            bodiless = _doubtful(pair.answered, alone=not bodiless_before)
        bodiless_before = bodiless
        collected.append(
            Captured(
                number,
                request,
                response,
                bodiless=bodiless,
                unsent=unsent,
                started=pair.at,
                took=pair.took,
                error="" if response else SILENT if pair.silent else "no answer in the text",
                rebuilt=rebuilt,
                octets=pair.answered is not None and pair.answered.octets is not None,
                name=f"request {number}",
            )
        )
    return tuple(collected)


def _doubtful(message: Message, *, alone: bool) -> bool:
    """Whether the body may be that of an answer before: a shell may print all bodies behind all heads."""
    text = "\n".join(message.body).strip()
    first = json_start(text)
    return bool(first and text[len(first) :].lstrip().startswith("{")) or (
        bool(first) and not alone and len(text) > len(first)
    )


def _asked(pair: _Pair, where: str) -> tuple[Request, bool, bool]:
    command = pair.command
    if pair.asked is None:
        request = command.request() if command else Request("GET", "")
        return (
            Request(request.method, web_url(request.url, where), request.headers, request.content),
            bool(command and command.unknown),
            False,
        )
    request, unsent, rebuilt = request_of(pair.asked, _url(pair, where))
    length = (request.header("content-length") or "").strip()
    if pair.marked and pair.asked.octets is None and length and length != str(len(request.content)):
        request, unsent = replace(request, content=b""), length != "0"
    if command is not None and not request.content and not command.unknown and command.data:
        content = command.content
        if not length or length == str(len(content)):
            return Request(request.method, request.url, request.headers, content), False, False
    return request, unsent, rebuilt


def _url(pair: _Pair, where: str) -> str:
    assert pair.asked is not None  # noqa: S101 - whoever asks has seen it
    target = pair.asked.target
    if "://" in target:
        return web_url(target, where)
    host = pair.asked.header("host") or pair.asked.header(":authority")
    by_command = urlsplit(pair.command.url) if pair.command else None
    if not host and by_command:
        host = by_command.netloc
    secure = pair.secure
    if by_command and by_command.scheme in ("http", "https"):
        secure = by_command.scheme == "https"
    if secure is None:
        # Nothing in the text says so: TLS is what nobody is blamed for.
        secure = host.partition(":")[0] not in _LOOPBACK
    return web_url(f"{'https' if secure else 'http'}://{host or 'host.invalid'}{target}", where)
