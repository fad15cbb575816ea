"""Rules of JSON that hold for every response that is labelled so (RFC 8259)."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from device_grant.judging import Judgement, invariant
from device_grant.protocol.dialects import duplicate_members, json_object
from device_grant.server.invariants.common import answered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from device_grant.protocol import Dialect, Exchange

_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_STRING = re.compile(r'"(?:\\.|[^"\\])*(?:"|\\?\Z)', re.DOTALL)
"""The last one may lack its end: a body that was cut off is no JSON, but has no bare word for that."""
_CUT_LITERAL = re.compile(r"(?<!\w)(?:t|tr|tru|f|fa|fal|fals|n|nu|nul)\Z")
_WORD = re.compile(r"(?<![\w.+-])[A-Za-z_]+")
_SAFE = 2**53 - 1
"""The largest integer that every IEEE 754 double holds exactly."""


@invariant(
    "rfc8628-3.1-no-repeated-response-params",
    "rfc6749-3.2-no-repeated-params-response",
    "rfc8259-4-unique-names",
    faults=("duplicate_members",),
)
def json_names_unique(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """No member of a JSON response is sent twice."""
    content = _json_of(exchange)
    if not content:
        return
    twice = duplicate_members(content)
    for requirement in (
        "rfc8628-3.1-no-repeated-response-params",
        "rfc6749-3.2-no-repeated-params-response",
        "rfc8259-4-unique-names",
    ):
        yield Judgement(requirement, not twice, f"sent twice: {', '.join(sorted(set(twice)))}")


@invariant("rfc8259-8.1-no-bom", faults=("json_bom",))
def json_has_no_byte_order_mark(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """A JSON body does not begin with a byte order mark."""
    content = _json_of(exchange)
    if not content:
        return
    yield Judgement(
        "rfc8259-8.1-no-bom", not content.startswith(_BYTE_ORDER_MARKS), "the JSON body begins with a byte order mark"
    )


@invariant("rfc8259-8.1-utf8", faults=("json_utf16",))
def json_is_utf8(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """A JSON body is UTF-8; U+0000, which JSON always escapes, gives UTF-16 and UTF-32 away."""
    content = _json_of(exchange)
    if not content:
        return
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        yield Judgement("rfc8259-8.1-utf8", holds=False, problem="the JSON body is not UTF-8")
        return
    yield Judgement("rfc8259-8.1-utf8", b"\0" not in content, "the JSON body is not UTF-8")


@invariant("rfc8259-10-generator-strict", faults=("json_python_literals",))
def json_parses(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """A body labelled application/json is JSON."""
    content = _json_of(exchange)
    if not content:
        return
    try:
        json.loads(content, parse_constant=_refuse_constant)
    except RecursionError:
        return  # nested more deeply than our parser goes, as a registration's own members may come back
    except ValueError:
        yield Judgement(
            "rfc8259-10-generator-strict", holds=False, problem="the body is labelled application/json but is not JSON"
        )
        return
    yield Judgement("rfc8259-10-generator-strict", holds=True)


@invariant("rfc8259-3-literals-lower-case", faults=("json_python_literals",))
def json_literals_are_lower_case(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """Outside of strings JSON has no words but true, false and null."""
    content = _json_of(exchange)
    if not content:
        return
    bare = _STRING.sub('""', content.decode("utf-8", errors="replace").replace("\0", ""))
    words = set(_WORD.findall(_CUT_LITERAL.sub("", bare)))
    yield Judgement(
        "rfc8259-3-literals-lower-case",
        words <= {"true", "false", "null"},
        "a JSON body has a bare word other than true, false and null",
    )


@invariant("rfc8259-6-integers-safe", faults=("integers_unsafe",))
def json_integers_are_safe(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """Integers of a response fit into a double."""
    if not answered(exchange):
        return
    assert exchange.response is not None
    body = json_object(exchange.response)
    if not body:
        return
    wrong = sorted(name for name, value in body.items() if _is_integer(value) and abs(value) > _SAFE)
    yield Judgement("rfc8259-6-integers-safe", not wrong, f"beyond 2^53 - 1: {', '.join(wrong)}")


def _json_of(exchange: Exchange) -> bytes:
    if not answered(exchange) or exchange.request.method == "HEAD":
        return b""
    assert exchange.on_the_wire is not None
    return exchange.on_the_wire.content if exchange.on_the_wire.media_type == "application/json" else b""


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _refuse_constant(name: str) -> None:
    raise ValueError(name)
