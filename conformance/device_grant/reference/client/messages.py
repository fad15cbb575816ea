"""The reference client's requests; here most of its faults in them are made."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit, urlunsplit

from device_grant.protocol import (
    AWS_SSO_OIDC,
    DEVICE_CODE_GRANT,
    REFRESH_TOKEN_GRANT,
    RFC8628,
    Client,
    Dialect,
    Operation,
    Request,
)
from device_grant.reference.client.binding import FlowBinding
from device_grant.reference.client.sign_in import AUTHORIZATION_CODE, REGISTERED, SCOPE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from device_grant.reference.client.faults import ClientFaults
    from device_grant.reference.client.settings import ClientSettings
    from device_grant.reference.client.sign_in import Ticket

SOFTWARE_ID = "4f9a7c52-3c1e-4c33-9d3f-8b0a5e1f8628"
"""RFC 7591 section 2: the same in every instance and version."""


class Messages:
    """Builds requests for one client in one dialect."""

    def __init__(self, dialect: Dialect, settings: ClientSettings, faults: ClientFaults) -> None:
        self._dialect = dialect
        self._settings = settings
        self._faults = faults
        self._binding = FlowBinding(settings, faults)

    def registration(self, url: str) -> Request:
        """RFC 7591 section 3.1; AWS RegisterClient."""
        faults = self._faults
        members = _REGISTRATIONS[self._dialect.entries](faults)
        if faults.client_name_missing or faults.client_name_tagged_only:
            del members["client_name"]
        request = self._dialect.encode(Operation.REGISTRATION, url, members, None)
        if faults.registration_as_form:
            pairs = {name: value if isinstance(value, str) else json.dumps(value) for name, value in members.items()}
            request = _with_form(request, list(pairs.items()))
        return request

    def registration_by_code(self, url: str) -> Request:
        """RegisterClient as AWS CLI sends it for the authorization code grant."""
        members = {
            "client_name": "reference-client",
            "client_type": "public",
            "grant_types": [AUTHORIZATION_CODE, REFRESH_TOKEN_GRANT],
            "redirect_uris": [REGISTERED],
            "issuer_url": self._settings.start_url,
            "scopes": [SCOPE],
        }
        return self._dialect.encode(Operation.REGISTRATION, url, members, None)

    def redeem(self, url: str, client: Client, ticket: Ticket, code: str) -> Request:
        """RFC 6749 section 4.1.3, RFC 7636 section 4.5; AWS CreateToken."""
        members = {
            "grant_type": AUTHORIZATION_CODE,
            "code": code,
            "redirect_uri": REGISTERED if self._faults.redirect_without_port else ticket.redirect_uri,
            "code_verifier": ticket.verifier,
        }
        if self._faults.client_without_verifier:
            del members["code_verifier"]
        return self._dialect.encode(Operation.TOKEN, url, members, client)

    def start(self, url: str, client: Client) -> Request:
        """RFC 8628 section 3.1; AWS StartDeviceAuthorization."""
        faults = self._faults
        members: dict[str, Any] = {}
        if self._dialect.constants:
            members = self._dialect.authorization_members(self._settings)
        elif self._settings.scope:
            scopes = self._settings.scope.split(" ")
            members["scope"] = ", ".join(scopes) if faults.scope_with_commas else " ".join(scopes)
        elif faults.scope_always_sent:
            members["scope"] = "openid"
        members |= self._binding.of_start()
        request = self._authenticated(
            Operation.DEVICE_AUTHORIZATION, url, members, client, withheld=faults.secret_withheld_at_start
        )
        if faults.client_id_missing_at_start:
            request = self._without(request, "client_id")
        if faults.empty_parameter_sent:
            request = _with_form(request, [*_pairs(request), ("audience", "")])
        if faults.parameter_repeated_at_start:
            request = _with_form(request, [*_pairs(request), ("client_id", client.id), ("client_id", client.id)])
        if faults.start_as_json:
            request = _as_json(request)
        return self._finished(request, by_get=faults.start_by_get)

    def poll(self, url: str, client: Client, device_code: str) -> Request:
        """RFC 8628 section 3.4; AWS CreateToken."""
        faults = self._faults
        members: dict[str, Any] = {
            "grant_type": "device_code" if faults.grant_type_short else DEVICE_CODE_GRANT,
            "device_code": unquote_plus(device_code) if faults.device_code_decoded else device_code,
        } | self._binding.of_poll()
        request = self._authenticated(Operation.TOKEN, url, members, client, withheld=faults.secret_withheld_in_polls)
        if self._binding.further:
            request = _with_form(request, [*_pairs(request), ("resource", self._binding.further)])
        if faults.client_id_missing_in_polls:
            request = self._without(request, "client_id")
        if faults.parameter_repeated_in_polls:
            request = _with_form(request, [*_pairs(request), ("grant_type", DEVICE_CODE_GRANT)])
        if faults.token_as_json:
            request = _as_json(request)
        return self._finished(request, by_get=faults.token_by_get)

    def refresh(self, url: str, client: Client, refresh_token: str) -> Request:
        """RFC 6749 section 6; AWS CreateToken."""
        faults = self._faults
        members: dict[str, Any] = {
            "grant_type": "refresh" if faults.refresh_grant_misspelt else REFRESH_TOKEN_GRANT,
            "refresh_token": None if faults.refresh_token_missing else refresh_token,
        }
        if faults.refresh_scope_widened:
            members["scope"] = f"{self._settings.scope} admin".strip()
        request = self._authenticated(Operation.TOKEN, url, members, client, withheld=faults.refresh_unauthenticated)
        if faults.refresh_as_json:
            request = _as_json(request)
        return self._finished(request)

    def _authenticated(
        self, operation: Operation, url: str, members: dict[str, Any], client: Client, *, withheld: bool
    ) -> Request:
        faults = self._faults
        if not self._dialect.http_authentication:
            if withheld:
                client = Client(client.id)
            return self._dialect.encode(operation, url, members, client)
        if not client.confidential:
            if faults.empty_secret_sent:
                members = {**members, "client_id": client.id, "client_secret": ""}
            nameless = faults.client_mtls_without_client_id and self._settings.certificate is not None
            return self._dialect.encode(operation, url, members, None if nameless else client)
        if withheld:
            return self._dialect.encode(operation, url, members, Client(client.id))
        request = self._dialect.encode(operation, url, members, client)
        both = [("client_id", client.id), ("client_secret", client.secret or "")]
        if faults.secret_in_body:
            request = _without_authorization(self._dialect.encode(operation, url, members, None))
            request = _with_form(request, [*_pairs(request), *both])
        if faults.secret_twice:
            request = _with_form(request, [*_pairs(request), *both])
        if faults.secret_without_id:
            request = _with_form(_without_authorization(request), [*_pairs(request), both[1]])
        if faults.basic_not_encoded and request.header("authorization"):
            import base64

            value = "Basic " + base64.b64encode(f"{client.id}:{client.secret}".encode()).decode()
            request = replace(request, headers=(*_without_authorization(request).headers, ("Authorization", value)))
        return request

    def _finished(self, request: Request, *, by_get: bool = False) -> Request:
        faults = self._faults
        if faults.null_members_sent and not self._dialect.sends_forms:
            request = replace(
                request, content=json.dumps({**json.loads(request.content), "redirectUri": None}).encode()
            )
        if faults.requests_signed:
            value = "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/sso-oauth/aws4_request, SignedHeaders=host"
            request = replace(request, headers=(*request.headers, ("Authorization", value)))
        if faults.form_not_escaped and self._dialect.sends_forms:
            bare = "&".join(f"{name}={value}" for name, value in _pairs(request))
            request = replace(request, content=bare.encode())
        if faults.form_in_latin_1:
            request = replace(request, content=_in_latin_1(request.content))
        if faults.query_dropped:
            request = replace(request, url=urlunsplit(urlsplit(request.url)._replace(query="")))
        if faults.secret_in_query:
            body = dict(_pairs(request)) if self._dialect.sends_forms else json.loads(request.content)
            secret = body.get("clientSecret") or body.get("client_secret") or self._settings.client_secret
            if secret:
                request = replace(request, url=f"{request.url}?{urlencode({'client_secret': secret})}")
        if by_get:
            pairs = _pairs(request) if self._dialect.sends_forms else list(json.loads(request.content).items())
            headers = tuple(pair for pair in request.headers if pair[0] != "Content-Type")
            request = Request("GET", f"{request.url}?{urlencode(pairs)}", headers, b"", request.operation)
        return request

    def _without(self, request: Request, name: str) -> Request:
        if not self._dialect.sends_forms:
            members = json.loads(request.content)
            members.pop(self._dialect.wire_name(name), None)
            return replace(request, content=json.dumps(members).encode())
        return _with_form(request, [pair for pair in _pairs(request) if pair[0] != name])


def _client_metadata(faults: ClientFaults) -> dict[str, Any]:
    members: dict[str, Any] = {
        "client_name": "reference-client",
        "client_uri": "https://device-grant.example/reference-client",
        "software_id": str(uuid.uuid4()) if faults.software_id_random else SOFTWARE_ID,
        "grant_types": [DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT],
        "response_types": [],
        "token_endpoint_auth_method": "client_secret_basic",
    }
    if faults.redirect_uris_missing:
        members["grant_types"] = ["authorization_code", DEVICE_CODE_GRANT]
    if faults.client_uri_missing:
        del members["client_uri"]
    if faults.client_name_tagged_only:
        members["client_name#de"] = "Beispielgerät"
    return members


def _register_client(faults: ClientFaults) -> dict[str, Any]:
    members: dict[str, Any] = {
        "client_name": "reference-client",
        "client_type": "public",
        "scopes": ["sso:account:access"],
    }
    if faults.redirect_uris_missing:
        members["grant_types"] = ["authorization_code"]
    return members


_REGISTRATIONS: Mapping[str, Callable[[ClientFaults], dict[str, Any]]] = {
    RFC8628: _client_metadata,
    AWS_SSO_OIDC: _register_client,
}
"""Members of the registration by dialect."""


def _pairs(request: Request) -> list[tuple[str, str]]:
    return parse_qsl(request.content.decode(), keep_blank_values=True)


def _with_form(request: Request, pairs: list[tuple[str, str]]) -> Request:
    headers = tuple(pair for pair in request.headers if pair[0] != "Content-Type")
    form = ("Content-Type", "application/x-www-form-urlencoded")
    return replace(request, headers=(form, *headers), content=urlencode(pairs).encode())


def _as_json(request: Request) -> Request:
    headers = tuple(pair for pair in request.headers if pair[0] != "Content-Type")
    content = json.dumps(dict(_pairs(request))).encode()
    return replace(request, headers=(("Content-Type", "application/json"), *headers), content=content)


def _without_authorization(request: Request) -> Request:
    return replace(request, headers=tuple(pair for pair in request.headers if pair[0] != "Authorization"))


def _in_latin_1(content: bytes) -> bytes:
    pairs = parse_qsl(content.decode(), keep_blank_values=True)
    return urlencode(pairs, encoding="latin-1", errors="replace").encode()
