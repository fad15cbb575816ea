"""The files of a cassette: a manifest, the tape of what all checks share, and one tape a check.

A tape is a cassette of vcrpy: `interactions` are its requests and responses, made by its own serialisation. What it has
no place for stands beside them under `device_grant`, which vcrpy ignores.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import httpx
import msgspec
import yaml
from vcr.request import Request
from vcr.serialize import serialize

from device_grant.errors import UsageError
from device_grant.recordings.formats.tape import SHARED, Action, Entry, Got, Sent, Tape
from device_grant.targets.config import TargetConfig  # noqa: TC001 - msgspec resolves annotations at run time

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

FORMAT = 1
"""Raised when an older reader would misread a newer cassette."""
MANIFEST = "cassette.yaml"
BASELINE = "baseline.toml"
VERDICTS = "verdicts.json"
_VCR_FORMAT = 1
_SUFFIX = ".yaml"


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was recorded, with what; the first file that is read."""

    format: int
    suite_version: str
    catalogue_revision: str
    recorded: str
    """Date, UTC."""
    python: str
    target: TargetConfig
    """Of target.toml what concerns the requests: nothing of how the server is started."""
    base: str
    clock: Literal["travel", "faketime", "real"]
    in_process: bool
    user: bool
    """Whether somebody was at the verification page."""
    steps: list[str] | None = None
    """Steps at the pages that could be shown one by one; null: whole decisions only."""
    checks: list[str]
    """Names of the checks; each has a file."""


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    pass


class _Times(_Part, frozen=True, kw_only=True, omit_defaults=True):
    """Beside each interaction."""

    place: int
    at: float
    took: float = 0.0
    elapsed: float = 0.0
    action: int | None = None
    coding: str = ""


class _Octets(_Part, frozen=True, kw_only=True, omit_defaults=True):
    """What was said over a raw socket; text holds octets as Latin-1."""

    place: int
    at: float
    took: float = 0.0
    elapsed: float = 0.0
    url: str
    sent: str
    received: str
    ending: str


class _Lost(_Part, frozen=True, kw_only=True, omit_defaults=True):
    """A request that got no response; text holds octets as Latin-1."""

    place: int
    at: float
    took: float = 0.0
    elapsed: float = 0.0
    action: int | None = None
    method: str
    uri: str
    headers: list[tuple[str, str]] = []
    body: str = ""
    error: str
    message: str = ""


class _Action(_Part, frozen=True, kw_only=True, omit_defaults=True):
    do: Literal["approve", "deny", "sign_in", "confirmation", "enter"]
    code: str = ""
    refused: str | None = None
    broke: bool = False
    seen: bool = True
    returned: int | None = None


class _Extra(_Part, frozen=True, kw_only=True, omit_defaults=True):
    """Beside the interactions of a file."""

    format: int
    check: str
    began: float = 0.0
    actions: list[_Action] = []
    waits: list[tuple[float, float]] = []
    octets: list[_Octets] = []
    lost: list[_Lost] = []
    cases: dict[str, list[str]] = {}
    answers: dict[str, bool] = {}
    uncarried: dict[str, str] = {}


@dataclass(frozen=True)
class Cassette:
    """A cassette that was read."""

    manifest: Manifest
    tapes: Mapping[str, Tape]
    folder: Path

    @property
    def baseline(self) -> Path | None:
        """The recorded target's baseline, if it has one."""
        file = self.folder / BASELINE
        return file if file.is_file() else None


# Writing.


def write(folder: Path, manifest: Manifest, tapes: Iterable[Tape]) -> None:
    """Write a cassette; raises UsageError if the folder cannot be written or holds something else."""
    if folder.exists() and any(folder.iterdir()) and not (folder / MANIFEST).is_file():
        raise UsageError(f"{folder}: holds files, and no {MANIFEST}: choose an empty folder for --out")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(f"*{_SUFFIX}"):
            old.unlink()
        (folder / MANIFEST).write_text(_dump(msgspec.to_builtins(manifest)), encoding="utf-8")
        for tape in tapes:
            (folder / file_name(tape.name)).write_text(_text(tape), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written ({error.strerror}); choose another folder for --out") from error


def file_name(check: str) -> str:
    """The file of a check, for example `polling.test_pending.yaml`."""
    return check.replace("::", ".") + _SUFFIX


class _Serializer:
    """Hands vcrpy's own form of the interactions on, with what stands beside them."""

    def __init__(self, times: list[_Times], extra: _Extra) -> None:
        self._times = times
        self._extra = extra

    def serialize(self, data: dict[str, Any]) -> str:
        for interaction, times in zip(data["interactions"], self._times, strict=True):
            interaction["device_grant"] = msgspec.to_builtins(times)
        return _dump({**data, "device_grant": msgspec.to_builtins(self._extra)})


def _text(tape: Tape) -> str:
    requests: list[Request] = []
    responses: list[dict[str, Any]] = []
    times: list[_Times] = []
    octets: list[_Octets] = []
    lost: list[_Lost] = []
    for place, entry in enumerate(tape.entries):
        sent, got = entry.sent, entry.got
        measured: dict[str, Any] = {
            "place": place,
            "at": round(entry.at, 6),
            "took": round(entry.took, 6),
            "elapsed": round(entry.elapsed, 4),
        }
        if not sent.method:
            texts: dict[str, Any] = {"sent": sent.content.decode("latin-1"), "received": got.content.decode("latin-1")}
            octets.append(_Octets(**measured, url=sent.url, ending=got.ending, **texts))
        elif got.error:
            lost.append(
                _Lost(
                    **measured,
                    action=entry.action,
                    method=sent.method,
                    uri=sent.url,
                    headers=list(sent.headers),
                    body=sent.content.decode("latin-1"),
                    error=got.error,
                    message=got.message,
                )
            )
        else:
            requests.append(Request(sent.method, sent.url, sent.content, dict(sent.headers)))
            responses.append(
                {
                    "status": {"code": got.status, "message": got.reason},
                    "headers": _lists(got.headers),
                    "body": {"string": got.content},
                }
            )
            times.append(_Times(**measured, action=entry.action, coding=got.coding))
    extra = _Extra(
        format=FORMAT,
        check=tape.name,
        began=round(tape.began, 6),
        actions=[
            _Action(
                do=one.do,  # type: ignore[arg-type]  # the words of Pages and User
                code=one.code,
                refused=one.refused,
                broke=one.broke,
                seen=one.seen,
                returned=one.returned,
            )
            for one in tape.actions
        ],
        waits=[(round(at, 6), round(seconds, 6)) for at, seconds in tape.waits],
        octets=octets,
        lost=lost,
        cases=tape.cases,
        answers=tape.answers,
        uncarried=tape.uncarried,
    )
    written: str = serialize({"requests": requests, "responses": responses}, _Serializer(times, extra))
    return written


def _lists(headers: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in headers:
        found.setdefault(name, []).append(value)
    return found


def _dump(data: object) -> str:
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000_000)
    return text


class _Dumper(yaml.CSafeDumper):
    """Without anchors: an edit in one place must not change another."""

    def ignore_aliases(self, data: object) -> bool:
        del data
        return True


# Reading.


def read(folder: Path) -> Cassette:
    """Read a cassette; raises UsageError in one line that names the file and what is wrong with it."""
    file = folder / MANIFEST
    if not file.is_file():
        raise UsageError(f"{folder}: no cassette of device-grant record: there is no {MANIFEST} in it")
    data = _loaded(file)
    _refuse_newer(file, data)
    try:
        manifest = msgspec.convert(data, Manifest, strict=False)
    except msgspec.ValidationError as error:
        raise UsageError(f"{file}: {error}: record it again") from None
    tapes = {name: _tape(folder, name) for name in (SHARED, *manifest.checks)}
    return Cassette(manifest, tapes, folder)


def _loaded(file: Path) -> dict[str, Any]:
    try:
        data = yaml.load(file.read_bytes(), Loader=yaml.CSafeLoader)
    except OSError as error:
        raise UsageError(f"{file}: cannot be read ({error.strerror}): record it again") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" in line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or "no text"
        raise UsageError(f"{file}: not YAML{place} ({reason}): it was cut off or edited; record it again") from None
    if not isinstance(data, dict):
        raise UsageError(f"{file}: not a cassette: it was cut off or edited; record it again")
    return data


def _refuse_newer(file: Path, data: dict[str, Any]) -> None:
    found = data.get("format")
    if isinstance(found, int) and found > FORMAT:
        raise UsageError(f"{file}: format {found} is newer than this version reads ({FORMAT}): update the suite")


def _tape(folder: Path, name: str) -> Tape:
    file = folder / file_name(name)
    data = _loaded(file)
    own, interactions = data.get("device_grant"), data.get("interactions")
    if not isinstance(own, dict) or not isinstance(interactions, list):
        missing = "device_grant" if isinstance(interactions, list) else "interactions"
        raise UsageError(f"{file}: lacks {missing}: it was cut off or edited; record it again")
    _refuse_newer(file, own)
    if data.get("version") != _VCR_FORMAT:
        raise UsageError(f"{file}: version {data.get('version')!r} is not that of vcrpy's files, {_VCR_FORMAT}")
    try:
        extra = msgspec.convert(own, _Extra, strict=False)
    except msgspec.ValidationError as error:
        raise UsageError(f"{file}: device_grant: {error}: record it again") from None
    placed = [_interaction(file, number, entry) for number, entry in enumerate(interactions, 1)]
    placed += [_spoken(entry) for entry in extra.octets]
    placed += [_missed(file, entry) for entry in extra.lost]
    placed.sort(key=lambda pair: pair[0])
    places = [place for place, _ in placed]
    if places != list(range(len(places))):
        wrong = next((n for n, place in enumerate(places) if n != place), 0)
        raise UsageError(f"{file}: place {wrong} occurs not once: an interaction was taken out or added by hand")
    actions = [Action(one.do, one.code, one.refused, one.broke, one.seen, one.returned) for one in extra.actions]
    for _, entry in placed:
        if entry.action is not None and not 0 <= entry.action < len(actions):
            raise UsageError(f"{file}: {entry.label} belongs to action {entry.action}, which is not there")
    return Tape(
        name=name,
        began=extra.began,
        entries=[entry for _, entry in placed],
        actions=actions,
        waits=extra.waits,
        cases=extra.cases,
        answers=extra.answers,
        uncarried=extra.uncarried,
        file=str(file),
    )


class _VcrRequest(msgspec.Struct, frozen=True):
    method: str
    uri: str
    body: Any = None
    headers: dict[str, list[str] | str] = {}


class _VcrStatus(msgspec.Struct, frozen=True):
    code: int
    message: str | None = ""


class _VcrBody(msgspec.Struct, frozen=True):
    string: Any = ""


class _VcrResponse(msgspec.Struct, frozen=True):
    status: _VcrStatus
    headers: dict[str, list[str] | str] = {}
    body: _VcrBody = _VcrBody()


class _Interaction(msgspec.Struct, frozen=True):
    request: _VcrRequest
    response: _VcrResponse
    device_grant: _Times


def _interaction(file: Path, number: int, data: object) -> tuple[int, Entry]:
    try:
        read = msgspec.convert(data, _Interaction)
        sent = Sent(read.request.method, read.request.uri, _pairs(read.request.headers), _octets(read.request.body))
        content = _octets(read.response.body.string)
    except (msgspec.ValidationError, ValueError) as error:
        raise UsageError(f"{file}: interaction {number}: {error}: record it again") from None
    times, status = read.device_grant, read.response.status
    if not 100 <= status.code <= 999:  # noqa: PLR2004 - three digits, whatever they mean
        raise UsageError(f"{file}: interaction {number}: {status.code} is no status: give it three digits")
    got = Got(status.code, status.message or "", _pairs(read.response.headers), content, times.coding)
    return times.place, Entry(sent, got, times.at, times.took, times.elapsed, times.action, number)


def _spoken(read: _Octets) -> tuple[int, Entry]:
    sent = Sent("", read.url, (), read.sent.encode("latin-1", errors="replace"))
    got = Got(content=read.received.encode("latin-1", errors="replace"), ending=read.ending)
    return read.place, Entry(sent, got, read.at, read.took, read.elapsed)


def _missed(file: Path, read: _Lost) -> tuple[int, Entry]:
    raised = getattr(httpx, read.error, None)
    if not (isinstance(raised, type) and issubclass(raised, httpx.TransportError | httpx.DecodingError)):
        raise UsageError(f"{file}: {read.method} {read.uri}: {read.error!r} is no transport error of httpx")
    headers = tuple((name, value) for name, value in read.headers)
    sent = Sent(read.method, read.uri, headers, read.body.encode("latin-1", errors="replace"))
    got = Got(error=read.error, message=read.message)
    return read.place, Entry(sent, got, read.at, read.took, read.elapsed, read.action)


def _pairs(headers: Mapping[str, list[str] | str]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name, value) for name, values in headers.items() for value in ([values] if isinstance(values, str) else values)
    )


def _octets(body: object) -> bytes:
    match body:
        case None:
            return b""
        case bytes():
            return body
        case str():
            return body.encode("utf-8")
        case _:
            raise ValueError("a body is neither text nor octets")
