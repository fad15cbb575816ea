"""The AWS dialect: RegisterClient, StartDeviceAuthorization and CreateToken (service model `sso-oidc`, 2019-06-10)."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from device_grant.protocol import DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT, service_model
from device_grant.reference.server.code_grant.authorize import AUTHORIZATION_CODE, AuthorizePages
from device_grant.reference.server.code_grant.codes import Codes
from device_grant.reference.server.code_grant.registering import require_code_client
from device_grant.reference.server.credentials import proves, refusal
from device_grant.reference.server.grants import (
    Grants,
    may_use,
    passwords_taken,
    require_device_grant,
)
from device_grant.reference.server.http import Answer, Call, Handler, Refusal, VerbatimAnswer, crash
from device_grant.reference.server.issued.tokens import Tokens, spoil_tokens
from device_grant.reference.server.misplaced import code_elsewhere, cookie_of, meant_grant
from device_grant.reference.server.portal import Portal
from device_grant.reference.server.registration import (
    REPEATED_ID,
    REPEATED_SECRET,
    known_grants,
    redirect_uri_acceptable,
    spoilt_credentials,
)
from device_grant.reference.server.restjson import FrameworkError, framework_refused, read_input, refused, success
from device_grant.reference.server.signed.operation import SignedOperation
from device_grant.reference.server.store import RegisteredClient, Store
from device_grant.reference.server.verification import device_response, origin

if TYPE_CHECKING:
    from device_grant.reference.server.pages import VerificationPages
    from device_grant.reference.server.settings import Settings

_GRANT_TYPES = frozenset({DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT, AUTHORIZATION_CODE})
"""What a client may register for."""
_SECRET_PADDING = 330
"""Octets that bring client secrets to about a kilobyte, as long as real ones are at least."""

Operation = Callable[[Call, Mapping[str, Any]], Awaitable[Answer]]


class AwsEndpoints:
    """The operations, one handler each; `handlers` says on which paths they are."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.settings: Settings = store.settings
        self.faults = store.faults
        self.grants = Grants(store)
        self.codes = Codes(store, self.grants)
        self.signed = SignedOperation(store, self.grants, self.codes)

    def pages_of_browsers(self, pages: VerificationPages) -> dict[str, Handler]:
        """What people visit besides the verification page."""
        return AuthorizePages(pages, self.codes).handlers()

    def handlers(self) -> dict[str, Handler]:
        """Handlers by path, with and without the trailing slash that restJson1 leaves optional."""
        operations: dict[str, Operation] = {
            "RegisterClient": self.register_client,
            "StartDeviceAuthorization": self.start_device_authorization,
            "CreateToken": self.create_token,
        }
        collected: dict[str, Handler] = {}
        for name, operation in operations.items():
            shape = service_model.operation(name)
            collected[shape.path] = collected[f"{shape.path}/"] = self._operation(shape, operation)
        return collected | Portal(self.store).handlers()

    async def register_client(
        self,
        call: Call,  # noqa: ARG002 - operations have one signature
        members: Mapping[str, Any],
    ) -> Answer:
        """RegisterClient."""
        if members.get("clientType", "public") != "public" and not self.faults.client_type_ignored:
            raise Refusal("invalid_client_metadata", "Invalid client type: only public clients can register")
        # Only the fault `required_members_optional` lets a request without them come this far.
        name = members.get("clientName", "unnamed")
        if not name:
            raise Refusal("invalid_client_metadata", "Invalid client name: it is empty")
        scopes = tuple(dict.fromkeys(members.get("scopes", ())))
        if self.faults.scope_case_ignored:
            scopes = tuple(scope.lower() for scope in scopes)
        grants = self._registered_grants(members, scopes)
        now = int(self.store.clock())
        lifetime = self.settings.secret_lifetime
        client_id = REPEATED_ID if self.faults.registration_repeated else secrets.token_urlsafe(25)
        expires_at = now + lifetime if lifetime else 0
        client = RegisteredClient(
            id=client_id,
            secret=self._new_secret(client_id, name, now, expires_at),
            name=name,
            grants=known_grants(grants or (DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT), self.faults),
            scopes=scopes or None,
            gets_refresh_tokens=REFRESH_TOKEN_GRANT in grants or (not grants and bool(scopes)),
            issued_at=now,
            expires_at=expires_at,
            redirect_uris=tuple(members.get("redirectUris", ())),
        )
        self.store.add_client(client)
        response = {"client_id": client.id, "client_id_issued_at": now, "client_secret_expires_at": expires_at}
        if not self.faults.registration_secret_missing:
            response["client_secret"] = client.secret
        response = spoilt_credentials(response, self.faults)
        if self.faults.registration_endpoints_relative:
            response["authorization_endpoint"] = "/authorize"
        return success(201 if self.faults.registration_status_wrong else 200, response, self.faults)

    async def start_device_authorization(self, call: Call, members: Mapping[str, Any]) -> Answer:
        """StartDeviceAuthorization."""
        client = self._client(members, skip_secret=self.faults.device_endpoint_skips_secret, device=True)
        require_device_grant(self.store, client)
        if not _is_start_url(members["startUrl"]) and not self.faults.start_url_ignored:
            raise Refusal("invalid_request", "Invalid start URL: an absolute http or https URL is needed")
        grant = self.store.add_grant(client, client.scopes or ())
        base = origin(call, self.settings, self.faults)
        response = device_response(grant, self.settings, self.faults, base)
        answer = success(201 if self.faults.device_response_201 else 200, response, self.faults)
        answer.headers |= cookie_of(grant, self.faults)
        return answer

    async def create_token(self, call: Call, members: Mapping[str, Any]) -> Answer:
        """CreateToken; its `scope` member has no effect, as the model says."""
        if "scope" in members and self.faults.token_scope_refused:
            raise Refusal("invalid_scope", "Invalid scope: a token has the scope of its registration")
        grant_type = members.get("grantType", DEVICE_CODE_GRANT)
        lax = self.faults.code_grant_ignores_secret and grant_type == AUTHORIZATION_CODE
        client = self._client(members, skip_secret=self.faults.token_endpoint_skips_secret or lax)
        grant_type = meant_grant(grant_type, members, "deviceCode", self.faults)
        if passwords_taken(grant_type, self.faults):
            raise Refusal("invalid_grant", "Invalid grant: the user name or the password is wrong")
        if grant_type == REFRESH_TOKEN_GRANT:
            return self._tokens(await self._refresh(client, members))
        other = self.faults.unknown_grant_type_accepted and not may_use(client, AUTHORIZATION_CODE)
        if grant_type == AUTHORIZATION_CODE and not self.faults.code_grant_unsupported and not other:
            if not may_use(client, AUTHORIZATION_CODE) and not self.faults.code_grant_for_all:
                raise Refusal("unauthorized_client", "Invalid grant type: this client is not registered for it")
            return self._tokens(await self.codes.redeem(client, members))
        known = "device_code" if self.faults.grant_urn_misspelt else DEVICE_CODE_GRANT
        if grant_type != known and not self.faults.unknown_grant_type_accepted:
            raise Refusal("unsupported_grant_type", "Invalid grant type: none of those that are supported")
        require_device_grant(self.store, client)
        return self._tokens(await self.grants.redeem(client, self._device_code(call, members)))

    def _device_code(self, call: Call, members: Mapping[str, Any]) -> str:
        device_code = members.get("deviceCode")
        if self.faults.device_code_elsewhere:
            device_code = device_code or code_elsewhere(call, "deviceCode")
        if device_code is None:
            if self.faults.missing_device_code_500:
                raise crash()
            if self.faults.missing_device_code_pending:
                raise Refusal("authorization_pending", "The user has not decided yet")
            raise Refusal("invalid_request", "Invalid request: deviceCode is missing")
        return str(device_code)

    async def _refresh(self, client: RegisteredClient, members: Mapping[str, Any]) -> Tokens:
        if not may_use(client, REFRESH_TOKEN_GRANT):
            raise Refusal("unauthorized_client", "Invalid grant type: this client is not registered for it")
        if "refreshToken" not in members:
            if self.faults.missing_refresh_token_500:
                raise crash()
            raise Refusal("invalid_request", "Invalid request: refreshToken is missing")
        if self.faults.code_grant_refresh_refused and may_use(client, AUTHORIZATION_CODE):
            raise Refusal("invalid_grant", "Invalid refresh token: none of this grant is accepted")
        return await self.grants.refresh(client, members["refreshToken"], None)

    def _tokens(self, tokens: Tokens) -> Answer:
        members: dict[str, Any] = {
            "access_token": tokens.access_token,
            "token_type": "Bearer",
            "expires_in": tokens.expires_in,
        }
        if tokens.refresh_token is not None:
            members["refresh_token"] = tokens.refresh_token
        status = 201 if self.faults.token_response_201 else 200
        return success(status, spoil_tokens(members, self.faults), self.faults)

    def _registered_grants(self, members: Mapping[str, Any], scopes: tuple[str, ...]) -> frozenset[str]:
        grants = frozenset(members.get("grantTypes", ()))
        if not grants <= _GRANT_TYPES and not self.faults.grant_types_unchecked:
            raise Refusal("unsupported_grant_type", "Invalid grant types: one of them is not supported")
        if not set(scopes) <= set(self.settings.known_scopes) and not self.faults.unknown_scopes_accepted:
            raise Refusal("invalid_scope", "Invalid scopes: one of them does not exist here")
        uris = members.get("redirectUris", ())
        if not all(redirect_uri_acceptable(uri) for uri in uris) and not self.faults.redirect_uri_unchecked:
            raise Refusal("invalid_redirect_uri", "Invalid redirect URI: https, or http on loopback, is needed")
        if AUTHORIZATION_CODE in grants:
            require_code_client(members, grants, self.settings, self.faults)
        return grants

    def _client(self, members: Mapping[str, Any], *, skip_secret: bool, device: bool = False) -> RegisteredClient:
        client_id = members.get("clientId")
        if client_id is None:
            polled = self.store.grant_by_device_code(members.get("deviceCode", ""))
            if polled is not None and self.faults.missing_client_polls:
                return polled.client
            return RegisteredClient(id="")  # only the fault `missing_client_accepted` lets this through
        client = self.store.clients.used(client_id)
        if client is None:
            if device and self.faults.unknown_client_accepted:
                return RegisteredClient(id=client_id)
            raise Refusal("invalid_client", "Invalid client: it is not registered")
        # Only the fault `secret_optional` lets a request without clientSecret come this far.
        offered = members.get("clientSecret", client.secret or "")
        if not skip_secret and not proves(self.store, client, offered):
            raise Refusal(
                "invalid_client",
                refusal("Invalid client: the secret is not the one that was issued", self.store, client),
            )
        expired = client.expires_at and self.store.clock() >= client.expires_at
        late = self.faults.expired_registration_redeems and not device
        if expired and not (late or self.faults.expired_registration_accepted):
            raise Refusal("invalid_client", "Invalid client: the registration has expired")
        return client

    def _new_secret(self, client_id: str, name: str, issued_at: int, expires_at: int) -> str:
        if self.faults.registration_secret_repeated or self.faults.registration_repeated:
            return REPEATED_SECRET
        claims = {
            "clientId": client_id,
            "clientName": name[:64],
            "clientType": "PUBLIC",
            "createdTimestamp": issued_at,
            "expirationTimestamp": expires_at,
            "nonce": secrets.token_urlsafe(_SECRET_PADDING),
        }
        header = _base64url(json.dumps({"kid": "reference", "alg": "HS384"}).encode())
        payload = _base64url(json.dumps({"serialized": json.dumps(claims)}).encode())
        return f"{header}.{payload}.{secrets.token_urlsafe(48)}"

    def _operation(self, shape: service_model.OperationShape, operate: Operation) -> Handler:
        async def dispatch(call: Call) -> Answer:
            self._misjudge(call)
            if self.faults.preflight_500 and call.method == "OPTIONS":
                raise crash()
            signed = shape.name == "CreateToken" and self.signed.selected(call)
            self._announce(service_model.SIGNED if signed else shape.name)
            if signed:
                return await self.signed.answer(call)
            if call.method == shape.method:
                return await operate(call, read_input(call, shape, self.faults))
            if self._served_by_query(call.method, shape.name):
                return await operate(call, read_input(_posted(call), shape, self.faults))
            allow = {} if self.faults.allow_missing else {"Allow": shape.method}
            raise FrameworkError("UnknownOperationException", 405, f"Only {shape.method} is allowed here", allow)

        async def answer(call: Call) -> Answer:
            try:
                return await dispatch(call)
            except Refusal as refusal:
                self.store.spend_codes_in(call.body, refusal.code)
                return self.signed.spoilt(refused(refusal, call, self.faults), call)
            except FrameworkError as error:
                self.store.spend_codes_in(call.body, "invalid_request")
                return self.signed.spoilt(framework_refused(error, self.faults), call)
            except VerbatimAnswer as raw:
                return raw.answer

        return answer

    def _announce(self, operation: str) -> None:
        if self.store.on_call is not None:
            self.store.on_call(operation)

    def _misjudge(self, call: Call) -> None:
        """Refuse what a faulty server refuses by the header fields alone."""
        if self.signed.selected(call):
            return
        signed = call.header(b"authorization") is not None
        if self.faults.signature_required and not signed:
            raise FrameworkError("MissingAuthenticationTokenException", 403, "The request is not signed")
        if self.faults.signatures_checked and signed:
            raise FrameworkError("UnrecognizedClientException", 403, "The signature is by an unknown key")
        if self.faults.host_compared_literally and call.header(b"host") != urlsplit(self.settings.base).netloc:
            raise FrameworkError("UnknownOperationException", 421, "There is no such host here")

    def _served_by_query(self, method: str, operation: str) -> bool:
        """Whether a fault takes the query for the body; HEAD is not like GET here, so that each shows by itself."""
        if operation == "CreateToken":
            read = self.faults.get_issues_tokens and method == "GET"
            return read or (self.faults.head_redeems and method == "HEAD")
        return method == "GET" and operation == "StartDeviceAuthorization" and self.faults.get_issues_codes

    async def not_found(self, call: Call) -> Answer:  # noqa: ARG002 - a handler like the others
        """Any path that has no operation."""
        if self.faults.unknown_operation_500:
            return crash().answer
        return framework_refused(
            FrameworkError("UnknownOperationException", 404, "There is no such operation"), self.faults
        )


def _posted(call: Call) -> Call:
    body = json.dumps(dict(parse_qsl(call.query.decode("latin-1")))).encode()
    return Call({**call.scope, "headers": []}, body, too_large=False)


def _is_start_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False
    return valid and not any(character.isspace() or ord(character) < ord(" ") for character in value)


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
