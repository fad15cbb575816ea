"""Malformations that JSON and forms share: what is done to one member, or to the set of members."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from device_grant.protocol.exchange import DEVICE_CODE_GRANT, Operation
from device_grant.protocol.names import snake
from device_grant_strategies.malformations import answers
from device_grant_strategies.malformations.answers import Answers
from device_grant_strategies.malformations.encoding import as_text, body, insert, joined, numbered, repeated
from device_grant_strategies.malformations.model import AS_VALID
from device_grant_strategies.malformations.registry import Draft, json_objects, malformation, with_required_members

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hypothesis.strategies import DrawFn

    from device_grant_strategies.malformations.context import Context

_CASED = ("client_id", "device_code", "refresh_token", "grant_type", "client_secret")

_SIZES = (9_000, 70_000, 300_000)
"""Octets: beyond the header, buffer and body limits that servers commonly have."""
_WORDS = " a b"
"""After a first word: a scope has no space at its ends (RFC 6749 section 3.3)."""

_INJECTIONS = (
    "' OR '1'='1' --",
    '"; DROP TABLE clients; --',
    "<script>alert(1)</script>",
    "\r\nSet-Cookie: injected=1",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "../../../../etc/passwd",
    "$(id)`id`",
    "*)(uid=*))(|(uid=*",
    '{"$ne": null}',
    "%s%s%s%n",
)

_CONTROLS = ("\x01", "\t", "\n", "\r\n", "\x1b[2J", "\x7f", "\x85")

_NON_ASCII = ("\u00e9", "\u0645\u0631", "\U0001f600", "\u202e", "\ufeff", "\u0130", "\U0010fffd")

_INVALID_UTF8 = (b"\xff", b"\xc3", b"\xe2\x82", b"\xc0\x80", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xe4bc")

_LONGEST_SHOWN = 40

_UNKNOWN_NAMES = (
    "x_unknown",
    "xUnknown",
    "__proto__",
    "constructor",
    "__type",
    "$ref",
    "a.b[c]",
    "\u043a\u043b\u044e\u0447",
    "\U0001f511",
    "x" * 300,
)


def required(ctx: Context) -> tuple[str, ...]:
    """List the required members of the request."""
    return ctx.required


def strings(ctx: Context) -> Iterable[str]:
    """List the string members that are worth attacking: the required ones, and text."""
    text = {"client_name", "scope", "start_url", "client_uri", "issuer_url", "software_id"}
    return [name for name in ctx.of_type("string") if name in ctx.required or snake(name) in text]


def _cased(ctx: Context) -> Iterable[str]:
    present = [name for name in ctx.required if snake(name) in _CASED]
    return [name for name in present if as_text(ctx.members[name]).swapcase() != as_text(ctx.members[name])]


@malformation("member-missing", "A required member is left out", with_required_members, required)
def _missing(_: DrawFn, ctx: Context, member: str) -> Draft:
    pairs = [pair for pair in ctx.pairs if pair[0] != member]
    return Draft(
        f"{member} is missing",
        body(ctx, pairs),
        ctx.fair.missing(member),
        ctx.fair.missing_requirement(member),
    )


@malformation(
    "case-changed-name", "The name of a required member has other letter case", with_required_members, required
)
def _case_changed_name(draw: DrawFn, ctx: Context, member: str) -> Draft:
    changes: list[Callable[[str], str]] = [str.upper, str.capitalize, str.swapcase]
    if snake(member) != member:
        changes.append(snake)
    name = draw(st.sampled_from([changed for change in changes if (changed := change(member)) != member]))
    pairs = [(name if key == member else key, value) for key, value in ctx.pairs]
    return Draft(
        f"{member} is spelt {name}",
        body(ctx, pairs),
        ctx.fair.missing(member).tolerating(AS_VALID),
        ctx.fair.name_case_requirement,
    )


@malformation(
    "case-changed-value",
    "A code, an identifier or the grant type has other letter case",
    lambda _, operation: operation is not Operation.REGISTRATION,
    _cased,
)
def _case_changed_value(_: DrawFn, ctx: Context, member: str) -> Draft:
    return Draft(
        f"{member} has its letters in the other case",
        body(ctx, ctx.changed(member, as_text(ctx.members[member]).swapcase())),
        ctx.fair.value_in_other_case(member),
        "rfc6749-1.9-case-sensitive-values",
    )


@malformation("padded-value", "A required value has white space around it", with_required_members, required)
def _padded(draw: DrawFn, ctx: Context, member: str) -> Draft:
    padding = draw(st.sampled_from((" ", "\n", "\t", "\u00a0")))
    old = as_text(ctx.members[member])
    new = draw(st.sampled_from((old + padding, padding + old)))
    return Draft(
        f"{member} has {padding!r} {'after' if new.startswith(old) else 'before'} it",
        body(ctx, ctx.changed(member, new)),
        ctx.fair.value(member).tolerating(AS_VALID),
        ctx.fair.value_requirement(member),
    )


@malformation("empty", "A string is empty: in a form that means omitted, in JSON it is a value", members=strings)
def _empty(_: DrawFn, ctx: Context, member: str) -> Draft:
    if ctx.encoding == "form":
        fair = ctx.fair.missing(member) if member in ctx.required else answers.HARMLESS
        requirement = ctx.fair.empty_requirement()
    elif member in ctx.required:
        fair = ctx.fair.missing(member)
        refusals = ctx.fair.value(member).accepted
        # An empty name is a name, if a poor one; an empty identifier, code or URL is none.
        fair = fair.tolerating(*refusals) if AS_VALID in refusals else fair.accepting(*refusals)
        requirement = ctx.fair.missing_requirement(member)
    else:
        fair, requirement = ctx.fair.value(member), answers.NO_SERVER_ERROR
    return Draft(f"{member} is empty", body(ctx, ctx.changed(member, "")), fair, requirement)


@malformation("huge", "A string is 9 to 300 kB long", members=strings)
def _huge(draw: DrawFn, ctx: Context, member: str) -> Draft:
    size = draw(st.sampled_from(_SIZES))
    # A scope stays well-formed: what servers make of others is another question.
    unit = draw(st.sampled_from(("A", _WORDS) if snake(member) == "scope" else ("A", _WORDS, "\u00e9")))
    if unit == _WORDS:
        # Whoever compares each word with each would be busy for hours, and could not be asked anything else.
        size = _SIZES[0]
    value = repeated(ctx.encoding, unit, size, "b" if unit == _WORDS else "")
    return Draft(
        f"{member} is {size} octets long",
        body(ctx, ctx.changed(member, value)),
        ctx.fair.text(member).accepting("no-response"),
        "rfc9110-15.5.14-too-large",
    )


@malformation("nul", "A string holds U+0000", members=strings)
def _nul(draw: DrawFn, ctx: Context, member: str) -> Draft:
    return _inserted(draw, ctx, member, "\0")


@malformation("control-characters", "A string holds control characters", members=strings)
def _controls(draw: DrawFn, ctx: Context, member: str) -> Draft:
    return _inserted(draw, ctx, member, draw(st.sampled_from(_CONTROLS)))


@malformation(
    "non-ascii",
    "A value outside the characters that its syntax allows",
    with_required_members,
    lambda ctx: (name for name in strings(ctx) if snake(name) != "client_name"),
)
def _non_ascii(draw: DrawFn, ctx: Context, member: str) -> Draft:
    return _inserted(draw, ctx, member, draw(st.sampled_from(_NON_ASCII)))


@malformation("injection", "A string tries to break out of SQL, HTML, a header, a template or a path", members=strings)
def _injection(draw: DrawFn, ctx: Context, member: str) -> Draft:
    attack = draw(st.sampled_from(_INJECTIONS))
    value = draw(st.sampled_from((attack, as_text(ctx.members.get(member, "a")) + attack)))
    return Draft(
        f"{member} holds {attack!r}",
        body(ctx, ctx.changed(member, value)),
        ctx.fair.text(member),
        "rfc6749-10.14-sanitize-input",
    )


@malformation("invalid-utf8", "A string holds octets that are not UTF-8", members=strings)
def _invalid_utf8(draw: DrawFn, ctx: Context, member: str) -> Draft:
    octets = draw(st.sampled_from(_INVALID_UTF8))
    written, how = octets, "as they are"
    if ctx.encoding == "form" and draw(st.booleans()):
        written, how = "".join(f"%{octet:02X}" for octet in octets).encode(), "percent-encoded"
    value = insert(ctx, as_text(ctx.members.get(member, "text")), written)
    fair = ctx.fair.text(member)
    if ctx.encoding == "json":
        fair = fair.accepting(*ctx.fair.unreadable().accepted)
        requirement = ctx.fair.unreadable_requirement()
    else:
        requirement = "rfc6749-B-utf8-decode"
    return Draft(
        f"{member} holds the octets {octets.hex(' ')}, which are not UTF-8, {how}",
        body(ctx, ctx.changed(member, value)),
        fair,
        requirement,
    )


def _wrong_enums(ctx: Context) -> Iterable[str]:
    enums = {"grant_type", "grant_types", "client_type", "token_endpoint_auth_method"}
    known = {*ctx.types, *ctx.members} if ctx.operation is Operation.REGISTRATION else set(ctx.members)
    return sorted(name for name in known if snake(name) in enums)


@malformation(
    "wrong-enum",
    "A value that is none of the defined ones",
    lambda _, operation: operation is not Operation.DEVICE_AUTHORIZATION,
    _wrong_enums,
)
def _wrong_enum(draw: DrawFn, ctx: Context, member: str) -> Draft:
    name = snake(member)
    fair = ctx.fair.value(member)
    value: Any
    if name == "client_type":
        value = draw(st.sampled_from(("confidential", "private", "public ", "none", "Public", "PUBLIC")))
        requirement = "aws-register-client-type-public"
        if value.lower().strip() == "public":
            fair = fair.tolerating(AS_VALID)
    elif name == "grant_types":
        grant = draw(st.sampled_from(("foo", "urn:example:params:oauth:grant-type:unknown", "device-code")))
        value = draw(st.sampled_from(([grant], [DEVICE_CODE_GRANT, grant])))
        fair, requirement = ctx.fair.unknown_grant_types(member), ctx.fair.grant_types_requirement
    elif name == "grant_type":
        value = draw(
            st.sampled_from(
                ("foo", "urn:x:y", "urn:ietf:params:oauth:grant-type:device-code", DEVICE_CODE_GRANT + ":1")
            )
        )
        fair = Answers(("unsupported_grant_type",), ("invalid_request", "unauthorized_client"))
        requirement = ctx.fair.grant_type_requirement
    else:
        value = draw(st.sampled_from(("foo", "client_secret_Basic", "password")))
        requirement = "rfc7591-3.2.2-invalid-client-metadata"
    return Draft(f"{member} is {value!r}", body(ctx, ctx.changed(member, value)), fair, requirement)


def _uris(ctx: Context) -> Iterable[str]:
    return [name for name in ctx.types if snake(name) in {"redirect_uris", "start_url", "issuer_url", "client_uri"}]


@malformation(
    "bad-uri",
    "A URL that is none, or has a scheme that no server may follow",
    lambda dialect, operation: json_objects(dialect, operation) and operation is not Operation.TOKEN,
    _uris,
)
def _bad_uri(draw: DrawFn, ctx: Context, member: str) -> Draft:
    uri = draw(
        st.sampled_from(("not a url", "javascript:alert(1)", "http://", "https://[::1", "//", "file:///etc/passwd"))
    )
    name = snake(member)
    fair = ctx.fair.value(member)
    requirement = answers.NO_SERVER_ERROR
    if name == "redirect_uris":
        # A client that redirects nobody has no use for them: a server may pass over what it will not use.
        fair = Answers(("invalid_redirect_uri",), ("invalid_request", "invalid_client_metadata", "http-400", AS_VALID))
        requirement = ctx.fair.redirect_uri_requirement
    elif name == "start_url":
        fair = Answers(("invalid_request",), ("ValidationException", "http-400"))
        requirement = "aws-start-bad-start-url"
    value = [uri] if ctx.types[member] == "list" else uri
    return Draft(f"{member} is {value!r}", body(ctx, ctx.changed(member, value)), fair, requirement)


@malformation("unknown-member", "A member that no specification defines")
def _unknown(draw: DrawFn, ctx: Context, _: str) -> Draft:
    name = draw(st.sampled_from(_UNKNOWN_NAMES))
    values: tuple[Any, ...] = ("1", "", "\u00fc\U0001f600", "v" * 500)
    if ctx.encoding == "json":
        values += (None, 0, -1.5, True, [], {}, [None, {"a": [1]}], {"__proto__": {"isAdmin": True}})
    value = draw(st.sampled_from(values))
    pairs = ctx.pairs
    pairs.insert(draw(st.integers(0, len(pairs))), (name, value))
    shown = name if len(name) <= _LONGEST_SHOWN else f"of {len(name)} letters"
    return Draft(
        f"there is an unknown member {shown}",
        body(ctx, pairs),
        answers.HARMLESS,
        ctx.fair.unknown_requirement(),
    )


@malformation("many-members", "1,500 unknown members")
def _many(_: DrawFn, ctx: Context, __: str) -> Draft:
    return Draft(
        "there are 1500 unknown members",
        joined(ctx, ctx.pairs, numbered(ctx.encoding, 1500)),
        answers.ANYTHING_BUT_5XX,
        answers.NO_SERVER_ERROR,
    )


def _inserted(draw: DrawFn, ctx: Context, member: str, characters: str) -> Draft:
    old = as_text(ctx.members.get(member, "text"))
    at = draw(st.sampled_from((len(old), 0, len(old) // 2)))
    return Draft(
        f"{member} holds {characters!a}",
        body(ctx, ctx.changed(member, old[:at] + characters + old[at:])),
        ctx.fair.text(member),
        ctx.fair.value_requirement(member),
    )
