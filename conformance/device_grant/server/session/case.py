"""What a check works with: a case with its transcript, its devices and `verify`."""

from __future__ import annotations

import inspect
import math
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, TypeVar

from device_grant.catalogue import Verdict
from device_grant.errors import SuiteError
from device_grant.judging import (
    Check,
    Claim,
    Inconclusive,
    Ledger,
    NotApplicable,
    StopCheck,
    Tolerated,
    Untestable,
    Violation,
    all_invariants,
)
from device_grant.protocol import Client, Event, Exchange, Operation, Request, Transcript
from device_grant.protocol.exchange import RAW
from device_grant.server.generation.fuzz import Fuzz
from device_grant.server.session.device import Device, describe
from device_grant.server.session.effect import Effect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from device_grant.server.session.run import Run

T = TypeVar("T")


class Case:
    """One check while it runs: everything that is sent goes through here, is kept and judged."""

    def __init__(self, run: Run, check: Check) -> None:
        self.run = run
        self.check = check
        self.transcript = Transcript()
        self.began = run.target.clock.now()
        self.examples = 0
        self.ledger = Ledger(check.name, run.catalogue.get, run.dialect.name, check.requirements, run.expects)
        self.invariants = {
            entry.name: Ledger(entry.name, run.catalogue.get, run.dialect.name, entry.requirements, run.expects)
            for entry in all_invariants()
        }
        # Where cases are drawn beforehand, what a check does must not depend on what others found before.
        self.effect = run.effect if run.target.sampler is None else Effect()
        self.stop: StopCheck | None = None
        """Why the check ended before its end, if it did."""
        self.resting: Callable[[], AbstractContextManager[None]] = nullcontext
        """Entered while the case only waits."""
        self._local: dict[str, Any] = {}

    def begin(self) -> None:
        """Start counting the case's seconds now."""
        self.began = self.run.target.clock.now()

    # What check functions may ask for by parameter name.

    @property
    def case(self) -> Case:
        """The case itself."""
        return self

    @property
    def verify(self) -> Verify:
        """The judge of this case."""
        return self._once("verify", lambda: Verify(self))

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
        """A device whose client has a secret that the server must check."""
        return self._once("confidential", lambda: self.device_of("confidential"))

    @property
    def longest_wait(self) -> float:
        """Seconds that one wait may take: no bound on a clock that jumps, else that of target.toml."""
        clock = self.run.target.clock
        return self.run.target.config.clock.longest_wait if clock.kind == "real" else math.inf

    @property
    def fuzz(self) -> Fuzz:
        """Runs a judge over generated examples."""
        return self._once("fuzz", lambda: Fuzz(self))

    def device_of(self, role: str) -> Device:
        """A device whose client has that role; raises Untestable where the target offers no such client."""
        if self.run.aws and not self.run.target.config.clients:
            # AWS registrations end after 90 days: on a clock that jumps each case needs its own.
            client: Client | None = self.register(role)
        else:
            client = self.run.client(role)
        if client is None:
            raise Untestable(f"no {role} client: none in target.toml and none could be registered")
        return Device(self, client)

    def register(self, role: str) -> Client:
        """Register a new client in this case; raises Untestable if it is refused."""
        exchange = self.send(self.run.registration_request(role), f"register ({role})")
        if not exchange.outcome.ok:
            raise Untestable(f"client registration was refused with {exchange.status} {exchange.code}")
        return self.run.client_of(exchange)

    # Sending.

    def send(self, request: Request, label: str = "", *, patient: bool = True) -> Exchange:
        """Send a request as it is; the exchange is kept and the invariants judge it."""
        return self.take(self.run.exchange(request, self.began, label, patient=patient))

    def take(self, exchange: Exchange) -> Exchange:
        """Record an exchange and let the invariants judge it."""
        self.transcript.append(exchange)
        for entry in all_invariants():
            finding = entry.function(exchange, self.run.dialect)
            if finding is None:
                continue
            ledger = self.invariants[entry.name]
            ledger.raising = self.ledger.raising
            for requirement in entry.requirements:
                if finding is True and ledger.again(requirement):
                    continue
                ledger.settle(
                    requirement,
                    finding is True,
                    message=str(finding) if isinstance(finding, str) else "",
                    got=describe(exchange),
                    exchanges=(exchange,),
                    tolerated=isinstance(finding, Tolerated),
                )
        return exchange

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
        request = self.run.dialect.encode(operation, self.run.url(operation), members, client)
        return self.send(request, label, patient=patient)

    def wait(self, seconds: float) -> None:
        """Let time pass on the target's clock."""
        # What rounding leaves of a wait that is over is none.
        if seconds > 1e-6:
            self.note(f"wait {seconds:g} s")
            with self.resting():
                self.run.target.clock.wait(seconds)

    def note(self, text: str) -> None:
        """Write an event into the transcript."""
        self.transcript.append(Event(self.now(), text))

    def now(self) -> float:
        """Seconds on the target's clock since the case began."""
        return self.run.target.clock.now() - self.began

    # Ending.

    def execute(self, arguments: Sequence[str] | None = None) -> None:
        """Run the check function with what its parameters name, and settle all that it left open."""
        names = arguments if arguments is not None else parameters(self.check)
        try:
            self.require_claims()
            self._leave_unsettled()
            self.check.function(**{name: getattr(self, name) for name in names})
        except StopCheck as reason:
            self.stop = reason
        self.ledger.close(self.stop, sampled=self.check.sampled)

    def require_claims(self) -> None:
        """Raise NotApplicable if the target says that it lacks what the check is about."""
        for name in self.check.needs:
            if self.run.claims(name) is False:
                raise NotApplicable(f"the target does not claim {name}")

    def _leave_unsettled(self) -> None:
        """Let nothing be settled that this target cannot show; raises Inconclusive if that is the whole check."""
        reasons = self.run.target.unsettled(self.check.name, self.check.live)
        if "*" in reasons:
            raise Inconclusive(reasons["*"])
        for ledger in (self.ledger, *self.invariants.values()):
            ledger.unsettled = reasons

    def claims(self) -> Iterator[Claim]:
        """The worst claim of the check on each requirement, invariants excluded."""
        for tally in self.ledger.tallies.values():
            if tally.worst is not None:
                yield tally.worst

    @property
    def worst(self) -> Verdict:
        """The worst verdict of the check, invariants included."""
        ledgers = (self.ledger, *self.invariants.values())
        return max((tally.verdict for ledger in ledgers for tally in ledger.tallies.values()), default=Verdict.PASS)

    @contextmanager
    def raising(self) -> Iterator[None]:
        """Within: an unexpected failure raises a Violation, so that Hypothesis can shrink it."""
        before, self.ledger.raising = self.ledger.raising, True
        try:
            yield
        finally:
            self.ledger.raising = before

    def record(self, violations: Iterable[Violation]) -> None:
        """Take claims that were raised, after shrinking, into their ledgers."""
        for violation in violations:
            claim = violation.claim
            ledger = self.invariants.get(claim.check, self.ledger)
            ledger.raising = False
            ledger.add(claim)

    def _once(self, name: str, make: Callable[[], T]) -> T:
        if name not in self._local:
            self._local[name] = make()
        found: T = self._local[name]
        return found


class Verify:
    """`verify(requirement, exchange, accepted=[…])`: says true or false; the requirement's level does the rest."""

    def __init__(self, case: Case) -> None:
        self._case = case

    def __call__(
        self,
        requirement: str,
        exchange: Exchange,
        *,
        accepted: Iterable[str],
        tolerated: Iterable[str] = (),
    ) -> None:
        """Claim that the outcome is one of `accepted`; one of `tolerated` is a warning at most."""
        accepted, tolerated = tuple(accepted), tuple(tolerated)
        names = exchange.outcome.names
        holds: bool | None = not names.isdisjoint(accepted)
        lenient = not holds and not names.isdisjoint(tolerated)
        if _unanswered(exchange) and not (holds or lenient):
            holds = None
        self._case.ledger.settle(
            requirement,
            holds,
            message=f"answered {describe(exchange)} instead of {' or '.join(accepted)}",
            accepted=accepted + tuple(f"{name} (with a warning)" for name in tolerated),
            got=describe(exchange),
            exchanges=(exchange,),
            tolerated=lenient,
        )

    def that(
        self,
        requirement: str,
        holds: bool | None,  # noqa: FBT001 - the claim itself
        problem: str,
        *exchanges: Exchange,
        accepted: Iterable[str] = (),
        tolerated: bool = False,
    ) -> None:
        """Claim something that is no outcome; `problem` is stable text that says what is wrong if it is false."""
        got = describe(exchanges[-1]) if exchanges else ""
        if exchanges and _unanswered(exchanges[-1]) and "no-response" not in accepted:
            holds = None
        self._case.ledger.settle(
            requirement,
            holds,
            message=problem,
            accepted=accepted,
            got=got,
            exchanges=exchanges,
            tolerated=tolerated,
        )


def _unanswered(exchange: Exchange) -> bool:
    """Whether a lost connection leaves nothing to judge; where raw octets were sent, that it is closed says much."""
    return exchange.response is None and exchange.request.method != RAW


def parameters(check: Check) -> tuple[str, ...]:
    """Names of a check function's parameters; each is a property of Case."""
    names = tuple(inspect.signature(check.function).parameters)
    for name in names:
        if not isinstance(getattr(Case, name, None), property):
            raise SuiteError(f"{check.name} asks for {name!r}, which a case does not offer")
    return names
