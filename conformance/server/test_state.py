"""The grant as a state machine: devices, clients, users and the clock, interleaved by Hypothesis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.judging import Untestable, check
from conformance.server.device import GONE, PENDING, describe
from conformance.server.fuzz import settings_for

if TYPE_CHECKING:
    from typing import Any

    from conformance.protocol import Exchange
    from conformance.server.case import Case
    from conformance.server.device import Grant
    from conformance.server.fuzz import Fuzz

MOST_GRANTS = 3
"""Grants in one story: with more of them the same one is rarely met again."""
SKEW = 3.0
"""Seconds around the end of a code in which either answer is right."""
FOREIGN = (*GONE, "invalid_client", "unauthorized_client", "invalid_request", "slow_down", "authorization_pending")


@check(
    "rfc8628-3.4-code-bound-to-client",
    "rfc8628-3.5-access-denied-terminal",
    "rfc8628-3.5-authorization-pending",
    "rfc8628-3.5-device-code-single-use",
    "rfc8628-3.5-no-pending-after-expiry",
    "rfc8628-3.5-no-token-before-approval",
    "rfc8628-3.5-server-no-slow-down-when-polite",
    "rfc8628-3.5-success-after-approval",
    faults=(
        "code_reusable",
        "denial_then_token",
        "foreign_client_redeems",
        "token_before_approval",
        "slow_down_polite",
        "approval_ignored",
        "expired_still_pending",
        "pending_as_invalid_grant",
    ),
    timed=True,
    sampled=True,
)
def test_interleaved_grants(case: Case, fuzz: Fuzz) -> None:
    """Many devices, two clients, decisions, waits, polls in any order. Accepted: what the model of a grant allows."""
    from hypothesis.stateful import run_state_machine_as_test

    if case.run.target.clock.kind == "real":
        raise Untestable("the state machine needs a clock that can jump: run in process or under libfaketime")
    if case.run.target.user is None:
        raise Untestable("nobody can approve or deny: target.toml has no [user]")
    case.device.start()
    machine = _machine(case)
    profile = case.run.profile
    settings = settings_for(profile, profile.stories, profile.steps)
    fuzz.run(lambda: run_state_machine_as_test(machine, settings=settings))


@dataclass
class Expectation:
    """What the model knows of one grant."""

    grant: Grant
    state: str = "pending"
    """`pending`, `approved`, `denied`, `redeemed`, or `undecided` after a decision that the page may have refused."""

    @property
    def age(self) -> float:
        """Seconds since the grant began."""
        return self.grant.device.case.now() - self.grant.started

    @property
    def expired(self) -> bool:
        """Whether the codes have ended for sure."""
        return self.age > self.grant.expires_in + SKEW

    @property
    def maybe_expired(self) -> bool:
        """Whether they may have."""
        return self.age > self.grant.expires_in - SKEW

    def judge(  # noqa: PLR0911 - one return for each state of a grant
        self, exchange: Exchange, *, polite: bool
    ) -> tuple[str, tuple[str, ...]]:
        """The requirement that an own poll settles, and its acceptable answers."""
        hasty = () if polite else ("slow_down",)
        if self.state == "redeemed":
            return "rfc8628-3.5-device-code-single-use", (*GONE, "invalid_request", *hasty)
        if self.state == "undecided":
            return "rfc8628-3.5-authorization-pending", (*PENDING, *GONE, "invalid_request", "ok")
        if self.expired:
            # Whether an approved code dies with the others is a requirement of its own, tested apart.
            late = ("ok",) if self.state == "approved" else ()
            return "rfc8628-3.5-no-pending-after-expiry", (*GONE, "invalid_request", *late, *hasty)
        if self.state == "denied":
            return "rfc8628-3.5-access-denied-terminal", (*GONE, *hasty)
        over = GONE if self.maybe_expired else ()
        if self.state == "approved":
            return "rfc8628-3.5-success-after-approval", ("ok", *over, *hasty)
        if exchange.outcome.ok:
            return "rfc8628-3.5-no-token-before-approval", PENDING
        if polite and exchange.code == "slow_down":
            return "rfc8628-3.5-server-no-slow-down-when-polite", ("authorization_pending",)
        return "rfc8628-3.5-authorization-pending", (*PENDING, *over)


def _machine(case: Case) -> Any:  # noqa: C901 - one rule after another, each of them short
    from hypothesis import strategies as st
    from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, precondition, rule

    class Grants(RuleBasedStateMachine):
        """One story."""

        grants: Any = Bundle("grants")

        def __init__(self) -> None:
            super().__init__()
            case.transcript.entries.clear()
            case.examples += 1
            self.started = 0

        def settle(self, requirement: str, exchange: Exchange, accepted: tuple[str, ...]) -> None:
            holds = not exchange.outcome.names.isdisjoint(accepted)
            case.ledger.settle(
                requirement,
                holds,
                message=f"answered {describe(exchange)} instead of {' or '.join(accepted)}",
                accepted=accepted,
                got=describe(exchange),
                exchanges=() if holds else tuple(case.transcript.entries),
            )

        @initialize(target=grants)
        def first(self) -> Expectation:
            return self.start()

        @precondition(lambda self: self.started < MOST_GRANTS)
        @rule(target=grants)
        def another(self) -> Expectation:
            return self.start()

        def start(self) -> Expectation:
            self.started += 1
            return Expectation(case.device.start())

        @rule(known=grants)
        def polite_poll(self, known: Expectation) -> None:
            self.poll(known, polite=True)

        @rule(known=grants)
        def hasty_poll(self, known: Expectation) -> None:
            self.poll(known, polite=False)

        def poll(self, known: Expectation, *, polite: bool) -> None:
            exchange = known.grant.poll(wait=polite, label="polite poll" if polite else "hasty poll")
            requirement, accepted = known.judge(exchange, polite=polite)
            self.settle(requirement, exchange, accepted)
            if exchange.outcome.ok:
                known.state = "redeemed"

        @rule(known=grants)
        def poll_by_another_client(self, known: Expectation) -> None:
            other = case.other.client
            exchange = known.grant.poll(wait=False, client=other, label="poll by another client")
            self.settle("rfc8628-3.4-code-bound-to-client", exchange, FOREIGN)
            if exchange.code not in PENDING and known.state in ("pending", "approved"):
                # Some servers end the grant when a stranger presents its code; that is theirs to choose.
                known.state = "undecided"

        @rule(known=grants)
        def approve(self, known: Expectation) -> None:
            self.decide(known, "approve")

        @rule(known=grants)
        def deny(self, known: Expectation) -> None:
            self.decide(known, "deny")

        def decide(self, known: Expectation, action: str) -> None:
            refused = case.device.user.try_to(action, known.grant)
            if known.state == "pending":
                decided = "approved" if action == "approve" else "denied"
                known.state = "undecided" if refused or known.maybe_expired else decided
            elif known.state == "approved" and action == "deny" and not refused:
                known.state = "undecided"  # a late change of mind may count or not

        @rule(seconds=st.sampled_from([1, 5, 60]))
        def wait(self, seconds: int) -> None:
            case.wait(seconds)

        @rule(known=grants)
        def let_expire(self, known: Expectation) -> None:
            if known.grant.expires_in > 0:
                known.grant.expire(margin=SKEW + 1)

    return Grants
