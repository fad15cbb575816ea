"""The two dialects: a call becomes an HTTP request, an HTTP response becomes an outcome.

Everywhere else in the suite members have the RFC's snake_case names; a dialect alone knows how they look on the wire.
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote_plus, urlencode

from device_grant.errors import UsageError
from device_grant.protocol import service_model
from device_grant.protocol.exchange import Client, Operation, Outcome, Request, Response

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

RFC8628 = "rfc8628"
AWS_SSO_OIDC = "aws-sso-oidc"

AWS_OPERATIONS = {
    Operation.REGISTRATION: "RegisterClient",
    Operation.DEVICE_AUTHORIZATION: "StartDeviceAuthorization",
    Operation.TOKEN: "CreateToken",
}
"""Operations by their names in the AWS service model."""

_REQUIRED_ON_SUCCESS = {
    Operation.REGISTRATION: "client_id",
    Operation.DEVICE_AUTHORIZATION: "device_code",
    Operation.TOKEN: "access_token",
}


class Dialect(Protocol):
    """What a check needs from a dialect."""

    name: str

    def encode(
        self,
        operation: Operation,
        url: str,
        members: Mapping[str, Any],
        client: Client | None,
    ) -> Request:
        """Build the request of an operation.

        `members` have canonical names; a member whose value is None is left out. `client` adds its identification
        and authentication; None sends neither.
        """

    def decode(self, operation: Operation, response: Response) -> Outcome:
        """Read the response of an operation; never raises, whatever the server sent."""

    def wire_name(self, name: str) -> str:
        """A canonical member name as this dialect spells it."""


def dialect(name: str) -> Dialect:
    """The dialect of that name; raises UsageError for an unknown one."""
    try:
        return _DIALECTS[name]
    except KeyError:
        known = ", ".join(_DIALECTS)
        raise UsageError(f"unknown dialect {name!r}: choose one of {known}") from None


class Rfc8628Dialect:
    """Form-encoded requests and JSON responses of RFC 8628, RFC 6749 and RFC 7591 (JSON registration)."""

    name = RFC8628

    def encode(
        self,
        operation: Operation,
        url: str,
        members: Mapping[str, Any],
        client: Client | None,
    ) -> Request:
        """Form body for the device authorization and token endpoints, JSON for registration (RFC 7591 3.1)."""
        if operation is Operation.REGISTRATION:
            body = {name: value for name, value in members.items() if value is not None}
            return _json_request(operation, url, body)
        pairs = [(name, _form_value(value)) for name, value in members.items() if value is not None]
        headers: list[tuple[str, str]] = [
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Accept", "application/json"),
        ]
        if client is not None:
            own, authorization = client_authentication(client)
            pairs += [pair for pair in own if pair[0] not in members]
            if authorization:
                headers.append(("Authorization", authorization))
        return Request("POST", url, tuple(headers), urlencode(pairs).encode(), operation)

    def decode(self, operation: Operation, response: Response) -> Outcome:
        """Success is a 2xx JSON object with the operation's own member and no `error` (RFC 6749 5.1, 5.2)."""
        body = json_object(response)
        members = {name: value for name, value in (body or {}).items() if value is not None}
        return Outcome(response.status, _code(operation, response, members, ""), members)

    def wire_name(self, name: str) -> str:
        """Canonical names are the wire names."""
        return name


class AwsSsoOidcDialect:
    """restJson1 as AWS SSO OIDC speaks it; member names come from the service model."""

    name = AWS_SSO_OIDC

    def encode(
        self,
        operation: Operation,
        url: str,
        members: Mapping[str, Any],
        client: Client | None,
    ) -> Request:
        """JSON body in camelCase; clientId and clientSecret are members, there is no HTTP authentication."""
        canonical = {name: value for name, value in members.items() if value is not None}
        if client is not None and operation is not Operation.REGISTRATION:
            canonical.setdefault("client_id", client.id)
            if client.secret is not None:
                canonical.setdefault("client_secret", client.secret)
        body = {self.wire_name(name): value for name, value in canonical.items()}
        return _json_request(operation, url, body)

    def decode(self, operation: Operation, response: Response) -> Outcome:
        """The exception comes from `x-amzn-ErrorType`, else from `__type` or `code`, cut as botocore cuts it."""
        body = json_object(response) or {}
        members = {_snake(name): value for name, value in body.items() if value is not None}
        error_type = error_type_of(response, body)
        return Outcome(response.status, _code(operation, response, members, error_type), members, error_type)

    def wire_name(self, name: str) -> str:
        """`device_code` becomes `deviceCode`; `error` and `error_description` stay (service model)."""
        if name in ("error", "error_description"):
            return name
        head, *rest = name.split("_")
        return head + "".join(part.capitalize() for part in rest)


def client_authentication(client: Client) -> tuple[list[tuple[str, str]], str]:
    """Body parameters and Authorization header value by which a client identifies itself (RFC 6749 2.3.1)."""
    match client.authentication:
        case "client_secret_basic":
            return [], basic_authorization(client.id, client.secret or "")
        case "client_secret_post":
            return [("client_id", client.id), ("client_secret", client.secret or "")], ""
        case "none":
            return [("client_id", client.id)], ""
        case other:
            raise UsageError(
                f"client {client.id!r}: unknown authentication {other!r}; "
                "choose client_secret_basic, client_secret_post or none"
            )


def basic_authorization(username: str, password: str) -> str:
    """Authorization header value; both parts are form-encoded first, as RFC 6749 2.3.1 asks."""
    joined = f"{quote_plus(username)}:{quote_plus(password)}"
    return "Basic " + base64.b64encode(joined.encode()).decode()


def json_object(response: Response) -> dict[str, Any] | None:
    """The body as a JSON object, or None if it is anything else."""
    try:
        body = json.loads(response.content)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def duplicate_members(content: bytes) -> list[str]:
    """Names that occur more than once in one object of a JSON text (RFC 8259 section 4); empty if unparseable."""
    found: list[str] = []

    def collect(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        seen: dict[str, Any] = {}
        for name, value in pairs:
            if name in seen:
                found.append(name)
            seen[name] = value
        return seen

    try:
        json.loads(content, object_pairs_hook=collect)
    except (ValueError, RecursionError):
        return []
    return found


def error_type_of(response: Response, body: Mapping[str, Any]) -> str:
    """The exception name of an AWS error: cut at the first colon, then what follows a hash (Smithy restJson1)."""
    raw = response.header("x-amzn-errortype") or body.get("code") or body.get("__type") or ""
    return str(raw).partition(":")[0].rpartition("#")[2].strip()


def _code(operation: Operation, response: Response, members: Mapping[str, Any], error_type: str) -> str:
    error = members.get("error")
    if isinstance(error, str) and error:
        return error
    if error_type:
        modelled = service_model.errors_by_name().get(error_type)
        return modelled.code if modelled else error_type
    wanted = _REQUIRED_ON_SUCCESS.get(operation)
    if 200 <= response.status < 300 and (  # noqa: PLR2004 - the successful statuses
        wanted is None or wanted in members
    ):
        return "ok"
    return f"http-{response.status}"


def _json_request(operation: Operation, url: str, body: Mapping[str, Any]) -> Request:
    headers = (("Content-Type", "application/json"), ("Accept", "application/json"))
    return Request("POST", url, headers, json.dumps(body).encode(), operation)


def _form_value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda found: "_" + found.group(1).lower(), name)


_DIALECTS: dict[str, Dialect] = {RFC8628: Rfc8628Dialect(), AWS_SSO_OIDC: AwsSsoOidcDialect()}
