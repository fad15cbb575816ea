"""Where two answers to one request differ in a way that matters: not in codes, tokens, dates and the like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from device_grant.protocol.dialects import json_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from device_grant.protocol import Exchange, Response

ABSENT = "(absent)"
PRESENT = "present"
NO_ANSWER = "no response"


@dataclass(frozen=True)
class AnswerDifference:
    """One thing that is not as it was."""

    what: str
    """`status`, `error`, `member interval`, `header cache-control` …"""
    recorded: str
    live: str


def compare(recorded: Exchange, live: Exchange) -> list[AnswerDifference]:
    """What differs: status, error code, members and their JSON types, headers that requirements name."""
    if recorded.response is None or live.response is None:
        description = [one.error or NO_ANSWER if one.response is None else str(one.status) for one in (recorded, live)]
        return (
            [AnswerDifference("answer", *description)] if (recorded.response is None) != (live.response is None) else []
        )
    sides = (recorded, live)
    collected = [
        *_differs("status", *(str(one.status) for one in sides)),
        *_differs("error", *(_error(one) for one in sides)),
        *_differs("exception", *(one.outcome.error_type or ABSENT for one in sides)),
    ]
    before, now = json_object(recorded.response), json_object(live.response)
    collected += _differs("body", _kind_of_body(recorded.response, before), _kind_of_body(live.response, now))
    # Of a success and a refusal all members differ, which says nothing more.
    if recorded.outcome.ok == live.outcome.ok and before is not None and now is not None:
        for name in sorted({**before, **now}):
            collected += _differs(f"member {name}", _json_type(before, name), _json_type(now, name))
    for name, read in _HEADERS.items():
        values = (recorded.response.header(name), live.response.header(name))
        description = [ABSENT if value is None else read(value) for value in values]
        collected += _differs(f"header {name}", *description)
    return collected


def _differs(what: str, recorded: str, live: str) -> Iterator[AnswerDifference]:
    if recorded != live:
        yield AnswerDifference(what, recorded, live)


def _error(one: Exchange) -> str:
    said = one.get("error")
    return said if isinstance(said, str) else ABSENT


def _kind_of_body(response: Response, body: dict[str, Any] | None) -> str:
    if body is not None:
        return "a JSON object"
    return "no JSON object" if response.content.strip() else "empty"


_TYPES: dict[type, str] = {
    str: "string",
    bool: "boolean",
    int: "number",
    float: "number",
    list: "array",
    dict: "object",
}


def _json_type(body: dict[str, Any], name: str) -> str:
    return _TYPES.get(type(body[name]), "null") if name in body else ABSENT


def _listed(value: str) -> str:
    return ", ".join(sorted(part.strip().lower() for part in value.split(",") if part.strip()))


def _media_type(value: str) -> str:
    return value.partition(";")[0].strip().lower()


def _schemes(value: str) -> str:
    return ", ".join(
        sorted({word for part in value.split(",") if "=" not in (word := part.strip().split(" ")[0].lower())})
    )


def _plain(value: str) -> str:
    return value.strip()


def _there(_: str) -> str:
    return PRESENT


_HEADERS: dict[str, Callable[[str], str]] = {
    "content-type": _media_type,
    "cache-control": _listed,
    "pragma": _listed,
    "www-authenticate": _schemes,
    "allow": _listed,
    "retry-after": _there,
    "location": _there,
    "access-control-allow-origin": _plain,
    "x-amzn-errortype": _plain,
    "x-amzn-requestid": _there,
}
"""Headers that requirements name, and what of their values matters."""
