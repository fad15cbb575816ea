"""The form of the requests: method, encoding, parameters (RFC 8628 sections 3.1 and 3.4, RFC 6749 section 3.2)."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from device_grant.judging import Judgement, rule
from device_grant.protocol.reading import (
    basic,
    encoding,
    form_pairs,
    json_body,
    media_type,
    members_of,
    query_pairs,
    valid_utf8_form,
    value_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from device_grant.client.rules.session import ClientSession
    from device_grant.protocol import Exchange

FORM = "application/x-www-form-urlencoded"
SPACE, LAST_OF_ASCII = 0x20, 0x7E
REPEATABLE = frozenset({"resource", "audience"})
"""Parameters that RFC 8707 and RFC 8693 let clients repeat."""
SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+( [\x21\x23-\x5B\x5D-\x7E]+)*")
NO_SEPARATOR = re.compile(r",( |$)")
"""A comma belongs to the set that scope tokens are made of, but one before a space is meant to separate."""


@rule("rfc8628-3.1-request-uses-post", faults=("start_by_get",))
def flow_begins_with_post(session: ClientSession) -> Iterator[Judgement]:
    """The device authorization request is a POST."""
    for entry in session.starts:
        method = entry.request.method
        problem = "the device authorization request is no POST"
        yield Judgement("rfc8628-3.1-request-uses-post", method == "POST", problem, (entry,), method)


@rule("rfc6749-3.2-client-post", faults=("token_by_get",))
def tokens_are_asked_for_by_post(session: ClientSession) -> Iterator[Judgement]:
    """Token requests are POSTs."""
    for entry in session.token_requests:
        method = entry.request.method
        yield Judgement("rfc6749-3.2-client-post", method == "POST", "a token request is no POST", (entry,), method)


@rule(
    "rfc8628-3.1-client-form-body",
    "rfc8628-3.4-token-endpoint-post-form",
    "rfc6749-6-refresh-form-post",
    faults=("start_as_json", "token_as_json", "refresh_as_json"),
)
def parameters_are_a_form(session: ClientSession) -> Iterator[Judgement]:
    """In the RFC dialect parameters are a form in the body, and labelled as such."""
    for name, entries in (
        ("rfc8628-3.1-client-form-body", session.starts),
        ("rfc8628-3.4-token-endpoint-post-form", session.polls),
        ("rfc6749-6-refresh-form-post", session.refreshes),
    ):
        for entry in entries:
            if encoding(entry.request) == "none" and basic(entry.request) and not query_pairs(entry.request):
                continue  # a client that authenticates by its header may have no parameter to send
            holds = _encoded_as_taken(entry, session.dialect.encodings)
            description = f"{media_type(entry.request) or 'no Content-Type'}, body: {encoding(entry.request)}"
            yield Judgement(name, holds, "the parameters are not a form in the body", (entry,), description)


def _encoded_as_taken(entry: Exchange, taken: Iterable[str]) -> bool:
    """Whether the parameters are sent in one of these ways."""
    way = encoding(entry.request)
    if way == "none" and query_pairs(entry.request):
        return "query" in taken
    return way in taken and (way != "form" or media_type(entry.request) == FORM)


@rule("rfc8628-3.1-client-utf8", "rfc6749-B-utf8-encode", faults=("form_in_latin_1",))
def forms_are_utf_8(session: ClientSession) -> Iterator[Judgement]:
    """Names and values of a form are UTF-8 once their escapes are undone."""
    for name, entries in (
        ("rfc8628-3.1-client-utf8", session.starts),
        ("rfc6749-B-utf8-encode", session.token_requests),
    ):
        for entry in entries:
            if encoding(entry.request) == "form":
                holds = valid_utf8_form(entry.request)
                yield Judgement(name, holds, "a form is not encoded in UTF-8", (entry,))


@rule("rfc6749-B-form-escaped", faults=("form_not_escaped",))
def forms_are_escaped(session: ClientSession) -> Iterator[Judgement]:
    """No space and no octet beyond ASCII stands in a form as it is."""
    for entry in (*session.starts, *session.token_requests):
        if encoding(entry.request) == "form" and media_type(entry.request) == FORM:
            raw = [octet for octet in entry.request.content if octet == SPACE or octet > LAST_OF_ASCII]
            problem = "a form has a space, or an octet beyond ASCII, that is not escaped"
            got = f"{len(raw)} such octets, the first one {raw[0]:#04x}" if raw else ""
            yield Judgement("rfc6749-B-form-escaped", not raw, problem, (entry,), got)


@rule("rfc8628-3.1-client-empty-param-not-relied-on", faults=("empty_parameter_sent",))
def parameters_have_values(session: ClientSession) -> Iterator[Judgement]:
    """No parameter of the device authorization request is empty."""
    for entry in session.starts:
        empty = sorted({name for name, value in members_of(entry.request) if value == ""})
        problem = "a parameter is sent without a value"
        yield Judgement("rfc8628-3.1-client-empty-param-not-relied-on", not empty, problem, (entry,), ", ".join(empty))


@rule(
    "rfc8628-3.1-no-repeated-request-params",
    "rfc6749-3.2-no-repeated-params-client",
    faults=("parameter_repeated_at_start", "parameter_repeated_in_polls"),
)
def parameters_occur_once(session: ClientSession) -> Iterator[Judgement]:
    """No parameter occurs twice, but for those that other specifications let clients repeat."""
    for name, entries in (
        ("rfc8628-3.1-no-repeated-request-params", session.starts),
        ("rfc6749-3.2-no-repeated-params-client", session.token_requests),
    ):
        for entry in entries:
            pairs = form_pairs(entry.request) if encoding(entry.request) == "form" else []
            query = query_pairs(entry.request)
            counted = Counter(key for key, _ in (*pairs, *query))
            free = REPEATABLE.union(session.dialect.repeatable)
            repeated = sorted(key for key, number in counted.items() if number > 1 and key not in free)
            apart = all(max(Counter(key for key, _ in part)[one] for part in (pairs, query)) == 1 for one in repeated)
            problem = "a parameter is sent twice"
            if repeated and apart:
                problem = "a parameter is sent twice, once in the query and once in the body"
            yield Judgement(name, not repeated, problem, (entry,), ", ".join(repeated))


@rule("rfc8628-3.4-grant-type-value", faults=("grant_type_short",))
def grant_type_is_the_urn(session: ClientSession) -> Iterator[Judgement]:
    """Polls have the grant type of RFC 8628 to the letter, or another one that the servers of the dialect take."""
    for entry in session.polls:
        value = value_of(entry.request, "grant_type")
        problem = "the grant type of a poll is not that of RFC 8628"
        taken = ("" if value is None else value) in session.dialect.grant_types
        yield Judgement("rfc8628-3.4-grant-type-value", taken, problem, (entry,), str(value))


@rule("rfc8628-3.4-device-code-sent", faults=("device_code_decoded",))
def device_code_is_unchanged(session: ClientSession) -> Iterator[Judgement]:
    """Polls carry the device code as it was issued."""
    for grant in session.grants:
        for entry in grant.polls:
            sent = [value for name, value in members_of(entry.request) if name == "device_code"]
            holds = sent != [] and all(code == grant.device_code for code in sent)
            problem = "a poll does not have the device code as it was issued"
            yield Judgement("rfc8628-3.4-device-code-sent", holds, problem, (entry,))


@rule("rfc6749-3.3-scope-syntax-client", faults=("scope_with_commas",))
def scope_is_a_list(session: ClientSession) -> Iterator[Judgement]:
    """A scope is tokens separated by single spaces."""
    for entry in (*session.starts, *session.token_requests):
        for name, value in members_of(entry.request):
            if name == "scope" and value:
                holds = isinstance(value, str) and bool(SCOPE.fullmatch(value)) and not NO_SEPARATOR.search(value)
                problem = "scope is not a list of tokens separated by single spaces"
                yield Judgement("rfc6749-3.3-scope-syntax-client", holds, problem, (entry,), str(value))


@rule("rfc9110-8.6-content-length", faults=("content_length_missing",))
def bodies_have_a_length(session: ClientSession) -> Iterator[Judgement]:
    """A request with a body says how long it is, or comes in chunks."""
    for entry in session.exchanges:
        if not entry.request.content:
            continue
        length = entry.request.header("content-length")
        chunked = "chunked" in (entry.request.header("transfer-encoding") or "").lower()
        holds = chunked or (length is not None and length.strip() == str(len(entry.request.content)))
        problem = "a body without Content-Length" if length is None else "Content-Length is not that of the body"
        yield Judgement("rfc9110-8.6-content-length", holds, problem, (entry,), str(length))


@rule("aws-client-unsigned", faults=("requests_signed",))
def requests_are_not_signed(session: ClientSession) -> Iterator[Judgement]:
    """The public operations of AWS SSO OIDC are sent without Signature Version 4."""
    for entry in session.protocol:
        signed = (entry.request.header("authorization") or "").startswith("AWS4-") or any(
            name == "X-Amz-Signature" for name, _ in query_pairs(entry.request)
        )
        yield Judgement("aws-client-unsigned", not signed, "a public operation is signed", (entry,))


@rule("smithy-restjson1-client-omits-null", faults=("null_members_sent",))
def unset_members_are_left_out(session: ClientSession) -> Iterator[Judgement]:
    """No member of a request is null."""
    for entry in session.protocol:
        nulls = sorted(name for name, value in (json_body(entry.request) or {}).items() if value is None)
        problem = "members that are not set are sent as null"
        yield Judgement("smithy-restjson1-client-omits-null", not nulls, problem, (entry,), ", ".join(nulls))


@rule(
    "rfc6749-6-grant-type",
    "rfc6749-6-refresh-token-param",
    faults=("refresh_grant_misspelt", "refresh_token_missing"),
)
def refreshes_are_spelt_right(session: ClientSession) -> Iterator[Judgement]:
    """A refresh has the grant type refresh_token and a refresh token."""
    for entry in session.refreshes:
        grant, token = value_of(entry.request, "grant_type"), value_of(entry.request, "refresh_token")
        problem = "the grant type of a refresh is not refresh_token"
        yield Judgement("rfc6749-6-grant-type", grant == "refresh_token", problem, (entry,), str(grant))
        holds = isinstance(token, str) and token != "" and session.refresh_token in ("", token)
        yield Judgement("rfc6749-6-refresh-token-param", holds, "a refresh has not the refresh token", (entry,))


@rule("rfc6749-6-scope-not-widened", faults=("refresh_scope_widened",))
def refreshes_ask_for_no_more(session: ClientSession) -> Iterator[Judgement]:
    """The scope of a refresh is within what was granted, or else asked for."""
    for entry in session.refreshes:
        asked = value_of(entry.request, "scope")
        if not isinstance(asked, str):
            yield Judgement("rfc6749-6-scope-not-widened", holds=True)
            continue
        granted = _granted(session, entry)
        if granted is not None:
            more = sorted(set(asked.split()) - granted)
            problem = "a refresh asks for scope that was not granted"
            yield Judgement("rfc6749-6-scope-not-widened", not more, problem, (entry,), " ".join(more))


def _granted(session: ClientSession, refresh: Exchange) -> set[str] | None:
    """The scope that holds at that moment: granted, else asked for; None: the record does not show it."""
    before = [entry for entry in session.token_requests if entry.started < refresh.started and entry.outcome.ok]
    for entry in reversed(before):
        said: Any = entry.get("scope")
        if isinstance(said, str):
            return set(said.split())
    for start in reversed(session.starts):
        said = value_of(start.request, "scope")
        return set(said.split()) if isinstance(said, str) else set()
    return set(session.scope.split()) if session.scope else None
