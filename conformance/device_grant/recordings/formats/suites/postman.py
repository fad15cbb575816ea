"""Postman collections (v2.0 and v2.1) with saved answers: examples, in the order of the collection and not of time."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from device_grant.errors import UsageError
from device_grant.protocol import Request, Response
from device_grant.recordings.formats.capture import Capture, Captured, Format
from device_grant.recordings.formats.messages import paired_headers
from device_grant.recordings.formats.text import left_out, web_url

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_VARIABLE = re.compile(r"\{\{\s*([^{}]{1,200}?)\s*\}\}")
_DEEPEST = 30
"""Folders in folders."""
_ROUNDS = 5
"""Variables in variables."""
_LONGEST = 2**20
"""Characters of a text with its variables filled in."""


def _read(path: Path, data: dict[str, Any]) -> Capture:
    """The saved answers of a collection; raises UsageError where there are none, or one is wrong."""
    variables = _variables(data.get("variable"))
    saved = list(_saved(data.get("item"), 0))
    if not saved:
        raise UsageError(
            f"{path}: a Postman collection without saved answers: send its requests, save each answer as an example, "
            "and export the collection again"
        )
    entries = tuple(
        _captured(f"{path}: example {number}", number, item, one, variables)
        for number, (item, one) in enumerate(saved, 1)
    )
    return Capture(str(path), "a Postman collection", entries, parties=("server",))


def _fits(data: Any) -> bool:
    info = data.get("info") if isinstance(data, dict) else None
    named = isinstance(info, dict) and ("_postman_id" in info or "getpostman.com" in str(info.get("schema")))
    return named and "item" in data


FORMAT = Format("a Postman collection with saved answers", _fits, _read)


def _saved(items: Any, depth: int) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each saved answer, with the item that it belongs to."""
    for item in items if isinstance(items, list) and depth < _DEEPEST else ():
        if not isinstance(item, dict):
            continue
        yield from _saved(item.get("item"), depth + 1)
        listed = item.get("response")
        for one in listed if isinstance(listed, list) else ():
            if isinstance(one, dict) and isinstance(one.get("code"), int):
                yield item, one


def _captured(
    where: str, number: int, item: dict[str, Any], one: dict[str, Any], variables: Mapping[str, str]
) -> Captured:
    asked = one.get("originalRequest") or item.get("request")
    if isinstance(asked, str):
        asked = {"url": asked, "method": "GET"}
    if not isinstance(asked, dict):
        raise UsageError(f"{where}: it has no request: export the collection again")
    sent = _headers(asked.get("header"), variables)
    authorization = _basic(asked.get("auth"), variables)
    if authorization and not any(name.lower() == "authorization" for name, _ in sent):
        sent = (*sent, ("Authorization", authorization))
    content, kind, rebuilt = _body(asked.get("body"), variables)
    if content and kind and not any(name.lower() == "content-type" for name, _ in sent):
        sent = (*sent, ("Content-Type", kind))
    url = web_url(_address(asked.get("url"), variables), where)
    request = Request(str(asked.get("method") or "GET").upper(), url, sent, content)
    body, status = one.get("body"), one["code"]
    if not 100 <= status <= 999:  # noqa: PLR2004 - three digits, whatever they mean
        raise UsageError(f"{where}: {status!r} is no status: give it three digits")
    text = body if isinstance(body, str) else ""
    took = one.get("responseTime")
    known = isinstance(took, int | float) and not isinstance(took, bool) and 0 <= took < 1e9  # noqa: PLR2004 - days
    return Captured(
        number,
        request,
        Response(status, _headers(one.get("header"), {}), text.encode("utf-8", errors="surrogatepass")),
        bodiless=not isinstance(body, str),
        unsent=left_out(request),
        took=float(took or 0) / 1000 if known else None,
        rebuilt=rebuilt,
        octets=False,
        name=str(one.get("name") or f"example {number}"),
    )


def _variables(listed: Any) -> dict[str, str]:
    known = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return {
        str(one.get("key") or one.get("id")): str(one["value"])
        for one in known
        if isinstance(one.get("value"), str | int | float) and not one.get("disabled")
    }


def _filled(text: str, variables: Mapping[str, str]) -> str:
    """The text with the variables of the collection; those of an environment stay as they are."""
    for _ in range(_ROUNDS):
        made = _VARIABLE.sub(lambda match: variables.get(match[1], match[0]), text)
        if made == text or len(made) > _LONGEST:
            break
        text = made
    return text


def _address(url: Any, variables: Mapping[str, str]) -> str:
    raw = url.get("raw") if isinstance(url, dict) else url
    text = _filled(raw, variables) if isinstance(raw, str) else ""
    # Of a host in a variable of an environment only the name is known; it is one server all the same.
    text = _VARIABLE.sub(lambda match: re.sub(r"[^a-z0-9]+", "-", match[1].lower()).strip("-") or "host", text)
    scheme, separator, rest = text.partition("://")
    if separator and re.fullmatch(r"https?", scheme):
        return text
    place = rest if separator else text
    host, slash, path = place.partition("/")
    return f"https://{host if '.' in host or ':' in host else f'{host}.invalid'}{slash}{path}"


def _headers(listed: Any, variables: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    if isinstance(listed, str):
        pairs = [line.partition(":") for line in listed.splitlines() if ":" in line]
        return tuple((name.strip(), value.strip()) for name, _, value in pairs)
    active = (
        [one for one in listed if isinstance(one, dict) and not one.get("disabled")] if isinstance(listed, list) else []
    )
    return tuple((name, _filled(value, variables)) for name, value in paired_headers(active, "key"))


def _basic(auth: Any, variables: Mapping[str, str]) -> str:
    """The header of credentials that Postman adds by itself."""
    if not isinstance(auth, dict) or auth.get("type") != "basic":
        return ""
    listed = auth.get("basic")
    pairs = dict(paired_headers(listed, "key")) if isinstance(listed, list) else listed
    if not isinstance(pairs, dict):
        return ""
    text = f"{pairs.get('username', '')}:{pairs.get('password', '')}"
    return f"Basic {b64encode(_filled(text, variables).encode('utf-8', errors='surrogatepass')).decode()}"


def _body(body: Any, variables: Mapping[str, str]) -> tuple[bytes, str, bool]:
    """A body, the media type that Postman adds for it, and whether it was put together from parameters."""
    if not isinstance(body, dict):
        return b"", "", False
    match body.get("mode"):
        case "raw":
            text = _filled(str(body.get("raw") or ""), variables)
            options = body.get("options")
            raw = options.get("raw") if isinstance(options, dict) else None
            language = raw.get("language") if isinstance(raw, dict) else ""
            kind = "application/json" if language == "json" else ""
            return text.encode("utf-8", errors="surrogatepass"), kind, False
        case "urlencoded":
            listed = body.get("urlencoded")
            pairs = _headers(listed, variables) if isinstance(listed, list) else ()
            return urlencode(pairs, errors="surrogatepass").encode(), "application/x-www-form-urlencoded", bool(pairs)
        case _:
            return b"", "", False
