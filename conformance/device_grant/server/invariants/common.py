"""What the rules share: which exchanges they speak of, and how members are read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from device_grant.judging import Judgement
from device_grant.protocol import Dialect, Exchange, Operation
from device_grant.protocol.dialects import json_object

if TYPE_CHECKING:
    from collections.abc import Iterator

PROTOCOL = (Operation.REGISTRATION, Operation.DEVICE_AUTHORIZATION, Operation.TOKEN)
NOT_OAUTH = frozenset({404, 405, 406, 408, 411, 413, 414, 415, 417, 421, 426, 429, 431})
"""Statuses by which HTTP itself refuses a request before OAuth looks at it."""


def answered(exchange: Exchange, *operations: Operation) -> bool:
    """Whether one of these operations (any of the three by default) was answered."""
    return exchange.response is not None and exchange.request.operation in (operations or PROTOCOL)


def takes_json(exchange: Exchange) -> bool:
    """Whether the request lets the answer be JSON: one that asks for pages alone may be answered with a page."""
    accept = exchange.request.header("accept")
    if not accept:
        return True
    wanted = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    return not wanted.isdisjoint(("application/json", "application/*", "*/*"))


def success_body(exchange: Exchange, operation: Operation) -> dict[str, Any] | None:
    """Members (nulls left out) of what claims to be a success of that operation: 2xx without `error`, to a POST.

    None where the body is no JSON object: that is wrong by itself, and says nothing of any member.
    """
    if (
        not answered(exchange, operation)
        or exchange.response is None
        or json_object(exchange.response) is None
        or exchange.request.method != "POST"
        or exchange.status // 100 != 2
        or "error" in exchange.outcome.members
    ):
        return None
    return dict(exchange.outcome.members)


def registered(exchange: Exchange) -> dict[str, Any]:
    """Members of a registration request: what the response repeats of them, the client wrote and not the server."""
    if exchange.request.operation is not Operation.REGISTRATION:
        return {}
    try:
        members = json.loads(exchange.request.content)
    except (ValueError, RecursionError):
        return {}
    return members if isinstance(members, dict) else {}


def error_response(exchange: Exchange, *operations: Operation) -> bool:
    """Whether this is a refusal that must have an error body: not one of HTTP's own, not a server fault."""
    return (
        answered(exchange, *operations)
        and exchange.status // 100 == 4
        and exchange.status not in NOT_OAUTH
        and exchange.request.method == "POST"
        and takes_json(exchange)
    )


def present(requirement: str, exchange: Exchange, operation: Operation, name: str) -> Iterator[Judgement]:
    """Whether a success of that operation has the member."""
    body = success_body(exchange, operation)
    if body is None:
        return
    yield Judgement(requirement, bool(body.get(name)), f"a successful {operation} response lacks {name}")


def json_success(requirement: str, exchange: Exchange, operation: Operation) -> Iterator[Judgement]:
    """Whether a success of that operation is a JSON object, and labelled so."""
    # Other methods are other requests: OPTIONS is answered without content, GET perhaps with a page for people.
    if not answered(exchange, operation) or exchange.request.method != "POST" or exchange.status // 100 != 2:
        return
    if not takes_json(exchange):
        return
    assert exchange.response is not None
    if json_object(exchange.response) is None:
        yield Judgement(
            requirement, holds=False, problem=f"a {exchange.status} of the {operation} endpoint is not a JSON object"
        )
        return
    media_type = exchange.response.media_type
    yield Judgement(
        requirement, media_type == "application/json", f"the response has Content-Type {media_type or '(none)'}"
    )


def names_error(requirement: str, exchange: Exchange, dialect: Dialect) -> Iterator[Judgement]:
    """Whether a refusal has the error format of its dialect."""
    assert exchange.response is not None
    if dialect.is_framework_error(exchange.outcome):
        # Framework errors of restJson1 name their exception in the header; their body owes no OAuth member.
        yield Judgement(requirement, json_object(exchange.response) is not None, "the error body is not a JSON object")
        return
    if json_object(exchange.response) is None:
        yield Judgement(
            requirement,
            holds=False,
            problem=f"the {exchange.status} of the {exchange.request.operation} endpoint is not a JSON object",
        )
        return
    if isinstance(exchange.get("error"), str):
        yield Judgement(requirement, holds=True)
        return
    yield Judgement(
        requirement,
        holds=False,
        problem=f"the {exchange.status} of the {exchange.request.operation} endpoint lacks an error string",
    )


def no_store(exchange: Exchange) -> bool:
    """Whether caches are told not to store the response."""
    assert exchange.response is not None
    directives = ",".join(value for name, value in exchange.response.headers if name.lower() == "cache-control")
    return "no-store" in {part.strip().lower() for part in directives.split(",")}


def is_number(value: object) -> bool:
    """Whether a JSON value is a number; booleans are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def positive_whole(value: Any) -> bool:
    """Whether a JSON value is a positive whole number, in whatever form."""
    return is_number(value) and value > 0 and (isinstance(value, int) or value.is_integer())


def kind(value: object) -> str:
    """A value's fault in words that do not change from run to run."""
    if is_number(value):
        assert isinstance(value, int | float)
        return "not positive" if value <= 0 else "not a whole number"
    return f"a JSON {({str: 'string', bool: 'boolean', list: 'array', dict: 'object'}).get(type(value), 'null')}"


def is_web_uri(value: object) -> bool:
    """Whether a JSON value is an absolute http or https URI."""
    if not isinstance(value, str):
        return False
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)
