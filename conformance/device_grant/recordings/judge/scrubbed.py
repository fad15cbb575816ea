"""Values that somebody took out of a capture: nobody is blamed for what stands in their place, nor praised for it.

An exchange is judged as it is, with values that an honest peer might have sent, and an answer also with some that none
would send. What comes to the same in all of them does not depend on what was taken out.
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64encode, urlsafe_b64encode
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import quote_plus, unquote_plus, urlsplit

from device_grant.protocol import DEVICE_CODE_GRANT, any_dialect
from device_grant.protocol.names import snake
from device_grant.recordings.formats.placeholders import is_put_there

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from device_grant.protocol import Exchange, Request, Response
    from device_grant.protocol.exchange import Headers
    from device_grant.recordings.judge.finding import RecognisedExchange

SCRUBBED = "somebody took a value out of the capture that this depends on"
_MEMBER = re.compile(rb"(\"((?:[^\"\\]|\\.){1,60})\"\s{0,10}:\s{0,10})\"((?:[^\"\\]|\\.){1,200})\"")
_USUAL = {
    "content-type": "application/json",
    "cache-control": "no-store",
    "pragma": "no-cache",
}
_NUMBERS = {
    "expires_in": 600,
    "interval": 5,
    "client_id_issued_at": 1_700_000_000,
    "client_secret_expires_at": 4_100_000_000,
}
_TEXTS = {"user_code": "WDJB-MJHT", "token_type": "Bearer", "grant_type": DEVICE_CODE_GRANT, "scope": "openid"}
_DROPPED = frozenset({"id_token", "software_statement"})
"""What has a meaning of its own, which nobody can make up."""
_ODD = "\x07 \u00e9\u2028"
"""A value that no member of an honest answer has."""


@dataclass
class Restoring:
    """Values for those that were taken out of one flow; the same name has the same value in all of it."""

    known: dict[str, str] = field(default_factory=dict)
    """Values that the flow still shows somewhere, by canonical name."""
    origin: str = ""

    @classmethod
    def of(cls, members: Sequence[RecognisedExchange]) -> Restoring:
        """Of all that belongs to a flow."""
        known: dict[str, str] = {}
        for one in members:
            for name in ("client_id", "device_code", "client_secret", "scope"):
                for value in (one.asked(name), one.said(name)):
                    if value and not is_put_there(value):
                        known.setdefault(name, value)
        return cls(known, members[0].origin if members else "")

    def value(self, name: str) -> str | int:
        """A value that an honest peer might send."""
        if name in _NUMBERS:
            return _NUMBERS[name]
        if name in self.known:
            return self.known[name]
        if name in ("verification_uri", "verification_uri_complete", "verification_url"):
            place = (
                self.origin if self.origin.startswith("https://") and "." in self.origin else "https://login.example"
            )
            return f"{place}/device{'?user_code=WDJB-MJHT' if name.endswith('complete') else ''}"
        return _TEXTS.get(name) or urlsafe_b64encode(hashlib.sha256(name.encode()).digest()).decode().rstrip("=")

    def restored(self, exchange: Exchange, dialect_name: str) -> Exchange:
        """The exchange with such values."""
        return self._changed(exchange, dialect_name, self.value)

    def ruined(self, exchange: Exchange, dialect_name: str) -> Exchange:
        """The exchange with values in its answer that no honest server sends."""
        response = exchange.came or exchange.response
        if response is None:
            return exchange
        content = _in_json(response.content, lambda _: _ODD)
        headers = tuple((name, "odd/odd" if is_put_there(value) else value) for name, value in response.headers)
        return _read(exchange, replace(response, content=content, headers=headers), dialect_name)

    def _changed(self, exchange: Exchange, dialect_name: str, value: Callable[[str], str | int]) -> Exchange:
        request, response = self._request(exchange.request, dialect_name), exchange.came or exchange.response
        if response is not None:
            content = _in_json(response.content, value)
            response = replace(response, content=content, headers=_usual(response.headers))
        return _read(replace(exchange, request=request), response, dialect_name)

    def _request(self, request: Request, dialect_name: str) -> Request:
        content = request.content
        if content.lstrip()[:1] == b"{":
            content = _in_json(content, self.value)
        elif b"=" in content:
            content = b"&".join(self._pair(pair) for pair in content.split(b"&"))
        kind = (
            "application/x-www-form-urlencoded" if any_dialect(dialect_name).http_authentication else "application/json"
        )
        headers = []
        for name, value in request.headers:
            if name.lower() == "authorization" and is_put_there(value):
                pair = f"{quote_plus(str(self.value('client_id')))}:{quote_plus(str(self.value('client_secret')))}"
                headers.append((name, f"Basic {b64encode(pair.encode()).decode()}"))
            elif name.lower() == "content-type" and is_put_there(value):
                headers.append((name, kind))
            elif not is_put_there(value):
                headers.append((name, value))
        return replace(request, content=content, headers=tuple(headers))

    def _pair(self, pair: bytes) -> bytes:
        name, equals, value = pair.partition(b"=")
        if not is_put_there(unquote_plus(value.decode("utf-8", errors="replace"))):
            return pair
        key = snake(unquote_plus(name.decode("utf-8", errors="replace")))
        return name + equals + quote_plus(str(self.value(key))).encode()


def is_scrubbed(exchange: Exchange) -> bool:
    """Whether anything of the exchange was taken out."""
    request, response = exchange.request, exchange.came or exchange.response
    texts = [value for _, value in request.headers] + [value for _, value in (response.headers if response else ())]
    bodies = (request.content, response.content if response else b"")
    if any(is_put_there(text) for text in texts):
        return True
    members = (match[3] for body in bodies for match in _MEMBER.finditer(body))
    pairs = (pair.partition(b"=")[2] for pair in request.content.split(b"&"))
    return any(is_put_there(unquote_plus(text.decode("utf-8", errors="replace"))) for text in (*members, *pairs))


def host_is_scrubbed(url: str) -> bool:
    """Whether the host of a URL was taken out, so that one server cannot be told from another."""
    return is_put_there((urlsplit(url).hostname or "").partition(".")[0])


def _in_json(content: bytes, value: Callable[[str], str | int]) -> bytes:
    """The text with other values for those that were taken out, and else as it is, octet by octet."""

    def other(match: re.Match[bytes]) -> bytes:
        if not is_put_there(match[3].decode("utf-8", errors="replace")):
            return match[0]
        name = snake(match[2].decode("utf-8", errors="replace"))
        if name in _DROPPED:
            return b'"dropped":""'
        return match[1] + json.dumps(value(name)).encode()

    return _MEMBER.sub(other, content)


def _usual(headers: Headers) -> Headers:
    kept = []
    for name, value in headers:
        if not is_put_there(value):
            kept.append((name, value))
        elif name.lower() in _USUAL:
            kept.append((name, _USUAL[name.lower()]))
    return tuple(kept)


def _read(exchange: Exchange, came: Response | None, dialect_name: str) -> Exchange:
    """The exchange with that answer, as it came, instead of its own."""
    if came is None:
        return exchange
    response, outcome = any_dialect(dialect_name).read(exchange.request, came)
    return replace(exchange, response=response, outcome=outcome, came=None if response is came else came)
