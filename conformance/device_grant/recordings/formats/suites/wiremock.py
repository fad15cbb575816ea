"""WireMock: stub mappings, recorded or written, and the journal of requests (`GET /__admin/requests`).

A mapping has patterns where a request has values: it says what a server answered, and nothing of any client.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from device_grant.errors import UsageError
from device_grant.protocol import Request, Response
from device_grant.recordings.formats.capture import PARTIES, Capture, Captured, Format
from device_grant.recordings.formats.messages import dumped, listed_headers
from device_grant.recordings.formats.text import Allowance, left_out, octets_of_base64, undone, web_url

if TYPE_CHECKING:
    from pathlib import Path

KIND = "mappings of WireMock"
_URLS = ("url", "urlPath", "urlPattern", "urlPathPattern", "urlPathTemplate")
_HOST = "wiremock.invalid"
"""Where a mapping does not say whose answers it keeps."""
_MOST = 16 * 2**20
"""Octets of a body that stands in a file beside the mapping."""
_OK = 200


def _fits(data: Any) -> bool:
    if not isinstance(data, dict):
        return False
    if isinstance(data.get("mappings"), list):
        return True
    if isinstance(data.get("requests"), list) and ("requestJournalDisabled" in data or "meta" in data):
        return True
    return is_mapping(data)


def is_mapping(data: Any) -> bool:
    """Whether this is one stub mapping."""
    if not isinstance(data, dict):
        return False
    request = data.get("request")
    return isinstance(request, dict) and isinstance(data.get("response"), dict) and any(one in request for one in _URLS)


def _read(path: Path, data: dict[str, Any]) -> Capture:
    """The mappings or the journal of a file; raises UsageError naming the one that is wrong, from 1."""
    listed, allowance = data.get("requests"), Allowance()
    if isinstance(listed, list):
        served = [_served(f"{path}: request {number}", number, one, allowance) for number, one in enumerate(listed, 1)]
        # The journal has the newest first.
        return Capture(str(path), "a journal of WireMock", tuple(reversed(served)), parties=PARTIES)
    mappings = data.get("mappings", [data])
    entries = tuple(_mapped(path, number, one, allowance) for number, one in enumerate(mappings, 1))
    return Capture(str(path), KIND, entries, parties=("server",))


FORMAT = Format("mappings or the journal of WireMock", _fits, _read)


def _mapped(path: Path, number: int, data: Any, allowance: Allowance) -> Captured:
    where = f"{path}: mapping {number}"
    asked, answered = _object(data, "request", where), _object(data, "response", where)
    method = asked.get("method")
    method = method.upper() if isinstance(method, str) and method.upper() != "ANY" else "POST"
    headers = tuple((name, value) for name, value in _equal(asked.get("headers")))
    content = _wanted(asked)
    url = web_url(_address(asked), where)
    request = Request(method, url, headers, content)
    came = listed_headers(answered.get("headers"))
    body, exact = _answer(path, answered, where, allowance)
    known = answered.get("proxyBaseUrl") is None and answered.get("fault") is None
    return Captured(
        number,
        request,
        Response(_status(answered, where), came, body or b"") if known else None,
        bodiless=known and body is None,
        unsent=left_out(request),
        headless=request.header("content-type") is None,
        error="" if known else "no answer of its own",
        rebuilt=bool(content) and "bodyPatterns" not in asked,
        octets=exact,
        name=str(data.get("name") or f"mapping {number}"),
    )


def _served(where: str, number: int, data: Any, allowance: Allowance) -> Captured:
    asked = _object(data, "request", where)
    answered = data.get("response") if isinstance(data.get("response"), dict) else None
    content = _coded(asked, "body", "bodyAsBase64", where)
    url = asked.get("absoluteUrl") or f"https://{_HOST}{asked.get('url', '')}"
    headers = listed_headers(asked.get("headers"))
    request = Request(str(asked.get("method", "")).upper(), web_url(str(url), where), headers, content or b"")
    came = listed_headers(answered.get("headers")) if answered else ()
    body = undone(_coded(answered, "body", "bodyAsBase64", where) or b"", came, where, allowance) if answered else None
    logged, timing = asked.get("loggedDate"), data.get("timing")
    total = timing.get("totalTime") if isinstance(timing, dict) else None
    return Captured(
        number,
        request,
        Response(_status(answered, where), came, body or b"") if answered else None,
        bodiless=answered is not None and not body,
        unsent=left_out(request),
        started=_milliseconds(logged),
        took=_milliseconds(total),
        error="" if answered else "no response in the journal",
        name=f"request {number}",
    )


def _object(data: Any, name: str, where: str) -> dict[str, Any]:
    value = data.get(name) if isinstance(data, dict) else None
    if not isinstance(value, dict):
        raise UsageError(f"{where}: it has no {name}: is it one of WireMock?")
    return value


def _status(answered: dict[str, Any], where: str) -> int:
    status = answered.get("status", _OK)
    if not isinstance(status, int) or not 100 <= status <= 999:  # noqa: PLR2004 - three digits, whatever they mean
        raise UsageError(f"{where}: {status!r} is no status: give it three digits")
    return status


def _address(asked: dict[str, Any]) -> str:
    path = next((asked[name] for name in _URLS if isinstance(asked.get(name), str)), "/")
    host, port = asked.get("host"), asked.get("port")
    wanted = dict(_equal({"host": host}))
    scheme = asked.get("scheme") if isinstance(asked.get("scheme"), str) else "https"
    place = f"{wanted.get('host', _HOST)}{f':{port}' if isinstance(port, int) else ''}"
    query = urlencode(list(_equal(asked.get("queryParameters"))), errors="surrogatepass")
    path = "/" + path.replace("\\", "").lstrip("^/").rstrip("$")
    return f"{scheme}://{place}{path}{'?' + query if query else ''}"


def _equal(patterns: Any) -> list[tuple[str, str]]:
    """Names and values of those that have to be equal to something: the others have no value."""
    listed = patterns.items() if isinstance(patterns, dict) else ()
    return [
        (str(name), one["equalTo"])
        for name, one in listed
        if isinstance(one, dict) and isinstance(one.get("equalTo"), str)
    ]


def _wanted(asked: dict[str, Any]) -> bytes:
    """The body that a request must have, where it is stated as a whole or by its parameters."""
    patterns = asked.get("bodyPatterns")
    for one in patterns if isinstance(patterns, list) else ():
        if isinstance(one, dict) and isinstance(one.get("equalTo"), str):
            return str(one["equalTo"]).encode("utf-8", errors="surrogatepass")
        wanted = one.get("equalToJson") if isinstance(one, dict) else None
        if isinstance(wanted, str):
            return wanted.encode("utf-8", errors="surrogatepass")
        if isinstance(wanted, dict):
            return dumped(wanted)
    return urlencode(_equal(asked.get("formParameters")), errors="surrogatepass").encode()


def _answer(path: Path, answered: dict[str, Any], where: str, allowance: Allowance) -> tuple[bytes | None, bool]:
    """A body, and whether it is octet by octet what is sent; None: it is made when somebody asks, or elsewhere."""
    came = listed_headers(answered.get("headers"))
    named = answered.get("bodyFileName")
    transformers = answered.get("transformers")
    templated = isinstance(transformers, list) and "response-template" in transformers
    if "jsonBody" in answered:
        made = dumped(answered["jsonBody"])
        return (None if templated and b"{{" in made else made), False
    if isinstance(named, str):
        return _beside(path, named), True
    content = _coded(answered, "body", "base64Body", where)
    if content is None:
        return b"", True
    if templated and b"{{" in content:
        return None, False
    return undone(content, came, where, allowance), "base64Body" in answered


def _coded(data: dict[str, Any], plain: str, coded: str, where: str) -> bytes | None:
    text, octets = data.get(plain), data.get(coded)
    if isinstance(octets, str):
        return octets_of_base64(octets, where)
    if isinstance(text, dict):
        return json.dumps(text).encode()
    return text.encode("utf-8", errors="surrogatepass") if isinstance(text, str) else None


def _beside(path: Path, name: str) -> bytes | None:
    """The file in `__files` beside the folder of the mappings; None: it is not there, or is not in it."""
    for folder in (path.parent / "__files", path.parent.parent / "__files"):
        try:
            file = (folder / name).resolve()
            if file.is_relative_to(folder.resolve()) and file.is_file() and file.stat().st_size <= _MOST:
                return file.read_bytes()
        except (OSError, ValueError):
            continue
    return None


def _milliseconds(value: Any) -> float | None:
    known = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e15  # noqa: PLR2004 - a date
    return value / 1000 if known else None
