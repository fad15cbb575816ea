"""One run against one target in one dialect: what all its checks share."""

from __future__ import annotations

import shlex
import threading
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar

from device_grant.browser.chromium import Chromium
from device_grant.browser.page import split
from device_grant.errors import UsageError
from device_grant.judging import Inconclusive, Invariant, Untestable, all_invariants, applies
from device_grant.protocol import (
    REFRESH_TOKEN_GRANT,
    Client,
    Dialect,
    Exchange,
    Operation,
    Outcome,
    Request,
    Response,
    Secrets,
    any_dialect,
)
from device_grant.protocol.names import snake
from device_grant.protocol.reading import purpose_of
from device_grant.protocol.redaction import SECRET_MEMBERS
from device_grant.server.preflight import Preflight
from device_grant.server.session.answers import lost, plain_response, reason_of
from device_grant.server.session.connection import Connection
from device_grant.server.session.effect import Effect
from device_grant.server.session.methods import METHOD, Methods, known_client
from device_grant.server.session.pace import RENEWAL
from device_grant.server.session.patience import RETRIES, Patience, Rests, put_off
from device_grant.server.session.polite import Restraint
from device_grant.server.session.profile import PROFILES, Profile
from device_grant.server.session.shared_user import SharedUser
from device_grant.targets import discover
from device_grant.targets.addresses import redacted_url
from device_grant.targets.discovery import is_address
from device_grant.targets.trust import Trust

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    import httpx

    from device_grant.catalogue import Catalogue
    from device_grant.judging import Check
    from device_grant.judging.ledger import Expects
    from device_grant.judging.trial import Trial
    from device_grant.server.generation.database import Examples
    from device_grant.server.session.by_hand import ByHand
    from device_grant.server.session.case import ServerCase
    from device_grant.targets import Endpoints, Target, User
    from device_grant.targets.manners import Manners

MOST_SEARCHED = 2**17
"""Octets of a request that are searched for variants of secrets: beyond lies nothing but padding."""
_PUBLIC = ("primary", "other")
"""Roles of clients that register without a secret, where the server lets them."""
_LONGEST_JOURNAL = 4_000
"""Characters of what a server wrote, from its end, that go with an answer."""


@dataclass
class Run:
    """A started target with everything that checks need of it."""

    target: Target
    dialect: Dialect
    catalogue: Catalogue
    profile: Profile
    seed: int | None = None
    expects: Expects = lambda _requirement, _check, _message: False
    secrets: Secrets = field(default_factory=Secrets)
    arguments: tuple[str, ...] = ()
    """What else the command line said, for the command that shows a result again."""
    sends: ClassVar[bool] = True
    """Whether the requests are the suite's own, so that a person can send them again."""
    exchanges: int = 0
    """How many requests have been sent so far."""
    effect: Effect = field(default_factory=Effect)
    """Whether decisions of the user have shown at the target."""
    preflight: Preflight = field(default_factory=Preflight)
    """What is known to be wrong on the main path."""
    chromium: Chromium = field(default_factory=Chromium)
    """The real browser, for the checks that need one."""
    user: SharedUser = field(default_factory=SharedUser)
    """The one that all checks share."""
    manners: Manners | None = None
    """How a server of somebody else is treated; None: as one's own."""
    decides_before: bool = True
    """Whether somebody decides on the main path, before all checks; else the checks show it."""
    examples: Examples | None = None
    """Where generated examples that fail are kept from run to run; None: nowhere."""

    def __post_init__(self) -> None:
        self._lock = threading.RLock()
        self._connection = Connection(self.target)
        self._clients: dict[str, Client | None] = {}
        self._since: dict[str, float] = {}
        self._rests = Rests(self.target, self.manners)
        self._served: set[Client] = set()
        self.restraint = Restraint(self.manners, self.dialect)
        self.remarks: dict[str, str] = {}
        """What became of a client that all checks share, by its role: one line each."""
        self.discovery: tuple[Exchange, ...] = ()
        self.trust = Trust.of(self.target)
        """Whither requests may go that bear what target.toml keeps secret."""
        self.endpoints: Endpoints = self._discovered()
        issuer = split(str(self.endpoints.document.get("issuer") or ""))
        if self.target.in_process and not self.target.config.endpoints.base and is_address(issuer.geturl()):
            # An application that knows its own address is called by it: cookies and links are made for that one.
            self.target.base = f"{issuer.scheme}://{issuer.netloc}"
            self.endpoints = self._discovered()
        self.by_hand = _by_hand(self.target)
        self.methods = Methods(self.endpoints.document)
        """How clients that register can authenticate."""
        for known in self.target.config.clients:
            self.secrets.register_given("client_secret", known.secret)
            if self.dialect.parameter("client_id") in SECRET_MEMBERS:  # a token stands for the client there
                self.secrets.register_given(self.dialect.parameter("client_id"), known.id)
        self.secrets.register_given("secret_access_key", self.target.config.iam.secret_key)
        self.secrets.register_given("session_token", self.target.config.iam.session_token)
        self.secrets.register_given("initial_access_token", self.target.config.registration.initial_access_token)
        asking = self.target.config.introspection
        for server in (asking, asking.other):
            self.secrets.register_given("client_secret", server.secret)
            self.secrets.register_given("access_token", server.token)
        for name in SECRET_MEMBERS & self.target.config.request.registration.keys():
            self.secrets.register_given(name, self.target.config.request.registration[name])

    def _discovered(self) -> Endpoints:
        with self.target.http() as http:
            return discover(self.target, http, self.dialect)

    @cached_property
    def invariants(self) -> tuple[Invariant, ...]:
        """Those that have anything to judge in the dialect."""
        return tuple(entry for entry in all_invariants() if applies(entry, self.dialect, self.catalogue.get))

    def decider(self, check: str) -> User | None:
        """Who decides for the check of that name; None where nobody does."""
        return self.by_hand.user_for(check) if self.by_hand else self.target.user

    def why_nobody(self, check: str) -> str:
        """Why nobody decides for it."""
        if self.by_hand:
            return self.by_hand.why_nobody(check)
        return "nobody can approve or deny: target.toml has no [user]"

    def claims(self, name: str) -> bool | None:
        """What the target says of a capability; None: nothing."""
        return self.target.config.claims.get(name)

    @property
    def name(self) -> str:
        """The target's name as it may be written down."""
        name = self.target.config.name
        return redacted_url(name) if "://" in name else name

    def reproduction(self, requirement: str, check: str = "") -> str:
        """The command that shows a result again; `check` is the one in which it was seen."""
        words = ["device-grant", "run", self.target.spec, "--dialect", self.dialect.name, "--only", requirement]
        words += ["--check", check] if check else []
        if self.profile.name != "fast":
            words += ["--profile", self.profile.name]
        if self.seed is not None:
            words += ["--seed", str(self.seed)]
        return shlex.join([*words, *self.arguments])

    def trial(self, check: Check, resting: Callable[[], AbstractContextManager[None]] = nullcontext) -> ServerCase:
        """A new case of a check; it enters what `resting` returns while it only waits."""
        from device_grant.server.session.case import ServerCase

        case = ServerCase(self, check)
        case.resting = resting
        return case

    def carry_out(self, trial: Trial) -> None:
        """Begin and execute a case on the target's clock."""
        with self.target.clock, self.target.scope(trial.check.name):
            trial.begin()
            trial.execute()

    def url(self, operation: Operation) -> str:
        """Where an operation lives; raises UsageError if neither target.toml nor discovery says so."""
        collected = {
            Operation.REGISTRATION: self.endpoints.registration,
            Operation.DEVICE_AUTHORIZATION: self.endpoints.device_authorization,
            Operation.TOKEN: self.endpoints.token,
        }[operation]
        if not collected:
            raise UsageError(f"no URL is known for {operation}: write [endpoints] {operation} in target.toml")
        return collected

    def exchange(self, request: Request, began: float, label: str = "", *, patient: bool = True) -> Exchange:
        """Send one request and read the answer; a broken connection is an answer too (`no-response`).

        A server that limits the rate of requests is given the time it asks for, unless `patient` is False: hasty polls
        are about just that. Raises Inconclusive if it goes on refusing, TargetUnreachableError if the target is gone.
        """
        kept = self.restraint.kept(self._with_token(request), self.target.clock.now() - began, label)
        if kept is not None:
            return kept
        for _ in range(RETRIES):
            exchange = self._exchange(request, began, label)
            self.restraint.mind(exchange)
            # Of a poll's slow_down only the status is wrong: the answer is about this code, not about all requests.
            of_the_code = exchange.code == "slow_down" and request.operation is Operation.TOKEN
            wait = put_off(exchange.response, self.target.clock.now()) if patient and not of_the_code else None
            if wait is None:
                return exchange
            if not self._rests.take(wait):
                break
        raise Inconclusive(f"the server limits the rate of requests: it answers {exchange.status}")

    def _exchange(self, request: Request, began: float, label: str) -> Exchange:
        clock = self.target.clock
        request = self._with_token(request)
        endpoint = "" if request.operation is Operation.OTHER else request.operation.value
        if (endpoint or request.header("authorization")) and not self.trust.allows(request.url, endpoint):
            raise Untestable(f"{redacted_url(request.url)} is at a host that [endpoints] trust does not name")
        self._remember_secrets_of(request)
        self.restraint.admit(request)
        started = clock.now() - began
        length = self.target.journal_length()
        answer, elapsed = self._connection.send(request)
        ended = clock.now() - began
        came: Response | None = None
        if isinstance(answer, Exception):
            response, error, outcome = None, reason_of(answer), lost(answer)
        else:
            response, outcome = self.dialect.read(request, answer)
            came, error = (None if response is answer else answer), ""
            self.remember(outcome)
        self.count()
        broke = outcome.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        journal = self.target.journal_since(length).strip()[-_LONGEST_JOURNAL:] if broke else ""
        purpose = purpose_of(request)
        return Exchange(
            request,
            response,
            outcome,
            started,
            ended,
            elapsed,
            error,
            label,
            purpose=purpose,
            journal=journal,
            came=came,
        )

    def _with_token(self, request: Request) -> Request:
        """A registration with the initial access token of target.toml, unless it says itself who asks."""
        token = self.target.config.registration.initial_access_token
        if not token or request.operation is not Operation.REGISTRATION or request.header("authorization") is not None:
            return request
        return replace(request, headers=(*request.headers, ("Authorization", f"Bearer {token}")))

    def patience(self) -> httpx.Auth:
        """For a browser of the user: waits as `exchange` does where the pages limit the rate of requests."""
        return Patience(self._rests, self.target.clock.now)

    def count(self) -> None:
        """One more request was sent."""
        with self._lock:
            self.exchanges += 1

    def build(self, request: Request) -> httpx.Request:
        """The request for httpx, headers exactly as given but for what HTTP itself needs."""
        return self._connection.build(request)

    def read(self, request: Request, answer: httpx.Response | Exception, began: float, label: str) -> Exchange:
        """An exchange from an answer that was obtained elsewhere, for example by `Target.overlap`."""
        now = self.target.clock.now() - began
        self.count()
        purpose = purpose_of(request)
        if isinstance(answer, Exception):
            return Exchange(request, None, lost(answer), now, now, 0.0, reason_of(answer), label, purpose=purpose)
        sent = plain_response(answer)
        response, outcome = self.dialect.read(request, sent)
        self.remember(outcome)
        came = None if response is sent else sent
        return Exchange(request, response, outcome, now, now, 0.0, "", label, purpose=purpose, came=came)

    def close(self) -> None:
        """End the browser and drop the connections."""
        self.chromium.close()
        self._connection.close()

    def client(self, role: str = "primary") -> Client | None:
        """The client in a role, registered at its first use; None where the target offers none.

        Roles: `primary`, `other` (a second client of the same kind), `confidential` (has a secret),
        `without-grant` (not allowed the device grant).
        """
        with self._lock:
            if role not in self._clients:
                with self.target.scope():
                    known = self.target.config.clients
                    self._clients[role] = known_client(known, role) if known else self._register(role)
                self._since[role] = self.target.clock.now()
            elif self._may_renew and self.target.clock.now() - self._since[role] > RENEWAL:
                self._renew(role)
            return self._clients[role]

    @property
    def _may_renew(self) -> bool:
        # Where cases are drawn beforehand, what a check sends must not depend on what others did before.
        return not self.target.config.clients and self.target.sampler is None and self.manners is None

    def _renew(self, role: str) -> Client | None:
        self._since[role] = self.target.clock.now()
        fresh = self._register(role)
        # Where nobody is registered any more the old client is better than none.
        self._clients[role] = fresh or self._clients[role]
        return fresh

    def served(self, client: Client) -> None:
        """Codes were given to that client: its credentials are right."""
        self._served.add(client)

    def instead_of(self, client: Client, refusal: Exchange) -> Client | None:
        """A client that is registered anew in the place of a shared one that worked before and is now refused.

        None where it is no shared one, has never worked, or none can be registered; `remarks` tells of what happened.
        """
        with self._lock:
            role = next((role for role, shared in self._clients.items() if shared == client), None)
            if role is None or client not in self._served:
                return None
            self._served.discard(client)
            fresh = self._renew(role) if self._may_renew else None
            became = "another one was registered" if fresh else "checks that need it can say nothing any more"
            self.remarks[role] = f"the {role} client, which had worked, was refused ({refusal.describe()}): {became}"
            return fresh

    def _register(self, role: str) -> Client | None:
        if not self.endpoints.registration:
            return None
        self.methods.tried = True
        exchange = self._registered(role)
        if role in _PUBLIC and not self.methods.nobody_public and self.methods.refused(exchange):
            exchange = self._registered(role)
        unwelcome = frozenset() if self.target.sampler else self.methods.complaint(exchange)
        if unwelcome:
            again = self._registered(role, **dict.fromkeys(unwelcome))
            if again.outcome.ok:
                exchange, self.methods.unwelcome = again, self.methods.unwelcome | unwelcome
        if role == "without-grant" and exchange.status == HTTPStatus.BAD_REQUEST:
            # The grant of its own that it asks for is not to be had: it is left with what follows a grant.
            exchange = self._registered(role, grant_types=[REFRESH_TOKEN_GRANT])
        return self.client_of(exchange) if exchange.outcome.ok else None

    def _registered(self, role: str, **members: Any) -> Exchange:
        return self.exchange(self.registration_request(role, **members), self.target.clock.now(), f"register ({role})")

    def registration_request(self, role: str = "primary", **members: Any) -> Request:
        """A valid client registration (RFC 7591 2; AWS RegisterClient) for a client in that role."""
        body = self.dialect.registration_members(role, self.target.config.request.scope)
        if role in _PUBLIC and not self.methods.tried and not self.target.config.clients:
            self.client()  # shows whether public clients are registered at all
        body |= self.methods.instead_of(body.get(METHOD))
        for name in (*self.target.config.registration.without, *self.methods.unwelcome):
            body.pop(name, None)
        body |= self.target.config.request.registration
        body |= members
        return self.dialect.encode(Operation.REGISTRATION, self.url(Operation.REGISTRATION), body, None)

    def client_of(self, registration: Exchange) -> Client:
        """The client that a successful registration made; raises Untestable where it cannot be spoken for."""
        client = self.methods.spoken(self.dialect.client_of(registration.outcome.members))
        try:
            self.dialect.credentials(client)
        except UsageError as error:
            # RFC 7591 section 3.2.1 lets a server replace what was asked for, by something that we do not speak too.
            raise Untestable(f"the server registered a client that the suite cannot be: {error}") from error
        return client

    def remember(self, outcome: Outcome) -> None:
        """Register the secrets that a response brought, so that they are redacted everywhere."""
        for name in SECRET_MEMBERS & outcome.members.keys():
            self.secrets.register(name, outcome.members[name])
        for value in outcome.members.values():
            # A structure beside the tokens: of AWS's signed operation, for example, the context of an identity.
            for name, inner in value.items() if isinstance(value, dict) else ():
                if snake(name) in SECRET_MEMBERS:
                    self.secrets.register(snake(name), inner)

    def _remember_secrets_of(self, request: Request) -> None:
        if request.content:
            self.secrets.register_variants(request.content[:MOST_SEARCHED].decode("latin-1"))
        authorization = request.header("authorization")
        if authorization:
            self.secrets.register("authorization", authorization.partition(" ")[2])


def _by_hand(target: Target) -> ByHand | None:
    from device_grant.server.session.by_hand import ByHand
    from device_grant.targets.users import PromptUser  # what lists checks needs no HTTP client

    user = target.user
    prompt = getattr(user, "inner", user)
    return ByHand(user, prompt) if user is not None and isinstance(prompt, PromptUser) else None


def new_run(
    target: Target,
    dialect_name: str,
    catalogue: Catalogue,
    profile: str = "fast",
    seed: int | None = None,
) -> Run:
    """A run in a dialect; raises UsageError for an unknown profile or dialect."""
    if profile not in PROFILES:
        raise UsageError(f"unknown profile {profile!r}: choose one of {', '.join(PROFILES)}")
    return Run(target, any_dialect(dialect_name), catalogue, PROFILES[profile], seed)
