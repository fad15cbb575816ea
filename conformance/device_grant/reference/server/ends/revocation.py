"""The revocation endpoint: RFC 7009."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from device_grant.reference.server.ends.desk import HINTS, PARAMETERS
from device_grant.reference.server.http import Answer, Refusal, crash
from device_grant.reference.server.issued.terms import AccessTokenRecord, RefreshToken
from device_grant.reference.server.store import State

if TYPE_CHECKING:
    from device_grant.reference.server.ends.desk import Desk
    from device_grant.reference.server.http import Call, Handler
    from device_grant.reference.server.store import RegisteredClient

LAG = 3.0
"""Seconds for which a revoked token lives on under the fault `revocation_lags`."""
_NO_STORE = {"Cache-Control": "no-store"}


class Revocation:
    """Ends tokens for the clients that hold them. A refresh token ends with its whole grant, an access token alone."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._store = desk.store
        self._faults = desk.faults

    async def answer(self, call: Call) -> Answer:
        """RFC 7009 2.1 and 2.2: 200 without content, also for tokens that do not exist."""
        parameters = self._desk.parameters(call, PARAMETERS)
        if self._faults.revocation_reads_query:
            parameters = dict(parse_qsl(call.query.decode("latin-1"))) | parameters
        client = self._client(call, parameters)
        missing = crash if self._faults.revocation_without_token_500 else None
        token, hint = self._desk.token(parameters, crash=missing), parameters.get("token_type_hint", "")
        if hint and hint not in HINTS and self._faults.revocation_unknown_hint_refused:
            raise Refusal("invalid_request", "The token_type_hint is unknown")
        if self._faults.revocation_takes_user_codes:
            self._end_pending(token)
        held = self._desk.held(token, hint, believes=self._faults.revocation_believes_hint)
        if held is None:
            if self._faults.revocation_unknown_token_400:
                raise Refusal("invalid_grant", "The token is unknown")
        else:
            self._revoke(held, client)
        return Answer(204 if self._faults.revocation_204 else 200, b"", "", _NO_STORE)

    def _client(self, call: Call, parameters: dict[str, str]) -> RegisteredClient | None:
        """Who asks; None: nobody in particular, as a fault has it."""
        try:
            return self._desk.client(call, parameters, skip_secret=self._faults.revocation_without_secret)
        except Refusal:
            client = self._store.clients.get(parameters.get("client_id", ""))
            if client is not None and self._faults.revocation_without_secret:
                return client
            if self._faults.revocation_by_anyone and (client is None or client.secret is None):
                return None
            raise

    def _revoke(self, held: AccessTokenRecord | RefreshToken, client: RegisteredClient | None) -> None:
        """End a token; raises Refusal where it is another client's, or of a kind that a fault cannot end."""
        faults = self._faults
        if client is not None and held.client.id != client.id and not faults.revocation_of_foreign_tokens:
            raise Refusal("invalid_grant", "The token was issued to another client")
        again = held.family in self._store.revoked_families or (isinstance(held, AccessTokenRecord) and held.revoked)
        if again and faults.revocation_twice_400:
            raise Refusal("invalid_grant", "The token was revoked before")
        if faults.revocation_without_effect:
            return
        if faults.revocation_reopens_code:
            for grant in self._store.grants.values():
                if grant.family == held.family:
                    grant.state, grant.family = State.APPROVED, f"{grant.family}x"
        if isinstance(held, AccessTokenRecord):
            self._revoke_access(held)
        else:
            self._revoke_grant(held)

    def _revoke_access(self, held: AccessTokenRecord) -> None:
        if self._faults.access_token_not_revocable:
            raise Refusal("unsupported_token_type", "Access tokens cannot be revoked")
        if self._faults.access_revocation_pretended:
            return
        held.revoked = True
        if self._faults.access_revocation_ends_grant:
            self._store.revoked_families[held.family] = None

    def _revoke_grant(self, held: RefreshToken) -> None:
        faults, store = self._faults, self._store
        family = [one for one in store.refresh_tokens.values() if one.family == held.family]
        tokens = [one for one in store.access_tokens.values() if one.family == held.family]
        if faults.revocation_lags:
            ends = store.clock() + LAG
            for refresh_token in family:
                refresh_token.expires = min(refresh_token.expires, ends)
            for token in tokens:
                token.expires = min(token.expires, ends)
            return
        if faults.revocation_leaves_access_tokens:
            for token in tokens:
                token.family = f"{token.family}x"
        if faults.revocation_spares_predecessor:
            for name, one in list(store.refresh_tokens.items()):
                if one.family == held.family and one is not held:
                    store.refresh_tokens[name] = replace(one, family=f"{one.family}x", replaced=False)
        store.revoked_families[held.family] = None

    def _end_pending(self, code: str) -> None:
        grant = self._store.grant_by_user_code(code)
        if grant is not None:
            self._store.drop_grant(grant)


def as_text(handler: Handler, *, really: bool) -> Handler:
    """The endpoint, whose errors are plain text if that is `really` a fault that is on."""
    if not really:
        return handler

    async def answer(call: Call) -> Answer:
        given = await handler(call)
        if given.status < 400:  # noqa: PLR2004 - the first of the errors
            return given
        return Answer(given.status, b"The token could not be revoked.", "text/plain", given.headers)

    return answer
