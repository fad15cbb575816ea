"""The RFC dialect: device authorization and token endpoints (RFC 8628 3.1 to 3.5, RFC 6749 sections 3.2, 5 and 6)."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from device_grant.protocol import DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT
from device_grant.reference.server import forms, metadata, registration
from device_grant.reference.server.binding import pkce, polling, resources
from device_grant.reference.server.credentials import proves, refusal
from device_grant.reference.server.ends import endpoints as ends
from device_grant.reference.server.ends.desk import Desk, served_by_get
from device_grant.reference.server.grants import (
    Grants,
    may_use,
    passwords_taken,
    require_device_grant,
)
from device_grant.reference.server.http import Answer, Call, Handler, Refusal, VerbatimAnswer, crash, encode_json
from device_grant.reference.server.issued.keys import published_keys
from device_grant.reference.server.issued.tokens import Tokens, spoil_tokens
from device_grant.reference.server.issued.userinfo import userinfo
from device_grant.reference.server.managing import MANAGED, manage, members_of
from device_grant.reference.server.metadata import AUTHORIZATION_PATH, JWKS_PATH, USERINFO_PATH, redirect_anywhere
from device_grant.reference.server.misplaced import code_elsewhere, cookie_of, meant_grant
from device_grant.reference.server.mutual_tls.connections import Connections
from device_grant.reference.server.possession.binding import JKT, KeyBinding
from device_grant.reference.server.possession.bound import Bound
from device_grant.reference.server.possession.presented import at_resource
from device_grant.reference.server.store import RegisteredClient, Store
from device_grant.reference.server.verification import device_response, origin
from device_grant.reference.server.wire import respelt

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from device_grant.reference.server.pages import VerificationPages

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
NO_STORE = {"Cache-Control": "no-store"}
NO_STORE_OR_CACHE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
"""What RFC 6749 5.1 asks of token responses."""
CHALLENGE = {"WWW-Authenticate": 'Basic realm="clients", charset="UTF-8"'}

_REGISTRATION_PATH = "/register"
_WELL_KNOWN = "/.well-known/"
_DOCUMENTS = ("oauth-authorization-server", "openid-configuration")
"""Names of the metadata document (RFC 8414 section 3, OpenID Connect Discovery)."""
_CLIENT_PARAMETERS = frozenset({"client_id", "client_secret", "scope"})
_DEVICE_PARAMETERS = _CLIENT_PARAMETERS | pkce.START_PARAMETERS | {"nonce", JKT}
_TOKEN_PARAMETERS = _CLIENT_PARAMETERS | pkce.TOKEN_PARAMETERS | {"grant_type", "device_code", "refresh_token"}
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*")
"""RFC 6749 3.3: scope tokens separated by single spaces."""


class Rfc8628Endpoints:
    """The endpoints, one handler each; `handlers` says on which paths they are."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.settings = store.settings
        self.faults = store.faults
        self.grants = Grants(store)
        self.binding = KeyBinding(store)
        self.connections = Connections(store)

    def handlers(self) -> dict[str, Handler]:
        """Handlers by path."""
        describe = self._documents(self._described)
        faulty = {AUTHORIZATION_PATH: redirect_anywhere} if self.faults.authorization_redirects_anywhere else {}
        return faulty | {
            "/device_authorization": self._operation(self.device_authorization),
            "/token": self._operation(self.token),
            _REGISTRATION_PATH: self._operation(self.register),
            MANAGED: partial(manage, self.store),
            USERINFO_PATH: partial(self.connections.at_resource, self._userinfo()),
            JWKS_PATH: self._documents(lambda _call: published_keys(self.faults)),
            **ends.handlers(Desk(self.store, self._parameters, self._client, self._json), self._operation),
            **({} if self.faults.metadata_absent else {f"{_WELL_KNOWN}{name}": describe for name in _DOCUMENTS}),
        }

    def _userinfo(self) -> Handler:
        return partial(at_resource, self.binding.proofs, self.base, partial(userinfo, self.store))

    def _described(self, call: Call) -> dict[str, Any]:
        members = metadata.document(self.settings, self.faults, self.base(call))
        return metadata.openid_configuration(members, self.faults) if call.path.endswith(_DOCUMENTS[1]) else members

    def base(self, call: Call) -> str:
        """Origin for URLs in responses."""
        return origin(call, self.settings, self.faults)

    @staticmethod
    def pages_of_browsers(_pages: VerificationPages) -> dict[str, Handler]:
        """What people visit besides the verification page: nothing."""
        return {}

    async def device_authorization(self, call: Call) -> Answer:
        """RFC 8628 3.1 and 3.2."""
        parameters = self._parameters(call, _DEVICE_PARAMETERS)
        client = self._client(call, parameters, skip_secret=self.faults.device_endpoint_skips_secret, device=True)
        require_device_grant(self.store, client)
        self.store.limit.admit(client)
        key = self.binding.at_start(call, f"{self.base(call)}{call.path}", parameters)
        requested = (
            None if self.faults.charset_loses_scope and call.content_type_parameters else self._scope(parameters)
        )
        if requested is None and self.faults.scope_required:
            raise Refusal("invalid_request", "The parameter scope is missing")
        granted = self._allowed_scope(client, requested)
        if requested is None and self.faults.scopeless_unapprovable:
            granted = ()
        challenge = pkce.challenged(self.store, client, parameters)
        named = self._resources(call)
        grant = self.store.add_grant(client, granted)
        grant.nonce = parameters.get("nonce", "")
        grant.challenge = challenge
        grant.key = key
        grant.resources = () if self.faults.resource_of_start_forgotten else named
        self.connections.start(grant, call)
        members = device_response(grant, self.settings, self.faults, self.base(call))
        status = 201 if self.faults.device_response_201 else 200
        caching = {} if self.faults.device_response_cacheable else NO_STORE
        return self._json(status, members, caching | cookie_of(grant, self.faults))

    async def token(self, call: Call) -> Answer:
        """RFC 8628 3.4 and 3.5; RFC 6749 section 6."""
        parameters = self._parameters(call, _TOKEN_PARAMETERS)
        grant_type = parameters.get("grant_type")
        if grant_type is None:
            if not self.faults.missing_grant_type_accepted:
                raise Refusal("invalid_request", "The parameter grant_type is missing")
            grant_type = DEVICE_CODE_GRANT
        grant_type = meant_grant(grant_type, parameters, "device_code", self.faults)
        polled = self.store.grant_by_device_code(parameters.get("device_code", ""))
        if polled is not None and self.faults.missing_client_polls and "client_id" not in parameters:
            return self._tokens(await self.grants.redeem(polled.client, polled.device_code))
        client = self._client(call, parameters, skip_secret=self.faults.token_endpoint_skips_secret)
        if passwords_taken(grant_type, self.faults):
            raise Refusal("invalid_grant", "The user name or the password is wrong")
        key = self.binding.at_token(call, f"{self.base(call)}{call.path}", parameters)
        self.binding.require_proof(client, key)
        if grant_type == REFRESH_TOKEN_GRANT:
            self.connections.refresh(client, parameters.get("refresh_token", ""), call)
            return self._tokens(await self._refresh(client, parameters, Bound(key, resources=self._resources(call))))
        known = "device_code" if self.faults.grant_urn_misspelt else DEVICE_CODE_GRANT
        if grant_type != known and not self.faults.unknown_grant_type_accepted:
            raise Refusal("unsupported_grant_type", "Only the device grant and refresh_token are supported")
        require_device_grant(self.store, client)
        self.binding.require_key(polled, key)
        bound = self.binding.of_code(client, polled, key)
        self.connections.poll(client, polled, call)
        device_code = self._device_code(call, parameters)
        named, condition = polling.bound(self.store, call.body, device_code, parameters)
        tokens = await self.grants.redeem(client, device_code, condition, replace(bound, resources=named))
        if self.faults.token_scope_widens:
            tokens = replace(tokens, scope=self._scope(parameters) or tokens.scope)
        return self._tokens(tokens)

    def _device_code(self, call: Call, parameters: Mapping[str, str]) -> str:
        device_code = None if self.faults.device_code_not_read else parameters.get("device_code")
        if device_code is None and self.faults.device_code_elsewhere:
            device_code = code_elsewhere(call, "device_code")
        if device_code is not None:
            return device_code
        if self.faults.missing_device_code_500:
            raise crash()
        if self.faults.missing_device_code_pending:
            raise Refusal("authorization_pending", "The user has not decided yet")
        raise Refusal("invalid_request", "The parameter device_code is missing")

    async def register(self, call: Call) -> Answer:
        """RFC 7591 section 3."""
        wanted = FORM if self.faults.registration_reads_forms else JSON
        self._check_media_type(call, wanted, "invalid_client_metadata")
        client, members = registration.register(call.body, self.store)
        self.store.add_client(client)
        members |= members_of(client, self.base(call))
        headers = {} if self.faults.registration_cacheable else NO_STORE_OR_CACHE
        return self._json(200 if self.faults.registration_status_wrong else 201, members, headers)

    def _resources(self, call: Call) -> tuple[str, ...]:
        return resources.asked_for(call.body, self.settings, self.faults)

    async def _refresh(self, client: RegisteredClient, parameters: Mapping[str, str], bound: Bound) -> Tokens:
        if not may_use(client, REFRESH_TOKEN_GRANT):
            raise Refusal("unauthorized_client", "This client is not registered for refresh_token")
        token = parameters.get("refresh_token")
        if token is None:
            if self.faults.missing_refresh_token_500:
                raise crash()
            raise Refusal("invalid_request", "The parameter refresh_token is missing")
        return await self.grants.refresh(client, token, self._scope(parameters), bound)

    def _tokens(self, tokens: Tokens) -> Answer:
        if self.faults.openid_breaks_tokens and "openid" in tokens.scope:
            raise crash()
        members: dict[str, Any] = {
            "access_token": tokens.access_token,
            "token_type": self.binding.token_type(tokens),
            "expires_in": tokens.expires_in,
            "scope": " ".join(tokens.scope),
        }
        if tokens.refresh_token is not None:
            members["refresh_token"] = tokens.refresh_token
        if tokens.id_token is not None:
            members["id_token"] = tokens.id_token
        if self.faults.null_members:
            members |= {"id_token": None, "refresh_token": None}
        if self.faults.scope_unreported:
            del members["scope"]
        if self.faults.scope_padded:
            members["scope"] = " " + members["scope"]
        headers = NO_STORE if self.faults.pragma_missing else NO_STORE_OR_CACHE
        if self.faults.token_response_cacheable:
            headers = {}
        return self._json(201 if self.faults.token_response_201 else 200, spoil_tokens(members, self.faults), headers)

    def _parameters(self, call: Call, known: frozenset[str]) -> dict[str, str]:
        self._check_media_type(call, FORM, "invalid_request")
        body = call.body
        if self.faults.query_parameters_read and call.query:
            body = body + b"&" + call.query if body else call.query
        try:
            return forms.parse_form(body, known, self.faults)
        except Refusal:
            if self.faults.malformed_body_500:
                raise crash() from None
            raise

    def _check_media_type(self, call: Call, wanted: str, code: str) -> None:
        if call.too_large:
            raise Refusal(code, "The body is too large", status=413)
        if call.content_coding:
            raise Refusal(code, "Content-Encoding is not supported", status=415)
        if call.media_type != wanted and not (self.faults.query_parameters_read and not call.body):
            if self.faults.wrong_content_type_500:
                raise crash()
            raise Refusal(code, f"The body must be {wanted}", status=415 if call.media_type else None)
        if self.faults.content_type_parameter_refused and call.content_type_parameters:
            raise Refusal(code, "The body must have a Content-Type without parameters", status=415)

    def _client(
        self, call: Call, parameters: Mapping[str, str], *, skip_secret: bool, device: bool = False
    ) -> RegisteredClient:
        """Identify and authenticate the client (RFC 6749 2.3.1, 3.2.1)."""
        client_id = parameters.get("client_id")
        secret = parameters.get("client_secret")
        authorizations = [] if self.faults.basic_unsupported else call.headers(b"authorization")
        if len(authorizations) > 1 or (authorizations and secret is not None and not self.faults.two_methods_accepted):
            raise Refusal("invalid_request", "The request uses more than one way of client authentication")
        if authorizations:
            credentials = forms.basic_credentials(authorizations[0], self.faults)
            if credentials is None:
                raise self._invalid_client("The Authorization header holds no HTTP Basic credentials", basic=True)
            if client_id not in (None, credentials[0]) and not self.faults.client_id_over_basic:
                raise Refusal("invalid_request", "client_id differs from the Authorization header")
            if client_id is None and self.faults.client_id_demanded:
                raise Refusal("invalid_request", "The parameter client_id is missing")
            client_id, secret = credentials
        if client_id is None:
            if device and self.faults.missing_client_accepted:
                return RegisteredClient(id="")
            raise Refusal("invalid_request", "The parameter client_id is missing")
        client = self._registered(client_id)
        if client is None:
            if device and self.faults.unknown_client_accepted:
                return RegisteredClient(id=client_id)
            raise self._invalid_client("Unknown client", basic=bool(authorizations))
        skip_secret = skip_secret or (not secret and self.connections.authenticate(client, call))
        self._check_secret(client, secret, skip=skip_secret, basic=bool(authorizations))
        return self._passing_for(client, parameters)

    def _passing_for(self, client: RegisteredClient, parameters: Mapping[str, str]) -> RegisteredClient:
        """The client itself, but under the fault `client_id_over_basic`."""
        pretending = self.faults.client_id_over_basic
        return self.store.clients.get(parameters.get("client_id", ""), client) if pretending else client

    def _registered(self, client_id: str) -> RegisteredClient | None:
        if self.faults.identifiers_normalised:
            client_id = unicodedata.normalize("NFKC", client_id)
        if client_id in self.store.disabled and not self.faults.disabled_client_redeems:
            return None
        return self.store.clients.used(client_id)

    def _check_secret(self, client: RegisteredClient, secret: str | None, *, skip: bool, basic: bool) -> None:
        if client.secret is None:
            if self.faults.public_clients_refused:
                raise self._invalid_client("Only clients with a secret are served", basic=basic)
            # Basic with an empty password is how some public clients identify themselves.
            if secret:
                raise self._invalid_client("This client has no secret", basic=basic)
            return
        if not basic and secret is not None and self.faults.body_secret_refused:
            raise self._invalid_client("Client authentication in the body is not supported", basic=basic)
        if secret is None and not basic:
            if self.faults.secret_optional:
                return
            raise self._invalid_client("Client authentication is missing", basic=basic)
        if not skip and not proves(self.store, client, secret or ""):
            raise self._invalid_client(
                refusal("Client authentication failed for want of the right secret", self.store, client), basic=basic
            )
        if client.expires_at and self.store.clock() >= client.expires_at:
            raise self._invalid_client("The client registration has expired", basic=basic)

    def _invalid_client(self, description: str, *, basic: bool) -> Refusal:
        status = 400 if basic and self.faults.basic_failure_400 else 401
        return Refusal("invalid_client", description, status=status)

    def _scope(self, parameters: Mapping[str, str]) -> tuple[str, ...] | None:
        scope = parameters.get("scope")
        if scope is None:
            return None
        if _SCOPE.fullmatch(scope) is None:
            if self.faults.malformed_scope_accepted:
                return (scope,)
            raise Refusal("invalid_scope", "The scope is malformed")
        tokens = scope.split(" ")
        if self.faults.scope_case_ignored:
            tokens = [token.lower() for token in tokens]
        if self.faults.scope_order_matters and tokens != sorted(tokens):
            raise Refusal("invalid_scope", "The scopes are not in their order")
        return tuple(dict.fromkeys(tokens))

    def _allowed_scope(self, client: RegisteredClient, requested: tuple[str, ...] | None) -> tuple[str, ...]:
        allowed = self.settings.known_scopes if client.scopes is None else client.scopes
        if requested is None:
            return self.settings.default_scope if client.scopes is None else client.scopes
        if self.faults.scope_unreported:
            return tuple(token for token in requested if token in allowed)
        if self.faults.scope_beyond_registration:
            allowed = self.settings.known_scopes
        malformed_taken = self.faults.malformed_scope_accepted and _SCOPE.fullmatch(" ".join(requested)) is None
        if not set(requested) <= set(allowed) and not malformed_taken:
            raise Refusal("invalid_scope", "The scope is unknown or not allowed for this client")
        return requested

    def _operation(self, handle: Callable[[Call], Awaitable[Answer]]) -> Handler:
        async def dispatch(call: Call) -> Answer:
            if call.method == "POST":
                return await handle(call)
            if call.method == "OPTIONS" and self.faults.preflight_500:
                raise crash()
            if self._served_by_query(call):
                return await handle(_posted(call))
            allow = {} if self.faults.allow_missing else {"Allow": "POST"}
            raise Refusal("invalid_request", "Only POST is allowed here", status=405, headers=allow)

        async def answer(call: Call) -> Answer:
            try:
                return self.binding.answered(call, await dispatch(call))
            except Refusal as refusal:
                self.store.spend_codes_in(call.body, refusal.code)
                return self.binding.answered(call, self._refused(refusal, call))
            except VerbatimAnswer as raw:
                return raw.answer

        return answer

    def _served_by_query(self, call: Call) -> bool:
        """Whether a fault takes the query for the body; HEAD is not like GET here, so that each shows by itself."""
        if served_by_get(call, self.faults):
            return True
        if call.path == "/token":
            read = self.faults.get_issues_tokens and call.method == "GET"
            return read or (self.faults.head_redeems and call.method == "HEAD")
        return call.method == "GET" and call.path == "/device_authorization" and self.faults.get_issues_codes

    def _documents(self, describe: Callable[[Call], Mapping[str, Any]]) -> Handler:
        async def answer(call: Call) -> Answer:
            if call.method in ("GET", "HEAD"):
                return self._json(200, describe(call), {})
            allow = {} if self.faults.allow_missing else {"Allow": "GET, HEAD"}
            refusal = Refusal("invalid_request", "Only GET is allowed here", status=405, headers=allow)
            return self._refused(refusal, call)

        return answer

    async def not_found(self, call: Call) -> Answer:
        """Any path that has no endpoint."""
        if self.faults.metadata_error_page_200 and call.path.startswith(_WELL_KNOWN):
            return Answer(200, b"<!doctype html><title>Not found</title><p>Nothing here.", "text/html")
        return self._refused(Refusal("invalid_request", "There is nothing at this path", status=404), call)

    def _refused(self, refusal: Refusal, call: Call) -> Answer:
        refusal = respelt(refusal, self.faults)
        status = refusal.status or 400
        headers = NO_STORE | refusal.headers
        if status == HTTPStatus.UNAUTHORIZED and not self.faults.challenge_missing:
            headers |= CHALLENGE
        description = refusal.description
        if self.faults.error_description_newline:
            description = f'"{description}"\nsee the manual'
        if self.faults.error_description_not_ascii:
            description += " \N{EM DASH} tant pis"
        if self.faults.secrets_reflected:
            description += ": " + call.body.decode("latin-1").replace("&", " ")
        if status == HTTPStatus.BAD_REQUEST and call.path == _REGISTRATION_PATH and self.faults.registration_error_422:
            status = HTTPStatus.UNPROCESSABLE_ENTITY
        members = {"error": refusal.code, "error_description": description}
        if self.faults.error_member_missing:
            members = {"message": description}
        return self._json(status, members, headers)

    def _json(self, status: int, members: Mapping[str, Any], headers: Mapping[str, str]) -> Answer:
        content = encode_json(members, first_twice=self.faults.duplicate_members)
        return Answer(status, content, "text/html" if self.faults.json_as_html else JSON, headers)


def _posted(call: Call) -> Call:
    kept = [header for header in call.scope["headers"] if header[0].lower() != b"content-type"]
    headers = [*kept, (b"content-type", FORM.encode())]
    return Call({**call.scope, "headers": headers}, call.query, too_large=False)
