"""The token response: RFC 6749 section 5.1."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conformance.judging import invariant
from conformance.protocol import Dialect, Exchange, Operation
from conformance.server.invariants.common import (
    answered,
    json_success,
    kind,
    no_store,
    positive_whole,
    present,
    success_body,
)

if TYPE_CHECKING:
    from conformance.judging.registry import Finding


@invariant("rfc6749-5.1-status-200")
def token_success_is_200(exchange: Exchange, _dialect: Dialect) -> Finding:
    """A response with an access token has status 200."""
    if not answered(exchange, Operation.TOKEN) or exchange.get("access_token") is None:
        return None
    return exchange.status == 200 or f"a token was sent with status {exchange.status}"


@invariant("rfc6749-5.1-access-token")
def access_token_present(exchange: Exchange, _dialect: Dialect) -> Finding:
    """access_token is there."""
    return present(exchange, Operation.TOKEN, "access_token")


@invariant("rfc6749-5.1-token-type")
def token_type_present(exchange: Exchange, _dialect: Dialect) -> Finding:
    """token_type is there."""
    return present(exchange, Operation.TOKEN, "token_type")


@invariant("rfc6749-5.1-expires-in")
def token_expires_in_present(exchange: Exchange, _dialect: Dialect) -> Finding:
    """expires_in is there."""
    return present(exchange, Operation.TOKEN, "expires_in")


@invariant("rfc6749-5.1-expires-in-value")
def token_expires_in_is_seconds(exchange: Exchange, _dialect: Dialect) -> Finding:
    """expires_in is a positive whole number of seconds, as a JSON number."""
    body = success_body(exchange, Operation.TOKEN)
    if body is None or "expires_in" not in body:
        return None
    return positive_whole(body["expires_in"]) or f"expires_in is {kind(body['expires_in'])}"


@invariant("rfc6749-5.1-json-media-type")
def token_success_is_json(exchange: Exchange, _dialect: Dialect) -> Finding:
    """A successful token response is one JSON object, labelled application/json."""
    return json_success(exchange, Operation.TOKEN)


@invariant("rfc6749-5.1-json-types")
def token_members_have_json_types(exchange: Exchange, _dialect: Dialect) -> Finding:
    """Strings are JSON strings: access_token, token_type, refresh_token, scope."""
    body = success_body(exchange, Operation.TOKEN)
    if not body:
        return None
    names = ("access_token", "token_type", "refresh_token", "scope", "id_token")
    wrong = [name for name in names if name in body and not isinstance(body[name], str)]
    return not wrong or f"not a JSON string: {', '.join(wrong)}"


@invariant("rfc6749-5.1-no-store")
def token_success_not_stored(exchange: Exchange, _dialect: Dialect) -> Finding:
    """The response with the tokens forbids caches to store it."""
    if not success_body(exchange, Operation.TOKEN):
        return None
    return no_store(exchange) or "the token response lacks Cache-Control: no-store"


@invariant("rfc6749-A.12-access-token-syntax")
def access_token_is_visible_ascii(exchange: Exchange, _dialect: Dialect) -> Finding:
    """access_token consists of printable ASCII."""
    body = success_body(exchange, Operation.TOKEN)
    if not body or not isinstance(body.get("access_token"), str):
        return None
    return bool(re.fullmatch(r"[\x20-\x7e]+", body["access_token"])) or "access_token has characters beyond VSCHAR"
