"""What a client's request says: its parameters by their canonical names, how they are encoded, who it says it is."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl, unquote_plus, unquote_to_bytes, urlsplit

from device_grant.protocol.exchange import DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT, Operation
from device_grant.protocol.names import snake
from device_grant.protocol.purpose import Purpose

if TYPE_CHECKING:
    from device_grant.protocol.exchange import Request

Encoding = Literal["form", "json", "other", "none"]
_OF_OPERATIONS = {Operation.REGISTRATION: Purpose.REGISTRATION, Operation.DEVICE_AUTHORIZATION: Purpose.START}
_OF_GRANTS = {DEVICE_CODE_GRANT: Purpose.POLL, REFRESH_TOKEN_GRANT: Purpose.REFRESH}
OTHER_GRANTS = frozenset(
    {
        REFRESH_TOKEN_GRANT,
        "authorization_code",
        "client_credentials",
        "password",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:saml2-bearer",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:openid:params:grant-type:ciba",
    }
)
"""Grant types that are none of the device grant's, by the specifications that define them."""


@dataclass(frozen=True)
class Basic:
    """HTTP Basic credentials as they were sent, and form-decoded as RFC 6749 2.3.1 asks."""

    raw_user: str
    raw_password: str

    @property
    def user(self) -> str:
        """The client identifier."""
        return unquote_plus(self.raw_user)

    @property
    def password(self) -> str:
        """The client secret."""
        return unquote_plus(self.raw_password)


def media_type(request: Request) -> str:
    """Content-Type without parameters, lower case."""
    return (request.header("content-type") or "").partition(";")[0].strip().lower()


def encoding(request: Request) -> Encoding:
    """How the body is encoded, judged by the body itself: clients mislabel it."""
    if not request.content:
        return "none"
    if json_body(request) is not None:
        return "json"
    return "form" if b"=" in request.content and not request.content.lstrip().startswith((b"{", b"[")) else "other"


def json_body(request: Request) -> dict[str, Any] | None:
    """The body as a JSON object, names as on the wire; None if it is anything else."""
    try:
        result = json.loads(request.content)
    except (ValueError, RecursionError):
        return None
    return result if isinstance(result, dict) else None


def form_pairs(request: Request) -> list[tuple[str, str]]:
    """The parameters of a form body in order, repeated ones included; octets that are not UTF-8 are replaced."""
    return _pairs(request.content)


def _pairs(form: bytes) -> list[tuple[str, str]]:
    return parse_qsl(form.decode("latin-1"), keep_blank_values=True, encoding="utf-8", errors="replace")


def query_pairs(request: Request) -> list[tuple[str, str]]:
    """The parameters in the URL."""
    return parse_qsl(urlsplit(request.url).query, keep_blank_values=True)


def members_of(request: Request) -> list[tuple[str, Any]]:
    """All parameters, of the body and then of the query, under canonical snake_case names."""
    collected: list[tuple[str, Any]] = []
    body = json_body(request)
    if body is not None:
        collected += [(snake(name), value) for name, value in body.items()]
    elif encoding(request) == "form":
        collected += form_pairs(request)
    collected += [(snake(name), value) for name, value in query_pairs(request)]
    return [(request.aliases.get(name, name), value) for name, value in collected] if request.aliases else collected


def value_of(request: Request, name: str) -> Any:
    """The first value of a parameter by canonical name; None if absent."""
    return next((value for key, value in members_of(request) if key == name), None)


def purpose_of(request: Request) -> Purpose:
    """What a request is for, as far as it says so itself: by its operation, and by the grant type it has there."""
    if request.operation is not Operation.TOKEN:
        return _OF_OPERATIONS.get(request.operation, Purpose.OTHER)
    grant = _grant_type(request)
    if request.aliases and grant not in OTHER_GRANTS and value_of(request, "device_code") is not None:
        return Purpose.POLL  # a dialect that has another name for the code may have another grant type, or none
    return _OF_GRANTS.get(grant, Purpose.TOKEN_REQUEST) if isinstance(grant, str) else Purpose.TOKEN_REQUEST


def is_poll(request: Request) -> bool:
    """Whether a request to the token endpoint is for the tokens of a device authorization, however it is misspelt.

    One that has neither a device code nor a grant type came to the wrong place, and one of another grant is that
    grant's.
    """
    if value_of(request, "device_code") is not None:
        return True
    grant = value_of(request, "grant_type")
    return grant is not None and grant not in OTHER_GRANTS


def _grant_type(request: Request) -> Any:
    """The `grant_type` as `value_of` finds it; the other values of a form, which may be huge, are not decoded."""
    if encoding(request) == "form":
        for piece in request.content.split(b"&"):
            if _pairs(piece.partition(b"=")[0]) == [("grant_type", "")]:
                return _pairs(piece)[0][1]
        request = replace(request, content=b"")
    return value_of(request, "grant_type")


def basic(request: Request) -> Basic | None:
    """HTTP Basic credentials, if the request has readable ones."""
    scheme, _, value = (request.header("authorization") or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(value.strip(), validate=True).decode("utf-8", errors="replace")
    except (binascii.Error, ValueError):
        return None
    user, colon, password = text.partition(":")
    return Basic(user, password) if colon else None


def valid_utf8_form(request: Request) -> bool:
    """Whether the names and values of a form are UTF-8 once their escapes are undone (RFC 6749 appendix B)."""
    try:
        unquote_to_bytes(request.content.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
