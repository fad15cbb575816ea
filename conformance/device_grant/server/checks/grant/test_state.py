"""The grant as a state machine: devices, clients, users and the clock, interleaved by Hypothesis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_grant.judging import Judgement, Untestable, check
from device_grant.server.checks.grant.story import FOREIGN, GRACE, REFUSED, SKEW, DueAnswer, Expectation
from device_grant.server.generation.rehearsal import rehearse
from device_grant.server.session.device import GONE, Device, without
from device_grant.server.session.pace import RENEWAL

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from device_grant.protocol import Exchange
    from device_grant.server.generation.fuzz import Fuzz, Written
    from device_grant.server.session.case import ServerCase

SHRINKING = 4.0
"""How much longer than other examples a story is made smaller: each try takes a dozen requests."""
MOST_LIVE = 2
"""Grants at a time that may still yield a token: with more of them the same one is rarely met again."""
MOST_LATE = 2
"""Late decisions on one grant."""
MOST_MISTYPED = 2
"""Wrong codes in one story: pages throttle people who guess (RFC 8628 5.1)."""
MOST_REGISTRATIONS = 2
MOST = 5
"""Of the numbers that choose a client or a grant."""
BETWEEN_STORIES = 61.0
"""Seconds after which pages have forgotten the wrong codes of the story before."""
ROLES = {"primary": "client A", "other": "client B", "confidential": "client C"}
FOREIGN_POLL = "rfc8628-3.4-code-bound-to-client"
FOREIGN_REFRESH = "rfc6749-6-server-checks-binding"
WRONG_SECRET = "rfc8628-3.4-credentialed-client-enforced"  # noqa: S105 - the id of a requirement


@check(
    FOREIGN_POLL,
    FOREIGN_REFRESH,
    WRONG_SECRET,
    "rfc6749-6-server-validates",
    "rfc8628-3.2-expires-in-covers-both-codes",
    "rfc8628-3.5-access-denied-terminal",
    "rfc8628-3.5-authorization-pending",
    "rfc8628-3.5-device-code-single-use",
    "rfc8628-3.5-no-pending-after-expiry",
    "rfc8628-3.5-no-token-before-approval",
    "rfc8628-3.5-server-no-slow-down-when-polite",
    "rfc8628-3.5-success-after-approval",
    "rfc9700-4.14-refresh-replay-detection",
    faults=(
        "code_reusable",
        "denial_then_token",
        "foreign_client_redeems",
        "token_before_approval",
        "slow_down_polite",
        "approval_ignored",
        "expired_still_pending",
        "pending_as_invalid_grant",
        "decision_reversible",
        "expired_code_approvable",
        "refresh_foreign_client",
        "refresh_refused",
        "registration_ends_grants",
        "token_endpoint_skips_secret",
        "user_code_prefix_accepted",
    ),
    timed=True,
    sampled=True,
)
def test_interleaved_grants(case: ServerCase, fuzz: Fuzz) -> None:
    """Devices of several clients, decisions, wrong codes and secrets, waits, polls, refreshes, in any order.

    Accepted: what the model of a grant (story.py) allows.
    """
    if case.run.target.clock.kind == "real":
        raise Untestable("the state machine needs a clock that can jump: run in process or under libfaketime")
    case.require_decider()
    rehearse(case.device, to_the_end=True)
    cast, profile = Cast(case), case.run.profile
    fuzz.stories(_machine(cast), profile.stories, profile.steps, longer=SHRINKING, written=_written(cast))


class _StoryOver(Exception):  # noqa: N818 - not an error: the story has come to its end
    """A story that is not made smaller ends with its first failure: what follows from it is no finding of its own."""


def _written(cast: Cast) -> Written[Any]:
    """Stories whose every step is drawn beforehand, in the same ranges as those of the machine."""
    from hypothesis import strategies as st

    from device_grant.server.generation.fuzz import Written

    profile = cast.case.run.profile
    some = st.integers(0, MOST)
    step = st.tuples(st.integers(0, len(STEPS) - 1), some, some)
    whole = st.tuples(some, st.lists(step, min_size=profile.steps, max_size=profile.steps))

    def tell(story: tuple[int, list[tuple[int, int, int]]]) -> None:
        first, following = story
        cast.case.examples -= 1  # the story itself counts them
        played = Story(cast, ends_with_a_failure=True)
        try:
            played.start(first)
            for numbers in following:
                played.take(*numbers)
        except _StoryOver:
            return

    return Written(whole, tell)


class Cast:
    """The devices of a story, one for each client that the target offers."""

    def __init__(self, case: ServerCase) -> None:
        self.case = case
        self.devices: list[Device] = []
        self._since = 0.0

    def gather(self) -> None:
        """Register or look up the clients, at the first story and when their registrations grow old."""
        clock = self.case.run.target.clock
        if self.devices and clock.now() - self._since < RENEWAL:
            return
        self._since = clock.now()
        self.devices = []
        for role in ROLES:
            try:
                device = self.case.device_of(role)
            except Untestable:
                continue
            if device.client.id not in {known.client.id for known in self.devices}:
                self.devices.append(device)

    def name(self, device: Device) -> str:
        """What the story calls the client of a device."""
        return list(ROLES.values())[self.devices.index(device)]


class Story:
    """The steps of one story; the machine below says which may be taken when."""

    def __init__(self, cast: Cast, *, ends_with_a_failure: bool = False) -> None:
        self.cast = cast
        self._ends_with_a_failure = ends_with_a_failure
        self.case = case = cast.case
        case.run.target.clock.wait(BETWEEN_STORIES)
        cast.gather()
        case.begin()
        case.transcript.entries.clear()
        case.examples += 1
        self.grants: list[Expectation] = []
        self.strangers: list[Device] = []
        self.mistyped = 0

    @property
    def room(self) -> bool:
        """Whether one more grant keeps the story readable."""
        return sum(known.live for known in self.grants) < MOST_LIVE

    @property
    def may_register(self) -> bool:
        """Whether new clients can come, and not too many have."""
        run = self.case.run
        able = bool(run.endpoints.registration) and run.claims("registration") is not False
        return able and len(self.strangers) < MOST_REGISTRATIONS

    def next_step(self, which: int) -> StoryStep:
        """The step of that number, or the next one in a fixed order that can be taken now.

        Nothing but the number is drawn, so that a story stays the same where steps before it are left out.
        """
        turn = (STEPS[(which + _STRIDE * count) % len(STEPS)] for count in range(len(STEPS)))
        return next(step for step in turn if step.possible(self) and any(map(step.wanted, self.grants)))

    def take(self, which: int, number: int, whom: int) -> None:
        """Take the next step, at one of the grants to which it can happen."""
        step = self.next_step(which)
        able = [known for known in self.grants if step.wanted(known)]
        step.take(self, able[number % len(able)], whom)

    def settle(self, due: DueAnswer | None, exchange: Exchange) -> None:
        """Judge whether the answer was due; a failure ends the story and shows all of it."""
        if due is None:
            return
        holds = not exchange.outcome.names.isdisjoint(due.accepted)
        got = exchange.describe()
        self.case.ledger.settle(
            Judgement(
                due.requirement,
                holds,
                f"{due.situation}: answered {got} instead of {' or '.join(due.accepted)}",
                () if holds else tuple(self.case.transcript.entries),
                got,
                accepted=due.accepted,
                tolerated=due.tolerated,
            )
        )
        if not holds and not due.tolerated and self._ends_with_a_failure:
            raise _StoryOver

    def another(self, known: Expectation, number: int) -> Device | None:
        """A device of another client than the grant's."""
        own = known.grant.device.client.id
        others = [one for one in (*self.strangers, *self.cast.devices) if one.client.id != own]
        return others[number % len(others)] if others else None

    def start(self, number: int) -> None:
        """One more grant, for one of the clients."""
        device = self.cast.devices[number % len(self.cast.devices)]
        name = f"grant {len(self.grants) + 1}"
        grant = device.start(label=f"start {name} for {self.cast.name(device)}")
        grant.name = name
        grant.may_end = True
        self.grants.append(Expectation(grant, bound=device.client.confidential))

    def poll(self, known: Expectation, *, polite: bool) -> None:
        """A poll by the client that began the grant."""
        label = f"{'polite' if polite else 'hasty'} poll for {known.grant.name}"
        exchange = known.grant.poll(wait=polite, label=label)
        self.settle(known.of_poll(exchange, polite=polite), exchange)
        known.polled(exchange)
        if exchange.outcome.ok:
            self._supersede_but(known)

    def poll_by_another(self, known: Expectation, number: int) -> None:
        """A poll by a client that the code was not issued to."""
        other = self.another(known, number)
        if other is None:
            return
        label = f"poll for {known.grant.name} by another client"
        exchange = known.grant.poll(wait=False, client=other.client, label=label)
        self.settle(DueAnswer(FOREIGN_POLL, FOREIGN, "poll by another client"), exchange)
        known.polled_by_another(exchange)

    def poll_with_a_wrong_secret(self, known: Expectation) -> None:
        """A poll that fails to authenticate, where the client has a secret."""
        client = known.grant.device.client
        if not client.confidential:
            return
        wrong = without(client, secret="wrong-secret-9c2e")  # noqa: S106 - made up to be wrong
        label = f"poll for {known.grant.name} with a wrong secret"
        exchange = known.grant.poll(wait=False, client=wrong, label=label)
        self.settle(DueAnswer(WRONG_SECRET, (*GONE, *REFUSED), "poll with a wrong secret"), exchange)

    def decide(self, known: Expectation, action: str) -> None:
        """A decision, in time, repeated or too late."""
        known.decided(action, self.case.device.user.try_to(action, known.grant))
        self._supersede_but(None)

    def _supersede_but(self, newest: Expectation | None) -> None:
        """The user was at the pages, or has new tokens: a server may keep one session a user and client."""
        for known in self.grants:
            known.superseded |= known is not newest

    def decide_late(self, known: Expectation, action: str) -> None:
        """A decision on a code that is decided or over, and what came of it."""
        known.late += 1
        self.decide(known, action)
        self.poll(known, polite=True)

    def mistype(self, known: Expectation) -> None:
        """A wrong code at the page, which must change nothing."""
        self.mistyped += 1
        self.case.device.user.mistype(known.grant)
        self._supersede_but(None)

    def refresh(self, known: Expectation) -> None:
        """A refresh with the newest token."""
        judgement = known.of_refresh()
        exchange = known.grant.device.refresh(known.refresh_token, label=f"refresh for {known.grant.name}")
        self.settle(judgement, exchange)
        known.refreshed_with(exchange)

    def replay(self, known: Expectation, after: float = 0) -> None:
        """The refresh token that was replaced last, once more, `after` seconds of waiting."""
        self.case.wait(after)
        token, when = known.replaced[-1]
        label = f"replay of a replaced refresh token of {known.grant.name}"
        exchange = known.grant.device.refresh(token, label=label)
        self.settle(known.of_replay(when), exchange)
        known.intact = False

    def refresh_by_another(self, known: Expectation, number: int) -> None:
        """A refresh by a client that the token was not issued to."""
        other = self.another(known, number)
        if other is None:
            return
        label = f"refresh for {known.grant.name} by another client"
        exchange = known.grant.device.refresh(known.refresh_token, client=other.client, label=label)
        self.settle(DueAnswer(FOREIGN_REFRESH, REFUSED, "refresh by another client"), exchange)
        known.intact = False

    def register(self) -> None:
        """A new client, which must change nothing for the others."""
        registered = self.case.send(self.case.run.registration_request("other"), "register a client")
        if registered.outcome.ok:
            self.strangers.append(Device(self.case, self.case.run.client_of(registered)))


@dataclass(frozen=True)
class StoryStep:
    """Something that may happen next."""

    name: str
    take: Callable[[Story, Expectation, int], None]
    wanted: Callable[[Expectation], object] = lambda _: True
    """To which grants it may happen."""
    possible: Callable[[Story], object] = lambda _: True
    """In which stories."""

    def __repr__(self) -> str:
        return self.name


def _live(known: Expectation) -> bool:
    return known.live


def _over(known: Expectation) -> bool:
    return not known.live


def _undecided(known: Expectation) -> bool:
    return known.state == "pending" and not known.expired


def _decided(known: Expectation) -> bool:
    return (known.state != "pending" or known.expired) and known.late < MOST_LATE


def _has_secret(known: Expectation) -> bool:
    return known.live and known.grant.device.client.confidential


def _refreshable(known: Expectation) -> bool:
    return bool(known.refresh_token) and known.intact


def _replayable(known: Expectation) -> bool:
    return bool(known.replaced) and known.intact


def _redeem(story: Story, known: Expectation, _: int) -> None:
    story.decide(known, "approve")
    story.poll(known, polite=True)


def _expire(_: Story, known: Expectation, __: int) -> None:
    known.grant.expire(margin=SKEW + 1)


STEPS = (
    StoryStep("start a grant", lambda story, _, number: story.start(number), possible=lambda story: story.room),
    StoryStep("poll politely", lambda story, known, _: story.poll(known, polite=True), _live),
    StoryStep("poll hastily", lambda story, known, _: story.poll(known, polite=False), _live),
    StoryStep("poll what is over", lambda story, known, _: story.poll(known, polite=True), _over),
    StoryStep("poll by another client", lambda story, known, whom: story.poll_by_another(known, whom), _live),
    StoryStep("poll with a wrong secret", lambda story, known, _: story.poll_with_a_wrong_secret(known), _has_secret),
    StoryStep("approve", lambda story, known, _: story.decide(known, "approve"), _undecided),
    StoryStep("deny", lambda story, known, _: story.decide(known, "deny"), _undecided),
    StoryStep(
        "mistype",
        lambda story, known, _: story.mistype(known),
        _undecided,
        lambda story: story.mistyped < MOST_MISTYPED,
    ),
    StoryStep(
        "decide late", lambda story, known, number: story.decide_late(known, ("approve", "deny")[number % 2]), _decided
    ),
    # What chance rarely comes to, and refreshing needs.
    StoryStep("approve and redeem", _redeem, _undecided),
    StoryStep("refresh", lambda story, known, _: story.refresh(known), _refreshable),
    StoryStep(
        "refresh by another client", lambda story, known, whom: story.refresh_by_another(known, whom), _refreshable
    ),
    StoryStep("replay a refresh token", lambda story, known, _: story.replay(known), _replayable),
    StoryStep("replay it late", lambda story, known, _: story.replay(known, after=GRACE + 5), _replayable),
    StoryStep("wait", lambda story, _, number: story.case.wait((1, 5, 60)[number % 3])),
    StoryStep("let expire", _expire, lambda known: known.live and known.grant.expires_in > 0),
    StoryStep("register a client", lambda story, _, __: story.register(), possible=lambda story: story.may_register),
)


_STRIDE = 7
"""Has no divisor in common with the number of steps, so that all are reached, and mixes kinds of step."""


def _machine(cast: Cast) -> Any:
    from hypothesis import strategies as st
    from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

    some = st.integers(0, MOST)

    # One rule for all steps: of several, Hypothesis leaves some out of each story, and few stories came to a refresh.
    class Stories(RuleBasedStateMachine):
        """Draws what happens next."""

        def __init__(self) -> None:
            super().__init__()
            self.story = Story(cast)

        @initialize(number=some)
        def first(self, number: int) -> None:
            self.story.start(number)

        @rule(which=st.integers(0, len(STEPS) - 1), number=some, whom=some)
        def then(self, which: int, number: int, whom: int) -> None:
            self.story.take(which, number, whom)

    return Stories
