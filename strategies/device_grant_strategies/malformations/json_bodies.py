"""Malformations of a whole JSON body (RFC 8259, RFC 7591 section 3.1, Smithy restJson1)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from device_grant_strategies.malformations.answers import Answers
from device_grant_strategies.malformations.encoding import Raw, json_body
from device_grant_strategies.malformations.model import AS_VALID
from device_grant_strategies.malformations.registry import Draft, json_objects, malformation, with_optional_members

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn

    from device_grant_strategies.malformations.context import Context

_NO_OBJECTS = (b"[]", b"10", b"null", b"true", b'"x"', b"-0.5", b"[{}]", b'""')


@malformation("truncated", "The JSON text ends too early", json_objects)
def _truncated(draw: DrawFn, ctx: Context, _: str) -> Draft:
    whole = json_body(ctx.pairs)
    length = draw(st.integers(1, len(whole) - 1))
    return _unreadable(ctx, f"the body ends after {length} of {len(whole)} bytes", whole[:length])


@malformation(
    "unclosed-list",
    "An array has no closing bracket",
    with_optional_members,
    lambda ctx: ctx.of_type("list"),
)
def _unclosed(_: DrawFn, ctx: Context, member: str) -> Draft:
    value = Raw(json.dumps(ctx.members.get(member, ["a", "b"])).encode()[:-1])
    return Draft(
        f"{member} has no closing bracket",
        json_body(ctx.changed(member, value)),
        ctx.fair.unreadable(),
        ctx.fair.unclosed_list_requirement,
    )


@malformation("not-an-object", "JSON, but not an object", json_objects)
def _no_object(draw: DrawFn, ctx: Context, _: str) -> Draft:
    body = draw(st.sampled_from((*_NO_OBJECTS, b"[" + json_body(ctx.pairs) + b"]")))
    shown = body.decode() if body in _NO_OBJECTS else "the object within an array"
    return Draft(
        f"the body is {shown}",
        body,
        ctx.fair.unreadable(),
        ctx.fair.no_object_requirement,
    )


@malformation("trailing-garbage", "Something follows the JSON object", json_objects)
def _trailing(draw: DrawFn, ctx: Context, _: str) -> Draft:
    garbage = draw(st.sampled_from((b"x", b"{}", b"]", b"}", b",", b"\0", b"null", b"\n// end")))
    return _lenient(ctx, f"{garbage.decode()!r} follows the object", json_body(ctx.pairs) + garbage)


@malformation("leading-garbage", "Something comes before the JSON object", json_objects)
def _leading(draw: DrawFn, ctx: Context, _: str) -> Draft:
    garbage = draw(st.sampled_from((b"x", b"[", b")]}',\n", b"\0", b"\x0c", b"body=", b"/**/")))
    return _lenient(ctx, f"{garbage.decode()!r} comes before the object", garbage + json_body(ctx.pairs))


@malformation(
    "json-extension", "What some parsers read though it is not JSON: comments, commas, quotes, NaN", json_objects
)
def _extension(draw: DrawFn, ctx: Context, _: str) -> Draft:
    whole = json_body(ctx.pairs)
    name, body = draw(
        st.sampled_from(
            (
                ("a trailing comma", whole[:-1] + b",}"),
                ("a comment", b"{/* comment */" + whole[1:]),
                ("a line comment", whole[:-1] + b"\n// comment\n}"),
                ("NaN", json_body([*ctx.pairs, ("x_number", Raw(b"NaN"))])),
                ("Infinity", json_body([*ctx.pairs, ("x_number", Raw(b"-Infinity"))])),
                ("a hexadecimal number", json_body([*ctx.pairs, ("x_number", Raw(b"0x10"))])),
                ("a leading zero", json_body([*ctx.pairs, ("x_number", Raw(b"010"))])),
                ("single quotes", json_body([*ctx.pairs, (Raw(b"'x_unknown'"), Raw(b"'text'"))])),
                ("a name without quotes", json_body([*ctx.pairs, (Raw(b"x_unknown"), "text")])),
                ("True in Python's spelling", json_body([*ctx.pairs, ("x_unknown", Raw(b"True"))])),
                ("a raw line break in a string", json_body([*ctx.pairs, ("x_unknown", Raw(b'"a\nb"'))])),
                ("an unknown escape", json_body([*ctx.pairs, ("x_unknown", Raw(b'"\\x41"'))])),
            )
        )
    )
    return _lenient(ctx, f"the body has {name}", body)


@malformation("utf-16", "The JSON text is encoded in UTF-16 or UTF-32", json_objects)
def _utf16(draw: DrawFn, ctx: Context, _: str) -> Draft:
    encoding = draw(st.sampled_from(("utf-16", "utf-16-le", "utf-16-be", "utf-32")))
    body = json_body(ctx.pairs).decode().encode(encoding)
    return _lenient(ctx, f"the body is encoded in {encoding}", body)


def _unreadable(ctx: Context, description: str, body: bytes) -> Draft:
    return Draft(description, body, ctx.fair.unreadable(), ctx.fair.unreadable_requirement())


def _lenient(ctx: Context, description: str, body: bytes) -> Draft:
    """RFC 8259 section 9 lets a parser accept more than JSON, so that reading it costs a warning at most."""
    fair = ctx.fair.unreadable()
    return Draft(
        description, body, Answers(fair.accepted, (*fair.tolerated, AS_VALID)), ctx.fair.unreadable_requirement()
    )
