"""The RFCs' own dialect: forms to RFC 8628 and RFC 6749, JSON back, registration by RFC 7591, metadata by RFC 8414."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from device_grant.catalogue.model import RFC8628
from device_grant.errors import UsageError
from device_grant.protocol.dialects.base import Dialect
from device_grant.protocol.dialects.bodies import JSON_TYPE, json_object, members_of_oauth
from device_grant.protocol.exchange import DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT, Client, Operation, Outcome, Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_grant.protocol.dialects.base import RequestValues
    from device_grant.protocol.dialects.bodies import Encoding
    from device_grant.protocol.exchange import Response


class Rfc8628Dialect(Dialect):
    """Form-encoded requests and JSON responses of RFC 8628, RFC 6749 and RFC 7591 (JSON registration)."""

    name = RFC8628
    title = "RFC 8628"
    entries = RFC8628

    http_authentication = True
    public_clients_have_secrets = False
    clients_register = False
    registration_needs_members = False
    registration_is_echoed = True
    scopes_are_registered = False
    has_metadata = True
    endpoints_are_shared = True
    redirect_clients_exist = True
    nulls_are_usual = False
    token_type_is_optional = False
    code_comes_before_client = False

    def encode(self, operation: Operation, url: str, members: Mapping[str, Any], client: Client | None) -> Request:
        """Form body for the device authorization and token endpoints, JSON for registration (RFC 7591 3.1).

        A tuple in a form is a parameter that is repeated, such as resource (RFC 8707 section 2).
        """
        form = self.encoding(operation) == "form"
        pairs = [
            (name, one)
            for name, value in members.items()
            for one in (value if form and isinstance(value, tuple) else (value,))
            if one is not None
        ]
        headers: list[tuple[str, str]] = [("Content-Type", self.media_type(operation)), ("Accept", JSON_TYPE)]
        if client is not None and operation is not Operation.REGISTRATION:
            own, authorization = self.credentials(client)
            own |= client.named(operation)
            pairs += [pair for pair in own.items() if pair[0] not in members]
            if authorization:
                headers.append(("Authorization", authorization))
        shown = client.certificate if client is not None else None
        body = self.body(operation, pairs)
        return Request("POST", url, tuple(headers), body, operation, certificate=shown)

    def decode(self, operation: Operation, response: Response) -> Outcome:
        """Success is a 2xx JSON object with the operation's own member and no `error` (RFC 6749 5.1, 5.2)."""
        members = {name: value for name, value in self.answer(response).items() if value is not None}
        members = members_of_oauth(response.status, members)
        error = members.get("error")
        code = error if isinstance(error, str) and error else self.succeeded(operation, response, members)
        return Outcome(response.status, code, members)

    def answer(self, response: Response) -> dict[str, Any]:
        """Members of a response as they were sent; empty if the body is no JSON object."""
        return json_object(response) or {}

    def wire_name(self, name: str) -> str:
        """Canonical names are the wire names."""
        return name

    def encoding(self, operation: Operation) -> Encoding:
        """Forms (RFC 8628 sections 3.1 and 3.4), but for a registration (RFC 7591 section 3.1)."""
        return "json" if operation is Operation.REGISTRATION else "form"

    def credentials(self, client: Client) -> tuple[dict[str, str], str]:
        """RFC 6749 section 2.3.1, RFC 8705 section 2; raises UsageError for a method that is not known."""
        match client.authentication:
            case "client_secret_basic":
                return {}, basic_authorization(client.id, client.secret or "")
            case "client_secret_post":
                return {"client_id": client.id, "client_secret": client.secret or ""}, ""
            case "none" | "tls_client_auth" | "self_signed_tls_client_auth":
                return {"client_id": client.id}, ""
            case other:
                known = "client_secret_basic, client_secret_post, none, tls_client_auth or self_signed_tls_client_auth"
                raise UsageError(f"client {client.id!r}: unknown authentication {other!r}; choose {known}")

    def registration_members(self, role: str, scope: str = "") -> dict[str, Any]:
        """RFC 7591 section 2."""
        body: dict[str, Any] = {
            "client_name": f"device-grant-conformance {role}",
            "token_endpoint_auth_method": "client_secret_basic" if role == "confidential" else "none",
            "grant_types": ["client_credentials"]
            if role == "without-grant"
            else [DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT],
            "response_types": [],
        }
        if role == "without-grant":
            body["token_endpoint_auth_method"] = "client_secret_basic"  # noqa: S105 - the name of a method
        return body | ({"scope": scope} if scope else {})

    def authorization_members(self, values: RequestValues) -> dict[str, Any]:
        """The scope, where one is wanted (RFC 8628 section 3.1)."""
        return {"scope": values.scope} if values.scope else {}

    def redirecting_members(self, redirect_uri: str, loopback_uri: str, values: RequestValues) -> dict[str, Any]:
        """A confidential web application (RFC 7591 section 2)."""
        del loopback_uri, values
        return {
            "grant_types": ["authorization_code"],
            "response_types": ["code"],
            "redirect_uris": [redirect_uri],
            "token_endpoint_auth_method": "client_secret_basic",
        }

    def impossible_registration(self) -> dict[str, Any]:
        """A method of authentication that nobody defined."""
        return {"token_endpoint_auth_method": "impossible"}

    def authentication_of(self, registered: Mapping[str, Any]) -> str:
        """What the response says; by default HTTP Basic for a client with a secret (RFC 7591 section 2)."""
        default = "client_secret_basic" if registered.get("client_secret") else "none"
        return str(registered.get("token_endpoint_auth_method") or default)

    def error_statuses(self, code: str) -> tuple[int, ...]:
        """RFC 6749 section 5.2: 400, and 401 too for invalid_client."""
        return (self.refusal_status, 401) if code == "invalid_client" else (self.refusal_status,)

    def openapi(self, endpoints: Mapping[str, str] | None, base: str) -> dict[str, Any]:
        """The document of RFC 8628, RFC 6749, RFC 7591 and RFC 8414."""
        from device_grant.protocol.openapi import rfc8628  # only whoever wants the document needs it

        return rfc8628.document(rfc8628.paths() if endpoints is None else endpoints, base)


def basic_authorization(username: str, password: str) -> str:
    """Authorization header value; both parts are form-encoded first, as RFC 6749 2.3.1 asks."""
    joined = ":".join(quote_plus(part, errors="surrogatepass") for part in (username, password))
    return "Basic " + base64.b64encode(joined.encode()).decode()
