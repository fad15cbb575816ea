"""Operations on one grant that overlap at random, some of them never answered: an order must explain the answers.

What a history proves, and what it does not, is in docs/explanation/histories.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from device_grant.judging import Inconclusive, Untestable, check
from device_grant.protocol.events import RoundBegan
from device_grant.server.histories.grant import GrantModel, GrantRule
from device_grant.server.histories.history import LATE, PlannedPoll, history_of, pass_time
from device_grant.server.histories.refreshing import GRACE, history_of_refresh, require_public, require_replacement
from device_grant.server.histories.rounds import (
    ROUNDS,
    TOGETHER,
    Chance,
    Practice,
    chance_of,
    practise,
    racing,
    rounds,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from device_grant.judging import Verify
    from device_grant.server.histories.history import History
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device
    from device_grant.server.sockets.racing import Race
    from device_grant.targets.dispatch import Dispatch

ONE_TOKEN = "rfc8628-3.5-concurrent-redemption"  # noqa: S105 - the id of a requirement
DENIED = "rfc8628-3.5-access-denied-terminal"
KEPT = "rfc8628-3.5-success-after-approval"
EXPIRED = "rfc8628-3.5-approved-then-expired"
REQUIREMENTS = {
    GrantRule.ONE_TOKEN: ONE_TOKEN,
    GrantRule.DENIED: DENIED,
    GrantRule.KEPT: KEPT,
    GrantRule.EXPIRED: EXPIRED,
}
"""Which requirement each rule of a history is about."""
RULES = (GrantRule.ONE_TOKEN, GrantRule.DENIED, GrantRule.KEPT)
"""What is judged of operations that overlap; the others have checks of their own."""
ORDERS = (("approve",), ("deny",), ("approve",), ("approve", "deny"), ("approve",), ("deny",), ("deny", "approve"))
MOST_ROUNDS = 16
"""Each with two histories."""
FEW, MANY = 2, 5
"""Polls that overlap, where each slow_down makes us wait on a real clock, and else."""
BEFORE_THE_END = 0.4
"""Seconds before expires_in at which an approval is sent that meets the end of the code's life."""
ACROSS = 3.0
"""Seconds by which the clock is moved meanwhile."""


@dataclass
class HistoryPlan:
    """Draws what is done to a grant."""

    race: Race
    device: Device
    chance: Chance
    practice: Practice
    strangers: list[Device] = field(default_factory=list)
    """Another client, where there is one."""
    sent: int = 0
    """Polls of the history that is being made."""

    def polls(self, most: int, least: int = 1, *, lost: bool = True) -> list[PlannedPoll]:
        """Polls that overlap: some by another client, some whose answer nobody waits for."""
        drawn = self.chance.drawn
        polls = []
        for _ in range(drawn.randint(least, most)):
            self.sent += 1
            foreign = bool(self.strangers) and self.chance.often(0.25)
            dropped = lost and not foreign and self.chance.often(0.15)
            what = "poll by another client" if foreign else "poll, connection closed" if dropped else "poll"
            by = self.strangers[0] if foreign else None
            polls.append(PlannedPoll(f"{what} {self.sent}", self.chance.delay(), dropped, by))
        return polls

    @property
    def most(self) -> int:
        """Polls that overlap at most."""
        return FEW if self.race.case.run.target.clock.sleeps else MANY

    def decided(self, number: int) -> History:
        """The history of a grant that is decided while it is polled."""
        from device_grant.server.pages.deciding import decide_together

        order, case = ORDERS[number % len(ORDERS)], self.race.case
        grant, self.sent = self.device.start(), 0
        history = history_of(self.race, grant)
        lead = self.chance.drawn.choice((0, 0, 1, -1)) if len(order) > 1 else 0
        case.transcript.append(RoundBegan(case.now(), number, order))
        decisions = decide_together(
            self.race,
            grant,
            order,
            lengths=self.practice.lengths,
            lead=lead,
            beside=self._beside(history),
            hold=self.chance.delay,
        )
        history.decided(self.practice.meant(decisions))
        history.settle()
        if self.chance.often(0.5):
            history.overlap(self.polls(self.most))
        history.end()
        history.judge(self.practice.model(*RULES))
        return history

    def redeemed(self) -> History:
        """The history of an approved grant that is polled from several sides."""
        grant, self.sent = self.device.start(), 0
        history = history_of(self.race, grant)
        history.approve(grant)
        history.wait(grant.interval + 1)
        history.overlap(self.polls(self.most + 1, 2))
        history.overlap(self.polls(2))
        history.end(1)
        history.judge(self.practice.model(*RULES))
        return history

    def _beside(self, history: History) -> Callable[[int], list[Dispatch]]:
        def drawn(left: int) -> list[Dispatch]:
            return history.dispatch(self.polls(self.most - left)) if left <= 1 else []

        return drawn


def planned(case: ServerCase, device: Device) -> HistoryPlan:
    """The plan of a check; raises what `racing` and `practise` raise."""
    race = racing(device)
    practice = practise(race, device)
    try:
        strangers = [case.other]
    except Untestable:
        strangers = []
    return HistoryPlan(race, device, chance_of(case, device), practice, strangers)


@check(
    ONE_TOKEN,
    DENIED,
    KEPT,
    faults=("late_write", "redemption_race", "denial_then_token", "foreign_poll_starves"),
    timed=True,
    live=TOGETHER,
)
def test_overlapping_operations(case: ServerCase, device: Device, verify: Verify) -> None:
    """Decisions and polls that overlap at random, some by another client, some whose connection is closed at once.

    Accepted: answers that some order of the operations explains, one after another, as a grant goes from pending to
    decided to redeemed. A decision may take the interval to be seen, slow_down may come at any time, and what was not
    answered may have taken effect or not. The controls: both decisions alone, each then contradicted.
    """
    plan = planned(case, device)
    shown: dict[GrantRule, tuple[int, History]] = {}
    for number in rounds(case, MOST_ROUNDS):
        for history in (plan.decided(number), plan.redeemed()):
            shown = dict.fromkeys(history.broken, (number, history)) | shown
        if len(shown) == len(RULES):
            break
    if GrantRule.KEPT in shown and not _approval_counts(device):
        verify.unclear(KEPT, "an approval that meets nothing brings no token either", shown.pop(GrantRule.KEPT)[1])
    for rule in RULES:
        problem = f"no order explains the answers: {rule}"
        at, evidence = shown.get(rule, (number, history))
        # What broke in another way shows nothing of this one.
        holds = rule not in shown and (None if evidence.broken else True)
        verify.that(REQUIREMENTS[rule], holds, problem, evidence, measured={ROUNDS: at})


def _approval_counts(device: Device) -> bool:
    grant = device.start()
    device.user.approve(grant)
    return grant.poll(label="control: poll after an approval that met nothing").outcome.ok


@check(EXPIRED, faults=("approval_outlives_code",), timed=True, live=TOGETHER)
def test_approval_at_expiry(case: ServerCase, device: Device, verify: Verify) -> None:
    """Approve as the code's life ends, polls beside; poll again five seconds after the end. Accepted: no token then.

    The control: an approval in the last seconds of a life that ends after it, which no poll redeems, brings no token.
    """
    if case.run.target.clock.sleeps:
        raise Untestable("an approval meets the end of a life where the clock can be moved")
    plan = planned(case, device)
    control, taken = _late_token(plan, across=0.0), False
    for number in rounds(case):  # noqa: B007 - it is how many there were
        history = _late_token(plan, across=ACROSS)
        taken = taken or history.taken("approve")
        if history.broken:
            break
    if control.broken:
        raise Untestable("a code that was approved in its life yields a token after it: see the check of expiry")
    if not taken:
        raise Inconclusive(f"no approval of {number} met the end of a code's life and was taken")
    problem = f"no order explains the answers: {GrantRule.EXPIRED}"
    verify.that(EXPIRED, not history.broken, problem, history, measured={ROUNDS: number})


def _late_token(plan: HistoryPlan, *, across: float) -> History:
    """The history of a grant that is approved in its last moment, while its clock is moved, and polled afterwards."""
    from device_grant.server.pages.deciding import decide_together
    from device_grant.targets.dispatch import Meanwhile

    grant = plan.device.start()
    grant.require_expiry()
    history = history_of(plan.race, grant)

    def move() -> None:
        plan.race.case.run.target.clock.wait(across)
        history.moments.moved(across)

    # Moving a clock that some programs look at once a second takes as long.
    history.wait(grant.expires_in - history.moments.now() - BEFORE_THE_END - (0 if across else ACROSS))
    grant.may_end = True
    hold = plan.chance.delay() if across else 0.0
    decisions = decide_together(
        plan.race,
        grant,
        ["approve"],
        lengths=plan.practice.lengths,
        beside=lambda left: [] if left else history.dispatch(plan.polls(1, lost=False)) if across else [],
        meanwhile=Meanwhile(hold + plan.chance.later(), move) if across else None,
        hold=lambda: hold,
    )
    history.decided(decisions)
    history.settle()
    history.wait(grant.expires_in + LATE + 1 - history.moments.now())
    history.overlap([PlannedPoll("poll 5 s after expires_in")])
    history.judge(GrantModel(frozenset({GrantRule.EXPIRED})))
    return history


@check(
    "rfc9700-4.14-refresh-replay-detection",
    "rfc6819-5.2.2.3-rotation",
    faults=("lost_refresh_repeats",),
    needs=("refresh_token",),
    timed=True,
    live=TOGETHER,
)
def test_lost_refreshes(case: ServerCase, device: Device, verify: Verify) -> None:
    """A public client's connection is closed as it refreshes; it tries again, and more than a minute later once more.

    Others present the token at the same moment, some of them lost as well; several tokens. Accepted: answers that some
    order explains in which a refresh that nobody saw the answer of has taken effect, or has not. Until the minute is
    over, a server may be patient with whoever presents a token again: for a lost answer that is what one would wish.
    """
    require_public(device)
    race = racing(device)
    require_replacement(device)
    chance = chance_of(case, device)
    histories = [_refreshed(history_of_refresh(race, device), chance) for _ in range(case.run.profile.race_rounds)]
    pass_time(histories, GRACE)
    for history in histories:
        history.be_late()
        history.overlap([PlannedPoll("refresh a minute later")])
        history.judge(GrantModel(frozenset({GrantRule.ONE_TOKEN}), grace=True))
    shown = next((history for history in histories if history.broken), histories[-1])
    problem = "a refresh token whose answer was lost stayed valid after it was used again"
    # AWS gives every installation a secret of its own, without which its refresh token is worth nothing.
    tolerated = case.run.dialect.public_clients_have_secrets
    measured = {ROUNDS: len(histories)}
    for requirement in ("rfc9700-4.14-refresh-replay-detection", "rfc6819-5.2.2.3-rotation"):
        verify.that(requirement, not shown.broken, problem, shown, tolerated=tolerated, measured=measured)


def _refreshed(history: History, chance: Chance) -> History:
    """The same after a refresh that was lost, others beside it, and one that was not."""
    beside = [
        PlannedPoll("refresh beside it, connection closed" if lost else "refresh beside it", chance.delay(), lost)
        for lost in (chance.often(0.5) for _ in range(chance.drawn.randint(0, 2)))
    ]
    history.overlap([PlannedPoll("refresh, connection closed", dropped=True), *beside])
    history.overlap([PlannedPoll("refresh again")])
    return history
