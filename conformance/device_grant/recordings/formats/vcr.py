"""Cassettes of vcrpy, in YAML or JSON and in both of its layouts, and those of Betamax and VCR."""

from __future__ import annotations

from typing import Any

import msgspec

from device_grant.errors import UsageError
from device_grant.recordings.formats.capture import Capture, Entry, Headers
from device_grant.recordings.formats.text import (
    converted,
    moment,
    octets_of,
    octets_of_base64,
    undone,
    web_url,
    whole_seconds,
)


class _Request(msgspec.Struct, frozen=True):
    method: str
    uri: str
    body: Any = None
    headers: dict[str, list[str] | str | None] | None = None


class _Response(msgspec.Struct, frozen=True):
    """`status_code` and `content` are the layout that older versions of vcrpy had for httpx."""

    status: Any = None
    status_code: int | None = None
    headers: dict[str, list[str] | str | None] | None = None
    body: Any = None
    content: Any = None


class _Times(msgspec.Struct, frozen=True):
    """What cassettes of ours say beside an interaction."""

    at: float
    took: float = 0.0


class _Interaction(msgspec.Struct, frozen=True):
    request: _Request
    response: _Response
    recorded_at: str | None = None
    device_grant: _Times | None = None


def read(file: str, data: dict[str, Any]) -> Capture:
    """The interactions of a cassette; raises UsageError naming the one that is wrong, from 1."""
    listed = data.get("interactions", data.get("http_interactions"))
    if not isinstance(listed, list):
        raise UsageError(f"{file}: a cassette whose interactions are no list: was it cut off?")
    raw = [converted(one, _Interaction, f"{file}: interaction {number}") for number, one in enumerate(listed, 1)]
    entries = tuple(_entry(file, number, one) for number, one in enumerate(raw, 1))
    ours = bool(raw) and all(one.device_grant for one in raw)
    coarse = not ours and whole_seconds([one.recorded_at for one in raw if one.recorded_at])
    kind = "a tape of device-grant record" if ours else "a VCR cassette"
    parties = ("server",) if ours else ("server", "client")
    return Capture(file, kind, entries, precision=1.0 if coarse else 0.0, parties=parties)  # type: ignore[arg-type]  # the words of Party


def _entry(file: str, number: int, raw: _Interaction) -> Entry:
    where = f"{file}: interaction {number}"
    answered = _headers(raw.response.headers)
    started = moment(raw.recorded_at, where) if raw.recorded_at else None
    took = None
    if raw.device_grant is not None:
        started, took = raw.device_grant.at, raw.device_grant.took
    response = raw.response
    came = _body(response.body if response.content is None else response.content, where)
    return Entry(
        number=number,
        method=raw.request.method.upper(),
        url=web_url(raw.request.uri, where),
        headers=_headers(raw.request.headers),
        content=_body(raw.request.body, where),
        status=_status(response, where),
        answered=answered,
        answer=undone(came, answered),
        started=started,
        took=took,
        name=f"interaction {number}",
    )


def _status(response: _Response, where: str) -> int:
    found = response.status_code if response.status is None else response.status
    if isinstance(found, dict):
        found = found.get("code")
    if not isinstance(found, int) or not 100 <= found <= 999:  # noqa: PLR2004 - three digits, whatever they mean
        raise UsageError(f"{where}: {found!r} is no status: give it three digits")
    return found


def _body(body: Any, where: str) -> bytes:
    match body:
        case {"base64_string": str(text)}:
            return octets_of_base64(text, where)
        case {"string": text}:
            return octets_of(text, where)
        case {"encoding": _}:
            return b""
        case _:
            return octets_of(body, where)


def _headers(listed: dict[str, list[str] | str | None] | None) -> Headers:
    found: list[tuple[str, str]] = []
    for name, values in (listed or {}).items():
        found += [(name, value) for value in ([values] if isinstance(values, str) else values or ())]
    return tuple(found)
