"""restJson1 for the AWS dialect: bodies are read, and answers written, as the service model of botocore says.

Members, their types, which are required, error names and statuses: nothing of that is repeated here.
"""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from device_grant.protocol import service_model
from device_grant.protocol.dialects import AwsSsoOidcDialect
from device_grant.reference.server.http import Answer, Call, Refusal, crash, decode_json, encode_json
from device_grant.reference.server.wire import respelt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_grant.reference.server.faults import Faults

JSON = "application/json"
NO_STORE = {"Cache-Control": "no-store"}
CHALLENGE = {"WWW-Authenticate": 'SSO-OIDC realm="clients"'}
"""RFC 9110 11.6.1 wants a challenge with every 401; this scheme says that the credentials belong into the body."""

_PENDING = "authorization_pending"
_REGISTRATION_PATH = service_model.operation("RegisterClient").path
_WIRE = AwsSsoOidcDialect()


class FrameworkError(Exception):
    """An error that is no part of the service model: it has a name in the header, and no OAuth code."""

    def __init__(self, name: str, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(name)
        self.name = name
        self.status = status
        self.message = message
        self.headers = dict(headers or {})


def read_input(call: Call, shape: service_model.OperationShape, faults: Faults) -> dict[str, Any]:
    """The members of an operation's input that are set, by their model names.

    Raises FrameworkError for what is no such structure, Refusal invalid_request for missing required members.
    """
    _check_headers(call, faults)
    members = _structure(call.body, faults)
    modelled = {member.name: member for member in shape.input}
    if faults.member_case_ignored:
        by_lower_case = {name.lower(): name for name in modelled}
        members = {by_lower_case.get(name.lower(), name): value for name, value in members.items()}
    if faults.unknown_parameters_refused and not set(members) <= set(modelled):
        raise Refusal("invalid_request", "Invalid request: it has a member that is not known here")
    if faults.null_as_text:
        members = {name: "null" if value is None else value for name, value in members.items()}
    if faults.null_refused and None in members.values():
        raise Refusal("invalid_request", "Invalid request: a member is null")
    collected = {
        name: _typed(members[name], member.type, faults)
        for name, member in modelled.items()
        if members.get(name) is not None
    }
    for member in shape.input:
        if member.required and member.name not in collected and not _excused(member.name, shape.name, faults):
            raise Refusal("invalid_request", f"Invalid request: {member.name} is missing")
    return collected


def success(status: int, members: Mapping[str, Any], faults: Faults) -> Answer:
    """A response with canonical member names, spelt as the model spells them."""
    if faults.numbers_as_strings:
        members = {name: str(value) if isinstance(value, int) else value for name, value in members.items()}
    if not faults.snake_case_members:
        members = {_WIRE.wire_name(name): value for name, value in members.items()}
    return _answer(status, members, {}, faults)


def refused(refusal: Refusal, call: Call, faults: Faults) -> Answer:
    """A modelled error: exception name in the header, OAuth code in the body, status from the model."""
    refusal = respelt(refusal, faults)
    errors = service_model.errors_by_code()
    shape = errors.get(refusal.code) or errors[_PENDING]
    shape = service_model.errors_by_name().get(refusal.exception, shape)
    status = refusal.status or shape.status
    if faults.invalid_client_400 and shape.code == "invalid_client":
        status = 400
    if faults.registration_error_422 and call.path.startswith(_REGISTRATION_PATH):
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    description = refusal.description
    if faults.error_description_newline:
        description = f'"{description}"\nsee the manual'
    if faults.error_description_not_ascii:
        description += " \N{EM DASH} tant pis"
    if faults.secrets_reflected:
        description += ": " + call.body.decode("utf-8", errors="replace")
    described = "errorDescription" if faults.error_description_camel_case else "error_description"
    members = {"error": refusal.code, described: description} | refusal.members
    if not description:
        del members[described]
    if faults.error_member_missing:
        members = {"message": description}
    name = "InvalidRequestException" if faults.error_type_disagrees else shape.name
    headers = refusal.headers | (CHALLENGE if status == HTTPStatus.UNAUTHORIZED else {})
    return _answer(status, members, headers, faults, error_type=name)


def framework_refused(error: FrameworkError, faults: Faults) -> Answer:
    """An error outside the model."""
    name = f"Reference{error.name}" if faults.framework_exceptions_renamed else error.name
    return _answer(error.status, {"message": error.message}, error.headers, faults, error_type=name)


def _answer(
    status: int, members: Mapping[str, Any], headers: Mapping[str, str], faults: Faults, *, error_type: str = ""
) -> Answer:
    every = {**NO_STORE, **headers}
    if not faults.request_id_missing:
        every["x-amzn-RequestId"] = str(uuid.uuid4())
    if error_type and not faults.error_type_missing:
        every["x-amzn-ErrorType"] = error_type
    content = encode_json(members, first_twice=faults.duplicate_members)
    return Answer(status, content, "text/html" if faults.json_as_html else JSON, every)


def _check_headers(call: Call, faults: Faults) -> None:
    if call.too_large:
        raise FrameworkError("RequestEntityTooLargeException", 413, "The body is too large")
    if call.content_coding:
        raise FrameworkError("UnsupportedMediaTypeException", 415, "Content-Encoding is not supported")
    # Old SDKs send no Content-Type at all, and the service serves them.
    if call.media_type not in ("", JSON, "application/x-amz-json-1.1"):
        if faults.wrong_content_type_500:
            raise crash()
        raise FrameworkError("UnsupportedMediaTypeException", 415, f"The body must be {JSON}")
    if faults.content_type_parameter_refused and call.content_type_parameters:
        raise FrameworkError("UnsupportedMediaTypeException", 415, "Content-Type must have no parameters")
    if not _accepts_json(call.headers(b"accept")):
        raise FrameworkError("NotAcceptableException", 406, f"Only {JSON} is served")


def _accepts_json(accept: list[str]) -> bool:
    ranges = [part.strip().lower() for value in accept for part in value.split(",") if part.strip()]
    if not ranges:
        return True
    for media_range in ranges:
        name, *parameters = [part.strip() for part in media_range.split(";")]
        refused_range = any(
            parameter.replace(" ", "") in ("q=0", "q=0.0", "q=0.00", "q=0.000") for parameter in parameters
        )
        if name in ("*/*", "application/*", JSON) and not refused_range:
            return True
    return False


def _structure(body: bytes, faults: Faults) -> dict[str, Any]:
    if not body:
        return {}
    try:
        members = decode_json(body)
    except ValueError:
        members = None
    if isinstance(members, dict):
        return members
    if faults.malformed_body_500:
        raise crash()
    raise FrameworkError("SerializationException", 400, "The body is not a JSON object in UTF-8")


def _typed(value: Any, kind: str, faults: Faults) -> Any:
    if kind == "list":
        if faults.list_nulls_dropped and isinstance(value, list):
            value = [item for item in value if item is not None]
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return value
    elif isinstance(value, str):
        return value
    if faults.types_coerced:
        return [str(value)] if kind == "list" else str(value)
    raise FrameworkError("SerializationException", 400, "A member has another type than the service model says")


def _excused(name: str, operation: str, faults: Faults) -> bool:
    return (
        (name == "clientSecret" and faults.secret_optional)
        or (operation == "RegisterClient" and faults.required_members_optional)
        or (name == "clientId" and operation == "StartDeviceAuthorization" and faults.missing_client_accepted)
        or (name in ("clientId", "clientSecret") and operation == "CreateToken" and faults.missing_client_polls)
        or (name == "grantType" and faults.missing_grant_type_accepted)
    )
