"""What a check works with: a case with its transcript, its devices and `verify`."""

from __future__ import annotations

import math
import sys
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from device_grant.browser.unreadable import UNREADABLE
from device_grant.catalogue import Verdict
from device_grant.judging import (
    Check,
    Claim,
    Inconclusive,
    Invariant,
    Judgement,
    Ledger,
    NotApplicable,
    StopCheck,
    Untestable,
    UserModuleBroke,
    Verify,
    Violation,
)
from device_grant.protocol import Client, Exchange, Operation, Purpose, Request, Transcript
from device_grant.protocol.events import Noted, Waited
from device_grant.server.generation.fuzz import Fuzz
from device_grant.server.preflight import Preflight
from device_grant.server.session import capabilities
from device_grant.server.session.answers import reason_of
from device_grant.server.session.device import Device
from device_grant.server.session.disclosure import DISCLOSED, KnownSecrets
from device_grant.server.session.effect import NOTHING, Effect
from device_grant.server.session.mutual_tls import url_for
from device_grant.server.session.pace import END_OF_TIME, FARTHEST, LATITUDE
from device_grant.server.session.polite import require_welcome
from device_grant.server.session.registering import refused
from device_grant.targets.ports import NotHeld, UserModuleError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from device_grant.server.session.run import Run
    from device_grant.targets.ports import User

T = TypeVar("T")

_SHORT = 15.0
"""Real seconds for which a check may keep the user from all others while it waits."""


class ServerCase:
    """One check while it runs: everything that is sent goes through here, is kept and judged."""

    def __init__(self, run: Run, check: Check) -> None:
        self.run = run
        self.check = check
        self.transcript = Transcript()
        self.began = run.target.clock.now()
        self.examples = 0
        self.ledger = Ledger(check.name, run.catalogue.get, run.dialect, check.requirements, run.expects)
        self._ledgers: dict[str, Ledger] = {}
        """Of the invariants that had something to judge: most of a hundred have not, in most of the checks."""
        self._unsettled: Mapping[str, str] = {}
        # Where cases are drawn beforehand, what a check does must not depend on what others found before.
        self.effect = run.effect if run.target.sampler is None else Effect()
        self.preflight = Preflight()
        """What this case finds of the main path; empty in all but the one that walks it."""
        self.stop: StopCheck | None = None
        """Why the check ended before its end, if it did."""
        self.resting: Callable[[], AbstractContextManager[None]] = nullcontext
        """Entered while the case only waits."""
        self.secrets = KnownSecrets()
        self.exposed: dict[str, Any] = {}
        """What a phisher gets, as far as this check measures it: members of `results.model.Exposure`."""
        self._local: dict[str, Any] = {}
        self._purpose: Purpose | None = None
        self._user: ExitStack | None = None
        """What holds the user for this check."""
        self._kept: ExitStack | None = None
        """The same, where it does so until the check ends."""
        self._decides = False
        """Whether a decision was tried, so that tokens may come."""
        self.lost = False
        """Whether a code that still had to live was answered, or called by the pages, as one that is over."""

    def begin(self) -> None:
        """Start counting the case's seconds now."""
        self.began = self.run.target.clock.now()

    # What check functions may ask for by parameter name: device_grant.judging.PARAMETERS.

    @property
    def case(self) -> ServerCase:
        """The case itself."""
        return self

    @property
    def verify(self) -> Verify:
        """The judge of this case."""
        return self._once("verify", lambda: Verify(self.ledger))

    @property
    def device(self) -> Device:
        """A device whose client is the primary one."""
        return self._once("device", lambda: self.device_of("primary"))

    @property
    def other(self) -> Device:
        """A device of a second client; untestable where there is none."""
        return self._once("other", lambda: self.device_of("other"))

    @property
    def confidential(self) -> Device:
        """A device whose client has a secret that the server must check; not applicable where all are public."""
        return self._once("confidential", self._confidential_device)

    @property
    def decider(self) -> User | None:
        """Who decides for this check; None where nobody does."""
        return self.run.decider(self.check.name)

    def require_decider(self) -> User:
        """The same; raises Untestable where nobody does."""
        user = self.decider
        if user is None:
            raise Untestable(self.run.why_nobody(self.check.name))
        return user

    @property
    def longest_wait(self) -> float:
        """Seconds that one wait may take: no bound on a clock that jumps, else that of target.toml."""
        clock = self.run.target.clock
        return self.run.target.config.clock.longest_wait if clock.kind == "real" else math.inf

    @property
    def fuzz(self) -> Fuzz:
        """Runs a judge over generated examples."""
        return self._once("fuzz", lambda: Fuzz(self))

    def _confidential_device(self) -> Device:
        device = self.device_of("confidential")
        if device.client.registered and device.client.authentication == "none":
            # A server may replace what was asked for (RFC 7591 section 3.2.1): what it answered is what counts.
            raise NotApplicable("a client that asks for a secret is registered as public")
        return device

    def device_of(self, role: str) -> Device:
        """A device whose client has that role; raises Untestable where the target offers no such client."""
        self.run.preflight.require("clients")
        own = self.run.dialect.clients_register and not self.run.target.config.clients
        if own and self.run.manners is None:
            # Such registrations end, at AWS after 90 days: on a clock that jumps each case needs its own.
            client: Client | None = self.register(role)
        else:
            client = self.run.client(role)
        if client is None:
            raise Untestable(f"no {role} client: none in target.toml and none could be registered")
        return Device(self, self.run.methods.spoken(client))

    def register(self, role: str) -> Client:
        """Register a new client in this case; raises Untestable if it is refused."""
        exchange = self.send(self.run.registration_request(role), f"register ({role})")
        if not exchange.outcome.ok:
            raise refused(exchange)
        return self.run.client_of(exchange)

    # Sending.

    def send(
        self,
        request: Request,
        label: str = "",
        *,
        patient: bool = True,
        purpose: Purpose | None = None,
        malformation: str = "",
    ) -> Exchange:
        """Send a request as it is; the exchange is kept and the invariants judge it.

        `label` says to people what the request is for, and `purpose` to everything else: by default what the request
        says itself. `malformation` says how a malformed one is wrong. Raises Blocked where such requests are known to
        lead nowhere.
        """
        self.run.preflight.require_operation(request.operation)
        exchange = self.run.exchange(request, self.began, label, patient=patient)
        purpose = purpose or self._purpose
        if purpose is not None:
            exchange = replace(exchange, purpose=purpose, malformation=malformation)
        return self.take(exchange)

    @contextmanager
    def sending_for(self, purpose: Purpose) -> Iterator[None]:
        """Within: requests are sent for this purpose, unless `send` is given another."""
        before, self._purpose = self._purpose, purpose
        try:
            yield
        finally:
            self._purpose = before

    def take(self, exchange: Exchange) -> Exchange:
        """Record an exchange and let the invariants judge it."""
        self.transcript.append(exchange)
        dialect, raising = self.run.dialect, self.ledger.raising
        for entry in self.run.invariants:
            for judgement in entry.function(exchange, dialect):
                ledger = self._ledgers.get(entry.name) or self._ledger_of(entry)
                # Most hold, of requirements that held before: then there is nothing to describe.
                if judgement.holds and ledger.again(judgement.requirement):
                    continue
                ledger.raising = raising
                ledger.settle(judgement.shown_by(exchange))
        disclosed = self.secrets.disclosed_in(exchange)
        if disclosed is not None:
            self.tell_invariant(DISCLOSED, disclosed.shown_by(exchange))
        return exchange

    def tell_invariant(self, name: str, judgement: Judgement) -> None:
        """Settle what an invariant says of something that is no exchange, such as a page that the user loaded."""
        entry = next((one for one in self.run.invariants if one.name == name), None)
        if entry is not None:
            ledger = self._ledgers.get(name) or self._ledger_of(entry)
            ledger.settle(judgement)

    @property
    def invariants(self) -> dict[str, Ledger]:
        """What the invariants have claimed, by their names and in their order; of those that had something to judge."""
        return {one.name: self._ledgers[one.name] for one in self.run.invariants if one.name in self._ledgers}

    def _ledger_of(self, entry: Invariant) -> Ledger:
        run = self.run
        ledger = Ledger(entry.name, run.catalogue.get, run.dialect, entry.requirements, run.expects)
        ledger.unsettled = self._unsettled
        self._ledgers[entry.name] = ledger
        return ledger

    def call(
        self,
        operation: Operation,
        members: dict[str, Any],
        client: Client | None,
        label: str = "",
        *,
        patient: bool = True,
    ) -> Exchange:
        """Encode and send one operation."""
        request = self.run.dialect.encode(operation, url_for(self.run, operation, client), members, client)
        return self.send(request, label, patient=patient)

    def wait(self, seconds: float) -> None:
        """Let time pass on the target's clock; raises Untestable where it would be too long."""
        seconds = min(seconds, sys.float_info.max)  # a server's whole numbers may be larger
        # What rounding leaves of a wait that is over is none.
        if seconds > 1e-6:
            if seconds > self.longest_wait + LATITUDE:
                raise Untestable(
                    f"{seconds:g} s would have to be waited on a real clock: raise [clock] longest_wait in target.toml"
                )
            if seconds > FARTHEST or self.run.target.clock.now() + seconds > END_OF_TIME:
                raise Untestable(f"{seconds:g} s would have to be waited, more than a clock can be moved")
            self.transcript.append(Waited(self.now(), seconds))
            # Nobody else may wait for the user that long: what another approval ends meanwhile is then ended.
            left = self.run.target.clock.sleeps and seconds > _SHORT and self._leave_user()
            with self.resting():
                self.run.target.clock.wait(seconds)
            if left:
                self.keep_user()

    def note(self, text: str) -> None:
        """Write a remark for people into the transcript."""
        self.transcript.append(Noted(self.now(), text))

    def now(self) -> float:
        """Seconds on the target's clock since the case began."""
        return self.run.target.clock.now() - self.began

    # The user, of whom there is one.

    @contextmanager
    def with_user(self, *, alone: bool = False) -> Iterator[None]:
        """Within: the user decides; `alone`: and for no other check meanwhile, nor while another one keeps them."""
        self._decides = True
        if self._user is not None:
            yield
            return
        with ExitStack() as joined:
            self._join_user(joined, alone=alone)
            self._user = joined
            try:
                yield
            finally:
                self._user = None

    def redeeming(self) -> AbstractContextManager[None]:
        """Within: a code may be redeemed, which is as much to the user's session as a decision is."""
        return self.with_user() if self._decides else nullcontext()

    def keep_user(self) -> None:
        """Let the user decide for no other check until this one ends.

        A server may keep one session for a user and a client, which the next approval ends.
        """
        if self._user is None:
            self._kept = self._user = ExitStack()
            self._join_user(self._kept, alone=True)

    def _join_user(self, stack: ExitStack, *, alone: bool) -> None:
        with self.resting():
            stack.enter_context(self.run.user.admitted(alone=alone))

    def _leave_user(self) -> bool:
        """Whether the check has kept the user, whom others have again."""
        kept, self._kept = self._kept, None
        if kept is None:
            return False
        self._user = None
        kept.close()
        return True

    # Ending.

    def execute(self, arguments: Sequence[str] | None = None) -> None:
        """Run the check function with what its parameters name, and settle all that it left open."""
        names = arguments if arguments is not None else self.check.parameters
        with ExitStack() as ending:
            ending.callback(self._leave_user)
            self._execute(names)

    def _execute(self, names: Sequence[str]) -> None:
        try:
            require_welcome(self.check, self.run.manners)
            self.require_claims()
            self._leave_unsettled()
            self.check.function(**{name: getattr(self, name) for name in names})
            self._require_effect()
        except StopCheck as reason:
            self.stop = reason
        except UserModuleError as error:
            self.stop = UserModuleBroke(str(error))
        except UNREADABLE as error:
            self.stop = Untestable(f"an answer could not be read: {reason_of(error)}")
        except BaseExceptionGroup as group:
            # Generated examples that ended in several ways.
            unreadable, others = group.split(UNREADABLE)
            if unreadable is None or others is not None:
                raise
            self.stop = Untestable(f"answers could not be read: {reason_of(unreadable.exceptions[0])}")
        if self.check.sampled and self.examples and not self.ledger.tallies and self.stop is None:
            self.stop = Inconclusive(f"none of {self.examples} generated examples came to what it was made to show")
        self.ledger.close(self.stop, sampled=self.check.sampled)

    def _require_effect(self) -> None:
        """Take back what speaks against the target, and raise Untestable, where no decision of the user gets there.

        Most checks poll what was decided, which tells it sooner; of pages and races they may accuse before that.
        """
        broken = [name for name, tally in self.ledger.tallies.items() if tally.verdict >= Verdict.OBSERVED]
        if not broken or not self._decides:
            return
        try:
            without = self.effect.is_none(self.device)
        except (StopCheck, NotHeld):
            self.note("whether decisions have an effect cannot be tried")
            return
        if without:
            for name in broken:
                del self.ledger.tallies[name]
            raise Untestable(NOTHING)

    def require_claims(self) -> None:
        """Raise NotApplicable if the target lacks what the check is about, Untestable if it cannot be reached."""
        for name in self.check.needs:
            capabilities.require(self.run, name)

    def _leave_unsettled(self) -> None:
        """Let nothing be settled that this target cannot show; raises Inconclusive if that is the whole check."""
        reasons = self.run.target.unsettled(self.check.name, self.check.live)
        if "*" in reasons:
            raise Inconclusive(reasons["*"])
        self._unsettled = reasons
        for ledger in (self.ledger, *self._ledgers.values()):
            ledger.unsettled = reasons

    def claims(self) -> Iterator[Claim]:
        """The worst claim of the check on each requirement, invariants excluded."""
        for tally in self.ledger.tallies.values():
            if tally.worst is not None:
                yield tally.worst

    @property
    def in_question(self) -> bool:
        """Whether something speaks against the target, or was not judged to its end; invariants are apart."""
        broken = any(tally.verdict >= Verdict.OBSERVED for tally in self.ledger.tallies.values())
        return broken or self.stop is not None

    @property
    def worst(self) -> Verdict:
        """The worst verdict of the check, invariants included."""
        ledgers = (self.ledger, *self._ledgers.values())
        return max((tally.verdict for ledger in ledgers for tally in ledger.tallies.values()), default=Verdict.PASS)

    @contextmanager
    def raising(self) -> Iterator[None]:
        """Within: an unexpected failure raises a Violation, so that Hypothesis can shrink it.

        One that there was before is counted and not raised: else every example would end with it, unjudged.
        """
        for ledger in (self.ledger, *self._ledgers.values()):
            # Not changed within: the same example must end in the same way each time.
            ledger.known = frozenset(ledger.failed)
        before, self.ledger.raising = self.ledger.raising, True
        try:
            yield
        finally:
            self.ledger.raising = before

    def record(self, violations: Iterable[Violation]) -> None:
        """Take claims that were raised, after shrinking, into their ledgers."""
        for violation in violations:
            claim = violation.claim
            ledger = self._ledgers.get(claim.check, self.ledger)
            ledger.raising = False
            ledger.add(claim)

    def _once(self, name: str, make: Callable[[], T]) -> T:
        if name not in self._local:
            self._local[name] = make()
        result: T = self._local[name]
        return result
