"""The grammar of members: RFC 6749 section 8 and appendix A."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from device_grant.judging import Judgement, invariant
from device_grant.protocol import Dialect, Exchange, Operation
from device_grant.protocol.dialects import json_object
from device_grant.server.invariants.common import PROTOCOL, answered, registered, success_body

if TYPE_CHECKING:
    from collections.abc import Iterator

_VISIBLE = re.compile(r"[\x20-\x7e]*")
_NAME = re.compile(r"[-._0-9A-Za-z]+")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*")
_URI_REFERENCE = re.compile(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+")
_EXPIRES_IN = re.compile(rb'"expires_?[iI]n"\s*:\s*(-?[0-9][^,}\s]*)')
_TOKEN_MEMBERS = frozenset(
    {
        "access_token",
        "token_type",
        "expires_in",
        "refresh_token",
        "scope",
        "id_token",
        "issued_token_type",
        "authorization_details",
        "state",
        "nonce",
    }
)
"""Registered members of a token response (RFC 6749, OpenID Connect, RFC 8693, RFC 9396)."""


@invariant("rfc6749-A.1-client-id-syntax", faults=("registration_beyond_ascii",))
def client_id_is_visible_ascii(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """client_id of a registration consists of printable ASCII."""
    yield from _visible("rfc6749-A.1-client-id-syntax", exchange, Operation.REGISTRATION, "client_id")


@invariant("rfc6749-A.2-client-secret-syntax", faults=("registration_beyond_ascii",))
def client_secret_is_visible_ascii(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """client_secret of a registration consists of printable ASCII."""
    yield from _visible("rfc6749-A.2-client-secret-syntax", exchange, Operation.REGISTRATION, "client_secret")


@invariant("rfc6749-A.4-scope-syntax", faults=("scope_padded",))
def scope_of_responses_is_well_formed(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """Scope in a response is tokens separated by single spaces; an empty one says that nothing was granted."""
    scope = exchange.get("scope")
    if not answered(exchange) or not isinstance(scope, str) or not scope:
        return
    if scope == registered(exchange).get("scope"):
        return
    yield Judgement(
        "rfc6749-A.4-scope-syntax", bool(_SCOPE.fullmatch(scope)), "scope is not tokens separated by single spaces"
    )


@invariant("rfc6749-A.13-token-type-syntax", faults=("token_type_malformed",))
def token_type_is_a_name_or_uri(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """token_type is a name or a URI."""
    body = success_body(exchange, Operation.TOKEN)
    if not body or not isinstance(body.get("token_type"), str):
        return
    value = body["token_type"]
    yield Judgement(
        "rfc6749-A.13-token-type-syntax",
        bool(_NAME.fullmatch(value) or _is_uri_reference(value)),
        "token_type is neither a name nor a URI",
    )


@invariant("rfc6749-A.14-expires-in-syntax", faults=("token_expires_in_fraction",))
def expires_in_is_digits(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """expires_in is written in digits alone: no sign, fraction or exponent."""
    if not success_body(exchange, Operation.TOKEN):
        return
    assert exchange.response is not None
    match = _EXPIRES_IN.search(exchange.response.content)
    if match is None:
        return
    yield Judgement(
        "rfc6749-A.14-expires-in-syntax", match.group(1).isdigit(), "expires_in is not written in digits alone"
    )


@invariant("rfc6749-A.17-refresh-token-syntax", faults=("tokens_not_ascii",))
def refresh_token_is_visible_ascii(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """refresh_token consists of printable ASCII."""
    yield from _visible("rfc6749-A.17-refresh-token-syntax", exchange, Operation.TOKEN, "refresh_token")


@invariant("rfc6749-8.2-param-name-syntax", "rfc6749-A.18-param-name-syntax", faults=("member_names_odd",))
def member_names_are_well_formed(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """Names of members consist of letters, digits, dot, dash and underscore; a language tag may follow a #."""
    if not answered(exchange):
        return
    assert exchange.response is not None
    body = json_object(exchange.response)
    if not body:
        return
    # RFC 7591 2.2 tags names of registration metadata: client_name#de.
    tagged = exchange.request.operation is Operation.REGISTRATION
    names = body.keys() - registered(exchange).keys()
    wrong = [name for name in names if not _NAME.fullmatch(name.partition("#")[0] if tagged else name)]
    for requirement in ("rfc6749-8.2-param-name-syntax", "rfc6749-A.18-param-name-syntax"):
        yield Judgement(
            requirement,
            not wrong,
            "the name of a member has characters beyond letters, digits, dot, dash and underscore",
        )


@invariant("rfc6749-8.2-vendor-prefix", faults=("unregistered_member",))
def unregistered_members_are_prefixed(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """Members of a token response that are not registered have a prefix, so at least two parts."""
    body = success_body(exchange, Operation.TOKEN)
    if not body:
        return
    bare = sorted(name for name in body if name not in _TOKEN_MEMBERS and not re.search(r"[-._:]", name))
    yield Judgement("rfc6749-8.2-vendor-prefix", not bare, f"not registered and without prefix: {', '.join(bare)}")


@invariant("rfc6749-5.2-error-uri-syntax", "rfc6749-A.9-error-uri-syntax", faults=("error_uri_malformed",))
def error_uri_is_a_uri(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """error_uri, if sent, is a URI or a relative reference."""
    value = exchange.get("error_uri")
    if not answered(exchange, *PROTOCOL) or not isinstance(value, str):
        return
    for requirement in ("rfc6749-5.2-error-uri-syntax", "rfc6749-A.9-error-uri-syntax"):
        yield Judgement(requirement, _is_uri_reference(value), "error_uri is no URI reference")


def _visible(requirement: str, exchange: Exchange, operation: Operation, name: str) -> Iterator[Judgement]:
    body = success_body(exchange, operation)
    if not body or not isinstance(body.get(name), str):
        return
    yield Judgement(requirement, bool(_VISIBLE.fullmatch(body[name])), f"{name} has characters beyond printable ASCII")


def _is_uri_reference(value: str) -> bool:
    try:
        urlsplit(value)
    except ValueError:
        return False
    return bool(_URI_REFERENCE.fullmatch(value))
