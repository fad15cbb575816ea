"""Malformations of values and members in JSON bodies."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from device_grant.protocol.names import snake
from device_grant_strategies.malformations import answers
from device_grant_strategies.malformations.answers import Answers
from device_grant_strategies.malformations.encoding import Raw, as_text, json_body
from device_grant_strategies.malformations.model import AS_VALID
from device_grant_strategies.malformations.parameters import strings
from device_grant_strategies.malformations.registry import (
    Draft,
    json_objects,
    malformation,
    with_optional_members,
    with_required_json_members,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hypothesis.strategies import DrawFn

    from device_grant_strategies.malformations.context import Context

_NOT_A_STRING: tuple[Any, ...] = (0, 1, -7, 1.5, True, False, [], {}, ["text"], {"a": "b"}, 10**20)
_NOT_A_LIST: tuple[Any, ...] = ("text", 5, True, {}, {"0": "text"})
_NOT_A_LIST_OF_STRINGS: tuple[Any, ...] = ([1], [True], [[]], [{}], ["text", 2], [["text"]])

_NAMES = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "an array", dict: "an object"}


def _typed(ctx: Context) -> Iterable[str]:
    return [*_readable(ctx, "string"), *_readable(ctx, "list")]


def _readable(ctx: Context, kind: str) -> Iterable[str]:
    """List the members of a type that no server may pass over unread (RFC 7591 section 2)."""
    return [name for name in ctx.of_type(kind) if ctx.fair.reads(name)]


@malformation("wrong-type", "A value of another JSON type than the defined one", json_objects, _typed)
def _wrong_type(draw: DrawFn, ctx: Context, member: str) -> Draft:
    wanted = ctx.types[member]
    value = draw(st.sampled_from(_NOT_A_STRING if wanted == "string" else _NOT_A_LIST + _NOT_A_LIST_OF_STRINGS))
    got = _NAMES[type(value)]
    description = f"{member} is {got}, not a string" if wanted == "string" else f"{member} is not an array of strings"
    fair = ctx.fair.value(member)
    fair = Answers(tuple(name for name in fair.accepted if name != AS_VALID), fair.tolerated).accepting("http-400")
    if AS_VALID in ctx.fair.value(member).accepted:
        # Leniency with text that decides nothing: RFC 7591 lets servers replace a value, and no test of restJson1
        # pins coercion to strings.
        fair = fair.tolerating(AS_VALID, "http-4xx")
    body = json_body(ctx.changed(member, value))
    return Draft(f"{description}: {value!r}", body, fair, ctx.fair.type_requirement(wanted))


@malformation(
    "member-null", "A required member is null, which means unset", with_required_json_members, lambda ctx: ctx.required
)
def _null(_: DrawFn, ctx: Context, member: str) -> Draft:
    return Draft(
        f"{member} is null",
        json_body(ctx.changed(member, None)),
        ctx.fair.missing(member),
        "smithy-restjson1-required-null",
    )


@malformation(
    "optional-null",
    "An optional member is null, which means unset",
    with_optional_members,
    lambda ctx: ctx.absent,
)
def _optional_null(_: DrawFn, ctx: Context, member: str) -> Draft:
    body = json_body(ctx.changed(member, None))
    return Draft(f"{member} is null", body, ctx.fair.optional_null(), ctx.fair.optional_null_requirement)


@malformation(
    "null-in-list",
    "An array of strings holds null",
    with_optional_members,
    lambda ctx: _readable(ctx, "list"),
)
def _null_in_list(draw: DrawFn, ctx: Context, member: str) -> Draft:
    value = draw(st.sampled_from(([None], ["text", None], [None, "text"])))
    fair = ctx.fair.value(member)
    fair = Answers(tuple(name for name in fair.accepted if name != AS_VALID), fair.tolerated)
    return Draft(
        f"{member} is {value!r}",
        json_body(ctx.changed(member, value)),
        fair.accepting("http-400").tolerating(AS_VALID),
        ctx.fair.null_in_list_requirement,
    )


@malformation("lone-surrogate", "A string holds half of a surrogate pair, as an escape", json_objects, strings)
def _lone_surrogate(draw: DrawFn, ctx: Context, member: str) -> Draft:
    half = draw(st.sampled_from(("\ud800", "\udfff", "\udc00\ud83d")))
    old = as_text(ctx.members.get(member, "text"))
    return Draft(
        f"{member} holds {half!a}",
        json_body(ctx.changed(member, old + half)),
        ctx.fair.text(member),
        "rfc8259-8.2-no-lone-surrogates",
    )


@malformation(
    "duplicate-member",
    "A member occurs twice, with equal or different values",
    json_objects,
    lambda ctx: (name for name in ctx.members if isinstance(ctx.members[name], str)),
)
def _duplicate(draw: DrawFn, ctx: Context, member: str) -> Draft:
    same = draw(st.booleans())
    other = ctx.members[member] if same else f"conflicting-{snake(member)}"
    copies = [(member, ctx.members[member]), (member, other)]
    if draw(st.booleans()):
        copies.reverse()
    pairs = [pair for pair in ctx.pairs if pair[0] != member] + copies
    # RFC 8259 section 4 leaves open what a receiver makes of it: refuse, or take either value.
    fair = ctx.fair.value(member).accepting(AS_VALID, "http-400", *ctx.fair.unreadable().accepted)
    return Draft(
        f"{member} occurs twice with {'the same value' if same else 'different values'}",
        json_body(pairs),
        fair,
        answers.NO_SERVER_ERROR,
    )


@malformation("deep-nesting", "An unknown member is nested 500 to 20,000 levels deep", json_objects)
def _deep(draw: DrawFn, ctx: Context, _: str) -> Draft:
    depth = draw(st.sampled_from((500, 2_000, 20_000)))
    opening, closing = draw(st.sampled_from(((b"[", b"]"), (b'{"a":', b"}"))))
    nested = Raw(opening * depth + (b"1" if closing == b"}" else b"") + closing * depth)
    return Draft(
        f"an unknown member is nested {depth} levels deep",
        json_body([*ctx.pairs, ("x_deep", nested)]),
        # Any success: repeated in the answer, the member is too deep for the parser of whoever judges it.
        answers.ANYTHING_BUT_5XX.accepting("http-2xx"),
        answers.NO_SERVER_ERROR,
    )


@malformation("extreme-number", "An unknown member is a number beyond what parsers hold", json_objects)
def _extreme_number(draw: DrawFn, ctx: Context, _: str) -> Draft:
    number, shown = draw(
        st.sampled_from(
            ((b"1e400", "1e400"), (b"-1e-400", "-1e-400"), (b"9" * 5000, "5000 digits"), (b"1" + b"0" * 400, "10^400"))
        )
    )
    return Draft(
        f"an unknown member is the number {shown}",
        json_body([*ctx.pairs, ("x_number", Raw(number))]),
        answers.ANYTHING_BUT_5XX,
        answers.NO_SERVER_ERROR,
    )


@malformation(
    "escaped-json", "Names and values written as \\u escapes, with white space between: legal JSON", json_objects
)
def _escaped(draw: DrawFn, ctx: Context, _: str) -> Draft:
    space = draw(st.sampled_from((b"", b" ", b"\r\n\t ")))
    pairs = [_escape(name) + space + b":" + space + _escape(value) for name, value in ctx.pairs]
    return Draft(
        "all characters are written as escapes",
        space + b"{" + space + (space + b"," + space).join(pairs) + space + b"}" + space,
        answers.HARMLESS,
        "rfc8259-9-parser-accepts-valid",
    )


def _escape(value: object) -> bytes:
    if isinstance(value, list):
        return b"[" + b",".join(map(_escape, value)) + b"]"
    if not isinstance(value, str):
        return json.dumps(value).encode()
    units = value.encode("utf-16-be", errors="surrogatepass").hex()
    return b'"' + b"".join(b"\\u" + units[at : at + 4].encode() for at in range(0, len(units), 4)) + b'"'
