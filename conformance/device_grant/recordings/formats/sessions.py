"""Recorded sessions of a client: what it sent, said and left in each scenario, a line a request.

`sessions.jsonl` begins with a header. A run of the client is a line, and each request that it sent is a line behind it.
What the scripted server answered is not kept: the script says it again, and a digest beside each request tells whether
it still says the same.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from device_grant.client.drivers.config import ClientConfig, RunSection
from device_grant.client.drivers.visiting import Problem  # noqa: TC001 - msgspec resolves annotations at run time
from device_grant.errors import UsageError
from device_grant.files import RESULTS, formed, json_of, read_octets, reason_of, utf8_of, within

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from device_grant.client.scripted.replies import Reply

SESSIONS = "sessions.jsonl"
FORMAT = 1
"""Raised when an older reader would misread a newer recording, or a newer one an older recording."""
HERE = "127.0.0.1:48628"
"""Where the scripted server of a recording is: of the length of most addresses that it stands for."""
ELSEWHERE = "localhost:58628"
"""The other origin."""
ALIASES = "127.0.0.1:38628"
"""Where the endpoints for mutual TLS are, unless they are at the server itself."""
FIRST = ""
"""Stands for a scenario where it is the runs that precede all scenarios."""
LENGTH = "{length}"
"""Stands in a header field for the number of octets of the body."""
_AGAIN = "record it again"
_DIGITS = 8
_TABLES = ("run", "connect", "speaks", "endpoints", "clock", "claims", "exit")
"""Of client.toml those whose keys are known; others have members that are the client's own."""
_JWT = re.compile(rb"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_KEYS = re.compile(rb'("n"\s*:\s*")[A-Za-z0-9_-]{64,}')
_MOMENT = re.compile(rb"(?<![0-9A-Za-z_.-])1[6-9]\d{8}(?:\d{3})?(?![0-9A-Za-z_.-])")
"""Seconds or milliseconds since 1970, of these years."""


_Time = Annotated[float, msgspec.Meta(ge=-1e12, le=1e12)]


class _Line(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="line"):
    pass


class Head(_Line, kw_only=True, tag="header"):
    """What was recorded, with what; the first line."""

    format: int
    suite_version: str
    catalogue_revision: str
    recorded: str
    """Date, UTC."""
    client: ClientConfig
    """Of client.toml all but how the client is made and started."""
    clock: str
    scale: Annotated[float, msgspec.Meta(gt=0, le=1_000_000)] = 1.0
    withheld: list[Literal["security"]] = []
    """Tags of the requirements of which the recording shows no more than it must."""


class ScenarioLine(_Line, kw_only=True, tag="scenario"):
    """A scenario, whose runs follow. Runs before the first one are those that precede all scenarios."""

    name: str
    left_out: str = ""
    """Why it cannot be judged from what was recorded; then it has no runs."""


class Fields(_Line, kw_only=True, tag="fields"):
    """Header fields that many requests have in common."""

    name: str
    fields: list[tuple[str, str | None]]
    """Names and values; null: each request has a value of its own."""


class LeftFile(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A file under HOME."""

    path: str
    mode: Annotated[str, msgspec.Meta(pattern="^[0-7]{0,4}$")] = ""
    """Permissions in octal digits; empty: its owner's alone, or withheld."""
    text: str = ""
    """Octets as Latin-1 where `latin` says so, else UTF-8."""
    latin: bool = False


class SeenVisit(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A request of the browser to the client's own listener."""

    url: str
    status: int | None = None
    problem: Problem = ""


class RunLine(_Line, kw_only=True, tag="run"):
    """One run of the client, and how it ended."""

    operation: str
    at: _Time
    """Seconds of the client's time from the beginning to the end."""
    status: Annotated[int, msgspec.Meta(ge=-(2**31), le=2**32)] | None = None
    overdue: bool = False
    stdout: list[str] = []
    """Lines, their ends with them."""
    stderr: list[str] = []
    opened: list[str] = []
    visits: list[SeenVisit] = []
    refused: list[str] = []
    files: list[LeftFile] = []
    glimpsed: list[LeftFile] = []


class SentLine(_Line, kw_only=True, tag="sent"):
    """One request of the run above it."""

    at: _Time
    took: _Time = 0.0
    """Seconds of the client's time until the answer."""
    said: str
    """Status, error and digest of the answer, which the script has to give again."""
    send: str
    """Method, and the path with its query, or a whole address."""
    fields: str
    """Name of the header fields."""
    own: list[str] = []
    """Values of the header fields that are null there, in their order."""
    body: str = ""
    latin: bool = False
    """Whether the body is octets as Latin-1."""
    by: str = "1"
    """Which connection it came over."""
    fate: Literal["", "missed", "hang"] = ""
    """What became of the answer otherwise than the script says."""
    elsewhere: bool = False
    """Whether it went to the other origin."""
    certified: bool = False
    """Whether the client has shown a certificate on the connection."""
    unseen: bool = False
    """Whether it was answered and not taken note of, since the run ended."""


@dataclass
class RecordedRun:
    """A run with its requests."""

    line: RunLine
    sent: list[SentLine] = field(default_factory=list)


@dataclass
class ClientSessions:
    """All that was recorded of a client."""

    head: Head
    runs: dict[str, list[RecordedRun]] = field(default_factory=lambda: {FIRST: []})
    """By the name of the scenario, in the order in which they were done."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Why other scenarios, which were run, cannot be judged."""
    fields: dict[str, list[tuple[str, str | None]]] = field(default_factory=dict)

    @property
    def scenarios(self) -> list[str]:
        """Names of the checks that can be judged."""
        return sorted(self.runs.keys() - {FIRST})


_Lines = Head | ScenarioLine | Fields | RunLine | SentLine
_DECODER = msgspec.json.Decoder(_Lines)


OWNERS = 0o600
"""Permissions of a file that only its owner reads and writes."""


def name_of(fields: Iterable[tuple[str, str | None]]) -> str:
    """The name of header fields: the same for the same fields."""
    return hashlib.sha256(json.dumps(list(fields)).encode()).hexdigest()[:_DIGITS]


def digest(reply: Reply) -> str:
    """What an answer says, so short that it fits on the line of its request: status, error, and a digest.

    Times, keys and signatures are passed over.
    """
    content = reply.content
    for pattern, instead in ((_JWT, b"JWT"), (_KEYS, rb"\1"), (_MOMENT, b"0")):
        content = pattern.sub(instead, content)
    whole = repr((reply.status, reply.headers, reply.delay, reply.framing, reply.cut, reply.fate)).encode() + content
    short = hashlib.sha256(whole).hexdigest()[:_DIGITS]
    if reply.fate != "answered":
        return f"{reply.fate} {short}"
    code = reply.members.get("error")
    error = code if isinstance(code, str) and re.fullmatch(r"[a-z_]{3,40}", code) else ""
    return " ".join(word for word in (str(reply.status), error, short) if word)


def text_of(sessions: ClientSessions) -> str:
    """The text of a file that holds them: the same sessions have the same text, in whatever order they came."""
    head = msgspec.to_builtins(sessions.head)
    # Of client.toml what it says, and not all that it could have said.
    head["client"] = _said(head["client"], msgspec.to_builtins(ClientConfig(name="", run=RunSection())))
    lines = [head, *_lines(sessions)]
    return "".join(f"{msgspec.json.encode(line).decode()}\n" for line in lines)


def _said(value: dict[str, Any], usual: dict[str, Any]) -> dict[str, Any]:
    kept = {name: one for name, one in value.items() if name in ("name", "run") or one != usual.get(name)}
    return {
        name: _said(one, usual[name]) if isinstance(one, dict) and name in _TABLES else one
        for name, one in kept.items()
    }


def _lines(sessions: ClientSessions) -> Iterator[_Line]:
    named: set[str] = set()
    for scenario in sorted(sessions.runs.keys() | sessions.left_out.keys()):
        if scenario != FIRST:
            yield ScenarioLine(name=scenario, left_out=sessions.left_out.get(scenario, ""))
        for run in sessions.runs.get(scenario, ()):
            for entry in run.sent:
                if entry.fields not in named:
                    named.add(entry.fields)
                    yield Fields(name=entry.fields, fields=sessions.fields[entry.fields])
            yield run.line
            yield from run.sent


def read_sessions(folder: Path) -> ClientSessions:
    """Read what was recorded; raises UsageError in one line that names the file, the line and what is wrong with it."""
    file = folder / SESSIONS
    octets = utf8_of(read_octets(file, RESULTS, _AGAIN), file)
    within(octets, file, RESULTS)
    lines = octets.split(b"\n")
    if not lines[-1]:
        del lines[-1]
    sessions = ClientSessions(_head(file, lines[0] if lines else b""))
    runs = sessions.runs[FIRST]
    for number, octets in enumerate(lines[1:], 2):
        match line := _decoded(file, number, octets):
            case ScenarioLine():
                runs = []
                if sessions.runs.setdefault(line.name, runs) is not runs:
                    raise UsageError(f"{file}, line {number}: {line.name!r} a second time: record it again")
                if line.left_out:
                    sessions.left_out[line.name] = line.left_out
            case RunLine():
                runs.append(RecordedRun(line))
            case Fields():
                sessions.fields[line.name] = line.fields
            case SentLine() if runs and line.fields in sessions.fields:
                runs[-1].sent.append(line)
            case _:
                raise UsageError(f"{file}, line {number}: not where it could be: record it again")
    for name in sessions.left_out:
        del sessions.runs[name]
    return sessions


def _head(file: Path, octets: bytes) -> Head:
    try:
        stated = json_of(octets, file, RESULTS)["format"]
    except (UsageError, TypeError, KeyError):
        raise UsageError(f"{file}: no recorded sessions of a client: its first line is no header") from None
    if stated != FORMAT:
        newer = isinstance(stated, int) and stated > FORMAT
        cure = "update the suite" if newer else _AGAIN
        age = "newer than" if newer else "not what"
        raise UsageError(f"{file}: format {str(stated)[:20]} is {age} this version reads ({FORMAT}): {cure}")
    line = _decoded(file, 1, octets)
    if not isinstance(line, Head):
        raise UsageError(f"{file}: no recorded sessions of a client: its first line is no header")
    return line


def _decoded(file: Path, number: int, octets: bytes) -> _Line:
    where = f"{file}, line {number}"
    cure = f"it was cut off or edited; {_AGAIN}"
    try:
        line: _Lines = _DECODER.decode(octets)
    except msgspec.ValidationError as error:
        path, reason = reason_of(error)
        raise UsageError(f"{where}: {path}{': ' if path else ''}{reason}: {cure}") from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        # Slower, it says what is wrong.
        line = formed(json_of(octets, where, RESULTS, cure), _Lines, where, cure=cure)  # type: ignore[arg-type]  # a union
    return line


def as_text(content: bytes) -> tuple[str, bool]:
    """Octets as a text, and whether that is Latin-1, since it is no UTF-8."""
    try:
        return content.decode("utf-8"), False
    except UnicodeDecodeError:
        return content.decode("latin-1"), True


def as_octets(text: str, latin: bool) -> bytes:  # noqa: FBT001 - the second half of what `as_text` returns
    """The octets back; what a file says beyond Latin-1 is taken for UTF-8."""
    if latin:
        return text.encode("latin-1", errors="replace")
    return text.encode("utf-8", errors="surrogatepass")


def without_start(config: ClientConfig) -> ClientConfig:
    """A client's configuration without what only matters where it is started: no path or program of the machine."""
    run = RunSection(kind=config.run.kind, side_by_side=config.run.side_by_side)
    return msgspec.structs.replace(config, run=run, files=())
