"""Error responses: RFC 6749 section 5.2, RFC 8628 section 3.5, RFC 7591 section 3.2.2."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from device_grant.judging import Judgement, invariant
from device_grant.protocol import DEVICE_CODE_GRANT, Dialect, Exchange, Operation
from device_grant.server.invariants.common import NOT_OAUTH, answered, error_response, names_error

if TYPE_CHECKING:
    from collections.abc import Iterator

_QUOTABLE = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e]+")
"""NQSCHAR of RFC 6749 appendix A."""
_ONE_CODE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
"""The same without a space: one word."""
_BY_RFC_6749 = (Operation.DEVICE_AUTHORIZATION, Operation.TOKEN)
"""Whose errors have the form of RFC 6749 section 5.2 (RFC 8628 section 3.2); those of registrations are RFC 7591's."""
_DEVICE_ERRORS = ("authorization_pending", "slow_down", "access_denied", "expired_token")
_DEVICE_GRANT = (DEVICE_CODE_GRANT.encode(), quote_plus(DEVICE_CODE_GRANT).encode())
_REGISTERED = frozenset(
    {
        *_DEVICE_ERRORS,
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
        # Registered for the token endpoint by other specifications (RFC 8707, RFC 9449, RFC 7009, RFC 9396).
        "invalid_target",
        "invalid_dpop_proof",
        "use_dpop_nonce",
        "unsupported_token_type",
        "invalid_authorization_details",
        "interaction_required",
        # Registered for other endpoints only, yet common and harmless: judged by rfc8628-7.3 alone.
        "server_error",
        "temporarily_unavailable",
    }
)


@invariant("rfc6749-5.2-status-400", faults=("pending_status_401", "pending_status_200"))
def token_error_status(exchange: Exchange, dialect: Dialect) -> Iterator[Judgement]:
    """An error of the token endpoint has status 400, or 401 for invalid_client; never a 2xx with `error`."""
    if not answered(exchange, Operation.TOKEN):
        return
    code = exchange.get("error")
    if not isinstance(code, str) or exchange.status in NOT_OAUTH or exchange.status >= 500:
        return
    allowed = dialect.error_statuses(code)
    if not allowed:
        return
    yield Judgement(
        "rfc6749-5.2-status-400", exchange.status in allowed, f"{code} was sent with status {exchange.status}"
    )


@invariant("rfc8628-3.5-error-format", faults=("pending_status_401", "pending_status_200"))
def device_grant_error_status(exchange: Exchange, dialect: Dialect) -> Iterator[Judgement]:
    """The four errors of the device grant are JSON objects with status 400, or that of the dialect."""
    if not answered(exchange, Operation.TOKEN) or exchange.code not in _DEVICE_ERRORS:
        return
    if exchange.status != dialect.refusal_status:
        yield Judgement(
            "rfc8628-3.5-error-format", holds=False, problem=f"{exchange.code} was sent with status {exchange.status}"
        )
        return
    named = isinstance(exchange.get("error"), str)
    yield Judgement(
        "rfc8628-3.5-error-format",
        named or not dialect.error_member_is_owed,
        f"{exchange.code} was sent without an error member",
    )


@invariant("rfc6749-5.2-error-member", "rfc6749-4.5-failures-use-5.2", faults=("error_member_missing",))
def token_error_has_code(exchange: Exchange, dialect: Dialect) -> Iterator[Judgement]:
    """A refusal by the token endpoint is a JSON object with one `error` string."""
    if not error_response(exchange, Operation.TOKEN):
        return
    for requirement in ("rfc6749-5.2-error-member", "rfc6749-4.5-failures-use-5.2"):
        yield from names_error(requirement, exchange, dialect)


@invariant("rfc8628-3.2-error-format", faults=("error_member_missing",))
def device_error_has_code(exchange: Exchange, dialect: Dialect) -> Iterator[Judgement]:
    """A refusal by the device authorization endpoint has the token endpoint's error format."""
    if not error_response(exchange, Operation.DEVICE_AUTHORIZATION):
        return
    yield from names_error("rfc8628-3.2-error-format", exchange, dialect)


@invariant("rfc7591-3.2.2-error-member", faults=("error_member_missing",))
def registration_error_has_code(exchange: Exchange, dialect: Dialect) -> Iterator[Judgement]:
    """A refused registration is a JSON object with `error`."""
    if not error_response(exchange, Operation.REGISTRATION) or exchange.status in (401, 403):
        return
    yield from names_error("rfc7591-3.2.2-error-member", exchange, dialect)


@invariant("rfc7591-3.2.2-error-code", faults=("registration_error_sentence",))
def registration_error_is_a_code(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """`error` of a refused registration is one code in ASCII; a sentence in ASCII costs a warning."""
    code = exchange.get("error")
    if not answered(exchange, Operation.REGISTRATION) or not isinstance(code, str):
        return
    problem = "the error of a refused registration is a sentence, not one ASCII code"
    yield Judgement("rfc7591-3.2.2-error-code", bool(_ONE_CODE.fullmatch(code)), problem, tolerated=code.isascii())


@invariant("rfc6749-5.2-error-json", faults=("json_as_html",))
def error_is_json(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """An error body is labelled application/json and its members are strings."""
    if not error_response(exchange, *_BY_RFC_6749) or not isinstance(exchange.get("error"), str):
        return
    assert exchange.response is not None
    if exchange.response.media_type != "application/json":
        yield Judgement(
            "rfc6749-5.2-error-json",
            holds=False,
            problem=f"the error has Content-Type {exchange.response.media_type or '(none)'}",
        )
        return
    names = ("error", "error_description", "error_uri")
    wrong = [name for name in names if name in exchange.outcome.members and not isinstance(exchange.get(name), str)]
    yield Judgement("rfc6749-5.2-error-json", not wrong, f"not a JSON string: {', '.join(wrong)}")


@invariant(
    "rfc6749-5.2-error-charset",
    "rfc6749-8.5-error-abnf",
    "rfc6749-A.7-error-syntax",
    faults=("error_code_quoted",),
)
def error_code_syntax(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """`error` has only the characters that RFC 6749 allows."""
    code = exchange.get("error")
    if not answered(exchange, *_BY_RFC_6749) or not isinstance(code, str):
        return
    for requirement in ("rfc6749-5.2-error-charset", "rfc6749-8.5-error-abnf", "rfc6749-A.7-error-syntax"):
        yield Judgement(requirement, bool(_QUOTABLE.fullmatch(code)), "the error code has forbidden characters")


@invariant(
    "rfc6749-5.2-error-description-charset",
    "rfc6749-A.8-error-description-syntax",
    faults=("error_description_newline",),
)
def error_description_syntax(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """`error_description` has only the characters that RFC 6749 allows, and at least one."""
    text = exchange.get("error_description")
    if not answered(exchange, *_BY_RFC_6749) or not isinstance(text, str):
        return
    if _QUOTABLE.fullmatch(text):
        for requirement in ("rfc6749-5.2-error-description-charset", "rfc6749-A.8-error-description-syntax"):
            yield Judgement(requirement, holds=True)
        return
    # Localised and wrapped descriptions are common, and clients cope with them: a warning at most.
    for requirement in ("rfc6749-5.2-error-description-charset", "rfc6749-A.8-error-description-syntax"):
        yield Judgement(
            requirement,
            holds=False,
            problem="error_description has forbidden characters" if text else "error_description is empty",
            tolerated=True,
        )


@invariant("rfc8628-3.5-error-codes-exact", faults=("pending_misspelt",))
def device_error_codes_exact(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """The device grant's codes are spelled exactly: lower case, underscores."""
    code = exchange.get("error")
    if not answered(exchange, Operation.TOKEN) or not isinstance(code, str):
        return
    bare = re.sub(r"[^a-z]", "", code.lower())
    meant = {name.replace("_", ""): name for name in _DEVICE_ERRORS}
    meant |= {"pending": "authorization_pending", "authorizationdeclined": "access_denied"}
    meant |= {"codeexpired": "expired_token", "tokenexpired": "expired_token"}
    if bare not in meant:
        return
    yield Judgement("rfc8628-3.5-error-codes-exact", code == meant[bare], f"{code} is sent for {meant[bare]}")


@invariant(
    "rfc6749-5.2-error-registered",
    "rfc8628-7.3-registered-error-codes",
    faults=("error_code_unregistered", "pending_misspelt"),
)
def token_error_registered(exchange: Exchange, dialect: Dialect) -> Iterator[Judgement]:
    """Codes of the token and device authorization endpoints are registered ones."""
    code = exchange.get("error")
    if not answered(exchange, Operation.TOKEN, Operation.DEVICE_AUTHORIZATION) or not isinstance(code, str):
        return
    for requirement in ("rfc6749-5.2-error-registered", "rfc8628-7.3-registered-error-codes"):
        yield Judgement(requirement, _registered(code, dialect), "an error code that is not registered was sent")


@invariant("rfc6749-8.5-extension-error-registered", faults=("error_code_unregistered", "pending_misspelt"))
def extension_grant_error_registered(exchange: Exchange, dialect: Dialect) -> Iterator[Judgement]:
    """Refusals of a device grant at the token endpoint have registered codes."""
    code = exchange.get("error")
    if not answered(exchange, Operation.TOKEN) or not isinstance(code, str):
        return
    if not any(name in exchange.request.content for name in _DEVICE_GRANT):
        return
    yield Judgement(
        "rfc6749-8.5-extension-error-registered",
        _registered(code, dialect),
        "a device grant was refused with an error code that is not registered",
    )


@invariant("rfc6749-5.2-invalid-client-401-on-header", faults=("basic_failure_400",))
def header_authentication_failure_is_401(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """A client that used the Authorization header and failed gets 401."""
    if not answered(exchange, *_BY_RFC_6749) or exchange.get("error") != "invalid_client":
        return
    if exchange.request.header("authorization") is None:
        return
    yield Judgement(
        "rfc6749-5.2-invalid-client-401-on-header",
        exchange.status == 401,
        f"failed header authentication was answered {exchange.status}",
    )


@invariant("rfc6749-5.2-www-authenticate", faults=("challenge_missing",))
def challenge_matches_scheme(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """That 401 carries WWW-Authenticate with the scheme that the client used."""
    used = exchange.request.header("authorization")
    if not answered(exchange, *_BY_RFC_6749) or exchange.status != 401 or used is None:
        return
    assert exchange.response is not None
    challenge = exchange.response.header("www-authenticate") or ""
    scheme = used.partition(" ")[0].lower()
    offered = {part.strip().partition(" ")[0].lower() for part in challenge.split(",")}
    yield Judgement(
        "rfc6749-5.2-www-authenticate",
        scheme in offered,
        f"401 without WWW-Authenticate for the {scheme.capitalize()} scheme",
    )


def _registered(code: str, dialect: Dialect) -> bool:
    return code in _REGISTERED or dialect.knows_error(code)
