"""Bodies and headers as Smithy's restJson1 reads them: the AWS dialect's operations, one deviation at a time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from device_grant.judging import Untestable, check
from device_grant.protocol import Exchange, Operation, Request
from device_grant.server.session.messages import start_request

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device

JSON = "application/json"
REFUSED = ("SerializationException", "ValidationException", "invalid_request", "invalid_client_metadata", "http-400")
"""How a body is refused: by restJson1's own exceptions, by the service model's, or by a bare 400."""

BODY = ("SerializationException", "ValidationException", "InvalidRequestException", "InvalidClientMetadataException")
"""The exceptions by which a body may be refused."""


def _exception(verify: Verify, requirement: str, exchange: Exchange, names: tuple[str, ...]) -> None:
    """Claim that the exception of a refusal, where the header names one, is one of these."""
    if exchange.outcome.ok:
        return
    named = exchange.outcome.error_type
    problem = "refused by an exception that SDKs do not know for this"
    verify.that(requirement, not named or named in names, problem, exchange, accepted=names, tolerated=True)


def _registration(case: ServerCase) -> dict[str, Any]:
    """Members of a valid RegisterClient in wire names; untestable if the server refuses them."""
    request = case.run.registration_request()
    exchange = case.send(request, "register")
    if not exchange.outcome.ok:
        raise Untestable(f"a valid registration was refused with {exchange.status} {exchange.code}")
    members: dict[str, Any] = json.loads(request.content)
    return members


def _register(
    case: ServerCase, body: bytes | dict[str, Any], label: str, headers: tuple[tuple[str, str], ...] = ()
) -> Exchange:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    url = case.run.url(Operation.REGISTRATION)
    return case.send(
        Request("POST", url, headers or (("Content-Type", JSON),), content, Operation.REGISTRATION),
        f"register: {label}",
    )


@check(
    "smithy-restjson1-invalid-json",
    "smithy-restjson1-non-object-json",
    "smithy-restjson1-unclosed-list",
    "smithy-restjson1-empty-body",
    faults=("malformed_body_500", "empty_body_500", "framework_exceptions_renamed"),
)
def test_bodies_that_are_no_structure(case: ServerCase, verify: Verify) -> None:
    """RegisterClient with no JSON, with JSON that is no object, with nothing. Accepted: a 400 each time."""
    valid = json.dumps(_registration(case))
    bodies = {
        "smithy-restjson1-invalid-json": (valid[:-1], valid + "x", valid.replace('"', "'"), "{clientName}"),
        "smithy-restjson1-non-object-json": (f"[{valid}]", '"text"', "42", "true"),
        "smithy-restjson1-unclosed-list": (valid[:-1] + ',"redirectUris":["http://127.0.0.1/cb"}',),
        "smithy-restjson1-empty-body": ("",),
    }
    for requirement, texts in bodies.items():
        for text in texts:
            exchange = _register(case, text.encode(), requirement)
            verify(requirement, exchange, accepted=REFUSED)
            _exception(verify, requirement, exchange, BODY)


@check(
    "smithy-restjson1-string-type",
    "smithy-restjson1-dense-list-null",
    "smithy-restjson1-required-null",
    "smithy-restjson1-required-unset",
    "aws-case-sensitive-members",
    faults=("types_coerced", "list_nulls_dropped", "null_as_text", "required_members_optional", "member_case_ignored"),
)
def test_members_of_another_kind(case: ServerCase, verify: Verify) -> None:
    """RegisterClient with wrong types, nulls, missing and misspelt members. Accepted: a 400 each time."""
    valid = _registration(case)
    nameless = {name: value for name, value in valid.items() if name != "clientName"}
    bodies: dict[str, tuple[dict[str, Any], ...]] = {
        "smithy-restjson1-string-type": tuple(valid | {"clientName": value} for value in (7, True, ["x"], {"x": "y"})),
        "smithy-restjson1-dense-list-null": (valid | {"scopes": [*valid.get("scopes", ()), None]},),
        "smithy-restjson1-required-null": (valid | {"clientName": None},),
        "smithy-restjson1-required-unset": (nameless,),
        "aws-case-sensitive-members": (nameless | {"ClientName": "x"}, nameless | {"clientname": "x"}),
    }
    for requirement, members in bodies.items():
        for body in members:
            exchange = _register(case, body, requirement)
            verify(requirement, exchange, accepted=REFUSED)
            _exception(verify, requirement, exchange, BODY)


@check(
    "smithy-restjson1-null-member",
    "smithy-restjson1-unknown-members",
    faults=("null_refused", "unknown_parameters_refused"),
)
def test_members_that_mean_nothing(case: ServerCase, verify: Verify) -> None:
    """RegisterClient with a null optional member, then with unknown members. Accepted: success, as without them."""
    valid = _registration(case)
    verify(
        "smithy-restjson1-null-member", _register(case, valid | {"redirectUris": None}, "null member"), accepted=["ok"]
    )
    unknown = valid | {"xConformanceProbe": {"nested": [1, None, True]}}
    verify("smithy-restjson1-unknown-members", _register(case, unknown, "unknown member"), accepted=["ok"])


@check(
    "smithy-restjson1-content-type-params",
    "smithy-restjson1-wrong-content-type",
    faults=("content_type_parameter_refused", "wrong_content_type_500", "framework_exceptions_renamed"),
)
def test_content_types(case: ServerCase, verify: Verify) -> None:
    """RegisterClient labelled JSON with parameters (accepted: success), then as something else (accepted: 415)."""
    valid = _registration(case)
    for parameters in ("; charset=utf-8", ";version=1"):
        exchange = _register(case, valid, "Content-Type with a parameter", (("Content-Type", JSON + parameters),))
        verify("smithy-restjson1-content-type-params", exchange, accepted=["ok"])
    for other in ("text/plain", "application/xml"):
        exchange = _register(case, valid, f"as {other}", (("Content-Type", other),))
        verify(
            "smithy-restjson1-wrong-content-type",
            exchange,
            accepted=["http-415"],
            tolerated=["UnsupportedMediaTypeException", "http-4xx"],
        )
        _exception(verify, "smithy-restjson1-wrong-content-type", exchange, ("UnsupportedMediaTypeException",))


@check(
    "smithy-restjson1-accept",
    faults=("accept_compared_literally", "accept_ignored", "framework_exceptions_renamed"),
)
def test_accept(case: ServerCase, verify: Verify) -> None:
    """RegisterClient with Accept: */* and application/* (accepted: success), then text/html (accepted: 406)."""
    valid = _registration(case)
    for accept, accepted in (
        ("*/*", ["ok"]),
        ("application/*", ["ok"]),
        ("text/html", ["http-406"]),
    ):
        exchange = _register(case, valid, f"Accept: {accept}", (("Content-Type", JSON), ("Accept", accept)))
        verify("smithy-restjson1-accept", exchange, accepted=accepted)
        _exception(verify, "smithy-restjson1-accept", exchange, ("NotAcceptableException",))


@check(
    "smithy-restjson1-uri-match",
    "smithy-restjson1-unknown-operation",
    faults=("trailing_slash_refused", "unknown_operation_500"),
)
def test_paths(device: Device, verify: Verify) -> None:
    """A trailing slash and a query (accepted: served), another letter case and an unknown path (accepted: 404)."""
    case, url = device.case, device.case.run.url(Operation.DEVICE_AUTHORIZATION)
    plain = start_request(device)

    def at(address: str, operation: Operation = Operation.DEVICE_AUTHORIZATION) -> Exchange:
        return case.send(Request("POST", address, plain.headers, plain.content, operation), "start at another path")

    for served in (f"{url}/", f"{url}?x-conformance-probe=1"):
        verify("smithy-restjson1-uri-match", at(served), accepted=["ok"])
    head, _, tail = url.rpartition("/")
    accepted = ["http-404", "http-403", "UnknownOperationException"]
    verify("smithy-restjson1-uri-match", at(f"{head}/{tail.title()}", Operation.OTHER), accepted=accepted)
    unknown = at(f"{head}/no-such-operation", Operation.OTHER)
    verify("smithy-restjson1-unknown-operation", unknown, accepted=["http-404", "http-403"])
    # Gateways refuse with 403 and names of their own.
    named = unknown.status == 403 or unknown.outcome.error_type in ("", "UnknownOperationException")
    problem = "an unknown path is answered with another exception than UnknownOperationException"
    verify.that("smithy-restjson1-unknown-operation", named, problem, unknown)


@check("smithy-restjson1-method-not-allowed", faults=("methods_ignored",))
def test_other_methods(device: Device, verify: Verify) -> None:
    """A valid body sent by PUT and by DELETE. Accepted: 405, or 404 as other Smithy servers have it."""
    case = device.case
    plain = start_request(device)
    for method in ("PUT", "DELETE"):
        exchange = case.send(
            Request(method, plain.url, plain.headers, plain.content, plain.operation), f"start by {method}"
        )
        verify("smithy-restjson1-method-not-allowed", exchange, accepted=["http-404", "http-405"])
