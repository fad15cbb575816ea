"""Rules of RFC 3986 for the URIs that responses hold."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from device_grant.judging import Judgement, invariant
from device_grant.server.invariants.common import answered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from device_grant.protocol import Dialect, Exchange

_MEMBERS = ("verification_uri", "verification_uri_complete", "error_uri", "registration_client_uri")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_NOT_IN_URIS = re.compile(r"[^A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]")
_UNRESERVED = re.compile(r"[A-Za-z0-9\-._~]*")


@invariant("rfc3986-2.1-percent-encoding", faults=("complete_uri_unencoded",))
def percent_signs_are_escapes(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """In URIs of responses a percent sign is followed by two hexadecimal digits."""
    uris = _uris(exchange)
    wrong = [name for name, uri in uris.items() if _BROKEN_ESCAPE.search(uri)]
    yield from _judged("rfc3986-2.1-percent-encoding", uris, wrong, "has a percent sign that begins no escape")


@invariant("rfc3986-2.2-encode-data", faults=("complete_uri_unencoded",))
def data_in_uris_is_encoded(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """What no URI may hold, and a user code with delimiters in it, is percent-encoded."""
    uris = _uris(exchange)
    code = str(exchange.get("user_code") or "") if uris else ""
    wrong = [
        name
        for name, uri in uris.items()
        if _NOT_IN_URIS.search(uri)
        or (name == "verification_uri_complete" and not _UNRESERVED.fullmatch(code) and code in uri)
    ]
    yield from _judged("rfc3986-2.2-encode-data", uris, wrong, "holds characters that must be percent-encoded")


@invariant("rfc3986-2.4-no-double-encoding", faults=("complete_uri_encoded_twice",))
def data_in_uris_is_encoded_once(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """Decoded once, the values of a query hold no further escapes, unless they are URIs themselves."""
    uris = _uris(exchange)
    wrong = [name for name, uri in uris.items() if any(_encoded_again(value) for value in _values(uri))]
    yield from _judged("rfc3986-2.4-no-double-encoding", uris, wrong, "has a query that is percent-encoded twice")


@invariant("rfc3986-3.2.1-no-userinfo", faults=("uri_userinfo",))
def uris_hold_no_credentials(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """No URI of a response has a user name or a password."""
    uris = _uris(exchange)
    wrong = [name for name, uri in uris.items() if "@" in _authority(uri)]
    yield from _judged("rfc3986-3.2.1-no-userinfo", uris, wrong, "has a user name")


def _judged(requirement: str, uris: dict[str, str], wrong: list[str], problem: str) -> Iterator[Judgement]:
    if not uris:
        return
    yield Judgement(requirement, not wrong, f"{', '.join(wrong)} {problem}")


def _uris(exchange: Exchange) -> dict[str, str]:
    if not answered(exchange):
        return {}
    return {name: uri for name in _MEMBERS if isinstance(uri := exchange.get(name), str) and uri}


def _values(uri: str) -> list[str]:
    try:
        return [value for _, value in parse_qsl(urlsplit(uri).query)]
    except ValueError:
        return []


def _encoded_again(value: str) -> bool:
    return bool(_ESCAPE.search(value)) and not any(sign in value for sign in "/?=")


def _authority(uri: str) -> str:
    try:
        return urlsplit(uri).netloc
    except ValueError:
        return ""
