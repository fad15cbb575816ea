"""What must happen once although it is asked for twice at the same moment: redeeming, deciding, refreshing.

Verdicts come from histories, in which no order explains the answers, or from counts of successes; never from times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import Inconclusive, NotApplicable, Untestable, check
from device_grant.protocol.events import RoundBegan
from device_grant.server.histories.grant import GrantModel, GrantRule
from device_grant.server.histories.history import LATE, History, PlannedPoll, history_of
from device_grant.server.histories.rounds import ROUNDS, TOGETHER, practise, racing, rounds, won
from device_grant.server.session.registering import device_of_a_new_client

if TYPE_CHECKING:
    from collections.abc import Callable

    from device_grant.judging import Verify
    from device_grant.protocol import Client, Exchange, Request
    from device_grant.server.pages.deciding import Decision
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device, Grant
    from device_grant.server.sockets.racing import Race
    from device_grant.targets.dispatch import Dispatch

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

    The control, if none comes: the user approves twice in a row for a new client.
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
    """Approve two codes; poll one of them in its last second, both in the first and the fifth second after expiry.

    Accepted: at most one token for each, and none in the fifth second.
    """
    from device_grant.server.sockets.racing import Race

    race = Race(case)
    early, late = device.start(), device.start()
    early.require_expiry()
    for grant in (early, late):
        device.user.approve(grant)
    moments: dict[Grant, list[list[Exchange]]] = {early: [], late: []}
    for second, grants in ((-0.5, [early]), (0.5, [early, late]), (LATE, [early, late])):
        early.expire(margin=second)
        for grant in grants:
            label = f"poll {abs(second):g} s {'before' if second < 0 else 'after'} expiry"
            moments[grant].append(won(race.exchange([race.poll(grant)] * 2, label)))
    for series in moments.values():
        # Two tokens at one moment are what the race of redemptions judges.
        firsts = [tokens[0] for tokens in series if tokens]
        problem = "polls before and after the end of a code's life both yielded tokens"
        single = len(firsts) <= 1
        verify.that("rfc8628-3.5-device-code-single-use", single, problem, *firsts, tolerated=_alike(firsts))
        problem = f"a token came {LATE:g} s after the end of the code's life"
        verify.that("rfc8628-3.5-approved-then-expired", not series[-1], problem, *series[-1])


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
    if case.run.dialect.proves_identity(device.client):
        raise NotApplicable("no public client: the refresh tokens of a client with a secret need no rotation")

    race = racing(device)
    _require_rotation(device)
    for number in rounds(case):
        tokens = device.refreshable_tokens()

        def refresh(client: Client, token: object = tokens.get("refresh_token")) -> Request:
            return race.token_request(client, grant_type="refresh_token", refresh_token=str(token))

        history = History(race, device, refresh, interval=device.case.run.dialect.default_interval)
        history.approved()
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


def _require_rotation(device: Device) -> None:
    """Raise NotApplicable where a refresh token may legitimately be used twice in a row."""
    first = device.refreshable_tokens()
    if str(first.get("token_type")).lower() == "dpop":
        raise NotApplicable("the tokens are bound to a key (DPoP): they need no rotation")
    second = device.refresh(first.get("refresh_token"))
    if not second.outcome.ok:
        raise Untestable(f"the refresh was answered {second.describe()}")
    if device.refresh(first.get("refresh_token"), label="replay at once").outcome.ok:
        raise NotApplicable("a replaced refresh token works on, for a time of grace or for good: see the replay check")
