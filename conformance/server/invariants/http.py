"""Rules of HTTP and JSON that hold for every response."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from conformance.judging import invariant
from conformance.protocol import Dialect, Exchange
from conformance.protocol.dialects import duplicate_members
from conformance.server.invariants.common import answered

if TYPE_CHECKING:
    from conformance.judging.registry import Finding


@invariant("rfc9110-15.6-no-5xx-on-client-error")
def no_server_error(exchange: Exchange, _dialect: Dialect) -> Finding:
    """Nothing that a client sends produces a 5xx."""
    if not answered(exchange):
        return None
    return exchange.status < 500 or f"{exchange.request.operation} answered {exchange.status}"


@invariant("rfc9110-10.2.1-allow-in-405")
def method_not_allowed_lists_methods(exchange: Exchange, _dialect: Dialect) -> Finding:
    """A 405 carries Allow."""
    if not answered(exchange) or exchange.status != 405:
        return None
    assert exchange.response is not None
    return exchange.response.header("allow") is not None or "405 without Allow"


@invariant(
    "rfc8628-3.1-no-repeated-response-params", "rfc6749-3.2-no-repeated-params-response", "rfc8259-4-unique-names"
)
def json_names_unique(exchange: Exchange, _dialect: Dialect) -> Finding:
    """No member of a JSON response is sent twice."""
    if not answered(exchange):
        return None
    assert exchange.response is not None
    if exchange.response.media_type != "application/json" or not exchange.response.content:
        return None
    twice = duplicate_members(exchange.response.content)
    return not twice or f"sent twice: {', '.join(sorted(set(twice)))}"


@invariant("rfc8259-8.1-no-bom", "rfc8259-8.1-utf8")
def json_is_plain_utf8(exchange: Exchange, _dialect: Dialect) -> Finding:
    """A JSON body is UTF-8 without a byte order mark."""
    if not answered(exchange):
        return None
    assert exchange.response is not None
    if exchange.response.media_type != "application/json" or not exchange.response.content:
        return None
    if exchange.response.content.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        return "the JSON body begins with a byte order mark"
    try:
        exchange.response.content.decode("utf-8")
    except UnicodeDecodeError:
        return "the JSON body is not UTF-8"
    return True


@invariant("rfc8259-10-generator-strict")
def json_parses(exchange: Exchange, _dialect: Dialect) -> Finding:
    """A body labelled application/json is JSON."""
    if not answered(exchange) or exchange.request.method == "HEAD":
        return None
    assert exchange.response is not None
    if exchange.response.media_type != "application/json" or not exchange.response.content:
        return None
    try:
        json.loads(exchange.response.content, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return "the body is labelled application/json but is not JSON"
    return True


def _refuse_constant(name: str) -> None:
    raise ValueError(name)
