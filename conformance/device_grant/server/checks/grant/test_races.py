"""What must happen once although it is asked for twice at the same moment: redeeming, deciding, refreshing.

Verdicts come from counts of successes over rounds, never from times.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from device_grant.judging import Inconclusive, NotApplicable, Untestable, check
from device_grant.protocol.events import RoundBegan
from device_grant.server.session.profile import MOST_ROUNDS
from device_grant.server.session.registering import device_of_a_new_client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from device_grant.judging import Verify
    from device_grant.protocol import Exchange
    from device_grant.server.pages.deciding import Decision
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device, Grant
    from device_grant.server.sockets.racing import Race

TOGETHER = "what requests do to one another at the same moment no recording shows"
SIMULTANEOUS = 6
"""Polls or refreshes of one race."""
FIRST_APPROVALS = 4
"""Browsers that approve at the same moment."""
APPROVAL_ROUNDS = 3
"""Each with a client of its own, for only once is an approval the first."""
ROUNDS = "rounds"
"""What is measured: how many rounds went well, or in which one it went wrong."""
MADE_UP = "made-up-device-code-7d20"
LATE = 4.0
"""Seconds after expires_in from which on no clock can hold a code for alive."""


def _racing(device: Device) -> Race:
    """A race with the target of the device; Inconclusive where its requests never overlap."""
    from device_grant.server.sockets.racing import Race

    race = Race(device.case)
    held_up = race.held_up(race.token_request(device.client, grant_type="refresh_token", refresh_token=MADE_UP))
    if held_up:
        raise Inconclusive(held_up)
    return race


def _rounds(case: ServerCase) -> Iterator[int]:
    """Numbers of the rounds of a race, from one: requests meet by chance, so that one round shows little."""
    profile = case.run.profile
    end = time.perf_counter() + profile.race_seconds
    for number in range(1, max(MOST_ROUNDS, profile.race_rounds) + 1):
        if number > profile.race_rounds and time.perf_counter() >= end:
            return
        yield number


def _won(exchanges: list[Exchange]) -> list[Exchange]:
    return [exchange for exchange in exchanges if exchange.outcome.ok]


def _alike(exchanges: list[Exchange]) -> bool:
    """Whether all brought the same tokens: an answer that was repeated hurts nobody, and is a warning."""
    return len({(exchange.get("access_token"), exchange.get("refresh_token")) for exchange in exchanges}) <= 1


@check("rfc8628-3.5-concurrent-redemption", faults=("redemption_race",), timed=True, live=TOGETHER)
def test_simultaneous_redemption(case: ServerCase, device: Device, verify: Verify) -> None:
    """Approve, then six polls at the same moment, several rounds. Accepted: at most one token set a round."""
    race, counts = _racing(device), []
    problem = "one code, redeemed by simultaneous polls, yielded more than one token set"
    for number in _rounds(case):
        grant = device.start()
        device.user.approve(grant)
        case.wait(grant.interval + 1)
        tokens = _won(race.exchange([race.poll(grant)] * SIMULTANEOUS, f"round {number}, simultaneous poll"))
        counts.append(len(tokens))
        # The same tokens several times are one set, whoever asked for them.
        alike = _alike(tokens)
        if not alike:
            break
    case.note(f"tokens in each round of {SIMULTANEOUS} polls: {', '.join(map(str, counts))}")
    if not any(counts):
        raise Inconclusive("no simultaneous poll was answered with a token")
    verify.that("rfc8628-3.5-concurrent-redemption", alike, problem, *tokens, measured={ROUNDS: len(counts)})


@check("rfc8628-3.5-access-denied-terminal", faults=("decision_race",), timed=True, live=TOGETHER)
def test_approval_against_denial(case: ServerCase, device: Device, verify: Verify) -> None:
    """Two browsers decide the same code at the same moment, one each way, while the device polls; several rounds.

    Accepted: either wins, or neither. Not accepted: a token after access_denied; or both taken by the pages, and a
    token for a later poll, on a server whose pages otherwise mean it when they take a denial.
    """
    from device_grant.server.pages.deciding import decide_together

    race = _racing(device)
    lengths, denials_count, single_use = _practice(race, device)
    for number in (count - 1 for count in _rounds(case)):
        order = ("deny", "approve") if number % 2 == 0 else ("approve", "deny")
        grant, lead = device.start(), _lead(number, order[0], lengths)
        case.transcript.append(RoundBegan(case.now(), number + 1, order))
        poll = race.poll(grant)
        decisions, answers = decide_together(race, grant, order, lengths=lengths, lead=lead, polls=[poll])
        polls = [case.take(case.run.read(poll, answer, case.began, "poll meanwhile")) for answer in answers]
        grant.interval += 5 * sum(exchange.code == "slow_down" for exchange in polls)
        case.note("; ".join(_in_words(action, decision) for action, decision in decisions.items()))
        polls += [grant.poll(label="poll afterwards"), grant.poll(label="last poll")]
        denied = denials_count and all(one.taken for one in decisions.values())
        problem = _contradiction(polls, denied=denied, single_use=single_use)
        if problem:
            break
    verify.that("rfc8628-3.5-access-denied-terminal", not problem, problem, *polls, measured={ROUNDS: number + 1})


def _lead(number: int, first: str, lengths: dict[str, int]) -> int:
    """Steps by which the first decision is ahead in a round: they end together, begin together, then all between."""
    shorter = min(lengths, key=lambda action: lengths[action])
    slack = max(lengths.values()) - lengths[shorter] + 1
    lead = 0 if number < 2 else slack - 1 - (number - 2) % (slack + 1)
    return lead if first == shorter else -lead


def _practice(race: Race, device: Device) -> tuple[dict[str, int], bool, bool]:
    """How many requests each decision takes alone; whether a denial that the pages took counts; whether codes do once.

    The last two are what a server means at other times, without which nothing that it does in a race contradicts it.
    """
    from device_grant.server.pages.deciding import decide_together, require_browsers

    require_browsers(race.case)
    denied, approved = device.start(), device.start()
    decisions: dict[str, Decision] = {}
    for action, grant in (("deny", denied), ("approve", approved)):
        decisions |= decide_together(race, grant, [action])[0]
        if not decisions[action].taken:
            raise Untestable(f"the user could not {action}: {decisions[action].complaint}")
    late = decide_together(race, approved, ["deny"])[0]["deny"]
    polls = [approved.poll(label=f"{which} poll after approval and late denial") for which in ("first", "second")]
    # Pages that say yes to everything, decided or not, prove nothing by saying it in a race.
    means = not (late.taken and polls[0].outcome.ok)
    race.case.note(f"after an approval the page {'takes' if late.taken else 'refuses'} a denial")
    lengths = {action: decision.steps for action, decision in decisions.items()}
    return lengths, means, not all(poll.outcome.ok for poll in polls)


def _contradiction(polls: list[Exchange], *, denied: bool, single_use: bool) -> str:
    codes = [exchange.code for exchange in polls]
    if "access_denied" in codes and "ok" in codes[codes.index("access_denied") :]:
        return "a token came after access_denied, when approval and denial met"
    # Where every code can be used again, it says nothing of the decisions: other checks judge it.
    if single_use and codes.count("ok") > 1:
        return "a code yielded more than one token set, when approval and denial met"
    # A token of the poll meanwhile may have come between the two, and the denial too late to stop it.
    if denied and "ok" in codes[-2:]:
        return "approval and denial met, the pages took both, and a token came in spite of the denial"
    return ""


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
        race = race or _racing(device)
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
            moments[grant].append(_won(race.exchange([race.poll(grant)] * 2, label)))
    for won in moments.values():
        # Two tokens at one moment are what the race of redemptions judges.
        firsts = [tokens[0] for tokens in won if tokens]
        problem = "polls before and after the end of a code's life both yielded tokens"
        single = len(firsts) <= 1
        verify.that("rfc8628-3.5-device-code-single-use", single, problem, *firsts, tolerated=_alike(firsts))
        problem = f"a token came {LATE:g} s after the end of the code's life"
        verify.that("rfc8628-3.5-approved-then-expired", not won[-1], problem, *won[-1])


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
    race = _racing(device)
    _require_rotation(device)
    for number in _rounds(case):
        token = device.refreshable_tokens().get("refresh_token")
        request = race.token_request(device.client, grant_type="refresh_token", refresh_token=token)
        won = _won(race.exchange([request] * SIMULTANEOUS, f"round {number}, simultaneous refresh"))
        if len(won) > 1:
            break
    problem = "one refresh token, presented several times at the same moment, was accepted more than once"
    # AWS gives every installation a secret of its own, without which its refresh token is worth nothing.
    tolerated = case.run.dialect.public_clients_have_secrets or _alike(won)
    for requirement in ("rfc9700-4.14-refresh-replay-detection", "rfc6819-5.2.2.3-rotation"):
        once = len(won) <= 1
        verify.that(requirement, once, problem, *won, tolerated=tolerated, measured={ROUNDS: number})


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
