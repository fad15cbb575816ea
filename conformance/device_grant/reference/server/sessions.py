"""Browser sessions of the verification page, and the brake on guessing user codes (RFC 8628 5.1)."""

from __future__ import annotations

import hmac
import secrets
from collections import deque
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from device_grant.reference.server.http import Call
    from device_grant.reference.server.store import Store

COOKIE = "device_session"
WINDOW = 60.0
"""Seconds in which wrong guesses are counted."""
LIFETIME = 3_600.0
"""Seconds after which an unused session is forgotten."""
MOST = 10_000
"""Sessions, and addresses with wrong guesses, that are kept."""


@dataclass
class BrowserSession:
    """One browser; `user` is empty until someone has signed in."""

    id: str
    seen: float
    since: float
    """When it began, as the clock told."""
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    user: str = ""
    opened: str = ""
    """The code that was asked about last; only the fault `decision_of_the_session` looks at it."""
    wanted: str = ""
    """Where the browser was going on this server when it was asked to sign in."""
    guesses: deque[float] = field(default_factory=deque)
    """When wrong codes or passwords were entered."""

    def owns(self, token: str) -> bool:
        """Whether a form that carries this token was made for this session."""
        return hmac.compare_digest(self.csrf.encode(), token.encode())


class Sessions:
    """All sessions of one server."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._sessions: dict[str, BrowserSession] = {}
        self._addresses: dict[str, deque[float]] = {}

    def of(self, call: Call) -> BrowserSession:
        """The session that the request's cookie names, or a new one."""
        now = self._store.clock()
        result = self._sessions.get(_cookie(call))
        remembers = self._store.faults.tokens_age_with_session
        if result is None or (now - result.seen > LIFETIME and not remembers):
            return self._new(now)
        result.seen = now
        return result

    def sign_in(self, session: BrowserSession, user: str) -> BrowserSession:
        """A new session for the user: the identifier that was there before signing in must be worth nothing after."""
        self._sessions.pop(session.id, None)
        fresh = self._new(session.seen)
        fresh.user = user
        fresh.guesses = session.guesses
        return fresh

    def count_guess(self, session: BrowserSession, address: str) -> None:
        """Remember a wrong code or password."""
        now = self._store.clock()
        session.guesses.append(now)
        self._addresses.setdefault(address, deque()).append(now)
        while len(self._addresses) > MOST:
            del self._addresses[next(iter(self._addresses))]

    def seconds_blocked(self, session: BrowserSession, address: str) -> int:
        """Seconds until the next guess is looked at; 0: now."""
        if self._store.faults.guesses_unthrottled:
            return 0
        settings = self._store.settings
        waits = (
            self._wait(session.guesses, settings.guesses_per_session),
            self._wait(self._addresses.get(address, deque()), settings.guesses_per_address),
        )
        return max(waits)

    def _wait(self, guesses: deque[float], allowed: int) -> int:
        now = self._store.clock()
        while guesses and now - guesses[0] >= WINDOW:
            guesses.popleft()
        if len(guesses) < allowed:
            return 0
        return max(1, round(guesses[0] + WINDOW - now))

    def _new(self, now: float) -> BrowserSession:
        session = BrowserSession(secrets.token_urlsafe(24), now, now)
        self._sessions[session.id] = session
        while len(self._sessions) > MOST:
            del self._sessions[next(iter(self._sessions))]
        return session


def _cookie(call: Call) -> str:
    for header in call.headers(b"cookie"):
        try:
            morsel = SimpleCookie(header).get(COOKIE)
        except CookieError:
            continue
        if morsel is not None:
            return morsel.value
    return ""
