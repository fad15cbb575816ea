"""What the server remembers: clients, grants and refresh tokens, in memory and bounded.

Methods are plain function calls under one lock: neither another asyncio task nor another thread can come in between
a check and the mark that follows it, except where a fault asks for that.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

from device_grant.protocol import DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT
from device_grant.reference.server.cross_device.limits import StartLimit
from device_grant.reference.server.cross_device.reentry import decidable, from_a_page_of_before
from device_grant.reference.server.issued.grant_codes import GrantCodes
from device_grant.reference.server.issued.terms import AccessTokenRecord, RefreshToken, Terms
from device_grant.reference.server.registered import Clients
from device_grant.reference.server.settings import SECOND_USER
from device_grant.reference.server.usual import DAY

if TYPE_CHECKING:
    from collections.abc import Callable

    from device_grant.reference.server.faults import Faults
    from device_grant.reference.server.mutual_tls.credentials import CertificateCredential
    from device_grant.reference.server.settings import Settings

REMEMBERED = DAY
"""Seconds for which an expired code is still told apart from one that was never issued."""
MOST = 50_000
"""Records of a kind that are kept; the oldest that nobody uses go first."""
IN_USE = 120.0
"""Seconds since a poll for which a grant counts as used."""
LIMITED = 10
"""Pending codes of a client that the fault `codes_of_a_client_limited` leaves."""
TWO_HOURS = 7_200.0
"""Seconds that codes live under the fault `codes_live_two_hours`."""
SHORT_PREFIX = 16
"""Characters that the fault `device_code_prefix_accepted` looks at."""

RACE_WINDOW = 8
"""How often the faults that are races yield to other tasks between check and mark."""

STORE_SECONDS = 0.004
"""Real seconds that the store of some faults takes."""

_GRANT_NAMES = {"device_code": DEVICE_CODE_GRANT, "refresh_token": REFRESH_TOKEN_GRANT}


class State(Enum):
    """A grant goes from pending to approved or denied, and from approved to redeemed; expiry is a matter of time."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    REDEEMED = "redeemed"


@dataclass(frozen=True, kw_only=True)
class RegisteredClient:
    """A client as the server knows it (RFC 6749 section 2)."""

    id: str
    secret: str | None = None
    name: str = ""
    grants: frozenset[str] = frozenset({DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT})
    """IssuedGrant types that it may use, by their full names."""
    scopes: tuple[str, ...] | None = None
    """Scopes that it may ask for; None: all that exist."""
    gets_refresh_tokens: bool = True
    issued_at: int = 0
    """Seconds since the epoch."""
    expires_at: int = 0
    """Seconds since the epoch; 0: never."""
    management: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    """What shows that somebody may delete the registration (RFC 7592)."""
    pages: tuple[str, ...] = ()
    """Addresses of the client's own pages: about it, its terms, its policy (RFC 7591 section 2)."""
    credential: CertificateCredential | None = None
    """By which certificates it authenticates (RFC 8705 section 2); None: in another way, if at all."""
    redirect_uris: tuple[str, ...] = ()
    """Where a browser may bring back an authorization code."""
    dpop_bound: bool = False
    """Whether it is refused tokens without a proof (RFC 9449 section 5.2)."""


@dataclass
class IssuedGrant:
    """One device authorization (RFC 8628 3.2)."""

    device_code: str
    user_code: str
    client: RegisteredClient
    scope: tuple[str, ...]
    created: float
    expires: float
    interval: float
    """Seconds between polls that are enforced now: slow_down raises it."""
    state: State = State.PENDING
    subject: str = ""
    """Who decided."""
    last_poll: float | None = None
    polls: int = 0
    early_polls: int = 0
    polled_by_others: bool = False
    entered: bool = False
    """Whether a person was asked about it; only the fault `user_code_spent_on_entry` looks at it."""
    decided: float = 0.0
    """When the user decided; 0: never."""
    denied_polls: int = 0
    spent: int = 0
    """Seconds of its tokens' life that are over when they are issued; only a fault makes that any."""
    family: str = field(default_factory=lambda: secrets.token_hex(16))
    """What its tokens have in common."""
    key: str = ""
    """Thumbprint of the key that it is bound to, if any."""
    nonce: str = ""
    """What the device sent for its ID token."""
    challenge: str = ""
    """S256 of the verifier that its polls must have (RFC 7636); empty: none."""
    resources: tuple[str, ...] = ()
    """What the device asked for (RFC 8707); empty: nothing in particular."""
    bound: Terms = field(default_factory=Terms)
    """To what its tokens are bound, by the connection of the last poll."""

    @property
    def terms(self) -> Terms:
        """What was approved, and by whom; the decision counts as the sign-in."""
        approved = Terms(subject=self.subject, authenticated=self.decided, nonce=self.nonce, audience=self.resources)
        return replace(approved, confirmation=self.bound.confirmation, claims=self.bound.claims)


@dataclass
class Store:
    """All records. `clock` tells seconds since the epoch."""

    settings: Settings
    faults: Faults
    clock: Callable[[], float]
    lock: threading.RLock = field(default_factory=threading.RLock)
    on_call: Callable[[str], None] | None = None
    """Called with the name of an AWS operation before it is carried out; what it raises is the answer."""
    on_poll: Callable[[IssuedGrant | None], None] | None = None
    """Called before a poll is judged, with its grant; what it raises is the answer."""

    def __post_init__(self) -> None:
        known_clients = [
            RegisteredClient(
                id=known.id,
                secret=known.secret or None,
                name=known.id,
                grants=frozenset(_GRANT_NAMES.get(name, name) for name in known.grants),
                gets_refresh_tokens="refresh_token" in known.grants,
            )
            for known in self.settings.known_clients
        ]
        asking = self.settings.resource_servers if self.settings.usual.issues_jwts else ()
        known_clients += [RegisteredClient(id=one.id, secret=one.secret, grants=frozenset()) for one in asking]
        self.clients = Clients(known_clients)
        self.applications: dict[str, RegisteredClient] = {}
        """Clients that are no registrations: their requests for tokens are signed."""
        self.grants: dict[str, IssuedGrant] = {}
        self._by_user_code: dict[str, IssuedGrant] = {}
        self.refresh_tokens: dict[str, RefreshToken] = {}
        self.revoked_families: dict[str, None] = {}
        self.last_polls: dict[str, float] = {}
        """When each client polled last, whatever the code; only the fault `interval_per_client` looks at them."""
        self.locked: set[str] = set()
        self.disabled: set[str] = set()
        """Names of accounts that nobody can use."""
        self.access_tokens: dict[str, AccessTokenRecord] = {}
        """The access tokens that were issued; `good_token` says whether one is good now."""
        self.last_subject = ""
        """Who approved last; only the fault `token_of_the_last_user` looks at it."""
        self.approved: dict[str, None] = {}
        """Clients that were approved once."""
        self.limit = StartLimit(self)
        self._codes = GrantCodes(self.faults)

    def add_client(self, client: RegisteredClient) -> None:
        """Remember a new registration."""
        with self.lock:
            self.clients.add(client)
            if self.faults.registration_ends_grants:
                self.grants = {code: grant for code, grant in self.grants.items() if grant.state is not State.PENDING}

    def add_grant(self, client: RegisteredClient, scope: tuple[str, ...]) -> IssuedGrant:
        """Create a pending grant with a new device code and a user code that no live grant has."""
        now = self.clock()
        with self.lock:
            self.forget(now)
            grant = IssuedGrant(
                device_code=self._codes.device_code(),
                user_code=self._codes.user_code(lambda code: self._lives(code, now), self._is_decidable),
                client=client,
                scope=scope,
                created=now,
                expires=now + self._code_lifetime(),
                interval=float(self.settings.polling_interval),
            )
            if self.faults.approval_for_all_devices and client.id in self.approved:
                grant.state = State.APPROVED
            if self.faults.codes_of_a_client_limited:
                mine = [one for one in self.grants.values() if one.client is client and one.state is State.PENDING]
                for old in mine[: 1 - LIMITED]:
                    del self.grants[old.device_code]
            self.grants[grant.device_code] = grant
            self.limit.count(grant)
            key = self._codes.key(grant.user_code)
            self._by_user_code.pop(key, None)  # a code that is used again goes to the end of the order
            self._by_user_code[key] = grant
            return grant

    def _code_lifetime(self) -> float:
        if self.faults.codes_live_a_day:
            return float(DAY)
        if self.faults.codes_live_two_hours:
            return TWO_HOURS
        return self.settings.expires_in / (2 if self.faults.expires_early else 1)

    def grant_by_device_code(self, device_code: str) -> IssuedGrant | None:
        """The grant of a device code, expired ones included."""
        result = self.grants.get(device_code)
        if result is None and self.faults.device_code_trimmed:
            result = self.grants.get(device_code.strip())
        if result is None and self.faults.device_code_tail_ignored:
            result = next((g for code, g in self.grants.items() if device_code.startswith(code)), None)
        if result is not None:
            return result
        if self.faults.user_code_as_device_code:
            result = self._by_user_code.get(self._codes.key(device_code))
        if result is None and self.faults.device_code_prefix_accepted:
            result = next(
                (g for code, g in self.grants.items() if code[:SHORT_PREFIX] == device_code[:SHORT_PREFIX]), None
            )
        if result is None and self.faults.device_code_case_ignored:
            result = next((g for code, g in self.grants.items() if code.lower() == device_code.lower()), None)
        return result

    def grant_by_user_code(self, typed: str, *, dead: bool = False) -> IssuedGrant | None:
        """The undecided, unexpired grant of a user code as a person typed it (RFC 8628 6.1); with `dead` any."""
        grant = self._by_user_code.get(self._codes.key(typed))
        if grant is None and (self.faults.user_code_prefix_accepted or self.faults.user_code_half_accepted):
            start = self._codes.key(typed)[: 4 if self.faults.user_code_prefix_accepted else None]
            grant = next((g for key, g in self._by_user_code.items() if start and key.startswith(start)), None)
        if grant is None or (self.faults.user_code_strict and typed != grant.user_code):
            return None
        if self.faults.confusables_refused and any(character.isdigit() for character in typed):
            return None
        if dead:
            return grant
        now = self.clock()
        if self.faults.user_code_expires_early and now >= grant.created + self.settings.expires_in / 2:
            return None
        if now >= grant.expires and self.faults.expired_code_approvable:
            grant.expires = now + self.settings.expires_in
        return None if now >= grant.expires or not decidable(grant, self.faults) else grant

    def _lives(self, user_code: str, now: float) -> bool:
        """Whether it is the code of a grant that has not expired, decided or not."""
        grant = self._by_user_code.get(self._codes.key(user_code))
        return grant is not None and now < grant.expires

    def _is_decidable(self, user_code: str) -> bool:
        return self.grant_by_user_code(user_code) is not None

    def revive(self, typed: str) -> None:
        """Begin another life of a code that nobody has decided on; only faults do that."""
        grant = self._by_user_code.get(self._codes.key(typed))
        if grant is not None and grant.state is State.PENDING:
            grant.expires = max(grant.expires, self.clock() + self.settings.expires_in)

    def decide(self, typed: str, *, approve: bool, subject: str) -> IssuedGrant | None:
        """Approve or deny; None if the code is not, or no longer, one that can be decided."""
        with self.lock:
            grant = self.grant_by_user_code(typed)
            known = self._by_user_code.get(self._codes.key(typed))
            if grant is None and from_a_page_of_before(known, self.faults, approve=approve):
                grant = known
            if grant is not None:
                self._mark(grant, approve=approve, subject=subject)
            return grant

    async def decide_late(self, typed: str, *, approve: bool, subject: str) -> IssuedGrant | None:
        """As decide, but others come in between the look and the mark: the fault `decision_race`."""
        grant = self.grant_by_user_code(typed)
        if grant is not None:
            await race_window()
            self._mark(grant, approve=approve, subject=subject)
        return grant

    async def decide_outliving(self, typed: str, *, approve: bool, subject: str) -> IssuedGrant | None:
        """As decide, but the record is stored late, and whole: the fault `approval_outlives_code`."""
        grant = self.grant_by_user_code(typed)
        if grant is not None:
            await slow_store()
            self._mark(grant, approve=approve, subject=subject)
            if approve and self.clock() >= grant.expires:
                grant.expires = self.clock() + self.settings.expires_in
        return grant

    def _mark(self, grant: IssuedGrant, *, approve: bool, subject: str) -> None:
        if grant.state is State.REDEEMED and self.faults.redeemed_user_code_accepted:
            return
        grant.decided = self.clock()
        if self.faults.denial_after_approval_ignored and grant.client.id in self.approved:
            approve = True
        if approve and not self.faults.approval_ignored:
            grant.state = State.APPROVED
            self.approved[grant.client.id] = None
        elif not approve and not self.faults.denial_ignored:
            grant.state = State.DENIED
        grant.subject = self.last_subject = subject

    def lock_account(self, action: str) -> None:
        """`lock` the second account, or `unlock` it: what it approved yields no tokens meanwhile."""
        (self.locked.add if action == "lock" else self.locked.discard)(SECOND_USER)

    def switch_client(self, client_id: str, action: str) -> None:
        """`disable` a client, or `enable` it: it is served nothing meanwhile."""
        (self.disabled.add if action == "disable" else self.disabled.discard)(client_id)

    def spend_codes_in(self, body: bytes, error: str) -> None:
        """Redeem the approved codes that a refused request names; only faults do that."""
        spends = {"invalid_request": self.faults.bad_request_spends_code}
        spends["invalid_client"] = self.faults.wrong_secret_spends_code
        if not spends.get(error):
            return
        for code, grant in self.grants.items():
            if grant.state is State.APPROVED and code.encode() in body:
                grant.state = State.REDEEMED

    def drop_grant(self, grant: IssuedGrant) -> None:
        """Make its device code one that was never issued; only faults do that."""
        with self.lock:
            self.grants.pop(grant.device_code, None)

    def forget(self, now: float) -> None:
        """Make room for one more record of each kind: what is over goes first, then the oldest that nobody uses."""
        while self.grants:
            code, oldest = next(iter(self.grants.items()))
            if now >= oldest.expires + REMEMBERED:
                self._drop(code)
            elif len(self.grants) >= MOST:
                self._drop(self._unused(now))
            else:
                break
        while self._by_user_code:
            code, oldest = next(iter(self._by_user_code.items()))
            # Those of grants that faults have dropped stay behind.
            if len(self._by_user_code) < 2 * MOST and now < oldest.expires + REMEMBERED:
                break
            del self._by_user_code[code]
        while self.refresh_tokens:
            token, first = next(iter(self.refresh_tokens.items()))
            if len(self.refresh_tokens) < MOST and now < first.expires:
                break
            del self.refresh_tokens[token]
        for records in (self.revoked_families, self.access_tokens, self.approved, self.last_polls):
            _drop_oldest(records)

    def _drop(self, device_code: str) -> None:
        grant = self.grants.pop(device_code)
        key = self._codes.key(grant.user_code)
        if self._by_user_code.get(key) is grant:
            del self._by_user_code[key]

    def _unused(self, now: float) -> str:
        """The device code that goes first where there are too many: the oldest that nobody polls, else the oldest."""
        polled = now - IN_USE
        unused = (code for code, one in self.grants.items() if one.last_poll is None or one.last_poll < polled)
        return next(unused, next(iter(self.grants)))


async def race_window() -> None:
    """Give other tasks a chance to come in between; only faults do that."""
    for _ in range(RACE_WINDOW):
        await asyncio.sleep(0)


async def slow_store() -> None:
    """Take as long as a store elsewhere, which answers late; only faults do that."""
    await asyncio.sleep(STORE_SECONDS)


def _drop_oldest(records: dict[str, Any]) -> None:
    while len(records) > MOST:
        del records[next(iter(records))]
