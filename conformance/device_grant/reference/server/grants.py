"""What the token endpoint decides, the same in both dialects: pending, denied, expired, redeemed, refreshed."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from device_grant.protocol import DEVICE_CODE_GRANT
from device_grant.reference.server.binding.resources import narrowed
from device_grant.reference.server.http import Refusal, VerbatimAnswer, crash, hung_up
from device_grant.reference.server.issued.terms import RefreshToken
from device_grant.reference.server.issued.tokens import TokenIssuer
from device_grant.reference.server.possession.bound import UNBOUND, Bound
from device_grant.reference.server.store import (
    IssuedGrant,
    RegisteredClient,
    State,
    Store,
    race_window,
    slow_store,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from device_grant.reference.server.faults import Faults
    from device_grant.reference.server.issued.tokens import Tokens

TOLERANCE = 1.0
"""Seconds: clients and servers count in whole ones, so a poll that is one second early is still polite."""
SLOW_DOWN = 5.0
"""Seconds that each slow_down adds to the interval (RFC 8628 3.5)."""
MOST_POLLS = 20
"""Polls of a code that the fault `polls_limited` bears."""


@dataclass
class Grants:
    """Decides on device codes and refresh tokens; raises Refusal with the OAuth error code."""

    store: Store
    _refused: bool = False
    """What the last process said of a revoked token, under the fault `revocation_misses_a_replica`."""

    def __post_init__(self) -> None:
        self.tokens = TokenIssuer(self.store)

    async def redeem(
        self,
        client: RegisteredClient,
        device_code: str,
        condition: Callable[[IssuedGrant], None] = lambda _grant: None,
        bound: Bound = UNBOUND,
    ) -> Tokens:
        """One poll (RFC 8628 3.4, 3.5). A code yields tokens exactly once.

        `condition` is asked of an approved grant before it is redeemed; the Refusal that it raises spends nothing.
        """
        if self.store.on_poll is not None:
            self.store.on_poll(self.store.grants.get(device_code))
        if self.store.faults.quote_in_code_500 and "'" in device_code:
            raise crash()
        grant = await self._redeemed(client, device_code, condition)
        if self.store.faults.one_refresh_token_a_user:
            for held in self.store.refresh_tokens.values():
                if held.client.id == client.id and held.terms.subject == grant.subject:
                    self.store.revoked_families[held.family] = None
        bound = UNBOUND if self.store.faults.device_grant_ignores_dpop else bound
        tokens = self.tokens.issue(client, self._scope_of(grant), grant.terms, family=grant.family, bound=bound)
        if self.store.faults.tokens_as_device_codes:
            for token in (tokens.access_token, tokens.refresh_token or ""):
                self.store.grants[token] = replace(grant, state=State.APPROVED)
        if self.store.faults.tokens_age_with_session:
            tokens = replace(tokens, expires_in=tokens.expires_in - grant.spent)
        return tokens

    async def _redeemed(
        self, client: RegisteredClient, device_code: str, condition: Callable[[IssuedGrant], None]
    ) -> IssuedGrant:
        """The approved grant of a code, which is marked as redeemed; everything else is a Refusal."""
        if self.store.faults.late_write:
            return await self._redeem_written_late(client, device_code)
        if self.store.faults.redemption_race:
            grant = self._judge(client, device_code)
            condition(grant)
            await race_window()
            grant.state = State.REDEEMED
        else:
            with self.store.lock:
                grant = self._judge(client, device_code)
                condition(grant)
                grant.state = State.REDEEMED
        return grant

    async def _redeem_written_late(self, client: RegisteredClient, device_code: str) -> IssuedGrant:
        """One poll under the fault `late_write`."""
        grant = self.store.grant_by_device_code(device_code)
        read = replace(grant) if grant is not None else None
        try:
            with self.store.lock:
                approved = self._judge(client, device_code)
                approved.state = State.REDEEMED
        except Refusal:
            await slow_store()
            if grant is not None and read is not None and read.state in (State.PENDING, State.APPROVED):
                grant.state, grant.decided, grant.subject = read.state, read.decided, read.subject
            raise
        return approved

    def _scope_of(self, grant: IssuedGrant) -> tuple[str, ...]:
        """The scope of a grant, but under the fault `scope_of_newest_grant`."""
        if not self.store.faults.scope_of_newest_grant:
            return grant.scope
        return next(one.scope for one in reversed(self.store.grants.values()) if one.client.id == grant.client.id)

    async def refresh(
        self, client: RegisteredClient, token: str, scope: tuple[str, ...] | None, bound: Bound = UNBOUND
    ) -> Tokens:
        """A refresh (RFC 6749 section 6): the token is replaced; using a replaced one revokes its successors.

        `bound` has the key of the request's proof, if it has one, and the resources that it names.
        """
        key, resources = bound.access, bound.resources
        self._require_key(self.store.refresh_tokens.get(token), key)
        if self.store.faults.refresh_race:
            held = self._refreshable(client, token, scope, resources)
            await race_window()
            held.replaced = True
        else:
            with self.store.lock:
                held = self._refreshable(client, token, scope, resources)
                held.replaced = True
        if self.store.faults.lost_refresh_repeats:
            held.lost = held.lost or await hung_up()
        granted = held.scope if scope is None else scope
        kept = granted if self.store.faults.refresh_narrowing_sticks else held.scope
        terms = held.terms
        if self.store.faults.refresh_for_the_last_user:
            terms = replace(terms, subject=self.store.last_subject)
        bound = Bound(key, "" if self.store.faults.dpop_rotation_drops_key else held.key, resources)
        issued = self.tokens.issue(client, granted, terms, family=held.family, refresh_scope=kept, bound=bound)
        if self.store.faults.revocation_lags and issued.refresh_token is not None:
            # What ends with its family in a moment has no successor that does not.
            successor = self.store.refresh_tokens[issued.refresh_token]
            successor.expires = min(successor.expires, held.expires)
        return issued

    def _require_key(self, held: RefreshToken | None, key: str) -> None:
        """Refuse another key than the refresh token is bound to, or none (RFC 9449 section 5)."""
        faults = self.store.faults
        if held is None or not held.key or held.key == key:
            return
        if not (faults.dpop_refresh_unbound if key else faults.dpop_refresh_downgrades):
            raise Refusal("invalid_grant", "Invalid refresh token: it belongs to another key")

    def _refreshable(
        self, client: RegisteredClient, token: str, scope: tuple[str, ...] | None, resources: tuple[str, ...]
    ) -> RefreshToken:
        """What is known of a refresh token that may be used now; everything else is a Refusal."""
        faults = self.store.faults
        held = self.store.refresh_tokens.get(token)
        if held is None and faults.refresh_unknown_accepted:
            held = RefreshToken(client, scope or (), secrets.token_hex(8), self.store.clock() + 1)
        if faults.refresh_refused:
            raise Refusal("invalid_grant", "Invalid refresh token: none is accepted")
        if held is None or (held.client.id != client.id and not faults.refresh_foreign_client):
            raise Refusal("invalid_grant", "Invalid refresh token: it was not issued to this client")
        if self.store.clock() >= held.expires or self._known_as_revoked(held):
            raise Refusal("invalid_grant", "Invalid refresh token: it is expired or revoked")
        if held.replaced and not (faults.refresh_token_reusable or held.lost):
            if not faults.refresh_family_survives:
                self.store.revoked_families[held.family] = None
            raise Refusal("invalid_grant", "Invalid refresh token: it was used before")
        if scope is not None and faults.refresh_scope_refused:
            raise Refusal("invalid_scope", "Invalid scope: a refresh has the scope that was granted")
        if scope is not None and not set(scope) <= set(held.scope) and not faults.refresh_widens_scope:
            raise Refusal("invalid_scope", "Invalid scope: a refresh cannot ask for more than was granted")
        if resources:
            widens = faults.resource_widened_at_refresh
            narrowed(resources, held.terms.audience, self.store.settings, faults, widens=widens)
        return held

    def _known_as_revoked(self, held: RefreshToken) -> bool:
        """Whether a refresh meets a process that was told of the revocation of its token: all but a fault's are."""
        if held.family not in self.store.revoked_families:
            return False
        if not self.store.faults.revocation_misses_a_replica or held.replaced:
            return True
        self._refused = not self._refused
        return self._refused

    def _judge(self, client: RegisteredClient, device_code: str) -> IssuedGrant:
        """The approved grant of a device code; everything else is a Refusal."""
        faults = self.store.faults
        grant = self.store.grant_by_device_code(device_code)
        if grant is None:
            raise self._unknown_code()
        now = self.store.clock()
        if grant.client.id != client.id and not faults.foreign_client_redeems:
            raise self._foreign(grant, now)
        if faults.foreign_poll_starves and grant.polled_by_others:
            raise self._still_pending()
        if grant.state is State.REDEEMED:
            if faults.redemption_forgotten and now >= grant.expires:
                return grant
            return self._used(grant, device_code)
        if grant.state is State.DENIED:
            return self._denied(grant)
        expired = now >= grant.expires
        if grant.subject in self.store.locked and not faults.locked_person_redeems:
            raise Refusal("access_denied", "The account is locked")
        if grant.state is State.APPROVED:
            return self._approved(grant, now, expired=expired)
        if expired and not faults.expired_still_pending:
            raise Refusal("expired_token", "The device code has expired")
        return self._pending(grant, now)

    def _approved(self, grant: IssuedGrant, now: float, *, expired: bool) -> IssuedGrant:
        faults = self.store.faults
        late = faults.approval_ends_early and now >= grant.decided + self.store.settings.expires_in / 2
        if late or (expired and not faults.expired_code_redeemable):
            raise Refusal("expired_token", "The device code has expired")
        if faults.early_poll_discards_approval and _early(grant, now):
            self.store.drop_grant(grant)
            raise Refusal("slow_down", "Poll less often")
        return grant

    def _foreign(self, grant: IssuedGrant, now: float) -> Refusal:
        faults = self.store.faults
        if faults.foreign_poll_starves:
            grant.polled_by_others = True
        if faults.foreign_poll_counts:
            grant.last_poll = now
        states = {State.PENDING: "authorization_pending", State.DENIED: "access_denied"}
        code = states.get(grant.state, "invalid_grant") if faults.stranger_told_state else "invalid_grant"
        return Refusal(code, "Invalid device code: it was not issued to this client")

    def _unknown_code(self) -> Exception:
        faults = self.store.faults
        if faults.unknown_code_404:
            return VerbatimAnswer(404, b"<!doctype html><title>Not found</title><h1>Not found</h1>", "text/html")
        if faults.unknown_code_pending:
            return Refusal("authorization_pending", "The user has not decided yet")
        if faults.unknown_code_slow_down:
            return Refusal("slow_down", "Poll less often")
        return Refusal("invalid_grant", "Invalid device code: it was never issued")

    def _used(self, grant: IssuedGrant, device_code: str) -> IssuedGrant:
        faults = self.store.faults
        if faults.code_reusable or (faults.device_code_trimmed and device_code != grant.device_code):
            return grant
        if not faults.reuse_keeps_tokens:
            # As RFC 6749 10.5 has it for authorization codes: one of the two who came with it is a thief.
            self.store.revoked_families[grant.family] = None
        code = "access_denied" if faults.redeemed_says_denied else "invalid_grant"
        raise Refusal(code, "Invalid device code: it was redeemed before")

    def _denied(self, grant: IssuedGrant) -> IssuedGrant:
        faults = self.store.faults
        grant.denied_polls += 1
        if faults.denial_then_token and grant.denied_polls > 1:
            return grant
        if faults.slow_down_after_denial:
            raise Refusal("slow_down", "Poll less often")
        if faults.denial_as_invalid_grant:
            raise Refusal("invalid_grant", "Invalid device code: the user refused")
        raise Refusal("access_denied", "The user refused")

    def _pending(self, grant: IssuedGrant, now: float) -> IssuedGrant:
        faults = self.store.faults
        early = self._too_early(grant, now)
        grant.last_poll = now
        grant.polls += 1
        if faults.polls_limited and grant.polls > MOST_POLLS:
            raise crash()
        if faults.token_before_approval:
            return grant
        if early:
            grant.early_polls += 1
            early = grant.early_polls > self.store.settings.early_polls
        if early and faults.early_poll_429:
            raise VerbatimAnswer(429, b"Too many requests", "text/plain")
        if early or (faults.slow_down_polite and grant.polls % 2 == 0):
            raise self._slower(grant)
        if faults.pending_consumes_code:
            self.store.drop_grant(grant)
        raise self._still_pending()

    def _too_early(self, grant: IssuedGrant, now: float) -> bool:
        faults = self.store.faults
        if faults.interval_exclusive:
            return grant.last_poll is not None and now - grant.last_poll <= grant.interval
        if faults.interval_per_client:
            before = self.store.last_polls.get(grant.client.id)
            self.store.last_polls[grant.client.id] = now
            return before is not None and now - before < _least(grant)
        return _early(grant, now)

    def _slower(self, grant: IssuedGrant) -> Refusal:
        faults = self.store.faults
        if faults.slow_down_doubles:
            grant.interval *= 2
        else:
            grant.interval += 60.0 if faults.slow_down_adds_a_minute else SLOW_DOWN
        if faults.slow_down_ends_session:
            self.store.drop_grant(grant)
        return Refusal("slow_down", "Poll less often: the interval is now 5 seconds longer")

    def _still_pending(self) -> Refusal:
        faults = self.store.faults
        if faults.pending_as_invalid_grant:
            return Refusal("invalid_grant", "Invalid device code: the user has not decided yet")
        code = "authorizationPending" if faults.pending_misspelt else "authorization_pending"
        status = 401 if faults.pending_status_401 else 200 if faults.pending_status_200 else None
        return Refusal(code, "The user has not decided yet", status=status)


def passwords_taken(grant_type: str, faults: Faults) -> bool:
    """Whether this is the password grant on a server that has it; no password of the suite is ever right."""
    return grant_type == "password" and faults.password_grant_offered


def may_use(client: RegisteredClient, grant_type: str) -> bool:
    """Whether the client is registered for a grant type."""
    return grant_type in client.grants


def require_device_grant(store: Store, client: RegisteredClient) -> None:
    """Refuse clients that are not registered for the device grant (RFC 6749 5.2)."""
    if not may_use(client, DEVICE_CODE_GRANT) and not store.faults.grant_not_checked:
        raise Refusal("unauthorized_client", "This client is not registered for the device grant")


def _early(grant: IssuedGrant, now: float) -> bool:
    if grant.last_poll is None:
        return False
    return now - grant.last_poll < _least(grant)


def _least(grant: IssuedGrant) -> float:
    """Seconds that the next poll has to wait at least."""
    return grant.interval - min(TOLERANCE, grant.interval / 2)
