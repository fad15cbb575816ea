"""What nock's recorder keeps: fixtures of nock.back (JSON), and modules of calls (JavaScript).

A module is parsed by tree-sitter, never run. What is no literal in it is not known, and is left out.
"""

from __future__ import annotations

import re
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from device_grant.errors import UsageError
from device_grant.protocol import Request, Response
from device_grant.recordings.formats.capture import Capture, Captured, Format
from device_grant.recordings.formats.messages import dumped, listed_headers
from device_grant.recordings.formats.suites.javascript import UNKNOWN, calls_of
from device_grant.recordings.formats.text import Allowance, left_out, undone, web_url

if TYPE_CHECKING:
    from pathlib import Path

    from device_grant.protocol.exchange import Headers

_HEX = re.compile(r"(?:[0-9a-fA-F]{2})+")
_METHODS = frozenset({"get", "post", "put", "head", "patch", "delete", "options", "merge"})
_MODULE = re.compile(r"\bnock\s*\(")
_EXTRA = "pip install 'device-grant-conformance[javascript]'"
_FORM = "application/x-www-form-urlencoded"


def _read(path: Path, data: list[Any]) -> Capture:
    """The definitions of a fixture; raises UsageError naming the one that is wrong, from 1."""
    allowance = Allowance()
    entries = tuple(
        _captured(f"{path}: definition {number}", number, one, allowance) for number, one in enumerate(data, 1)
    )
    return Capture(str(path), "a fixture of nock", entries)


def _fits(data: Any) -> bool:
    first = data[0] if isinstance(data, list) and data else None
    return isinstance(first, dict) and {"scope", "path"} <= first.keys() and ("status" in first or "response" in first)


FORMAT = Format("a fixture of nock.back (JSON)", _fits, _read)


def _read_module(path: Path, text: str) -> Capture:
    """The calls of a module; raises UsageError where there is no parser, or none of them is the recorder's."""
    if find_spec("tree_sitter") is None or find_spec("tree_sitter_javascript") is None:
        raise UsageError(
            f"{path}: a module for nock, in JavaScript: {_EXTRA}; or record it as JSON with nock.back, and judge that"
        )
    chains = calls_of(text.encode("utf-8", errors="replace"), _language())
    data = [one for chain in chains for one in _definitions(chain)]
    if not data:
        raise UsageError(
            f"{path}: JavaScript without calls as nock's recorder writes them, nock(URL).post(PATH, BODY)"
            ".reply(STATUS, BODY): record it as JSON with nock.back, and judge that"
        )
    allowance = Allowance()
    entries = tuple(
        _captured(f"{path}: interceptor {number}", number, one, allowance) for number, one in enumerate(data, 1)
    )
    return Capture(str(path), "a module for nock", entries)


MODULE = Format(
    "a module that nock's recorder wrote (JavaScript)",
    lambda text: bool(_MODULE.search(text)),
    _read_module,
    form="text",
)


def _language() -> Any:
    return import_module("tree_sitter_javascript").language()


def _definitions(chain: list[tuple[str, list[Any]]]) -> list[dict[str, Any]]:
    """The definitions, as a fixture has them, of one `nock(…).post(…).reply(…)`, which may go on with the next."""
    scope = ""
    headers: dict[str, Any] = {}
    current: dict[str, Any] = {}
    collected: list[dict[str, Any]] = []
    for name, given in chain:
        first = given[0] if given else None
        if name == "nock":
            scope = first if isinstance(first, str) else ""
            options = given[1] if len(given) > 1 and isinstance(given[1], dict) else {}
            wanted = options.get("reqheaders")
            headers = wanted if isinstance(wanted, dict) else {}
        elif name == "matchHeader" and len(given) > 1 and isinstance(first, str) and isinstance(given[1], str):
            headers = {**headers, first: given[1]}
        elif name in _METHODS and scope and isinstance(first, str):
            known = len(given) > 1 and given[1] is not UNKNOWN
            current = {"scope": scope, "method": name, "path": first, "body": given[1] if known else ""}
        elif name == "query" and current and isinstance(first, dict):
            query = urlencode(
                [(key, value) for key, value in first.items() if isinstance(value, str)], errors="surrogatepass"
            )
            current["path"] += f"{'&' if '?' in current['path'] else '?'}{query}"
        elif name == "reply" and current and isinstance(first, int):
            answer = given[1] if len(given) > 1 else ""
            fields = given[2] if len(given) > 2 and isinstance(given[2], list | dict) else []  # noqa: PLR2004 - the third
            collected.append(
                {**current, "status": first, "response": answer, "rawHeaders": fields, "reqheaders": headers}
            )
            current = {}
    return collected


def _captured(where: str, number: int, data: Any, allowance: Allowance) -> Captured:
    one = data if isinstance(data, dict) else {}
    scope, path, status = one.get("scope"), one.get("path"), one.get("status", 200)
    if not isinstance(scope, str) or not isinstance(path, str):
        raise UsageError(f"{where}: it has no scope and path: is it one of nock?")
    if not isinstance(status, int) or isinstance(status, bool) or not 100 <= status <= 999:  # noqa: PLR2004 - three digits
        raise UsageError(f"{where}: {str(status)[:40]!r} is no status: give it three digits")
    sent = listed_headers(one.get("reqheaders"))
    content, kind, rebuilt = _sent(one.get("body"))
    headless = not any(name.lower() == "content-type" for name, _ in sent)
    if content and kind and headless:
        # Recorders leave the fields of requests out, unless they are told to keep them.
        sent = (*sent, ("Content-Type", kind))
    url = web_url(_address(scope, path), where)
    request = Request(str(one.get("method") or "GET").upper(), url, sent, content)
    came = _fields(one.get("rawHeaders") if one.get("rawHeaders") is not None else one.get("headers"))
    body, octets = _came(one.get("response"))
    plain = None if body is None else undone(body, came, where, allowance)
    return Captured(
        number,
        request,
        Response(status, came, plain or b""),
        bodiless=plain is None,
        unsent=left_out(request),
        octets=octets,
        headless=headless,
        rebuilt=rebuilt,
        name=f"definition {number}",
    )


def _address(scope: str, path: str) -> str:
    for scheme, port in (("https://", ":443"), ("http://", ":80")):
        if scope.startswith(scheme):
            scope = scope.removesuffix(port)
    return f"{scope.rstrip('/')}/{path.removeprefix('/')}"


def _sent(body: Any) -> tuple[bytes, str, bool]:
    """A body of a request, its media type where the fixture has no fields, and whether a form was put together."""
    match body:
        case str() if body:
            form = bool(re.match(r"[A-Za-z_][\w.%-]*=", body))
            return (
                body.encode("utf-8", errors="surrogatepass"),
                _FORM if form else "application/json" if body[:1] == "{" else "",
                False,
            )
        case dict() if body:
            return dumped(body), "application/json", False
        case _:
            return b"", "", False


def _came(response: Any) -> tuple[bytes | None, bool]:
    """A body of an answer, and whether it is octet by octet what came; None: what it is made of is not in the file."""
    match response:
        case None | "":
            return b"", True
        case str():
            return response.encode("utf-8", errors="surrogatepass"), False
        case list() if response and all(isinstance(one, str) and _HEX.fullmatch(one) for one in response):
            # Of what is compressed, and of what is no text, the recorder keeps each chunk in hexadecimal.
            return b"".join(bytes.fromhex(one) for one in response), True
        case dict() | list() if not _unknown(response):
            return dumped(response), False
        case _:
            return None, False


def _unknown(value: Any) -> bool:
    level = [value]
    while level:
        one = level.pop()
        if one is UNKNOWN:
            return True
        level += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
    return False


def _fields(data: Any) -> Headers:
    """Fields of an object, or of a list of names and values by turns."""
    if isinstance(data, list):
        texts = [one if isinstance(one, str) else "" for one in data]
        return tuple((name, value) for name, value in zip(texts[::2], texts[1::2], strict=False) if name)
    return listed_headers(data)
