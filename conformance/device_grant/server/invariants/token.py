"""The token response: RFC 6749 section 5.1 and appendix A; secrets where they do not belong: section 10."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote_plus

from device_grant.judging import Judgement, invariant
from device_grant.judging.statistics import claims_of
from device_grant.protocol import Dialect, Exchange, Operation, Response
from device_grant.protocol.dialects import json_object
from device_grant.server.invariants.common import (
    answered,
    json_success,
    kind,
    no_store,
    positive_whole,
    present,
    success_body,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


DAY = 86_400
"""Seconds."""
_STRINGS = ("access_token", "token_type", "refresh_token", "scope", "id_token")
_TYPE = re.compile(r"[-._0-9A-Za-z]+|[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]+")
"""A registered name or an absolute URI (RFC 6749 section 8.1)."""
_SECRETS = ("client_secret", "device_code", "refresh_token", "access_token")
_SHORTEST, _LONGEST = 12, 4096
"""Characters of a value that counts as a secret: shorter ones turn up by chance, longer ones are generated junk."""
_GENUINE = ("authorization_pending", "slow_down", "access_denied", "expired_token")
"""Errors that are only due for a device code that was really issued."""


@invariant("rfc6749-5.1-status-200", faults=("token_response_201",))
def token_success_is_200(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """A response with an access token has status 200."""
    if not answered(exchange, Operation.TOKEN) or exchange.get("access_token") is None:
        return
    yield Judgement("rfc6749-5.1-status-200", exchange.status == 200, f"a token was sent with status {exchange.status}")


@invariant("rfc6749-5.1-access-token", faults=("access_token_missing",))
def access_token_present(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """access_token is there."""
    yield from present("rfc6749-5.1-access-token", exchange, Operation.TOKEN, "access_token")


@invariant("rfc6749-5.1-token-type", faults=("token_type_missing",))
def token_type_present(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """token_type is there."""
    yield from present("rfc6749-5.1-token-type", exchange, Operation.TOKEN, "token_type")


@invariant("rfc6749-5.1-expires-in", faults=("token_expires_in_missing",))
def token_expires_in_present(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """expires_in is there."""
    yield from present("rfc6749-5.1-expires-in", exchange, Operation.TOKEN, "expires_in")


@invariant("rfc6749-5.1-expires-in-value", faults=("token_expires_in_string",))
def token_expires_in_is_seconds(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """expires_in is a positive whole number of seconds, as a JSON number."""
    body = success_body(exchange, Operation.TOKEN)
    if body is None or "expires_in" not in body:
        return
    yield Judgement(
        "rfc6749-5.1-expires-in-value", positive_whole(body["expires_in"]), f"expires_in is {kind(body['expires_in'])}"
    )


@invariant("rfc6749-5.1-json-media-type", faults=("json_as_html",))
def token_success_is_json(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """A successful token response is one JSON object, labelled application/json."""
    yield from json_success("rfc6749-5.1-json-media-type", exchange, Operation.TOKEN)


@invariant("rfc6749-5.1-json-types", faults=("token_type_number", "null_members"))
def token_members_have_json_types(exchange: Exchange, dialect: Dialect) -> Iterator[Judgement]:
    """Strings are JSON strings: access_token, token_type, refresh_token, scope. Null, which AWS sends, is a warning."""
    body = success_body(exchange, Operation.TOKEN)
    if not body or exchange.response is None:
        return
    wrong = [name for name in _STRINGS if name in body and not isinstance(body[name], str)]
    if wrong:
        yield Judgement("rfc6749-5.1-json-types", holds=False, problem=f"not a JSON string: {', '.join(wrong)}")
        return
    raw = json_object(exchange.response) or {}
    nulls = [name for name in (*_STRINGS, "expires_in") if name in raw and raw[name] is None]
    # The RFC says nothing of null: a member that is absent is one that is not sent.
    holds = not nulls or dialect.nulls_are_usual
    yield Judgement("rfc6749-5.1-json-types", holds, f"null: {', '.join(nulls)}", tolerated=True)


@invariant("rfc6749-5.1-no-store", faults=("token_response_cacheable",))
def token_success_not_stored(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """The response with the tokens forbids caches to store it."""
    if not success_body(exchange, Operation.TOKEN):
        return
    yield Judgement("rfc6749-5.1-no-store", no_store(exchange), "the token response lacks Cache-Control: no-store")


@invariant("rfc6749-A.12-access-token-syntax", faults=("tokens_not_ascii",))
def access_token_is_visible_ascii(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """access_token consists of printable ASCII."""
    body = success_body(exchange, Operation.TOKEN)
    if not body or not isinstance(body.get("access_token"), str):
        return
    yield Judgement(
        "rfc6749-A.12-access-token-syntax",
        bool(re.fullmatch(r"[\x20-\x7e]+", body["access_token"])),
        "access_token has characters beyond VSCHAR",
    )


@invariant("rfc6750-2.1-token-chars", faults=("tokens_not_ascii",))
def bearer_token_fits_the_header(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """A Bearer token has the characters of the Authorization header; AWS's own have a colon and are let be."""
    body = success_body(exchange, Operation.TOKEN)
    if not body or str(body.get("token_type")).lower() != "bearer":
        return
    token = body.get("access_token")
    if not isinstance(token, str):
        return
    yield Judgement(
        "rfc6750-2.1-token-chars",
        bool(re.fullmatch(r"[A-Za-z0-9._~+/-]+=*", token)),
        "access_token has characters beyond b64token",
    )


@invariant("rfc6749-8.1-token-type-name-syntax", faults=("token_type_malformed",))
def token_type_syntax(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """token_type is a type name or a URI."""
    body = success_body(exchange, Operation.TOKEN)
    if not body or not isinstance(body.get("token_type"), str) or not body["token_type"]:
        return
    yield Judgement(
        "rfc6749-8.1-token-type-name-syntax",
        bool(_TYPE.fullmatch(body["token_type"])),
        "token_type is neither a type name nor a URI",
    )


@invariant("rfc6749-5.1-pragma-no-cache", faults=("pragma_missing",))
def token_success_has_pragma(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """The token response has Pragma: no-cache; a warning at most, since RFC 9111 5.4 has deprecated it."""
    if not success_body(exchange, Operation.TOKEN) or exchange.response is None:
        return
    pragma = exchange.response.header("pragma") or ""
    yield Judgement(
        "rfc6749-5.1-pragma-no-cache",
        "no-cache" in pragma.lower(),
        "the token response lacks Pragma: no-cache, now deprecated",
        tolerated=True,
    )


@invariant("rfc6749-5.1-top-level-members", faults=("tokens_wrapped",))
def token_members_are_at_the_top(exchange: Exchange, dialect: Dialect) -> Iterator[Judgement]:
    """access_token is a member of the object itself, not of one within it."""
    body = success_body(exchange, Operation.TOKEN)
    if body is None:
        return
    spellings = {"access_token", dialect.wire_name("access_token")}
    inner = any(spellings & _names(value) for value in body.values())
    yield Judgement(
        "rfc6749-5.1-top-level-members",
        "access_token" in body or not inner,
        "access_token is in an object or array within the response",
    )


@invariant("rfc6819-5.1.5.2-tokens-expire", faults=("access_token_lives_a_year",))
def access_token_is_short_lived(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """An access token lives a day at most."""
    body = success_body(exchange, Operation.TOKEN)
    if not body or not positive_whole(body.get("expires_in")):
        return
    yield Judgement(
        "rfc6819-5.1.5.2-tokens-expire", body["expires_in"] <= DAY, "access tokens live for more than a day"
    )


@invariant("rfc9700-2.3-audience", faults=("access_token_without_audience",))
def access_token_has_an_audience(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """A JWT access token names its audience; of an opaque one nothing can be said."""
    body = success_body(exchange, Operation.TOKEN)
    claims = claims_of(body.get("access_token")) if body else None
    if claims is None:
        return
    yield Judgement("rfc9700-2.3-audience", bool(claims.get("aud")), "the access token is a JWT without aud")


@invariant("rfc6749-10.8-no-cleartext-secrets", faults=("secrets_reflected", "right_secret_disclosed"))
def errors_repeat_no_secret(exchange: Exchange, dialect: Dialect) -> Iterator[Judgement]:
    """An error does not repeat secrets of its request: errors are logged and shown to people.

    That no answer tells other secrets, such as the right one where a wrong one came, the case says, which knows them.

    A value that the server may hold for wrong (a code that it never issued, say) is a warning.
    """
    if not answered(exchange) or (exchange.status < 400 and "error" not in exchange.outcome.members):
        return
    assert exchange.on_the_wire is not None
    shown = exchange.on_the_wire.text + " ".join(str(value) for value in exchange.outcome.members.values())
    repeated = [name for name, value in _sent(exchange, dialect) if value in shown]
    if not repeated:
        yield Judgement("rfc6749-10.8-no-cleartext-secrets", holds=True)
        return
    text = f"the error repeats {', '.join(dict.fromkeys(repeated))} of the request"
    tolerated = exchange.code not in _GENUINE
    yield Judgement("rfc6749-10.8-no-cleartext-secrets", holds=False, problem=text, tolerated=tolerated)


@invariant("rfc6749-10.3-token-confidentiality", faults=("device_code_in_complete_uri",))
def urls_hold_no_secret(exchange: Exchange, dialect: Dialect) -> Iterator[Judgement]:
    """No URL of a response (Location, error_uri, verification URIs) holds a secret or the device code.

    URLs end up in histories and logs; who finds a device code there collects the access token.
    """
    if not answered(exchange):
        return
    assert exchange.response is not None
    members = exchange.outcome.members
    names = ("error_uri", "verification_uri", "verification_uri_complete")
    urls = [str(members[name]) for name in names if name in members]
    urls += [value for name, value in exchange.response.headers if name.lower() == "location"]
    known = [(name, members[name]) for name in _SECRETS if isinstance(members.get(name), str)]
    secrets = [(name, value) for name, value in (*known, *_sent(exchange, dialect)) if len(value) >= _SHORTEST]
    collected = [name for name, value in secrets for url in urls if value in url or value in unquote_plus(url)]
    yield Judgement(
        "rfc6749-10.3-token-confidentiality",
        not collected,
        f"a URL in the response holds {', '.join(dict.fromkeys(collected))}",
    )


@invariant("rfc6749-5.1-secrets-in-no-header", faults=("device_code_in_cookie",))
def headers_hold_no_secret(exchange: Exchange, dialect: Dialect) -> Iterator[Judgement]:
    """No header field but Location holds a code, a token or a secret of the answer or of its request."""
    if not answered(exchange):
        return
    assert exchange.response is not None
    members = exchange.outcome.members
    known = [(name, members[name]) for name in _SECRETS if isinstance(members.get(name), str)]
    fields = [value for name, value in exchange.response.headers if name.lower() != "location"]
    secrets = [(name, value) for name, value in (*known, *_sent(exchange, dialect)) if len(value) >= _SHORTEST]
    collected = [name for name, value in secrets if any(value in one or value in unquote_plus(one) for one in fields)]
    if secrets:
        yield Judgement(
            "rfc6749-5.1-secrets-in-no-header",
            not collected,
            f"a header field of the response holds {', '.join(dict.fromkeys(collected))}",
        )


def _sent(exchange: Exchange, dialect: Dialect) -> Iterator[tuple[str, str]]:
    """Secrets in the body of the request, by canonical name."""
    content = exchange.request.content
    if len(content) > 4 * _LONGEST:
        return
    spelt = {dialect.parameter(name): name for name in _SECRETS}
    sent = (json_object(Response(200, (), content)) or {}).items()
    for name, value in sent or parse_qsl(content.decode("utf-8", errors="replace")):
        if name in spelt and isinstance(value, str) and _SHORTEST <= len(value) <= _LONGEST:
            yield spelt[name], value


def _names(value: Any) -> set[str]:
    if isinstance(value, list):
        return {name for item in value if isinstance(item, dict) for name in item}
    return set(value) if isinstance(value, dict) else set()
