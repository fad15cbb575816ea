"""The device authorization response: RFC 8628 section 3.2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import Judgement, invariant
from device_grant.protocol import Dialect, Exchange, Operation
from device_grant.server.invariants.common import (
    answered,
    is_number,
    is_web_uri,
    json_success,
    kind,
    no_store,
    positive_whole,
    present,
    success_body,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@invariant("rfc8628-3.2-status-200", faults=("device_response_201",))
def device_success_is_200(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """A response with a device code has status 200."""
    if not answered(exchange, Operation.DEVICE_AUTHORIZATION) or exchange.get("device_code") is None:
        return
    yield Judgement("rfc8628-3.2-status-200", exchange.status == 200, f"codes were sent with status {exchange.status}")


@invariant("rfc8628-3.2-json-body", faults=("json_as_html",))
def device_success_is_json(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """A successful device authorization response is one JSON object, labelled application/json."""
    yield from json_success("rfc8628-3.2-json-body", exchange, Operation.DEVICE_AUTHORIZATION)


@invariant("rfc8628-3.2-device-code-present", faults=("device_code_missing",))
def device_code_present(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """device_code is there."""
    yield from present("rfc8628-3.2-device-code-present", exchange, Operation.DEVICE_AUTHORIZATION, "device_code")


@invariant("rfc8628-3.2-user-code-present", faults=("user_code_missing",))
def user_code_present(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """user_code is there."""
    yield from present("rfc8628-3.2-user-code-present", exchange, Operation.DEVICE_AUTHORIZATION, "user_code")


@invariant("rfc8628-3.2-verification-uri-present", faults=("verification_uri_missing",))
def verification_uri_present(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """verification_uri is there."""
    yield from present(
        "rfc8628-3.2-verification-uri-present", exchange, Operation.DEVICE_AUTHORIZATION, "verification_uri"
    )


@invariant("rfc8628-3.2-expires-in-present", faults=("expires_in_missing",))
def device_expires_in_present(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """expires_in is there; zero counts as there and is judged by its own rule."""
    body = success_body(exchange, Operation.DEVICE_AUTHORIZATION)
    if body is None:
        return
    yield Judgement(
        "rfc8628-3.2-expires-in-present",
        "expires_in" in body,
        "a successful device_authorization response lacks expires_in",
    )


@invariant("rfc8628-3.2-expires-in-seconds", faults=("expires_in_string", "expires_in_negative"))
def device_expires_in_is_seconds(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """expires_in is a positive whole number; 600.0 is the same number as 600."""
    body = success_body(exchange, Operation.DEVICE_AUTHORIZATION)
    if body is None or "expires_in" not in body:
        return
    yield Judgement(
        "rfc8628-3.2-expires-in-seconds",
        positive_whole(body["expires_in"]),
        f"expires_in is {kind(body['expires_in'])}",
    )


@invariant(
    "rfc8628-3.2-interval-type", "rfc8628-3.2-interval-not-negative", faults=("interval_string", "interval_negative")
)
def interval_is_seconds(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """interval, if sent, is a number that is not negative."""
    body = success_body(exchange, Operation.DEVICE_AUTHORIZATION)
    if body is None or "interval" not in body:
        return
    value = body["interval"]
    yield Judgement("rfc8628-3.2-interval-type", is_number(value), f"interval is {kind(value)}")
    if is_number(value):
        yield Judgement("rfc8628-3.2-interval-not-negative", value >= 0, "interval is negative")


@invariant("rfc8628-3.2-verification-uri-is-uri", "rfc3986-4.3-absolute", faults=("verification_uri_relative",))
def verification_uri_is_absolute(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """verification_uri is an absolute http or https URI."""
    body = success_body(exchange, Operation.DEVICE_AUTHORIZATION)
    if body is None or not body.get("verification_uri"):
        return
    for requirement in ("rfc8628-3.2-verification-uri-is-uri", "rfc3986-4.3-absolute"):
        yield Judgement(
            requirement, is_web_uri(body["verification_uri"]), "verification_uri is not an absolute http(s) URI"
        )


@invariant("rfc8628-3.3-no-user-code-in-verification-uri", faults=("user_code_in_verification_uri",))
def user_code_not_in_verification_uri(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """verification_uri does not contain the user code."""
    body = success_body(exchange, Operation.DEVICE_AUTHORIZATION)
    if body is None or not body.get("verification_uri") or not body.get("user_code"):
        return
    yield Judgement(
        "rfc8628-3.3-no-user-code-in-verification-uri",
        str(body["user_code"]) not in str(body["verification_uri"]),
        "verification_uri contains the user_code",
    )


@invariant("rfc8628-3.2-no-store", faults=("device_response_cacheable",))
def device_success_not_stored(exchange: Exchange, _dialect: Dialect) -> Iterator[Judgement]:
    """The response with the codes forbids caches to store it."""
    if success_body(exchange, Operation.DEVICE_AUTHORIZATION) is None:
        return
    yield Judgement(
        "rfc8628-3.2-no-store", no_store(exchange), "the device authorization response lacks Cache-Control: no-store"
    )
