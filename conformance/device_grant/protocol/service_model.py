"""The AWS SSO OIDC API as botocore's own `sso-oidc` service model describes it, read at run time.

Nothing here is a copy: members, their types, which are required, the HTTP bindings and the error table with its
statuses all come from the installed botocore. Source: service model `sso-oidc`, API version 2019-06-10.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from device_grant.protocol.exchange import Operation

API_VERSION = "2019-06-10"

OPERATIONS = {
    Operation.REGISTRATION: "RegisterClient",
    Operation.DEVICE_AUTHORIZATION: "StartDeviceAuthorization",
    Operation.TOKEN: "CreateToken",
}
"""The public operations by their names in the model."""

SIGNED = "CreateTokenWithIAM"
"""The operation that is signed. It shares its path with CreateToken; a query tells them apart."""


@dataclass(frozen=True)
class Member:
    """One member of an input or output structure."""

    name: str
    """The model's name, for example `deviceCode`."""
    type: str
    """`string`, `integer`, `long` or `list` (always of strings in this model)."""
    required: bool
    sensitive: bool


@dataclass(frozen=True)
class ErrorShape:
    """One modelled exception."""

    name: str
    """Shape name as sent in `x-amzn-ErrorType`, for example `AuthorizationPendingException`."""
    code: str
    """The OAuth code that its `error` member has, for example `authorization_pending`."""
    status: int
    """HTTP status."""
    members: tuple[str, ...]


@dataclass(frozen=True)
class OperationShape:
    """One operation of the API."""

    name: str
    method: str
    path: str
    """Request path, for example `/client/register`."""
    input: tuple[Member, ...]
    output: tuple[Member, ...]
    errors: tuple[ErrorShape, ...]

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the input members that the model requires."""
        return tuple(member.name for member in self.input if member.required)


@cache
def botocore_model() -> Any:
    """Botocore's `ServiceModel` of `sso-oidc` (untyped: botocore ships no types)."""
    from botocore.loaders import create_loader
    from botocore.model import ServiceModel

    description = create_loader().load_service_model("sso-oidc", "service-2", API_VERSION)
    return ServiceModel(description, "sso-oidc")


@cache
def operation(name: str) -> OperationShape:
    """The operation `RegisterClient`, `StartDeviceAuthorization`, `CreateToken` or `CreateTokenWithIAM`."""
    shape = botocore_model().operation_model(name)
    return OperationShape(
        name=name,
        method=shape.http["method"],
        path=shape.http["requestUri"],
        input=_members(shape.input_shape),
        output=_members(shape.output_shape),
        errors=tuple(_error(error) for error in shape.error_shapes),
    )


@cache
def errors_by_name() -> dict[str, ErrorShape]:
    """Every modelled exception of the four operations, by shape name."""
    return {error.name: error for name in (*OPERATIONS.values(), SIGNED) for error in operation(name).errors}


@cache
def errors_by_code() -> dict[str, ErrorShape]:
    """The same by OAuth error code; only the public operations count, whose codes are distinct."""
    return {error.code: error for name in OPERATIONS.values() for error in operation(name).errors}


def _members(shape: Any) -> tuple[Member, ...]:
    required = set(shape.required_members)
    return tuple(
        Member(
            name=name,
            type=member.type_name,
            required=name in required,
            sensitive=bool(member.metadata.get("sensitive")),
        )
        for name, member in shape.members.items()
    )


def _error(shape: Any) -> ErrorShape:
    # The model has no machine-readable link from an exception to its OAuth code: the documentation of the `error`
    # member is the only place in it that names the code.
    match = re.search(r"<code>([a-z_]+)</code>", shape.members["error"].documentation)
    if match is None:  # pragma: no cover - a model that changed this much must be looked at by a person
        raise LookupError(f"the sso-oidc model no longer documents the error code of {shape.name}")
    return ErrorShape(
        name=shape.name,
        code=match.group(1),
        status=shape.metadata["error"]["httpStatusCode"],
        members=tuple(shape.members),
    )
