"""The introspection endpoint: RFC 7662."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from device_grant.protocol.certificates import CONFIRMATION
from device_grant.reference.server.ends.callers import ResourceServer, by_client, by_token
from device_grant.reference.server.ends.desk import NO_STORE, PARAMETERS
from device_grant.reference.server.http import Answer, Refusal, crash
from device_grant.reference.server.issued.jwts import default_audience
from device_grant.reference.server.issued.terms import AccessTokenRecord, RefreshToken
from device_grant.reference.server.store import State

if TYPE_CHECKING:
    from device_grant.reference.server.ends.desk import Desk
    from device_grant.reference.server.http import Call
    from device_grant.reference.server.store import RegisteredClient

_BEARER = "Bearer "
_REFUSED = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
_DEAD: dict[str, Any] = {"active": False}


class Introspection:
    """Says what a token is good for: to resource servers of tokens that are for them, to clients of their own."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._store = desk.store
        self._settings = desk.store.settings
        self._faults = desk.faults

    async def answer(self, call: Call) -> Answer:
        """RFC 7662 2.1 and 2.2: a token that is dead, unknown, or no business of the caller's is not active."""
        faults = self._faults
        parameters = self._parameters(call)
        try:
            caller = self._caller(call, parameters)
        except Refusal:
            if faults.introspection_bad_secret_inactive and call.header(b"authorization"):
                return self._said(_DEAD)
            raise
        missing = crash if faults.introspection_without_token_500 else None
        token, hint = self._desk.token(parameters, crash=missing), parameters.get("token_type_hint", "")
        held = self._desk.held(token, hint, believes=faults.introspection_believes_hint)
        if held is None and faults.introspection_unknown_404 and not self._code(token):
            raise Refusal("invalid_token", "The token is unknown", status=404)
        return self._said(self._members(token, held, caller))

    def _parameters(self, call: Call) -> dict[str, str]:
        if not self._faults.introspection_reads_json:
            return self._desk.parameters(call, PARAMETERS)
        try:
            members = json.loads(call.body)
        except ValueError:
            members = None
        if not isinstance(members, dict):
            raise Refusal("invalid_request", "The body must be JSON")
        return {name: str(value) for name, value in members.items()}

    def _caller(self, call: Call, parameters: dict[str, str]) -> ResourceServer | RegisteredClient | None:
        """Who asks; None: anybody, as a fault has it. Raises Refusal for a stranger and for a public client."""
        try:
            return self._authenticated(call, parameters)
        except Refusal:
            if self._faults.introspection_open:
                return None
            raise

    def _authenticated(self, call: Call, parameters: dict[str, str]) -> ResourceServer | RegisteredClient:
        authorization = call.header(b"authorization") or ""
        servers = self._settings.resource_servers
        if authorization.startswith(_BEARER):
            caller = by_token(servers, authorization.removeprefix(_BEARER))
            if caller is None and self._faults.introspection_takes_any_bearer:
                return servers[0]
            if caller is None:
                raise Refusal("invalid_token", "This is no resource server's token", status=401, headers=_REFUSED)
            return caller
        client = self._desk.client(call, parameters, skip_secret=False)
        if client.secret is None:
            raise Refusal("invalid_client", "Public clients are told nothing", status=401)
        return by_client(servers, client) or client

    def _members(
        self,
        token: str,
        held: AccessTokenRecord | RefreshToken | None,
        caller: ResourceServer | RegisteredClient | None,
    ) -> dict[str, Any]:
        faults = self._faults
        if held is None:
            made_up = self._decoded(token) if faults.introspection_decodes_only else {}
            return made_up or ({"active": True} if self._code(token) else _DEAD)
        if faults.introspection_knows_no_device_tokens or not self._concerns(held, caller):
            return _DEAD
        if not self._alive(held):
            described = self._described(held, caller) | _DEAD
            return described if faults.introspection_tells_of_the_dead else _DEAD
        return self._described(held, caller)

    def _concerns(
        self, held: AccessTokenRecord | RefreshToken, caller: ResourceServer | RegisteredClient | None
    ) -> bool:
        if caller is None:
            return True
        if not isinstance(caller, ResourceServer):
            return held.client.id == caller.id or self._faults.introspection_for_every_client
        if self._faults.introspection_same_for_all:
            return True
        if isinstance(held, RefreshToken):
            return not caller.resource
        return (caller.resource or default_audience(self._settings)[0]) in held.audience

    def _alive(self, held: AccessTokenRecord | RefreshToken) -> bool:
        faults, store = self._faults, self._store
        if store.clock() >= held.expires and not faults.introspection_ignores_expiry:
            return False
        if isinstance(held, RefreshToken) and held.replaced and not faults.introspection_old_refresh_active:
            return False
        ended = held.family in store.revoked_families
        if ended and faults.reuse_keeps_tokens_active and isinstance(held, AccessTokenRecord):
            ended = False
        revoked = ended or (isinstance(held, AccessTokenRecord) and held.revoked)
        return not revoked or faults.introspection_ignores_revocation

    def _described(
        self, held: AccessTokenRecord | RefreshToken, caller: ResourceServer | RegisteredClient | None
    ) -> dict[str, Any]:
        """What is said of a token (RFC 7662 2.2); a refresh token has no token_type, and a typ in its place."""
        faults = self._faults
        scope: Any = " ".join(self._settings.known_scopes if faults.introspection_scope_of_client else held.scope)
        if faults.introspection_scope_of_grant:
            of_grant = [one.scope for one in self._store.refresh_tokens.values() if one.family == held.family]
            scope = " ".join(of_grant[0]) if of_grant else scope
        subject = held.terms.subject or held.client.id
        members: dict[str, Any] = {
            "active": True,
            "scope": scope.split(" ") if faults.introspection_scope_array else scope,
            "client_id": caller.id if caller and faults.introspection_client_is_caller else held.client.id,
            "username": subject,
            "sub": held.client.id if faults.introspection_sub_is_client else subject,
            "exp": int(held.expires) * (1000 if faults.introspection_exp_milliseconds else 1),
            "iss": self._settings.base,
        }
        if isinstance(held, RefreshToken) and not faults.introspection_refresh_looks_like_access:
            if faults.refresh_token_endless:
                del members["exp"]
            return members | {"typ": "refresh_token"}
        bound = dict(held.terms.confirmation)
        members["token_type"] = "DPoP" if "jkt" in bound and not faults.dpop_introspected_as_bearer else "Bearer"
        if faults.dpop_introspection_without_cnf:
            bound.pop("jkt", None)
        if faults.mtls_introspection_without_cnf:
            bound.pop(CONFIRMATION, None)
        if isinstance(held, AccessTokenRecord):
            members |= {"iat": int(held.issued), "aud": list(held.audience)}
        return members | ({"cnf": bound} if bound else {})

    def _decoded(self, token: str) -> dict[str, Any]:
        """What a JWT says of itself, under the fault that verifies nothing."""
        import jwt

        try:
            claims = jwt.decode(token, options={"verify_signature": False, "verify_aud": False})
        except (jwt.PyJWTError, ValueError):
            return {}
        shown = ("scope", "client_id", "sub", "exp")
        return {"active": True} | {name: claims[name] for name in shown if name in claims}

    def _code(self, token: str) -> bool:
        """Whether this is a device code that a fault takes for a token."""
        grant = self._store.grants.get(token)
        known = grant is not None and grant.state is State.APPROVED
        return known and self._faults.introspection_device_code_active

    def _said(self, members: dict[str, Any]) -> Answer:
        said = dict(members)
        if self._faults.introspection_active_as_text and not said["active"]:
            said["active"] = "false"
        answer = self._desk.json(200, said, NO_STORE)
        if self._faults.introspection_html:
            answer.media_type = "text/html"
        return answer
