"""The tokens that a grant ends in, the same in both dialects: how they are made, kept, and spelt wrong by faults."""

from __future__ import annotations

import base64
import itertools
import json
import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from device_grant.reference.server.binding.resources import in_tokens, kept_terms, understood
from device_grant.reference.server.issued import identity, jwts
from device_grant.reference.server.issued.terms import AccessTokenRecord, RefreshToken, Terms
from device_grant.reference.server.possession.bound import UNBOUND, Bound, confirmed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from device_grant.reference.server.faults import Faults
    from device_grant.reference.server.store import RegisteredClient, Store

DAY, YEAR = 86_400, 31_536_000
"""Seconds."""
ENDLESS = 10_000
"""Lives of a refresh token under the fault `refresh_token_endless`."""


@dataclass(frozen=True)
class Tokens:
    """A successful token response before its dialect has spelt it (RFC 6749 5.1)."""

    access_token: str
    expires_in: int
    """Seconds."""
    refresh_token: str | None
    scope: tuple[str, ...]
    id_token: str | None = None
    key: str = ""
    """Thumbprint of the key that the access token is bound to, if any."""


@dataclass
class TokenIssuer:
    """Makes the tokens of one server."""

    store: Store
    _serial: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def issue(  # noqa: PLR0913 - tokens differ in that much, most of it optional
        self,
        client: RegisteredClient,
        scope: tuple[str, ...],
        terms: Terms,
        *,
        family: str = "",
        refresh_scope: tuple[str, ...] | None = None,
        bound: Bound = UNBOUND,
    ) -> Tokens:
        """New tokens on these terms; with `refresh_scope`, that of the grant, they come by a refresh.

        `family` is that of the grant; empty: one of their own.
        """
        settings = self.store.settings
        faults = self.store.faults
        lifetime = DAY if faults.access_token_lives_a_day else settings.token_lifetime
        lifetime = YEAR if faults.access_token_lives_a_year else lifetime
        family = family or secrets.token_hex(16)
        refresh_token = None
        if client.gets_refresh_tokens and not identity.offline_forgotten(scope, faults):
            refresh_token = settings.usual.refresh_token_prefix + secrets.token_urlsafe(48)
            if faults.tokens_not_ascii:
                refresh_token += "é"
            with self.store.lock:
                self.store.forget(self.store.clock())
                self.store.refresh_tokens[refresh_token] = RefreshToken(
                    client=client,
                    scope=scope if refresh_scope is None else refresh_scope,
                    family=family,
                    expires=self.store.clock()
                    + (lifetime if faults.refresh_ends_with_access_token else settings.refresh_token_lifetime)
                    * (ENDLESS if faults.refresh_token_endless else 1),
                    terms=kept_terms(terms, bound.resources, faults),
                    key=bound.refresh,
                )
        if faults.token_of_the_last_user:
            terms = replace(terms, subject=self.store.last_subject)
        now = self.store.clock()
        audience = bound.resources or terms.audience or jwts.default_audience(settings)
        audience = in_tokens(audience, settings, faults)
        asked, scope = scope, understood(scope, audience, settings, faults)
        terms = confirmed(terms, bound, faults)
        own = settings.default_scope if faults.scope_silently_limited else scope
        held = AccessTokenRecord(client, own, terms, family, now, now + lifetime, audience)
        access_token = self._access_token(held, lifetime)
        self.store.access_tokens[access_token] = held
        id_token = identity.id_token(self.store, held, access_token, refreshed=refresh_scope is not None)
        reported = asked if faults.resource_cuts_scope_silently else scope
        return Tokens(access_token, lifetime, refresh_token, reported, id_token, bound.access)

    def _access_token(self, held: AccessTokenRecord, lifetime: int) -> str:
        faults = self.store.faults
        if faults.access_token_without_audience:
            claims = {"jti": secrets.token_hex(16), "exp": int(self.store.clock()) + lifetime}
            parts = (json.dumps({"alg": "HS256", "typ": "at+jwt"}).encode(), json.dumps(claims).encode())
            signed = (*parts, secrets.token_bytes(32))
            return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in signed)
        if faults.access_token_guessable:
            return f"token-{next(self._serial):06}"
        if faults.access_token_repeated:
            return "the-one-access-token-that-everyone-is-given-here"
        if self.store.settings.usual.issues_jwts and not faults.tokens_not_ascii:
            return jwts.access_token(held, self.store.settings, faults)
        token = self.store.settings.usual.access_token_prefix + secrets.token_urlsafe(48)
        return token + "é" if faults.tokens_not_ascii else token


def spoil_tokens(members: dict[str, Any], faults: Faults) -> dict[str, Any]:
    """The token response as the faults would have it, in both dialects."""
    if faults.access_token_missing:
        del members["access_token"]
    if faults.token_type_missing:
        del members["token_type"]
    if faults.token_type_number:
        members["token_type"] = 1
    if faults.token_type_unknown:
        members["token_type"] = "MAC"  # noqa: S105 - the name of a type
    if faults.token_type_malformed:
        members["token_type"] = "Bearer token"  # noqa: S105 - a type, spelt wrong
    if faults.token_expires_in_string:
        members["expires_in"] = str(members["expires_in"])
    if faults.token_expires_in_fraction:
        members["expires_in"] = float(members["expires_in"])
    if faults.token_expires_in_missing:
        del members["expires_in"]
    return {"token": members} if faults.tokens_wrapped else members
