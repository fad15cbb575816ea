"""What must happen once although it is asked for twice at the same moment: redeeming, deciding, refreshing.

Verdicts come from histories whose answers no order explains, or from counts of successes; never from times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import Inconclusive, Untestable, check
from device_grant.protocol.events import RoundBegan
from device_grant.server.histories.grant import GrantModel, GrantRule
from device_grant.server.histories.history import LATE, History, PlannedPoll, history_of, pass_time
from device_grant.server.histories.refreshing import history_of_refresh, require_public, require_rotation
from device_grant.server.histories.rounds import ROUNDS, TOGETHER, Chance, chance_of, practise, racing, rounds
from device_grant.server.session.registering import device_of_a_new_client

if TYPE_CHECKING:
    from collections.abc import Callable

    from device_grant.judging import Verify
    from device_grant.protocol import Exchange
    from device_grant.server.pages.deciding import Decision
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device, Grant
    from device_grant.server.sockets.racing import Race
    from device_grant.targets.dispatch import Dispatch, Meanwhile

SIMULTANEOUS = 6
"""Polls or refreshes of one race."""
FIRST_APPROVALS = 4
"""Browsers that approve at the same moment."""
ONCE = frozenset({GrantRule.ONE_TOKEN})
APPROVAL_ROUNDS = 3
"""Each with a client of its own, for only once is an approval the first."""


def _alike(exchanges: list[Exchange]) -> bool:
    """Whether all brought the same tokens: an answer that was repeated hurts nobody, and is a warning."""
    return len({(exchange.get("access_token"), exchange.get("refresh_token")) for exchange in exchanges}) <= 1


@check("rfc8628-3.5-concurrent-redemption", faults=("redemption_race",), timed=True, live=TOGETHER)
def test_simultaneous_redemption(case: ServerCase, device: Device, verify: Verify) -> None:
    """Approve, then six polls at the same moment, several rounds. Accepted: at most one token set a round."""
    race, counts = racing(device), []
    problem = "one code, redeemed by simultaneous polls, yielded more than one token set"
    for number in rounds(case):
        grant = device.start()
        history = history_of(race, grant)
        history.approve(grant)
        history.wait(grant.interval + 1)
        names = [f"round {number}, simultaneous poll {count + 1}" for count in range(SIMULTANEOUS)]
        history.overlap([PlannedPoll(name) for name in names])
        counts.append(len(history.tokens))
        # The same tokens several times are one set, whoever asked for them.
        if history.judge(GrantModel(ONCE)):
            break
    case.note(f"tokens in each round of {SIMULTANEOUS} polls: {', '.join(map(str, counts))}")
    if not any(counts):
        raise Inconclusive("no simultaneous poll was answered with a token")
    once = not history.broken
    verify.that("rfc8628-3.5-concurrent-redemption", once, problem, history, measured={ROUNDS: len(counts)})


@check("rfc8628-3.5-access-denied-terminal", faults=("decision_race",), timed=True, live=TOGETHER)
def test_approval_against_denial(case: ServerCase, device: Device, verify: Verify) -> None:
    """Two browsers decide the same code at the same moment, one each way, while the device polls; several rounds.

    Accepted: whatever some order of the decisions and polls explains, as the pages mean them when nothing meets. Not
    accepted: a token after access_denied; or both taken by the pages, and a token for a later poll, on a server whose
    pages otherwise mean it when they take a denial, and take no approval after one.
    """
    from device_grant.server.pages.deciding import decide_together

    race = racing(device)
    practice = practise(race, device)
    for number in (count - 1 for count in rounds(case)):
        order = ("deny", "approve") if number % 2 == 0 else ("approve", "deny")
        grant, lead = device.start(), _lead(number, order[0], practice.lengths)
        history = history_of(race, grant)
        case.transcript.append(RoundBegan(case.now(), number + 1, order))
        decisions = decide_together(
            race, grant, order, lengths=practice.lengths, lead=lead, beside=_beside_the_last(history)
        )
        decisions = practice.meant(decisions)
        history.decided(decisions)
        history.settle()
        case.note("; ".join(_in_words(action, decision) for action, decision in decisions.items()))
        history.end()
        broken = history.judge(practice.model(GrantRule.DENIED, GrantRule.ONE_TOKEN))
        if broken:
            break
    problem = f"{broken[0]}, when approval and denial met" if broken else ""
    requirement = "rfc8628-3.5-access-denied-terminal"
    verify.that(requirement, not broken, problem, history, measured={ROUNDS: number + 1})


def _beside_the_last(history: History) -> Callable[[int], list[Dispatch]]:
    return lambda left: [] if left else history.dispatch([PlannedPoll("poll meanwhile")])


def _lead(number: int, first: str, lengths: dict[str, int]) -> int:
    """Steps by which the first decision is ahead in a round: they end together, begin together, then all between."""
    shorter = min(lengths, key=lambda action: lengths[action])
    slack = max(lengths.values()) - lengths[shorter] + 1
    lead = 0 if number < 2 else slack - 1 - (number - 2) % (slack + 1)
    return lead if first == shorter else -lead


def _in_words(action: str, decision: Decision) -> str:
    return f"{action}: the pages took it" if decision.taken else f"{action}: {decision.complaint}"


@check("rfc8628-3.3-approvals-at-once", faults=("first_approvals_collide",), timed=True, live=TOGETHER)
def test_first_approvals(case: ServerCase, verify: Verify) -> None:
    """Four browsers approve a code each of a new client at the same moment; then one more alone. Accepted: a token.

    The control, if none comes: the user approves twice in a row for a new client, and then once more for this one.
    """
    from device_grant.server.pages.deciding import approve_together, require_browsers

    require_browsers(case)
    requirement = "rfc8628-3.3-approvals-at-once"
    problem = "after first approvals at the same moment the user can approve no more for that client"
    rounds, well, got = 0, True, ""
    race: Race | None = None
    while well and rounds < APPROVAL_ROUNDS:
        rounds += 1
        device = device_of_a_new_client(case)
        race = race or racing(device)
        approve_together(race, [device.start() for _ in range(FIRST_APPROVALS)])
        well, got, exchange = _approved_alone(device)
    if not well:
        fresh = device_of_a_new_client(case)
        if not all(_approved_alone(fresh)[0] for _ in range(2)):
            raise Untestable(f"the user cannot approve twice in a row: {got}")
        # Pages that limit how often somebody types a code take the next one a while later.
        well, later, exchange = _approved_alone(device)
        if well:
            raise Inconclusive(f"an approval failed once and not again: {got}")
        got = later
    verify.that(requirement, well, problem, exchange, got=got, measured={ROUNDS: rounds})


def _approved_alone(device: Device) -> tuple[bool, str, Exchange]:
    """Whether an approval brings a token; what the pages or the server say; and what the device is answered."""
    grant = device.start()
    complaint = device.user.try_to("approve", grant)
    exchange = grant.poll(label="poll after an approval that was alone")
    return not complaint and exchange.outcome.ok, complaint or exchange.describe(), exchange


@check(
    "rfc8628-3.5-approved-then-expired",
    "rfc8628-3.5-device-code-single-use",
    faults=("redemption_forgotten",),
    timed=True,
    live=TOGETHER,
)
def test_redemption_at_expiry(case: ServerCase, device: Device, verify: Verify) -> None:
    """Approve codes; poll one in its last second, one as that passes, then all in the first and the fifth second after.

    Accepted: answers that some order explains in which a code yields one token set, and none in the fifth second. Where
    the clock cannot be moved, nothing is polled as the last second passes.
    """
    from device_grant.server.sockets.racing import Race

    race, chance = Race(case), chance_of(case, device)
    grants: list[Grant] = []
    histories: list[History] = []
    for _ in range(2 if case.run.target.clock.sleeps else 3):
        grants.append(device.start())
        histories.append(history_of(race, grants[-1]))
    grants[0].require_expiry()
    end = grants[0].started + grants[0].expires_in
    for grant, history in zip(grants, histories, strict=True):
        grant.may_end = True
        history.approve(grant)
    early, *across = histories[:1] + histories[2:]
    pass_time(histories, end - 0.5 - case.now())
    early.overlap(_two("0.5 s before expiry"), one_set=True)
    for history in across:
        history.overlap(_two("as the life ends", chance), _moving(case, histories, chance), one_set=True)
    pass_time(histories, end + 0.5 - case.now())
    for history in histories:
        history.overlap(_two("0.5 s after expiry"), one_set=True)
    pass_time(histories, max(history.left for history in histories) + LATE + 0.5)
    for history in histories:
        history.overlap(_two(f"{LATE:g} s after expiry"), one_set=True)
        problem = "polls before and after the end of a code's life both yielded tokens"
        verify.that("rfc8628-3.5-device-code-single-use", not history.judge(GrantModel(ONCE)), problem, history)
        # The same tokens again are the answer that may have been lost, and no redemption.
        problem = f"a token came {LATE:g} s after the end of the code's life"
        late = history.late_sets
        verify.that("rfc8628-3.5-approved-then-expired", not late, problem, *history.tokens[-1:] if late else ())


def _two(when: str, chance: Chance | None = None) -> list[PlannedPoll]:
    """Two polls at the same moment: of tokens for both the race of redemptions says what is to be said."""
    return [PlannedPoll(f"poll {when}", chance.delay() if chance is not None else 0.0) for _ in range(2)]


def _moving(case: ServerCase, histories: list[History], chance: Chance) -> Meanwhile:
    from device_grant.targets.dispatch import Meanwhile

    def move() -> None:
        case.run.target.clock.wait(1.0)
        for history in histories:
            history.moments.moved(1.0)

    return Meanwhile(chance.delay(), move)


@check(
    "rfc9700-4.14-refresh-replay-detection",
    "rfc6819-5.2.2.3-rotation",
    faults=("refresh_race",),
    needs=("refresh_token",),
    timed=True,
    live=TOGETHER,
)
def test_simultaneous_refresh(case: ServerCase, device: Device, verify: Verify) -> None:
    """A public client's refresh token presented six times at the same moment; several rounds.

    Accepted: at most one success, on a server that at other times refuses a refresh token as soon as it is replaced.
    """
    require_public(device)
    race = racing(device)
    require_rotation(device)
    for number in rounds(case):
        history = history_of_refresh(race, device)
        names = [f"round {number}, simultaneous refresh {count + 1}" for count in range(SIMULTANEOUS)]
        history.overlap([PlannedPoll(name) for name in names])
        if len(history.tokens) > 1:
            break
    problem = "one refresh token, presented several times at the same moment, was accepted more than once"
    # AWS gives every installation a secret of its own, without which its refresh token is worth nothing.
    tolerated = case.run.dialect.public_clients_have_secrets or _alike(history.tokens)
    history.judge(GrantModel(ONCE))
    for requirement in ("rfc9700-4.14-refresh-replay-detection", "rfc6819-5.2.2.3-rotation"):
        once = len(history.tokens) <= 1
        verify.that(requirement, once, problem, history, tolerated=tolerated, measured={ROUNDS: number})
