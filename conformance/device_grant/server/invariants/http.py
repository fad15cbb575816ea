"""Rules of HTTP that hold for every response (RFC 9110, RFC 9111)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from device_grant.judging import Judgement, invariant
from device_grant.server.invariants.common import answered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from device_grant.protocol import Dialect, Exchange

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"})
_SINGLETONS = ("content-type", "content-length", "location", "date")
_VERSION = re.compile(r"/v?\d+\.\d+")
_FEW_PRODUCTS = 2
"""RFC 9110 10.2.4 has an example of so many with versions, and discourages long lists of subproducts."""


@invariant("rfc9110-15.6-no-5xx-on-client-error", faults=("missing_device_code_500",))
def no_server_error(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """Nothing that a client sends produces a 5xx; 501 for a method that nobody knows and 503 with a reason may be."""
    if not answered(exchange):
        return
    assert exchange.response is not None
    if exchange.status == 501 and exchange.request.method not in _METHODS:
        yield Judgement("rfc9110-15.6-no-5xx-on-client-error", holds=True)
        return
    if exchange.status == 503 and (exchange.response.header("retry-after") or exchange.response.content):
        yield Judgement("rfc9110-15.6-no-5xx-on-client-error", holds=True)
        return
    yield Judgement(
        "rfc9110-15.6-no-5xx-on-client-error",
        exchange.status < 500,
        f"{exchange.request.operation} answered {exchange.status}",
    )


@invariant("rfc9110-10.2.1-allow-in-405", faults=("allow_missing",))
def method_not_allowed_lists_methods(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """A 405 carries Allow, and at the protocol's endpoints POST is in it."""
    if not answered(exchange) or exchange.status != 405:
        return
    assert exchange.response is not None
    allow = exchange.response.header("allow")
    if allow is None:
        yield Judgement("rfc9110-10.2.1-allow-in-405", holds=False, problem="405 without Allow")
        return
    listed = {name.strip() for name in allow.split(",")}
    yield Judgement(
        "rfc9110-10.2.1-allow-in-405",
        exchange.request.method == "POST" or "POST" in listed,
        "405 with an Allow that does not list POST",
    )


@invariant("rfc9110-5.3-no-duplicate-singleton", faults=("content_type_twice",))
def singletons_are_single(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """Content-Type, Content-Length, Location and Date are not sent twice."""
    if exchange.response is None:
        return
    names = [name.lower() for name, _ in exchange.response.headers]
    twice = [name for name in _SINGLETONS if names.count(name) > 1]
    yield Judgement("rfc9110-5.3-no-duplicate-singleton", not twice, f"sent twice: {', '.join(twice)}")


@invariant("rfc9110-8.3-send-content-type", faults=("content_type_missing",))
def content_has_a_type(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """A response with content has Content-Type."""
    if not answered(exchange):
        return
    assert exchange.response is not None
    if not exchange.response.content:
        return
    yield Judgement(
        "rfc9110-8.3-send-content-type",
        bool(exchange.response.media_type),
        "a response with content lacks Content-Type",
    )


@invariant("rfc9110-10.2.4-server-field", faults=("server_header_detailed",))
def server_field_is_coarse(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """Server, if sent, has neither comments beside versions nor more than two products with versions."""
    if not answered(exchange):
        return
    assert exchange.response is not None
    value = exchange.response.header("server")
    if value is None:
        yield Judgement("rfc9110-10.2.4-server-field", holds=True)
        return
    versions = len(_VERSION.findall(value))
    yield Judgement(
        "rfc9110-10.2.4-server-field",
        versions == 0 or (versions <= _FEW_PRODUCTS and "(" not in value),
        "the Server field names versions of the software in needless detail",
    )


@invariant("rfc9110-11.6.1-401-challenge", faults=("challenge_missing",))
def unauthorized_has_a_challenge(exchange: Exchange, dialect: Dialect) -> Iterator[Judgement]:
    """A 401 carries WWW-Authenticate. Without it a 401 to credentials in the body is a warning, and at AWS nothing."""
    if not dialect.http_authentication or not answered(exchange) or exchange.status != 401:
        return
    assert exchange.response is not None
    if exchange.response.header("www-authenticate"):
        yield Judgement("rfc9110-11.6.1-401-challenge", holds=True)
        return
    if exchange.request.header("authorization") is None:
        # RFC 6749 5.2 asks for the challenge only where the Authorization header was used.
        yield Judgement(
            "rfc9110-11.6.1-401-challenge", holds=False, problem="401 without WWW-Authenticate", tolerated=True
        )
        return
    yield Judgement(
        "rfc9110-11.6.1-401-challenge", holds=False, problem="401 to an Authorization header without WWW-Authenticate"
    )


@invariant("rfc9110-12.5.3-415-accept-encoding", faults=("accept_encoding_in_415",))
def refused_media_type_names_no_codings(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """A 415 to a request without content coding has no Accept-Encoding."""
    if not answered(exchange) or exchange.status != 415 or exchange.request.header("content-encoding"):
        return
    assert exchange.response is not None
    yield Judgement(
        "rfc9110-12.5.3-415-accept-encoding",
        exchange.response.header("accept-encoding") is None,
        "a 415 about a media type has Accept-Encoding",
    )


@invariant("rfc9110-15.5-explain", faults=("error_body_empty",))
def client_error_is_explained(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """A 4xx has content that explains it."""
    if not answered(exchange) or exchange.status // 100 != 4 or exchange.request.method == "HEAD":
        return
    assert exchange.response is not None
    yield Judgement("rfc9110-15.5-explain", bool(exchange.response.content), f"a {exchange.status} has no content")


@invariant("rfc9111-5.4-pragma-deprecated", faults=("pragma_alone",))
def pragma_is_not_alone(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """Pragma says nothing in a response: one that wants no caching says it by Cache-Control."""
    if not answered(exchange):
        return
    assert exchange.response is not None
    if exchange.response.header("cache-control"):
        yield Judgement("rfc9111-5.4-pragma-deprecated", holds=True)
        return
    if exchange.response.header("pragma") is not None:
        yield Judgement("rfc9111-5.4-pragma-deprecated", holds=False, problem="Pragma is sent without Cache-Control")
