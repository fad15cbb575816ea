"""The AWS dialect, from botocore's service model: members, types, what is required, the errors and their statuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.protocol import service_model
from device_grant.protocol.exchange import DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT, Operation
from device_grant.protocol.openapi.parts import (
    JSON,
    REFUSALS,
    Json,
    header,
    put,
    ref,
    refusals,
    response,
    ruled,
    statuses,
    structure,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_NUMBERS = "aws-numbers-not-strings"
_CONTENT_TYPE = "smithy-restjson1-content-type"
_ERROR_STATUS = "smithy-restjson1-error-status-default"

_TYPES: Mapping[str, Json] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "long": {"type": "integer"},
    "list": {"type": "array", "items": {"type": "string"}},
}
"""Types of the service model; its lists are lists of strings."""

_SUCCESS_STATUS = {
    Operation.REGISTRATION: "aws-register-path",
    Operation.DEVICE_AUTHORIZATION: "rfc8628-3.2-status-200",
    Operation.TOKEN: "rfc6749-5.1-status-200",
}
_REQUIRED_INPUT = {
    Operation.REGISTRATION: "aws-register-required",
    Operation.DEVICE_AUTHORIZATION: "aws-start-required",
}
"""What a request without a required member breaks if it is granted. Of CreateToken nothing can be said: it refuses
whatever is not the poll of an approved code."""
_OUTPUT = {
    Operation.REGISTRATION: "aws-register-response-members",
    Operation.DEVICE_AUTHORIZATION: "aws-start-response-members",
    Operation.TOKEN: "aws-token-success",
}
_RELIED_ON = {
    Operation.REGISTRATION: ("clientId", "clientSecret", "clientIdIssuedAt", "clientSecretExpiresAt"),
    Operation.DEVICE_AUTHORIZATION: (
        "deviceCode",
        "userCode",
        "verificationUri",
        "verificationUriComplete",
        "expiresIn",
    ),
    Operation.TOKEN: ("accessToken", "tokenType", "expiresIn"),
}
"""The model requires no member of an output; these are the ones that clients index without asking."""
_SUMMARIES = {
    Operation.REGISTRATION: "Register a public client",
    Operation.DEVICE_AUTHORIZATION: "Start a device authorization",
    Operation.TOKEN: "Poll for a token, or refresh one",
}
_ANY_STATUS: Mapping[str, str] = {"403": "A signed operation was asked for."}

_ABOUT = (
    f"RegisterClient, StartDeviceAuthorization and CreateToken of API version {service_model.API_VERSION}, unsigned "
    "restJson1. Members come from the public service model; a member of a response may be null, and members beyond "
    "the model occur."
)


def paths() -> dict[str, str]:
    """The paths of the service model."""
    return {operation: service_model.operation(name).path for operation, name in service_model.OPERATIONS.items()}


def document(endpoints: Mapping[str, str], base: str) -> Json:
    """The document; raises UsageError for URLs that are not http or https."""
    described = [operation for operation in service_model.OPERATIONS if endpoints.get(operation)]
    collected: Json = {}
    schemas: Json = {}
    for operation in described:
        shape = service_model.operation(service_model.OPERATIONS[operation])
        put(collected, base, endpoints[operation], shape.method.lower(), _operation(operation, shape, described))
        schemas[f"{shape.name}Request"] = _request(operation, shape)
        schemas[f"{shape.name}Response"] = _output(operation, shape)
    for status, errors in _errors_by_status(service_model.errors_by_name().values()).items():
        schemas[f"Error{status}"] = _error(errors)
    return whole(("AWS SSO OIDC", _ABOUT), base, collected, {"schemas": schemas})


def _operation(operation: Operation, shape: service_model.OperationShape, described: Iterable[Operation]) -> Json:
    links = {name: link for name, link in _links(operation).items() if link["operationId"] in set(described)}
    answers: Json = {
        "200": response("Success.", f"{shape.name}Response", _headers(), links),
        **{status: {"description": text} for status, text in _ANY_STATUS.items()},
    }
    for status, errors in _errors_by_status(shape.errors).items():
        names = ", ".join(error.name for error in errors)
        answers[str(status)] = response(f"{names}.", f"Error{status}", _error_headers())
    return {
        "operationId": operation.value,
        "summary": _SUMMARIES[operation],
        "description": f"{shape.name} of the service model.",
        "requestBody": {
            "required": True,
            "content": {JSON: {"schema": ref("schemas", f"{shape.name}Request")}},
        },
        "responses": {**answers, **refusals(*(status for status in REFUSALS if status in answers))},
        "x-requirements": statuses(_SUCCESS_STATUS[operation], _ERROR_STATUS, _CONTENT_TYPE, _CONTENT_TYPE),
    }


def _links(operation: Operation) -> Json:
    credentials = {"clientId": "$request.body#/clientId", "clientSecret": "$request.body#/clientSecret"}
    match operation:
        case Operation.REGISTRATION:
            return {
                "startDeviceAuthorization": {
                    "operationId": Operation.DEVICE_AUTHORIZATION.value,
                    "description": "The new client asks for codes.",
                    "requestBody": {
                        "clientId": "$response.body#/clientId",
                        "clientSecret": "$response.body#/clientSecret",
                    },
                }
            }
        case Operation.DEVICE_AUTHORIZATION:
            return {
                "pollForToken": {
                    "operationId": Operation.TOKEN.value,
                    "description": "The device polls, at least `interval` seconds apart.",
                    "requestBody": {
                        **credentials,
                        "grantType": DEVICE_CODE_GRANT,
                        "deviceCode": "$response.body#/deviceCode",
                    },
                }
            }
        case _:
            return {
                "refresh": {
                    "operationId": Operation.TOKEN.value,
                    "description": "A refresh token is exchanged for new tokens.",
                    "requestBody": {
                        **credentials,
                        "grantType": REFRESH_TOKEN_GRANT,
                        "refreshToken": "$response.body#/refreshToken",
                    },
                }
            }


def _request(operation: Operation, shape: service_model.OperationShape) -> Json:
    properties: Json = {}
    for member in shape.input:
        schema = dict(_TYPES[member.type])
        # restJson1 takes null for an optional member that is not set.
        if not member.required:
            schema["type"] = [schema["type"], "null"]
        form = "aws-register-scopes-array" if member.type == "list" else "smithy-restjson1-string-type"
        if operation is Operation.REGISTRATION and member.name == "clientType":
            schema["enum"] = ["public"]
        properties[member.name] = ruled(
            schema,
            required=_REQUIRED_INPUT.get(operation, "") if member.required else "",
            type=form if operation in _REQUIRED_INPUT else "",
            enum="aws-register-client-type-public" if "enum" in schema else "",
        )
        if member.sensitive:
            properties[member.name]["writeOnly"] = True
    return structure(f"Input of {shape.name}.", properties, shape.required)


def _output(operation: Operation, shape: service_model.OperationShape) -> Json:
    rule, needed = _OUTPUT[operation], _RELIED_ON[operation]
    properties: Json = {}
    for member in shape.output:
        schema = dict(_TYPES[member.type])
        form = _NUMBERS if schema["type"] == "integer" else rule
        if member.name in needed:
            properties[member.name] = ruled(schema, required=rule, type=form)
        else:
            schema["type"] = [schema["type"], "null"]
            properties[member.name] = ruled(schema, type=form)
    return structure(f"Output of {shape.name}.", properties, needed)


def _error(errors: Iterable[service_model.ErrorShape]) -> Json:
    rule = "aws-error-body-members"
    codes = sorted({error.code for error in errors})
    names = sorted({name for error in errors for name in error.members} - {"error", "error_description"})
    return structure(
        "A modelled exception; unlike all other members, those of errors are in snake_case.",
        {
            "error": ruled({"type": "string", "enum": codes}, required=rule, type=rule, enum="aws-error-status-table"),
            **{name: ruled({"type": ["string", "null"]}, type=rule) for name in ("error_description", *names)},
        },
        ["error"],
    )


def _errors_by_status(errors: Iterable[service_model.ErrorShape]) -> dict[int, list[service_model.ErrorShape]]:
    collected: dict[int, list[service_model.ErrorShape]] = {}
    for error in errors:
        collected.setdefault(error.status, []).append(error)
    return dict(sorted(collected.items()))


def _headers() -> Json:
    return {"x-amzn-RequestId": header("Names the request in logs.", "aws-request-id")}


def _error_headers() -> Json:
    named = header("Name of the exception, by which SDKs tell errors apart.", "smithy-restjson1-error-header")
    return {**_headers(), "x-amzn-ErrorType": named}
