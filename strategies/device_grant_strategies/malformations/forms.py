"""Malformations of form bodies (RFC 6749 sections 3.2 and appendix B, RFC 8628 section 3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from device_grant.protocol.exchange import Operation
from device_grant_strategies.malformations import answers
from device_grant_strategies.malformations.answers import Answers
from device_grant_strategies.malformations.encoding import Raw, as_text, encode, form_body
from device_grant_strategies.malformations.model import AS_VALID
from device_grant_strategies.malformations.parameters import required
from device_grant_strategies.malformations.registry import Draft, forms, malformation

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn

    from device_grant_strategies.malformations.context import Context

_BAD_ESCAPES = (b"%", b"%z", b"%zz", b"%4", b"%u0041", b"%%41", b"%-1")

_BAD_SCOPES = ('a"b', "a\\b", "a  b", " a", "a ", "a\tb", "\u00fc", "a\x7fb", '"')


@malformation(
    "duplicate-parameter", "A parameter occurs twice, with equal or different values", forms, lambda c: c.members
)
def _duplicate(draw: DrawFn, ctx: Context, member: str) -> Draft:
    same = draw(st.booleans())
    copies = [(member, ctx.members[member]), (member, ctx.members[member] if same else "conflicting")]
    if draw(st.booleans()):
        copies.reverse()
    pairs = [pair for pair in ctx.pairs if pair[0] != member] + copies
    # Which copy wins is the framework's choice where nobody looks for duplicates.
    winner = () if same else ctx.fair.value(member).accepted
    return Draft(
        f"{member} occurs twice with {'the same value' if same else 'different values'}",
        form_body(pairs),
        Answers(("invalid_request",), ("http-400", AS_VALID, *winner)),
        "rfc6749-3.2-repeated-params-rejected"
        if ctx.operation is Operation.TOKEN
        else "rfc8628-3.1-repeated-param-rejected",
    )


@malformation("empty-unknown", "An unknown parameter has no value", forms)
def _empty_unknown(draw: DrawFn, ctx: Context, _: str) -> Draft:
    pairs: list[tuple[str, str | None]] = [(name, as_text(value)) for name, value in ctx.pairs]
    pairs.insert(draw(st.integers(0, len(pairs))), ("x_unknown", draw(st.sampled_from(("", None)))))
    return Draft("an unknown parameter has no value", form_body(pairs), answers.HARMLESS, ctx.fair.empty_requirement())


@malformation("bare-name", "A required parameter is a name without equals sign and value", forms, required)
def _bare(_: DrawFn, ctx: Context, member: str) -> Draft:
    pairs = [(name, None if name == member else value) for name, value in ctx.pairs]
    return Draft(
        f"{member} has no equals sign and no value",
        form_body(pairs),
        ctx.fair.missing(member).accepting("http-400"),
        ctx.fair.empty_requirement(),
    )


@malformation(
    "bracketed-name", "A required parameter is named like an element of an array: client_id[]", forms, required
)
def _bracketed(draw: DrawFn, ctx: Context, member: str) -> Draft:
    suffix = draw(st.sampled_from(("[]", "[0]", "[a]", "[$ne]", "[__proto__]")))
    pairs = [(name + suffix if name == member else name, value) for name, value in ctx.pairs]
    return Draft(
        f"{member} is named {member}{suffix}",
        form_body(pairs),
        # Frameworks that make arrays of such names are common: the value then has another type, or is taken out.
        ctx.fair.missing(member).tolerating(*ctx.fair.value(member).accepted, "http-400", AS_VALID),
        ctx.fair.missing_requirement(member),
    )


@malformation(
    "percent-garbage",
    "A percent sign is not followed by two hexadecimal digits",
    forms,
    lambda ctx: (*ctx.members, "x_unknown"),
)
def _percent(draw: DrawFn, ctx: Context, member: str) -> Draft:
    octets = draw(st.sampled_from(_BAD_ESCAPES))
    # At the end: before other characters the sign might begin a legal escape.
    value = Raw(encode(as_text(ctx.members.get(member, "text"))) + octets)
    fair = ctx.fair.text(member) if member in ctx.members else answers.ANYTHING_BUT_5XX
    return Draft(
        f"{member} holds the broken escape {octets.decode()!r}",
        form_body(ctx.changed(member, value)),
        fair,
        "rfc6749-5.2-invalid-request-malformed",
    )


@malformation(
    "scope-syntax",
    "A scope outside RFC 6749 section 3.3",
    lambda dialect, operation: forms(dialect, operation) and operation is Operation.DEVICE_AUTHORIZATION,
    lambda _: ("scope",),
)
def _scope(draw: DrawFn, ctx: Context, member: str) -> Draft:
    scope = draw(st.sampled_from(_BAD_SCOPES))
    return Draft(
        f"{member} is {scope!a}",
        form_body(ctx.changed(member, scope)),
        Answers(("invalid_scope", "invalid_request", AS_VALID)),
        "rfc6749-3.3-scope-syntax-rejected",
    )


@malformation("extra-separators", "Ampersands at the start, at the end, or doubled", forms)
def _separators(draw: DrawFn, ctx: Context, _: str) -> Draft:
    where = draw(st.sampled_from(("start", "end", "middle")))
    body = form_body(ctx.pairs)
    body = {"start": b"&" + body, "end": body + b"&", "middle": body.replace(b"&", b"&&") + b"&&"}[where]
    return Draft(
        f"there are extra ampersands at the {where}",
        body,
        answers.ANYTHING_BUT_5XX,
        answers.NO_SERVER_ERROR,
    )


@malformation("escaped-form", "Every character of names and values is percent-encoded: a legal form", forms)
def _escaped(draw: DrawFn, ctx: Context, _: str) -> Draft:
    pattern = draw(st.sampled_from(("%{:02X}", "%{:02x}")))
    names = draw(st.booleans())
    pairs = [(_escape(name, pattern) if names else name, _escape(as_text(value), pattern)) for name, value in ctx.pairs]
    return Draft(
        f"every character of {'names and values' if names else 'values'} is percent-encoded",
        form_body(pairs),
        answers.HARMLESS,
        "rfc8628-3.4-server-accepts-grant" if ctx.operation is Operation.TOKEN else "rfc8628-3.1-server-accepts-form",
    )


def _escape(text: str, pattern: str) -> Raw:
    return Raw("".join(pattern.format(octet) for octet in text.encode()).encode())
