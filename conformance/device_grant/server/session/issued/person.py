"""What userinfo tells (OpenID Connect Core 5.3 and 5.4)."""

from __future__ import annotations

import re
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from device_grant.judging import Untestable
from device_grant.protocol import Request
from device_grant.protocol.dialects import json_object
from device_grant.server.session.jose.compact import is_encrypted, read_jwt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_grant.protocol import Exchange
    from device_grant.server.session.case import ServerCase

CLAIMS_OF: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "profile": (
            "name",
            "family_name",
            "given_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
        ),
        "email": ("email", "email_verified"),
        "address": ("address",),
        "phone": ("phone_number", "phone_number_verified"),
    }
)
"""By the scopes that ask for them (OpenID Connect Core 5.4)."""
PERSONAL_SCOPES = tuple(CLAIMS_OF)
MADE_UP = "made-up-access-token-5c0e"
JWT_TYPE = "application/jwt"
JSON_TYPES = re.compile(r"application/(?:[\w.+-]+\+)?json")
_CHALLENGE = re.compile(r"(?:^|,)\s*(?:bearer|dpop)(?:\s|,|$)", re.IGNORECASE)
_INVALID_TOKEN = re.compile(r'\berror\s*=\s*"?invalid_token\b', re.IGNORECASE)


def ask(case: ServerCase, token: str | None, *, method: str = "GET", label: str = "userinfo") -> Exchange:
    """One request to userinfo with a bearer token in the Authorization header; None: without one."""
    headers = [("Accept", f"application/json, {JWT_TYPE}")]
    if token is not None:
        headers.append(("Authorization", f"Bearer {token}"))
    return case.send(Request(method, case.run.endpoints.userinfo, tuple(headers)), label)


def claims_in(exchange: Exchange) -> dict[str, Any] | None:
    """The claims of an answer, JSON or a JWT of them; None where it tells none, or in a form that only clients read."""
    if exchange.response is None or not is_served(exchange):
        return None
    body = json_object(exchange.response)
    if body is not None:
        return body
    token = read_jwt(exchange.response.text.strip())
    return dict(token.claims) if token is not None else None


def is_served(exchange: Exchange) -> bool:
    """Whether it is a success."""
    return 200 <= exchange.status < 300


def tells_a_person(exchange: Exchange) -> bool:
    """Whether somebody is told of: a success with sub, or with claims that only the client can read."""
    if not is_served(exchange) or exchange.response is None:
        return False
    return "sub" in (claims_in(exchange) or {}) or is_encrypted(exchange.response.text.strip())


def person(case: ServerCase, tokens: Exchange) -> tuple[Exchange, dict[str, Any]]:
    """What is told for the access token of a grant; raises Untestable where that cannot be read."""
    exchange = ask(case, tokens.get("access_token"))
    claims = claims_in(exchange)
    if claims is None:
        raise Untestable(f"userinfo tells nothing that can be read: {exchange.describe()}")
    return exchange, claims


def beyond(claims: Mapping[str, Any], scopes: set[str]) -> list[str]:
    """Claims that belong to a scope which is none of these."""
    shut = (names for scope, names in CLAIMS_OF.items() if scope not in scopes)
    return [name for names in shut for name in names if claims.get(name) not in (None, "")]


def challenges(exchange: Exchange) -> bool:
    """Whether a refusal has a challenge of a scheme that access tokens go by (RFC 6750 section 3, RFC 9449 7.1)."""
    return any(_CHALLENGE.search(value) for value in _challenges(exchange))


def names_invalid_token(exchange: Exchange) -> bool:
    """Whether the challenge, or else the body, has the error invalid_token."""
    return any(_INVALID_TOKEN.search(value) for value in _challenges(exchange)) or exchange.get("error") == (
        "invalid_token"
    )


def _challenges(exchange: Exchange) -> list[str]:
    headers = exchange.response.headers if exchange.response is not None else ()
    return [value for name, value in headers if name.lower() == "www-authenticate"]


def refused_well(exchange: Exchange, *, token: bool) -> tuple[bool, bool]:
    """Whether a token that is not good, or none, is answered as RFC 6750 section 3 has it; and whether that may pass.

    Its MUST is the challenge of a 401; that a bad token is answered 401 and by invalid_token is recommended.
    """
    if exchange.status == HTTPStatus.UNAUTHORIZED:
        challenged = challenges(exchange)
        return challenged and (names_invalid_token(exchange) or not token), challenged
    client_error = 400 <= exchange.status < 500
    # Without a token a parameter is missing too, which is invalid_request.
    return client_error and not token and exchange.status == HTTPStatus.BAD_REQUEST, client_error
