"""What of a capture must not be written: registered before anything is.

A value is known by its name, however that is spelt, and by its shape, whatever its name is: nobody who captures traffic
knows which names we know.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from device_grant.protocol.names import snake
from device_grant.protocol.reading import basic, form_pairs, query_pairs
from device_grant.protocol.redaction import SECRET_MEMBERS
from device_grant.recordings.formats.placeholders import is_put_there

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from device_grant.protocol import Request, Response, Secrets
    from device_grant.recordings.judge.finding import RecognisedExchange

_KNOWN = {re.sub("_", "", name): name for name in SECRET_MEMBERS}
"""Kinds by names without case, dashes and underscores: access_Token, accessToken and Access-Token are one."""
_SECRET_NAME = re.compile(
    r"(token|secret|password|passwd|assertion|sessionid|verifier|apikey|credential|jwt|cookie)s?$"
)
_CREDENTIALS = re.compile(
    r"authorization|dpop|api-?key|token|secret|session|signature|credential|assertion", re.IGNORECASE
)
_PUBLIC_HEADERS = frozenset(
    {"www-authenticate", "access-control-allow-credentials", "access-control-allow-headers", "dpop-nonce"}
)
_OPEN_NAMES = re.compile(r"^(client.?id|.*(request|correlation).?id|.*trace.*|etag|.*challenge)$", re.IGNORECASE)
"""What looks random, is no secret, and helps whoever reads the report."""
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){1,4}")
_RANDOM = re.compile(r"[A-Za-z0-9_.~+/=%-]{20,}")
_PIECES = re.compile(r"[\s,;:\"'<>()]+|(?<![A-Za-z0-9])=|\b[\w-]+=(?=[\"\w])")
"""Between the values of a header."""
_FEW_DIGITS, _FEW_CHANGES, _PER_CHANGE = 2, 5, 8
"""Ordinary words and versions change less often between small letters, capitals and digits than random text does."""
_DEEPEST = 20
"""Objects in objects that are looked into."""


def learn(result: Iterable[RecognisedExchange], secrets: Secrets) -> None:
    """Register every secret of the exchanges: in members of either side, in headers and in URLs."""
    for one in result:
        _learn_members(one, secrets)
        _learn_texts(one.exchange.request, one.exchange.came or one.exchange.response, secrets)
    for one in result:
        # Only now: what a request makes of a secret is told from the secret.
        secrets.register_variants(one.exchange.request.content.decode("latin-1"))


def _learn_members(one: RecognisedExchange, secrets: Secrets) -> None:
    request, response = one.exchange.request, one.exchange.came or one.exchange.response
    # By its names on the wire too: what is a client's name to the RFC may be a token to the provider.
    asked = (*_members(request), *_members(replace(request, aliases={})))
    for name, value in (*one.exchange.outcome.members.items(), *asked, *_answered(response)):
        kind = _kind_of(name)
        if kind:
            _register(secrets, kind, value)
        elif not _OPEN_NAMES.match(name) and isinstance(value, str) and is_random(value):
            _register(secrets, "value", value)
    credentials = basic(request)
    if credentials is not None:
        _register(secrets, "client_secret", credentials.password)
        _register(secrets, "client_secret", credentials.raw_password)


def _learn_texts(request: Request, response: Response | None, secrets: Secrets) -> None:
    for name, value in (*request.headers, *(response.headers if response else ())):
        _learn_header(name, value, secrets)
    for piece in urlsplit(request.url).path.split("/"):
        if is_random(unquote(piece)):
            _register(secrets, "value", unquote(piece))
    for text in _texts(request, response):
        for token in _JWT.findall(text):
            _register(secrets, "jwt", token)


def _learn_header(name: str, value: str, secrets: Secrets) -> None:
    public = name.lower() in _PUBLIC_HEADERS
    if _CREDENTIALS.search(name) and not public:
        scheme, _, rest = value.partition(" ")
        _register(secrets, "authorization", rest or scheme)
    elif not public and not _OPEN_NAMES.match(name):
        for piece in _PIECES.split(value):
            if is_random(piece):
                _register(secrets, "value", piece)


def _kind_of(name: str) -> str:
    """The kind of a secret that is called so, in any spelling; empty: the name says nothing of one."""
    bare = re.sub(r"[^a-z0-9]", "", name.casefold())
    if bare in _KNOWN:
        return _KNOWN[bare]
    return snake(name).lower() if _SECRET_NAME.search(bare) else ""


def is_random(value: str) -> bool:
    """Whether a text has the shape of a token: long, of its alphabet alone, and with no word in it."""
    if "://" in value or not _RANDOM.fullmatch(value):
        return False
    kinds = [_kind(one) for one in value if one.isalnum()]
    changes = sum(one != other for one, other in pairwise(kinds))
    return kinds.count("digit") >= _FEW_DIGITS and changes >= max(_FEW_CHANGES, len(value) // _PER_CHANGE)


def _kind(letter: str) -> str:
    return "digit" if letter.isdigit() else "capital" if letter.isupper() else "small"


def _members(request: Request) -> Iterator[tuple[str, Any]]:
    yield from query_pairs(request)
    yield from _walk("", _json(request.content)) if _json(request.content) is not None else form_pairs(request)


def _answered(response: Response | None) -> Iterator[tuple[str, Any]]:
    if response is None:
        return
    body = _json(response.content)
    if body is not None:
        yield from _walk("", body)
    elif b"=" in response.content and b"<" not in response.content:
        yield from parse_qsl(response.content.decode("utf-8", errors="replace"))


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _walk(name: str, value: Any, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Every text below, with the name of its nearest member."""
    if isinstance(value, dict) and depth < _DEEPEST:
        for key, inner in value.items():
            yield from _walk(str(key), inner, depth + 1)
    elif isinstance(value, list) and depth < _DEEPEST:
        for inner in value:
            yield from _walk(name, inner, depth + 1)
    elif isinstance(value, str):
        yield name, value


def _texts(request: Request, response: Response | None) -> Iterator[str]:
    yield request.url
    yield request.content.decode("latin-1")
    yield from (value for _, value in request.headers)
    if response is not None:
        yield response.content.decode("latin-1")
        yield from (value for _, value in response.headers)


def _register(secrets: Secrets, kind: str, value: object) -> None:
    if isinstance(value, str) and not is_put_there(value):
        secrets.register(kind, value)
