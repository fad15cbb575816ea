"""Cassettes of vcrpy, in YAML or JSON and in both of its layouts, and those of Betamax and VCR.

`interaction` is the one reader of a request and response in that form; cassettes of ours are read by it too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from device_grant.errors import UsageError
from device_grant.files import formed
from device_grant.protocol import Request, Response
from device_grant.recordings.formats.capture import Capture, Captured, Format
from device_grant.recordings.formats.text import (
    Allowance,
    left_out,
    moment,
    octets_of,
    octets_of_base64,
    undone,
    web_url,
    whole_seconds,
)

if TYPE_CHECKING:
    from pathlib import Path

    from device_grant.protocol.exchange import Headers


_VcrHeaders = dict[str, list[str | int] | str | int | None]


class _VcrRequest(msgspec.Struct, frozen=True):
    method: Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,100}(?![\s\S])")]
    uri: str
    body: Any = None
    headers: _VcrHeaders | None = None


class _VcrResponse(msgspec.Struct, frozen=True):
    """`status_code` and `content` are the layout that older versions of vcrpy had for httpx."""

    status: Any = None
    status_code: int | None = None
    headers: _VcrHeaders | None = None
    body: Any = None
    content: Any = None


class _VcrInteraction(msgspec.Struct, frozen=True):
    request: _VcrRequest
    response: _VcrResponse
    recorded_at: str | None = None
    device_grant: Any = None


_LONGEST_REASON = 1000


@dataclass(frozen=True)
class Interaction:
    """One request and its response as vcrpy has them."""

    request: Request
    response: Response
    """The body is as it is in the file, with its content coding if it has one there."""
    reason: str
    """Reason phrase; empty where the file has none."""
    recorded_at: str
    """ISO 8601; empty: not said."""
    beside: Any
    """What cassettes of ours say beside it."""


def interaction(data: Any, where: str) -> Interaction:
    """One of the `interactions` of a file; raises UsageError that begins with `where`."""
    raw = formed(data, _VcrInteraction, where, strict=False)
    status, reason = _status(raw.response, where)
    came = raw.response.body if raw.response.content is None else raw.response.content
    return Interaction(
        Request(raw.request.method, raw.request.uri, _headers(raw.request.headers), _body(raw.request.body, where)),
        Response(status, _headers(raw.response.headers), _body(came, where)),
        reason,
        raw.recorded_at or "",
        raw.device_grant,
    )


def _read(path: Path, data: dict[str, Any]) -> Capture:
    """The interactions of a cassette; raises UsageError naming the one that is wrong, from 1."""
    listed = data.get("interactions", data.get("http_interactions"))
    if not isinstance(listed, list):
        raise UsageError(f"{path}: a cassette whose interactions are no list: was it cut off?")
    read = [interaction(one, f"{path}: interaction {number}") for number, one in enumerate(listed, 1)]
    allowance = Allowance()
    entries = tuple(
        _captured(f"{path}: interaction {number}", number, one, allowance) for number, one in enumerate(read, 1)
    )
    coarse = whole_seconds([one.recorded_at for one in read if one.recorded_at])
    return Capture(str(path), "a VCR cassette", entries, precision=1.0 if coarse else 0.0)


FORMAT = Format(
    "a cassette of vcrpy (or of Betamax or VCR)",
    # A contract of Pact has interactions too.
    lambda data: (
        isinstance(data, dict)
        and bool({"interactions", "http_interactions"} & data.keys())
        and not {"consumer", "provider"} <= data.keys()
    ),
    _read,
)


def _captured(where: str, number: int, one: Interaction, allowance: Allowance) -> Captured:
    body = undone(one.response.content, one.response.headers, where, allowance)
    request = replace(one.request, method=one.request.method.upper(), url=web_url(one.request.url, where))
    return Captured(
        number,
        request,
        replace(one.response, content=body or b""),
        bodiless=body is None,
        unsent=left_out(request),
        started=moment(one.recorded_at, where) if one.recorded_at else None,
        name=f"interaction {number}",
    )


def _status(response: _VcrResponse, where: str) -> tuple[int, str]:
    result, reason = response.status_code if response.status is None else response.status, ""
    if isinstance(result, dict):
        reason = str(result.get("message") or "")[:_LONGEST_REASON]
        result = result.get("code")
    if not isinstance(result, int) or not 100 <= result <= 999:  # noqa: PLR2004 - three digits, whatever they mean
        raise UsageError(f"{where}: {repr(result)[:40]} is no status: give it three digits")
    return result, reason


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


def _headers(listed: _VcrHeaders | None) -> Headers:
    collected: list[tuple[str, str]] = []
    for name, values in (listed or {}).items():
        several = values if isinstance(values, list) else [] if values is None else [values]
        # Who writes a cassette by hand leaves numbers without quotes.
        collected += [(name, str(value)) for value in several]
    return tuple(collected)
