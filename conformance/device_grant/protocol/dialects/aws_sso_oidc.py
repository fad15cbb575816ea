"""AWS SSO OIDC: restJson1, with members, paths and errors of botocore's service model."""

from __future__ import annotations

from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from device_grant.catalogue.model import AWS_SSO_OIDC
from device_grant.protocol import service_model
from device_grant.protocol.dialects.base import Dialect, Situation
from device_grant.protocol.dialects.bodies import JSON_TYPE, json_object, members_of_oauth
from device_grant.protocol.exchange import DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT, Client, Operation, Outcome, Request
from device_grant.protocol.names import camel, snake

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_grant.protocol.dialects.base import RequestValues
    from device_grant.protocol.dialects.bodies import Encoding
    from device_grant.protocol.exchange import Response

_SPELT_AS_IN_OAUTH = ("error", "error_description")
"""Members of errors, which the service model spells with an underscore."""


class AwsSsoOidcDialect(Dialect):
    """RestJson1 as AWS SSO OIDC speaks it; member names come from the service model."""

    name = AWS_SSO_OIDC
    title = "AWS SSO OIDC"
    entries = AWS_SSO_OIDC

    http_authentication = False
    public_clients_have_secrets = True
    clients_register = True
    registration_needs_members = True
    registration_is_echoed = False
    scopes_are_registered = True
    has_metadata = False
    endpoints_are_shared = False
    redirect_clients_exist = False
    code_grant_is_tested = True
    nulls_are_usual = True
    token_type_is_optional = True
    code_comes_before_client = True
    interval_may_have_fraction = False
    error_member_is_owed = False
    providers_differ = False
    registration_error = "invalid_request"
    constants = ("start_url",)
    latitude = MappingProxyType(
        {
            Situation.DISALLOWED_METHOD: ("http-404",),
            # What is missing beside a client_id is a required member, and a wrong secret a bad value.
            Situation.CREDENTIALS_REFUSED: ("invalid_request",),
            # Servers made with Smithy see it before the service does; how they say it is a requirement of Smithy's.
            Situation.MEMBER_MISSING: ("ValidationException",),
        }
    )

    @cached_property
    def paths(self) -> Mapping[Operation, str]:  # type: ignore[override]  # read from botocore when first needed
        """The service model's paths."""
        return {operation: service_model.operation(name).path for operation, name in service_model.OPERATIONS.items()}

    def encode(self, operation: Operation, url: str, members: Mapping[str, Any], client: Client | None) -> Request:
        """JSON body in camelCase; clientId and clientSecret are members, there is no HTTP authentication."""
        canonical = {name: value for name, value in members.items() if value is not None}
        if client is not None and operation is not Operation.REGISTRATION:
            for name, value in self.credentials(client)[0].items():
                canonical.setdefault(name, value)
        body = {self.wire_name(name): value for name, value in canonical.items()}
        headers = (("Content-Type", JSON_TYPE), ("Accept", JSON_TYPE))
        return Request("POST", url, headers, self.body(operation, body), operation)

    def decode(self, operation: Operation, response: Response) -> Outcome:
        """The exception comes from `x-amzn-ErrorType`, else from `__type` or `code`, cut as botocore cuts it."""
        body = json_object(response) or {}
        members = {snake(name): value for name, value in body.items() if value is not None}
        members = members_of_oauth(response.status, members)
        error, error_type = members.get("error"), error_type_of(response, body)
        if isinstance(error, str) and error:
            code = error
        elif error_type:
            modelled = service_model.errors_by_name().get(error_type)
            code = modelled.code if modelled else error_type
        else:
            code = self.succeeded(operation, response, members)
        return Outcome(response.status, code, members, error_type)

    def wire_name(self, name: str) -> str:
        """`device_code` becomes `deviceCode`; `error` and `error_description` stay (service model)."""
        return name if name in _SPELT_AS_IN_OAUTH else camel(name)

    def encoding(self, operation: Operation) -> Encoding:
        """JSON everywhere."""
        del operation
        return "json"

    def credentials(self, client: Client) -> tuple[dict[str, str], str]:
        """Members, in canonical names."""
        return {"client_id": client.id} | ({} if client.secret is None else {"client_secret": client.secret}), ""

    def labels_json(self, media_type: str) -> bool:
        """AWS's older label, `application/x-amz-json-1.1`, does as well; its version stands behind the name."""
        return media_type.endswith("json") or media_type.startswith("application/x-amz-json-")

    def registration_members(self, role: str, scope: str = "") -> dict[str, Any]:
        """RegisterClient; scopes are those of the service, whatever is asked of other servers."""
        del scope
        body: dict[str, Any] = {"client_name": f"device-grant-conformance {role}", "client_type": "public"}
        if role == "without-grant":
            return body | {"grant_types": [REFRESH_TOKEN_GRANT]}
        return body | {"grant_types": [DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT], "scopes": ["sso:account:access"]}

    def authorization_members(self, values: RequestValues) -> dict[str, Any]:
        """StartDeviceAuthorization."""
        return {"start_url": values.start_url}

    def redirecting_members(self, redirect_uri: str, loopback_uri: str, values: RequestValues) -> dict[str, Any]:
        """A program at the user's machine: the one form that the service is known to accept."""
        del redirect_uri
        return {
            "grant_types": ["authorization_code", REFRESH_TOKEN_GRANT],
            "redirect_uris": [loopback_uri],
            "issuer_url": values.start_url,
        }

    def impossible_registration(self) -> dict[str, Any]:
        """A type of client that nobody defined."""
        return {"client_type": "impossible"}

    def authentication_of(self, registered: Mapping[str, Any]) -> str:
        """By members of the body, always."""
        del registered
        return "client_secret_post"

    def error_statuses(self, code: str) -> tuple[int, ...]:
        """The service model has a table of statuses, which requirements of its own are about."""
        del code
        return ()

    def is_framework_error(self, outcome: Outcome) -> bool:
        """An exception outside the service model: restJson1 names it in the header and leaves the body open."""
        return outcome.error_type not in ("", *service_model.errors_by_name())

    def knows_error(self, code: str) -> bool:
        """Whether an exception of the service model has this code."""
        return code in service_model.errors_by_code()

    def openapi(self, endpoints: Mapping[str, str] | None, base: str) -> dict[str, Any]:
        """The document of the service model."""
        from device_grant.protocol.openapi import aws  # only whoever wants the document needs it

        return aws.document(aws.paths() if endpoints is None else endpoints, base)


def error_type_of(response: Response, body: Mapping[str, Any]) -> str:
    """The exception name of an AWS error: cut at the first colon, then what follows a hash (Smithy restJson1)."""
    raw = response.header("x-amzn-errortype") or body.get("code") or body.get("__type") or ""
    return str(raw).partition(":")[0].rpartition("#")[2].strip()
