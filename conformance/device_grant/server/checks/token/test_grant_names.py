"""The names that the device grant goes by, and refusals by name: RFC 6749 4.5 and 5.2, RFC 8628 section 7."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from device_grant.judging import NotApplicable, Untestable, check
from device_grant.protocol import Operation, Request
from device_grant.protocol.dialects import json_object
from device_grant.server.checks.token.basic import basic_must_work, with_basic
from device_grant.server.session.device import PENDING
from device_grant.server.session.messages import poll_request

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device


@check(
    "rfc8628-7.1-device-code-parameter-name",
    "rfc8628-7.2-grant-urn",
    faults=("device_code_not_read", "grant_urn_misspelt"),
    timed=True,
)
def test_registered_names(device: Device, verify: Verify) -> None:
    """A poll with the registered parameter and grant type. Accepted: pending; so the names are understood."""
    polled = device.start().poll()
    known = polled.code not in ("invalid_request", "unsupported_grant_type")
    verify.that("rfc8628-7.1-device-code-parameter-name", known, "the parameter device_code is not known", polled)
    verify("rfc8628-7.2-grant-urn", polled, accepted=PENDING)


@check(
    "rfc6749-4.5-extension-grant-uri",
    "rfc6749-A.10-grant-type-syntax",
    faults=("unknown_grant_type_accepted",),
    timed=True,
)
def test_other_names_of_the_grant(device: Device, verify: Verify) -> None:
    """Polls with the grant type device_code, and with one that is no name. Accepted: refused as not supported."""
    grant = device.start()
    short = device.case.send(poll_request(grant, grant_type="device_code"), "poll with a short grant type")
    refused = short.code not in (*PENDING, "ok")
    # An alias beside the URN harms nobody who uses the URN.
    verify.that(
        "rfc6749-4.5-extension-grant-uri",
        refused,
        "an extension grant is known by a name that is no absolute URI",
        short,
        tolerated=True,
    )
    odd = device.case.send(poll_request(grant, grant_type="device code <>"), "poll with a malformed grant type")
    verify(
        "rfc6749-A.10-grant-type-syntax",
        odd,
        accepted=["unsupported_grant_type", "invalid_request", "SerializationException", "ValidationException"],
        tolerated=["http-4xx"],
    )


@check("rfc6749-5.2-unauthorized-client", faults=("grant_not_checked",), timed=True)
def test_client_without_the_grant(case: ServerCase, verify: Verify) -> None:
    """A client that may not use the device grant starts it, and polls if it could. Accepted: unauthorized_client."""
    device = case.device_of("without-grant")
    exchange = device.request(label="start by a client without the grant")
    if exchange.outcome.ok:
        exchange = device.start().poll(label="poll by a client without the grant")
    verify("rfc6749-5.2-unauthorized-client", exchange, accepted=["unauthorized_client"])


@check("rfc6749-5.2-invalid-scope", faults=("scope_error_as_invalid_request",))
def test_scope_that_does_not_exist(case: ServerCase, verify: Verify) -> None:
    """A start (AWS: a registration) with an unknown scope. Accepted: invalid_scope, or success without it."""
    scope = "x-conformance-no-such-scope"
    if case.run.dialect.scopes_are_registered:
        exchange = case.send(case.run.registration_request(scopes=[scope]), "register with an unknown scope")
    else:
        exchange = case.device.request(scope=scope, label="start with an unknown scope")
    verify("rfc6749-5.2-invalid-scope", exchange, accepted=["invalid_scope", "ok"])


@check("rfc6749-5.2-invalid-request-multiple-credentials", faults=("two_methods_accepted",))
def test_credentials_twice(confidential: Device, verify: Verify) -> None:
    """HTTP Basic and client_secret in the body. Accepted: invalid_request."""
    client = with_basic(confidential)
    basic_must_work(confidential)
    exchange = confidential.request(
        client=client, client_id=client.id, client_secret=client.secret, label="start with credentials twice"
    )
    verify("rfc6749-5.2-invalid-request-multiple-credentials", exchange, accepted=["invalid_request"])


@check(
    "rfc8628-3.1-client-id-optional-when-authenticated",
    faults=("client_id_demanded",),
)
def test_authenticated_client_need_not_repeat_its_id(confidential: Device, verify: Verify) -> None:
    """A start with HTTP Basic and no client_id. Accepted: success, if the server takes Basic with client_id at all."""
    client = with_basic(confidential)
    exchange = confidential.request(client=client, label="start with Basic, without client_id")
    if not exchange.outcome.ok:
        repeated = confidential.request(client=client, client_id=client.id, label="start with Basic and client_id")
        if not repeated.outcome.ok:
            raise Untestable(f"Basic authentication was answered {repeated.describe()}")
    verify("rfc8628-3.1-client-id-optional-when-authenticated", exchange, accepted=["ok"])


@check("rfc6749-3.2-token-uri-no-fragment", faults=("token_endpoint_fragment",))
def test_token_endpoint_has_no_fragment(case: ServerCase, verify: Verify) -> None:
    """The token endpoint as configured and as published. Accepted: URLs without fragment."""
    urls = [case.run.url(Operation.TOKEN)]
    if case.run.endpoints.metadata:
        published = _metadata(case).get("token_endpoint")
        urls += [published] if isinstance(published, str) else []
    holds = not any("#" in url for url in urls)
    verify.that("rfc6749-3.2-token-uri-no-fragment", holds, "the URL of the token endpoint has a fragment")


@check("rfc8628-3.1-separate-endpoint", faults=("metadata_endpoints_equal",))
def test_endpoints_are_separate(case: ServerCase, verify: Verify) -> None:
    """The metadata of a server that has both endpoints. Accepted: two different URLs."""
    if not case.run.endpoints.metadata:
        raise NotApplicable("the target publishes no metadata")
    body = _metadata(case)
    device, browser = body.get("device_authorization_endpoint"), body.get("authorization_endpoint")
    if not isinstance(device, str) or not isinstance(browser, str):
        raise NotApplicable("the metadata does not name both endpoints")
    same = urlsplit(device)[:3] == urlsplit(browser)[:3]
    verify.that("rfc8628-3.1-separate-endpoint", not same, "one URL serves as both authorization endpoints")


def _metadata(case: ServerCase) -> dict[str, Any]:
    exchange = case.send(Request("GET", case.run.endpoints.metadata), "metadata")
    return (json_object(exchange.response) if exchange.response else None) or {}
