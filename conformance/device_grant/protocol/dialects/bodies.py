"""Bodies of requests and responses as the dialects read and write them: JSON objects and forms."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from http.client import responses
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from device_grant.protocol.exchange import Response

Encoding = Literal["form", "json"]

JSON_TYPE = "application/json"
FORM_TYPE = "application/x-www-form-urlencoded"

_SPELT_AS_CODE = re.compile(r"[a-z0-9_.-]+")
_RENAMED = {
    413: ("request entity too large", "payload too large", "content too large"),
    414: ("request-uri too long", "uri too long"),
    422: ("unprocessable entity", "unprocessable content"),
}
"""Reason phrases that have changed from one HTTP to the next, all of them in use."""
_OF_A_PAGE = frozenset({"path", "timestamp"})
"""Members that an error page of a web framework has beside the status, and an OAuth error has not."""


def json_object(response: Response) -> dict[str, Any] | None:
    """The body as a JSON object, or None if it is anything else."""
    try:
        body = json.loads(response.content)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def members_of_oauth(status: int, members: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a body, but for an `error` that is HTTP's: web frameworks write their own error pages so.

    Such a page says `Bad Request`, the reason phrase of its status, or has the status, the path and the time.
    """
    error = members.get("error")
    if not isinstance(error, str) or status < HTTPStatus.BAD_REQUEST:
        return dict(members)
    phrase = error.casefold() in (responses.get(status, "").casefold(), *_RENAMED.get(status, ()))
    page = members.get("status") in (status, str(status)) and not _OF_A_PAGE.isdisjoint(members)
    of_http = phrase or (page and not _SPELT_AS_CODE.fullmatch(error))
    return {name: value for name, value in members.items() if not (of_http and name == "error")}


def duplicate_members(content: bytes) -> list[str]:
    """Names that occur more than once in one object of a JSON text (RFC 8259 section 4); empty if unparseable."""
    collected: list[str] = []

    def collect(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        seen: dict[str, Any] = {}
        for name, value in pairs:
            if name in seen:
                collected.append(name)
            seen[name] = value
        return seen

    try:
        json.loads(content, object_pairs_hook=collect)
    except (ValueError, RecursionError):
        return []
    return collected


def written(encoding: Encoding, members: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> bytes:
    """Members, names as on the wire, as a body; in a form a value that is no text is written as JSON."""
    if encoding == "json":
        return json.dumps(dict(members)).encode()
    pairs = dict(members).items() if hasattr(members, "keys") else members
    texts = [(name, value if isinstance(value, str) else json.dumps(value)) for name, value in pairs]
    # JSON can hold half a surrogate pair: a server that sends one in a code gets it back.
    return urlencode(texts, errors="surrogatepass").encode()
