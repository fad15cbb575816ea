"""What the AWS SSO OIDC model and restJson1 say of every response."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conformance.judging import invariant
from conformance.protocol import AWS_SSO_OIDC, Dialect, Exchange, service_model
from conformance.server.invariants.common import answered

if TYPE_CHECKING:
    from conformance.judging.registry import Finding


@invariant("aws-error-status-table")
def aws_error_status(exchange: Exchange, dialect: Dialect) -> Finding:
    """A modelled exception has the HTTP status of the service model."""
    if dialect.name != AWS_SSO_OIDC or not answered(exchange):
        return None
    shape = service_model.errors_by_name().get(exchange.outcome.error_type)
    shape = shape or service_model.errors_by_code().get(exchange.get("error") or "")
    if shape is None:
        return None
    return exchange.status == shape.status or f"{shape.name} was sent with status {exchange.status}"


@invariant("aws-error-body-members")
def aws_error_members(exchange: Exchange, dialect: Dialect) -> Finding:
    """A modelled exception has `error` and `error_description` strings in its body."""
    if dialect.name != AWS_SSO_OIDC or not answered(exchange):
        return None
    if exchange.outcome.error_type not in service_model.errors_by_name():
        return None
    missing = [name for name in ("error", "error_description") if not isinstance(exchange.get(name), str)]
    return not missing or f"the error body lacks {', '.join(missing)}"


@invariant("aws-error-header-and-body-agree")
def aws_error_header_agrees(exchange: Exchange, dialect: Dialect) -> Finding:
    """x-amzn-ErrorType and `error` name the same modelled exception."""
    if dialect.name != AWS_SSO_OIDC or not answered(exchange):
        return None
    shape = service_model.errors_by_name().get(exchange.outcome.error_type)
    code = exchange.get("error")
    if shape is None or not isinstance(code, str):
        return None
    return code == shape.code or f"{shape.name} in the header, {code} in the body"


@invariant("aws-error-type-required-by-sdks", "smithy-restjson1-error-header")
def aws_error_type_named(exchange: Exchange, dialect: Dialect) -> Finding:
    """An OAuth error names its exception where SDKs look: x-amzn-ErrorType, __type or code."""
    if dialect.name != AWS_SSO_OIDC or not answered(exchange) or not isinstance(exchange.get("error"), str):
        return None
    return bool(exchange.outcome.error_type) or "the error names no exception for SDKs (x-amzn-ErrorType)"


@invariant("smithy-restjson1-error-header-bare")
def aws_error_type_bare(exchange: Exchange, dialect: Dialect) -> Finding:
    """x-amzn-ErrorType is the bare shape name; AWS itself, being older, adds a URI."""
    if dialect.name != AWS_SSO_OIDC or not answered(exchange):
        return None
    assert exchange.response is not None
    value = exchange.response.header("x-amzn-errortype")
    if value is None:
        return None
    return bool(re.fullmatch(r"[A-Za-z0-9_]+", value)) or "x-amzn-ErrorType has more than the shape name"


@invariant("aws-request-id")
def aws_request_id(exchange: Exchange, dialect: Dialect) -> Finding:
    """Every response has x-amzn-RequestId."""
    if dialect.name != AWS_SSO_OIDC or not answered(exchange):
        return None
    assert exchange.response is not None
    return bool(exchange.response.header("x-amzn-requestid")) or "the response lacks x-amzn-RequestId"


@invariant("aws-numbers-not-strings")
def aws_numbers(exchange: Exchange, dialect: Dialect) -> Finding:
    """expiresIn, interval and the timestamps are JSON integers."""
    if dialect.name != AWS_SSO_OIDC or not answered(exchange) or not exchange.outcome.ok:
        return None
    names = ("expires_in", "interval", "client_id_issued_at", "client_secret_expires_at")
    wrong = [
        name
        for name in names
        if name in exchange.outcome.members
        and (isinstance(exchange.get(name), bool) or not isinstance(exchange.get(name), int))
    ]
    return not wrong or f"not a JSON integer: {', '.join(map(dialect.wire_name, wrong))}"


@invariant("smithy-restjson1-content-type")
def aws_json_everywhere(exchange: Exchange, dialect: Dialect) -> Finding:
    """A response with a body is application/json."""
    if dialect.name != AWS_SSO_OIDC or not answered(exchange):
        return None
    assert exchange.response is not None
    if not exchange.response.content:
        return None
    media_type = exchange.response.media_type
    return media_type == "application/json" or f"the body has Content-Type {media_type or '(none)'}"
