"""Tapes as files of vcrpy: what it has no place for stands beside it, under `device_grant`, which it ignores.

A file holds the tapes of one subject of checks. `interactions` are the requests and responses of all of them, in
vcrpy's own serialisation, check by check and in the order in which they were sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import httpx
import msgspec
import yaml
from vcr.request import Request as VcrRequest
from vcr.serialize import serialize

from device_grant.errors import UsageError
from device_grant.files import formed
from device_grant.protocol import Request
from device_grant.protocol.exchange import RAW
from device_grant.recordings.formats.vcr import interaction
from device_grant.recordings.tape import Action, Tape, TapedExchange

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

FORMAT = 2
"""Raised when an older reader would misread a newer cassette; 1 had a file for each check."""
_VCR_FORMAT = 1


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    pass


_Moment = Annotated[float, msgspec.Meta(ge=-253402300799, le=253402300799)]
"""Seconds, or seconds since the epoch, until the year 9999; clocks that are set back make negative ones."""
_Index = Annotated[int, msgspec.Meta(ge=0, le=10_000_000)]


class _Times(_Part, frozen=True, kw_only=True, omit_defaults=True):
    """Beside each interaction."""

    check: str = ""
    place: _Index
    at: _Moment
    took: _Moment = 0.0
    elapsed: _Moment = 0.0
    action: _Index | None = None
    coding: str = ""


class _Octets(_Part, frozen=True, kw_only=True, omit_defaults=True):
    """What was said over a raw socket; text holds octets as Latin-1."""

    place: _Index
    at: _Moment
    took: _Moment = 0.0
    elapsed: _Moment = 0.0
    url: str
    sent: str
    received: str
    ending: str


class _Lost(_Part, frozen=True, kw_only=True, omit_defaults=True):
    """A request that got no response; text holds octets as Latin-1."""

    place: _Index
    at: _Moment
    took: _Moment = 0.0
    elapsed: _Moment = 0.0
    action: _Index | None = None
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
    returned: _Index | None = None


class _Beside(_Part, frozen=True, kw_only=True, omit_defaults=True):
    """What a check has besides interactions."""

    check: str
    began: _Moment = 0.0
    actions: list[_Action] = []
    waits: list[tuple[_Moment, _Moment]] = []
    octets: list[_Octets] = []
    lost: list[_Lost] = []
    cases: dict[str, list[str]] = {}
    answers: dict[str, bool] = {}
    uncarried: dict[str, str] = {}


# Writing.


def text_of(tapes: Iterable[Tape]) -> str:
    """The text of a file that holds these tapes; the same tapes have the same text, in whatever order they come."""
    requests: list[VcrRequest] = []
    responses: list[dict[str, Any]] = []
    times: list[_Times] = []
    beside: list[_Beside] = []
    for tape in sorted(tapes, key=lambda one: one.name):
        octets: list[_Octets] = []
        lost: list[_Lost] = []
        for place, entry in enumerate(tape.entries):
            measured: dict[str, Any] = {
                "place": place,
                "at": round(entry.at, 6),
                "took": round(entry.took, 6),
                "elapsed": round(entry.elapsed, 4),
            }
            if entry.raw:
                octets.append(_spoken(entry, measured))
            elif entry.response is None:
                lost.append(_lost(entry, measured))
            else:
                sent, response = entry.request, entry.response
                requests.append(VcrRequest(sent.method, sent.url, sent.content, dict(sent.headers)))
                responses.append(
                    {
                        "status": {"code": response.status, "message": entry.reason},
                        "headers": _lists(response.headers),
                        "body": {"string": response.content},
                    }
                )
                times.append(_Times(check=tape.name, **measured, action=entry.action, coding=entry.coding))
        beside.append(_beside(tape, octets, lost))
    written: str = serialize({"requests": requests, "responses": responses}, _Serializer(times, beside))
    return written


def dump(data: object) -> str:
    """Data as YAML, in its own order and a line a value."""
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000_000)
    return text


class _Dumper(yaml.CSafeDumper):
    """Without anchors: an edit in one place must not change another."""

    def ignore_aliases(self, data: object) -> bool:
        del data
        return True


class _Serializer:
    """Hands vcrpy's own form of the interactions on, with what stands beside them; each begins with its check."""

    def __init__(self, times: list[_Times], beside: list[_Beside]) -> None:
        self._times = times
        self._beside = beside

    def serialize(self, data: dict[str, Any]) -> str:
        interactions = [
            {"device_grant": msgspec.to_builtins(times), **interaction}
            for interaction, times in zip(data["interactions"], self._times, strict=True)
        ]
        own = {"format": FORMAT, "checks": msgspec.to_builtins(self._beside)}
        return dump({"version": data["version"], "device_grant": own, "interactions": interactions})


def _beside(tape: Tape, octets: list[_Octets], lost: list[_Lost]) -> _Beside:
    return _Beside(
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
        waits=[(round(float(at), 6), round(float(seconds), 6)) for at, seconds in tape.waits],
        octets=octets,
        lost=lost,
        cases=tape.cases,
        answers=tape.answers,
        uncarried=tape.uncarried,
    )


def _spoken(entry: TapedExchange, measured: dict[str, Any]) -> _Octets:
    sent, received = entry.request.content.decode("latin-1"), entry.received.decode("latin-1")
    return _Octets(**measured, url=entry.request.url, sent=sent, received=received, ending=entry.ending)


def _lost(entry: TapedExchange, measured: dict[str, Any]) -> _Lost:
    return _Lost(
        **measured,
        action=entry.action,
        method=entry.request.method,
        uri=entry.request.url,
        headers=list(entry.request.headers),
        body=entry.request.content.decode("latin-1"),
        error=entry.error,
        message=entry.message,
    )


def _lists(headers: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    collected: dict[str, list[str]] = {}
    for name, value in headers:
        collected.setdefault(name, []).append(value)
    return collected


# Reading.


def tapes_of(file: Path, data: dict[str, Any]) -> dict[str, Tape]:
    """The tapes in the data of a file, by check; raises UsageError in one line that says what is wrong with it."""
    own, interactions = data.get("device_grant"), data.get("interactions")
    if not isinstance(own, dict) or not isinstance(interactions, list):
        missing = "device_grant" if isinstance(interactions, list) else "interactions"
        raise UsageError(f"{file}: lacks {missing}: it was cut off or edited; record it again")
    refuse_newer(file, own)
    if data.get("version") != _VCR_FORMAT:
        raise UsageError(
            f"{file}: version {repr(data.get('version'))[:40]} is not that of vcrpy's files, {_VCR_FORMAT}"
        )
    listed = own.get("checks") if own.get("format") == FORMAT else [{k: v for k, v in own.items() if k != "format"}]
    checks = formed(listed, list[_Beside], f"{file}: device_grant", cure="record it again", strict=False)
    placed: dict[str, list[tuple[int, TapedExchange]]] = {check.check: [] for check in checks}
    # In the files of format 1 all of them are of the one check.
    alone = checks[0].check if own.get("format") != FORMAT else ""
    for number, one in enumerate(interactions, 1):
        times, entry = _played(file, number, one)
        name = times.check or alone
        if name not in placed:
            raise UsageError(f"{file}: {entry.label} is of {name or 'no check'}, which the file does not list")
        placed[name].append((times.place, entry))
    return {check.check: _tape(file, check, placed[check.check]) for check in checks}


def refuse_newer(file: Path, data: dict[str, Any]) -> None:
    """Raise UsageError for a format that this version does not know."""
    result = data.get("format")
    if isinstance(result, int) and result > FORMAT:
        raise UsageError(f"{file}: format {result} is newer than this version reads ({FORMAT}): update the suite")


def _tape(file: Path, check: _Beside, placed: list[tuple[int, TapedExchange]]) -> Tape:
    placed += _without_interaction(file, check)
    placed.sort(key=lambda pair: pair[0])
    places = [place for place, _ in placed]
    if places != list(range(len(places))):
        wrong = next((n for n, place in enumerate(places) if n != place), 0)
        raise UsageError(
            f"{file}: place {wrong} of {check.check} occurs not once: an interaction was taken out or added by hand"
        )
    actions = [Action(one.do, one.code, one.refused, one.broke, one.seen, one.returned) for one in check.actions]
    for _, entry in placed:
        if entry.action is not None and not 0 <= entry.action < len(actions):
            raise UsageError(f"{file}: {entry.label} belongs to action {entry.action}, which is not there")
    return Tape(
        name=check.check,
        began=check.began,
        entries=[entry for _, entry in placed],
        actions=actions,
        waits=check.waits,
        cases=check.cases,
        answers=check.answers,
        uncarried=check.uncarried,
        file=str(file),
    )


def _played(file: Path, number: int, data: object) -> tuple[_Times, TapedExchange]:
    where = f"{file}: interaction {number}"
    read = interaction(data, where)
    times = formed(read.beside, _Times, f"{where}: device_grant", cure="record it again")
    return times, TapedExchange(
        read.request,
        read.response,
        times.at,
        times.took,
        times.elapsed,
        reason=read.reason,
        coding=times.coding,
        action=times.action,
        number=number,
    )


def _without_interaction(file: Path, check: _Beside) -> Iterator[tuple[int, TapedExchange]]:
    for octets in check.octets:
        request = Request(RAW, octets.url, (), octets.sent.encode("latin-1", errors="replace"))
        received = octets.received.encode("latin-1", errors="replace")
        times = (octets.at, octets.took, octets.elapsed)
        yield octets.place, TapedExchange(request, None, *times, received=received, ending=octets.ending)
    for lost in check.lost:
        raised = getattr(httpx, lost.error, None)
        if not (isinstance(raised, type) and issubclass(raised, httpx.TransportError | httpx.DecodingError)):
            raise UsageError(f"{file}: {lost.method} {lost.uri}: {lost.error!r} is no transport error of httpx")
        headers = tuple((name, value) for name, value in lost.headers)
        request = Request(lost.method, lost.uri, headers, lost.body.encode("latin-1", errors="replace"))
        times = (lost.at, lost.took, lost.elapsed)
        yield (
            lost.place,
            TapedExchange(request, None, *times, error=lost.error, message=lost.message, action=lost.action),
        )
