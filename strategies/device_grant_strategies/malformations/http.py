"""Malformations of what HTTP says about the body: media type, charset, emptiness, other encodings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from device_grant.protocol.dialects import FORM_TYPE, JSON_TYPE
from device_grant_strategies.malformations import answers
from device_grant_strategies.malformations.encoding import as_text, body, form_body, json_body
from device_grant_strategies.malformations.model import AS_VALID
from device_grant_strategies.malformations.registry import Draft, forms, json_objects, malformation

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn

    from device_grant_strategies.malformations.context import Context

_OTHER_TYPES = (
    "text/plain",
    "application/hal+json",
    "application/xml",
    "application/octet-stream",
    "text/html; charset=utf-8",
    "nonsense",
    "/",
)

_BOUNDARY = "----boundary-7f3a"


def _missed(ctx: Context) -> tuple[str, ...]:
    """Choose the whole request, if it is no valid one without its body.

    A form may be empty: that of a client that authenticates by a header and asks for no scope.
    """
    return ("",) if ctx.required or ctx.encoding == "json" else ()


@malformation("wrong-content-type", "The Content-Type is another one than the body's", members=_missed)
def _wrong_type(draw: DrawFn, ctx: Context, _: str) -> Draft:
    other = FORM_TYPE if ctx.encoding == "json" else JSON_TYPE
    content_type = draw(st.sampled_from((*_OTHER_TYPES, other)))
    return Draft(
        f"Content-Type is {content_type}",
        body(ctx, ctx.pairs),
        # Servers that never look at the header are many.
        ctx.fair.media_type().tolerating(AS_VALID),
        ctx.fair.media_type_requirement,
        content_type,
    )


@malformation("no-content-type", "There is no Content-Type")
def _no_type(_: DrawFn, ctx: Context, __: str) -> Draft:
    # RFC 9110 section 8.3 lets the receiver guess, and old AWS command line clients sent none.
    return Draft(
        "there is no Content-Type",
        body(ctx, ctx.pairs),
        answers.ANYTHING_BUT_5XX,
        answers.NO_SERVER_ERROR,
        None,
    )


@malformation("charset-parameter", "The Content-Type has a charset parameter: harmless")
def _charset(draw: DrawFn, ctx: Context, _: str) -> Draft:
    parameter = draw(
        st.sampled_from(
            ("; charset=utf-8", ";charset=UTF-8", '; charset="utf-8"', " ; charset=utf-8", "; Charset=UTF-8")
        )
    )
    content_type = ctx.content_type + parameter
    return Draft(
        f"Content-Type is {content_type}",
        body(ctx, ctx.pairs),
        answers.HARMLESS,
        ctx.fair.charset_requirement(),
        content_type,
    )


@malformation("media-type-case", "The Content-Type has other letter case: harmless")
def _type_case(draw: DrawFn, ctx: Context, _: str) -> Draft:
    content_type = draw(st.sampled_from((ctx.content_type.upper(), ctx.content_type.title())))
    return Draft(
        f"Content-Type is {content_type}",
        body(ctx, ctx.pairs),
        answers.HARMLESS,
        "rfc9110-8.3.1-media-type-case",
        content_type,
    )


@malformation("charset-wrong", "The Content-Type names a charset that the body does not have, or that does not exist")
def _wrong_charset(draw: DrawFn, ctx: Context, _: str) -> Draft:
    charset = draw(st.sampled_from(("utf-16", "no-such-charset", "", "base64", "undefined", "idna", '"')))
    content_type = f"{ctx.content_type}; charset={charset}"
    return Draft(
        f"Content-Type is {content_type}",
        body(ctx, ctx.pairs),
        answers.ANYTHING_BUT_5XX,
        answers.NO_SERVER_ERROR,
        content_type,
    )


@malformation("empty-body", "The body is empty, or white space", members=_missed)
def _empty(draw: DrawFn, ctx: Context, _: str) -> Draft:
    octets = draw(st.sampled_from((b"", b" ", b"\r\n")))
    content_type = ctx.content_type if octets or draw(st.booleans()) else None
    header = "" if content_type else ", and there is no Content-Type"
    return Draft(
        f"the body is {octets.decode()!r}{header}",
        octets,
        ctx.fair.empty_body(),
        ctx.fair.empty_body_requirement(),
        content_type,
    )


@malformation("bom", "A byte order mark comes before the body")
def _bom(_: DrawFn, ctx: Context, __: str) -> Draft:
    # RFC 8259 section 8.1: a parser may ignore it or refuse it. In a form it is part of the first name.
    return Draft(
        "a byte order mark comes before the body",
        b"\xef\xbb\xbf" + body(ctx, ctx.pairs),
        answers.ANYTHING_BUT_5XX,
        answers.NO_SERVER_ERROR,
    )


@malformation("json-body-for-form", "JSON, labelled as JSON, where a form is due", forms)
def _json_for_form(_: DrawFn, ctx: Context, __: str) -> Draft:
    # Servers may read JSON at a form endpoint besides: RFC 6749 does not forbid it.
    return Draft(
        "the body is JSON instead of a form",
        json_body(ctx.pairs),
        answers.ANYTHING_BUT_5XX,
        ctx.fair.media_type_requirement,
        JSON_TYPE,
    )


@malformation("form-body-for-json", "A form, labelled as a form, where JSON is due", json_objects)
def _form_for_json(_: DrawFn, ctx: Context, __: str) -> Draft:
    return Draft(
        "the body is a form instead of JSON",
        form_body((name, as_text(value)) for name, value in ctx.pairs),
        ctx.fair.media_type().accepting(*ctx.fair.unreadable().accepted).tolerating(AS_VALID),
        ctx.fair.media_type_requirement,
        FORM_TYPE,
    )


@malformation("mislabelled-body", "The body is JSON labelled as a form, or a form labelled as JSON", members=_missed)
def _mislabelled(_: DrawFn, ctx: Context, __: str) -> Draft:
    fair = ctx.fair.everything_missing().accepting(*ctx.fair.unreadable().accepted)
    if ctx.encoding == "json":
        what, octets = "a form labelled as JSON", form_body((name, as_text(value)) for name, value in ctx.pairs)
    else:
        what, octets = "JSON labelled as a form", json_body(ctx.pairs)
    return Draft(f"the body is {what}", octets, fair, ctx.fair.unreadable_requirement(), ctx.content_type)


@malformation("multipart", "The members come as multipart/form-data", members=_missed)
def _multipart(_: DrawFn, ctx: Context, __: str) -> Draft:
    parts = [
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{as_text(value)}\r\n'
        for name, value in ctx.pairs
    ]
    return Draft(
        "the body is multipart/form-data",
        f"{''.join(parts)}--{_BOUNDARY}--\r\n".encode(),
        ctx.fair.media_type().accepting(*ctx.fair.unreadable().accepted).tolerating(AS_VALID),
        ctx.fair.media_type_requirement,
        f"multipart/form-data; boundary={_BOUNDARY}",
    )


@malformation("multipart-broken", "multipart/form-data without a boundary, or without its parts", members=_missed)
def _multipart_broken(draw: DrawFn, ctx: Context, _: str) -> Draft:
    content_type = draw(
        st.sampled_from(
            ("multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=other")
        )
    )
    return Draft(
        f"Content-Type is {content_type}, the body is no such thing",
        body(ctx, ctx.pairs),
        ctx.fair.media_type().accepting(*ctx.fair.unreadable().accepted).tolerating(AS_VALID),
        ctx.fair.media_type_requirement,
        content_type,
    )
