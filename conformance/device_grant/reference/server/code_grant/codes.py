"""Authorization codes: issued to a browser, redeemed once, with the verifier of their challenge (RFC 7636)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from device_grant.reference.server.http import Refusal, crash
from device_grant.reference.server.issued.terms import Terms
from device_grant.reference.server.store import IssuedGrant, RegisteredClient, State, race_window
from device_grant.reference.server.usual import DAY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from device_grant.reference.server.faults import Faults
    from device_grant.reference.server.grants import Grants
    from device_grant.reference.server.issued.tokens import Tokens
    from device_grant.reference.server.store import Store

CODE_LIFETIME = 300
"""Seconds; RFC 6749 section 4.1.2 recommends ten minutes at most."""
_REMEMBERED = 3_600
"""Seconds for which a code that has ended is told apart from one that was never issued."""
_MOST = 100_000
"""Codes that are kept; the oldest go first."""
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
"""An S256 challenge: 32 octets in base64url without padding (RFC 7636 section 4.2)."""
VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
"""RFC 7636 section 4.1."""


@dataclass
class AuthorizationCode:
    """A code, and what it was asked for with."""

    client: RegisteredClient
    redirect_uri: str
    challenge: str
    """S256 of the verifier; empty only under faults."""
    scope: tuple[str, ...]
    subject: str
    ends: float
    """Seconds since the epoch."""
    family: str = field(default_factory=lambda: secrets.token_hex(16))
    redeemed: bool = False


class Codes:
    """All codes of a server."""

    def __init__(self, store: Store, grants: Grants) -> None:
        self.store = store
        self.faults = store.faults
        self.grants = grants
        self._codes: dict[str, AuthorizationCode] = {}

    def issue(
        self, client: RegisteredClient, redirect_uri: str, challenge: str, scope: tuple[str, ...], subject: str
    ) -> str:
        """A new code for what a person has allowed."""
        now = self.store.clock()
        code = _telling_code(challenge) if self.faults.code_holds_challenge else secrets.token_urlsafe(48)
        lifetime = DAY if self.faults.code_lives_a_day else CODE_LIFETIME
        with self.store.lock:
            self._forget(now)
            self._codes[code] = AuthorizationCode(client, redirect_uri, challenge, scope, subject, now + lifetime)
            if self.faults.challenge_of_client:
                for held in self._codes.values():
                    held.challenge = challenge if held.client.id == client.id else held.challenge
        if self.faults.sign_in_ends_device_grants:
            for begun in self.store.grants.values():
                if begun.client.id == client.id and begun.state is State.APPROVED:
                    begun.state = State.DENIED
        if self.faults.code_as_device_code:
            grant = self.store.add_grant(client, scope)
            grant.state, grant.subject = State.APPROVED, subject
            self.store.grants[code] = grant
        return code

    async def redeem(self, client: RegisteredClient, members: Mapping[str, Any]) -> Tokens:
        """The tokens of a code; everything that is not as it was at `/authorize` is a Refusal."""
        code = members.get("code")
        if code is None:
            if self.faults.missing_authorization_code_pending:
                raise Refusal("authorization_pending", "The user has not decided yet")
            raise Refusal("invalid_request", "Invalid request: code is missing")
        if self.faults.code_race:
            held = self._judge(client, code, members)
            await race_window()
            held.redeemed = True
        else:
            with self.store.lock:
                held = self._judge(client, code, members)
                held.redeemed = True
        return self.grants.tokens.issue(client, held.scope, Terms(subject=held.subject), family=held.family)

    def _judge(self, client: RegisteredClient, code: str, members: Mapping[str, Any]) -> AuthorizationCode:
        faults = self.faults
        held = self._codes.get(code) or self._of_device_code(code)
        if held is None:
            if faults.unknown_authorization_code_500:
                raise crash()
            raise Refusal("invalid_grant", "Invalid grant: the code was never issued")
        if held.client.id != client.id and not faults.code_for_any_client:
            raise Refusal("invalid_grant", "Invalid grant: the code was not issued to this client")
        if held.redeemed and not faults.code_works_twice:
            # RFC 6749 section 10.5: one of the two who came with it is a thief.
            self.store.revoked_families[held.family] = None
            raise Refusal("invalid_grant", "Invalid grant: the code was redeemed before")
        if faults.approved_device_blocks_codes and self._waits(client):
            raise Refusal("invalid_grant", "Invalid grant: a device is about to get its token")
        if self.store.clock() >= held.ends:
            raise Refusal("expired_token", "The code has expired")
        if held.redirect_uri or not faults.code_as_device_code:
            self._compare(held, members)
        return held

    def _waits(self, client: RegisteredClient) -> bool:
        grants = self.store.grants.values()
        return any(grant.client.id == client.id and grant.state is State.APPROVED for grant in grants)

    def _compare(self, held: AuthorizationCode, members: Mapping[str, Any]) -> None:
        faults = self.faults
        uri, verifier = members.get("redirectUri"), members.get("codeVerifier")
        if not faults.token_redirect_ignored:
            if uri is None:
                raise Refusal("invalid_request", "Invalid request: redirectUri is missing")
            if uri != held.redirect_uri:
                raise Refusal("invalid_grant", "Invalid grant: redirectUri is not the one of the authorization request")
        if not held.challenge:
            if verifier and not faults.pkce_downgrade:
                raise Refusal("invalid_grant", "Invalid grant: the code was asked for without a challenge")
            return
        if not verifier:
            if faults.verifier_optional:
                return
            raise Refusal("invalid_request", "Invalid request: codeVerifier is missing")
        fits = bool(VERIFIER.fullmatch(verifier)) and hmac.compare_digest(challenge_of(verifier), held.challenge)
        if not _fits(faults, verifier, held.challenge, fits=fits):
            raise Refusal("invalid_grant", "Invalid grant: codeVerifier does not belong to the challenge")

    def _of_device_code(self, code: str) -> AuthorizationCode | None:
        """The code that an approved device code is taken for, which only the fault `code_as_device_code` does."""
        grant = self.store.grants.get(code) if self.faults.code_as_device_code else None
        if grant is None or grant.state is not State.APPROVED:
            return None
        return _passing(grant)

    def _forget(self, now: float) -> None:
        while self._codes:
            code, oldest = next(iter(self._codes.items()))
            if len(self._codes) < _MOST and now < oldest.ends + _REMEMBERED:
                break
            del self._codes[code]


def _fits(faults: Faults, verifier: str, challenge: str, *, fits: bool) -> bool:
    """Whether a verifier is taken, by what it is and by faults."""
    if faults.verifier_tilde_escaped and "~" in verifier:
        return False
    both = faults.verifier_compared_both_ways or faults.code_holds_challenge
    return fits or faults.verifier_not_compared or (both and verifier == challenge)


def _telling_code(challenge: str) -> str:
    """The code of the fault `code_holds_challenge`."""
    members = {"code_challenge": challenge, "nonce": secrets.token_hex(16)}
    return base64.urlsafe_b64encode(json.dumps(members).encode()).rstrip(b"=").decode()


def challenge_of(verifier: str) -> str:
    """S256 of a verifier (RFC 7636 section 4.2)."""
    digest = hashlib.sha256(verifier.encode("ascii", errors="replace")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _passing(grant: IssuedGrant) -> AuthorizationCode:
    return AuthorizationCode(grant.client, "", "", grant.scope, grant.subject, grant.expires, family=grant.family)
