"""What the AWS SSO OIDC model and restJson1 say of every response."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from device_grant.judging import Judgement, invariant
from device_grant.protocol import Dialect, Exchange, Operation, service_model
from device_grant.protocol.dialects import json_object
from device_grant.server.invariants.common import answered

if TYPE_CHECKING:
    from collections.abc import Iterator

_LATEST = 100_000_000_000
"""Seconds since the epoch in the year 5138: a larger number counts something smaller."""


@invariant("aws-error-status-table", faults=("invalid_client_400",))
def aws_error_status(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """A modelled exception has the HTTP status of the service model."""
    if not answered(exchange):
        return
    shape = service_model.errors_by_name().get(exchange.outcome.error_type)
    shape = shape or service_model.errors_by_code().get(exchange.get("error") or "")
    if shape is None:
        return
    yield Judgement(
        "aws-error-status-table",
        exchange.status == shape.status,
        f"{shape.name} was sent with status {exchange.status}",
    )


@invariant("aws-error-body-members", faults=("error_description_camel_case", "error_member_missing"))
def aws_error_members(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """A modelled exception has the string `error` in its body, and `error_description` if it is described."""
    if not answered(exchange):
        return
    if exchange.outcome.error_type not in service_model.errors_by_name():
        return
    assert exchange.response is not None
    # Not from the outcome, which knows errorDescription by its canonical name too.
    body = json_object(exchange.response) or {}
    missing = [name for name in ("error", "error_description") if not isinstance(body.get(name), str)]
    # The model requires no member, and of some exceptions no description was ever published.
    if missing == ["error_description"] and body.get("error_description") is None and "errorDescription" not in body:
        missing = []
    yield Judgement("aws-error-body-members", not missing, f"the error body lacks {', '.join(missing)}")


@invariant("aws-error-header-and-body-agree", faults=("error_type_disagrees",))
def aws_error_header_agrees(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """x-amzn-ErrorType and `error` name the same modelled exception."""
    if not answered(exchange):
        return
    shape = service_model.errors_by_name().get(exchange.outcome.error_type)
    code = exchange.get("error")
    if shape is None or not isinstance(code, str):
        return
    yield Judgement(
        "aws-error-header-and-body-agree", code == shape.code, f"{shape.name} in the header, {code} in the body"
    )


@invariant("aws-error-type-required-by-sdks", "smithy-restjson1-error-header", faults=("error_type_missing",))
def aws_error_type_named(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """An OAuth error names its exception where SDKs look: x-amzn-ErrorType, __type or code."""
    if not answered(exchange) or not isinstance(exchange.get("error"), str):
        return
    for requirement in ("aws-error-type-required-by-sdks", "smithy-restjson1-error-header"):
        yield Judgement(
            requirement, bool(exchange.outcome.error_type), "the error names no exception for SDKs (x-amzn-ErrorType)"
        )


@invariant("smithy-restjson1-error-header-bare", faults=("error_type_with_uri",))
def aws_error_type_bare(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """x-amzn-ErrorType is the bare shape name; AWS itself, being older, adds a URI."""
    if not answered(exchange):
        return
    assert exchange.response is not None
    value = exchange.response.header("x-amzn-errortype")
    if value is None:
        return
    yield Judgement(
        "smithy-restjson1-error-header-bare",
        bool(re.fullmatch(r"[A-Za-z0-9_]+", value)),
        "x-amzn-ErrorType has more than the shape name",
    )


@invariant("aws-request-id", faults=("request_id_missing",))
def aws_request_id(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """Every response has x-amzn-RequestId."""
    if not answered(exchange):
        return
    assert exchange.response is not None
    yield Judgement(
        "aws-request-id", bool(exchange.response.header("x-amzn-requestid")), "the response lacks x-amzn-RequestId"
    )


@invariant("aws-numbers-not-strings", faults=("numbers_as_strings",))
def aws_numbers(exchange: Exchange, dialect: Dialect) -> Iterator[Judgement]:
    """expiresIn, interval and the timestamps are JSON integers."""
    if not answered(exchange) or not exchange.outcome.ok:
        return
    names = ("expires_in", "interval", "client_id_issued_at", "client_secret_expires_at")
    wrong = [
        name
        for name in names
        if name in exchange.outcome.members
        and (isinstance(exchange.get(name), bool) or not isinstance(exchange.get(name), int))
    ]
    yield Judgement(
        "aws-numbers-not-strings", not wrong, f"not a JSON integer: {', '.join(map(dialect.wire_name, wrong))}"
    )


@invariant("smithy-restjson1-content-type", faults=("json_as_html",))
def aws_json_everywhere(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """A response with a body is application/json."""
    if not answered(exchange):
        return
    assert exchange.response is not None
    if not exchange.response.content:
        return
    media_type = exchange.response.media_type
    yield Judgement(
        "smithy-restjson1-content-type",
        media_type == "application/json",
        f"the body has Content-Type {media_type or '(none)'}",
    )


@invariant("aws-register-response-members", faults=("snake_case_members",))
def aws_registration_names(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """Members of a registration are spelt as the service model spells them."""
    yield from _spelt_as_modelled("aws-register-response-members", exchange, Operation.REGISTRATION)


@invariant("aws-register-endpoints-may-be-null", faults=("registration_endpoints_relative",))
def aws_registration_endpoints(exchange: Exchange, dialect: Dialect) -> Iterator[Judgement]:
    """Endpoints in a registration are null, absent or absolute: https, or plain http where the API is reached so."""
    if not answered(exchange, Operation.REGISTRATION) or not exchange.outcome.ok:
        return
    names = ("authorization_endpoint", "token_endpoint")
    host = urlsplit(exchange.request.url).hostname
    wrong = [dialect.wire_name(name) for name in names if not _absolute(exchange.get(name), host)]
    yield Judgement("aws-register-endpoints-may-be-null", not wrong, f"no absolute URL: {', '.join(wrong)}")


@invariant("aws-iam-error-form", faults=("iam_errors_untyped",))
def aws_signed_errors(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """An OAuth error of CreateTokenWithIAM names its exception in x-amzn-ErrorType, and has that one's status."""
    if exchange.response is None or not _is_signed(exchange) or not isinstance(exchange.get("error"), str):
        return
    shape = service_model.errors_by_name().get(exchange.outcome.error_type)
    described = exchange.get("error_description")
    fits = shape is not None and (shape.status, shape.code) == (exchange.status, exchange.get("error"))
    yield Judgement(
        "aws-iam-error-form",
        fits and (described is None or isinstance(described, str)),
        "an error of the signed operation is not the exception of the service model that it says",
    )


def _is_signed(exchange: Exchange) -> bool:
    """Whether it is CreateTokenWithIAM, signed: only a server that has the operation is asked so."""
    signed = (exchange.request.header("authorization") or "").startswith("AWS4-HMAC-SHA256")
    return signed and urlsplit(exchange.request.url).query == "aws_iam=t"


def _absolute(value: object, host: str | None) -> bool:
    """Whether it is null, or a URL that clients can use: plain http only where the API itself is reached so."""
    if value is None:
        return True
    try:
        parts = urlsplit(str(value))
        plain = parts.scheme == "http" and parts.hostname in (host, "127.0.0.1", "localhost", "::1")
    except ValueError:
        return False
    return isinstance(value, str) and bool(parts.hostname) and (parts.scheme == "https" or plain)


@invariant("aws-start-response-members", faults=("snake_case_members",))
def aws_device_authorization_names(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """Members of a device authorization are spelt as the service model spells them."""
    yield from _spelt_as_modelled("aws-start-response-members", exchange, Operation.DEVICE_AUTHORIZATION)


@invariant("aws-token-success", faults=("snake_case_members",))
def aws_token_names(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """Members of a token response are spelt as the service model spells them."""
    yield from _spelt_as_modelled("aws-token-success", exchange, Operation.TOKEN)


@invariant("aws-token-success", faults=("token_type_unknown",))
def aws_token_type(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """tokenType, where it is sent, is Bearer in any case of letters: the service has no other."""
    if not answered(exchange, Operation.TOKEN) or not exchange.outcome.ok:
        return
    value = exchange.get("token_type")
    if not isinstance(value, str):
        return
    yield Judgement("aws-token-success", value.lower() == "bearer", "tokenType is not Bearer")


@invariant("smithy-restjson1-timestamps", faults=("timestamps_in_milliseconds", "numbers_as_strings"))
def aws_timestamps(exchange: Exchange, dialect: Dialect) -> Iterator[Judgement]:
    """Timestamps of a registration are whole seconds since the epoch; 0 for a secret that does not expire."""
    if not answered(exchange, Operation.REGISTRATION) or not exchange.outcome.ok:
        return
    names = ("client_id_issued_at", "client_secret_expires_at")
    values = {name: exchange.get(name) for name in names if exchange.get(name) is not None}
    if not values:
        return
    wrong = [
        dialect.wire_name(name)
        for name, value in values.items()
        if isinstance(value, bool) or not isinstance(value, int) or value >= _LATEST
    ]
    yield Judgement("smithy-restjson1-timestamps", not wrong, f"no whole seconds since the epoch: {', '.join(wrong)}")


@invariant("smithy-restjson1-error-status-default", faults=("framework_status_wrong",))
def aws_framework_error_status(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """SerializationException and ValidationException have status 400; any other exception is a 4xx or a 5xx."""
    if not answered(exchange) or not exchange.outcome.error_type:
        return
    name = exchange.outcome.error_type
    if name in ("SerializationException", "ValidationException"):
        yield Judgement(
            "smithy-restjson1-error-status-default",
            exchange.status == 400,
            f"{name} was sent with status {exchange.status}",
        )
        return
    yield Judgement(
        "smithy-restjson1-error-status-default",
        exchange.status >= 400,
        "an exception was sent with a status of success",
    )


@invariant("smithy-restjson1-framework-error-body", faults=("framework_error_html",))
def aws_framework_error_body(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """An error outside the service model has a JSON body, or none; it owes no OAuth member."""
    if not answered(exchange) or exchange.status // 100 != 4:
        return
    assert exchange.response is not None
    if not exchange.response.content or isinstance(exchange.get("error"), str):
        yield Judgement("smithy-restjson1-framework-error-body", holds=True)
        return
    yield Judgement(
        "smithy-restjson1-framework-error-body",
        json_object(exchange.response) is not None,
        f"the body of a {exchange.status} is not a JSON object",
    )


def _spelt_as_modelled(requirement: str, exchange: Exchange, operation: Operation) -> Iterator[Judgement]:
    if not answered(exchange, operation) or exchange.status // 100 != 2:
        return
    assert exchange.response is not None
    body = json_object(exchange.response)
    if body is None:
        return
    shape = service_model.operation(service_model.OPERATIONS[operation])
    modelled = {_bare(member.name): member.name for member in shape.output}
    # Members beyond the model are the service's own business.
    wrong = sorted(name for name in body if modelled.get(_bare(name), name) != name)
    yield Judgement(requirement, not wrong, f"not spelt as in the service model: {', '.join(wrong)}")


def _bare(name: str) -> str:
    return name.replace("_", "").lower()
