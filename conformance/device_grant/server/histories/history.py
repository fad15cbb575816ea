"""The history of one grant: concurrent operations with their moments, and whether any order explains the answers."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from device_grant.judging import Inconclusive
from device_grant.protocol.events import Bar, ConnectionDropped, HistoryDrawn
from device_grant.server.histories.grant import GrantOperation, GrantRule, Said, explain, loosened
from device_grant.server.histories.linearization import SearchTooLongError
from device_grant.server.histories.moments import Moments
from device_grant.server.session.pace import MARGIN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from device_grant.protocol import Client, Event, Exchange, Request
    from device_grant.server.histories.grant import GrantModel
    from device_grant.server.pages.deciding import Decision
    from device_grant.server.session.device import Device, Grant
    from device_grant.server.sockets.racing import Race
    from device_grant.targets.dispatch import Dispatch, Meanwhile

LATE = 4.0
"""Seconds after expires_in from which on no clock can hold a code for alive."""
NO_ORDER = "no order explains these answers"
_SAID = {
    "ok": Said.TOKEN,
    "authorization_pending": Said.PENDING,
    "access_denied": Said.DENIED,
    "slow_down": Said.NOTHING,
    "invalid_grant": Said.NOTHING,
    "expired_token": Said.NOTHING,
}
"""What the codes of answers to polls mean; all others may stand for something that has happened, or not."""


@dataclass(frozen=True)
class PlannedPoll:
    """A poll that is sent beside others."""

    name: str
    delay: float = 0.0
    """Real seconds."""
    dropped: bool = False
    """Whether nobody waits for its answer."""
    by: Device | None = None
    """Another client that polls; None: the one that the code was issued to."""


def history_of(race: Race, grant: Grant) -> History:
    """An empty history of a grant that has just begun."""
    return History(
        race, grant.device, lambda client: race.poll(grant, client), interval=grant.interval, life=grant.expires_in
    )


def pass_time(histories: Sequence[History], seconds: float) -> None:
    """Let time pass on the clock that histories have in common."""
    if seconds > 0:
        histories[0].race.case.wait(seconds)
        for history in histories:
            history.moments.moved(seconds)


@dataclass
class History:
    """What is done to one grant and what comes of it; evidence of a judgement."""

    race: Race
    device: Device
    presented: Callable[[Client], Request]
    """Makes the request that presents what is redeemed once, by a client: a poll, or a refresh."""
    interval: float
    """Seconds between polite polls."""
    life: float = 0.0
    """Seconds that the codes live, from before the history begins; 0: nobody knows."""
    moments: Moments = field(init=False)
    operations: list[GrantOperation] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    broken: tuple[GrantRule, ...] = ()
    """What has to be given up to explain it; see `judge`."""
    _bars: list[Bar] = field(default_factory=list)
    _tokens: dict[tuple[object, object], str] = field(default_factory=dict)
    _sent: list[tuple[PlannedPoll, Dispatch]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.moments = Moments(self.race.case.run.target.clock)
        self._late = self.life + LATE if self.life > 0 else math.inf

    # What is done.

    def dispatch(self, polls: Sequence[PlannedPoll]) -> list[Dispatch]:
        """Polls to be sent beside something else; `settle` reads their answers."""
        planned = [(poll, self._dispatch(poll)) for poll in polls]
        self._sent += planned
        return [dispatch for _, dispatch in planned]

    def overlap(
        self, polls: Sequence[PlannedPoll], meanwhile: Meanwhile | None = None, *, one_set: bool = False
    ) -> None:
        """Send polls side by side and read their answers.

        `one_set`: the tokens that come count as one set, whatever they are.
        """
        before, dispatches = len(self.operations), self.dispatch(polls)
        with self.race.case.redeeming():
            self.race.overlap(dispatches, meanwhile)
        self.settle()
        names = [operation.token for operation in self.operations[before:] if operation.token]
        if one_set and names:
            self.operations[before:] = [
                replace(operation, token=names[0]) if operation.token else operation
                for operation in self.operations[before:]
            ]

    def settle(self) -> None:
        """Read the answers to what was dispatched."""
        case, sent = self.race.case, self._sent
        self._sent = []
        for poll, dispatch in sent:
            if dispatch.answer is None:
                continue  # the step that it was to go with never came
            owner = poll.by is None
            exchange = case.run.read(self._request(poll), dispatch.outcome, case.began, poll.name)
            if dispatch.dropped:
                # That nobody waited for an answer says nothing of the server.
                case.transcript.append(ConnectionDropped(case.now(), poll.name))
            else:
                exchange = case.take(exchange)
            self.exchanges.append(exchange)
            if owner and (exchange.code == "slow_down" or exchange.response is None):
                # What nobody saw may have been one.
                self.interval += 5
            self._keep_poll(poll.name, exchange, dispatch, owner=owner)

    def wait(self, seconds: float) -> None:
        """Let time pass on the target's clock."""
        pass_time([self], seconds)

    def be_late(self) -> None:
        """From now on what is invoked is late, whatever was said of a life."""
        self._late = self.moments.now()

    def approve(self, grant: Grant) -> None:
        """Let the user approve, alone; raises Untestable where the pages do not let them."""
        began = self.moments.now()
        self.device.user.approve(grant)
        now = self.moments.now()
        self.operations.append(GrantOperation("approve", Said.TAKEN, began, now))
        self._bars.append(Bar("approve", "taken", began, now))

    def approved(self) -> None:
        """Keep that it was approved before the history began."""
        self.operations.append(GrantOperation("approve", Said.TAKEN, 0.0, self.moments.now()))

    def end(self, polls: int = 2) -> None:
        """Polls one by one, each when whatever came before had time to be seen."""
        for number in range(polls):
            self.wait(self.interval + MARGIN)
            self.overlap([PlannedPoll(f"poll afterwards {number + 1}")])

    def decided(self, decisions: Mapping[str, Decision]) -> None:
        """Keep what became of decisions at the pages."""
        kinds: tuple[Literal["approve", "deny"], ...] = ("approve", "deny")
        for kind in kinds:
            if kind in decisions:
                decision = decisions[kind]
                said = Said.TAKEN if decision.taken else Said.REFUSED
                # A page that refuses may have acted, even later.
                answered = self.moments.of(decision.answered if decision.taken else math.inf)
                invoked = self.moments.of(decision.invoked) if math.isfinite(decision.invoked) else self.moments.now()
                self.operations.append(GrantOperation(kind, said, invoked, answered))
                ended = self.moments.of(decision.answered) if math.isfinite(decision.answered) else None
                self._bars.append(Bar(kind, "taken" if decision.taken else "refused", invoked, ended))

    def _request(self, poll: PlannedPoll) -> Request:
        return self.presented((poll.by or self.device).client)

    def _dispatch(self, poll: PlannedPoll) -> Dispatch:
        return self.race.dispatch(self._request(poll), delay=poll.delay, dropped=poll.dropped)

    def _keep_poll(self, name: str, exchange: Exchange, dispatch: Dispatch, *, owner: bool) -> None:
        invoked = self.moments.of(dispatch.invoked)
        answered = self.moments.of(dispatch.answered)
        said = _SAID.get(exchange.code, Said.UNKNOWN)
        if not owner and said is not Said.TOKEN:
            # What a stranger is answered says nothing of the grant.
            said = Said.NOTHING
        tokens = (exchange.get("access_token"), exchange.get("refresh_token"))
        token = self._tokens.setdefault(tokens, f"token {len(self._tokens) + 1}") if said is Said.TOKEN else ""
        late = invoked > self._late
        self.operations.append(GrantOperation("poll", said, invoked, answered, token, late=late))
        ended = answered if math.isfinite(answered) else None
        words = token or ("" if exchange.response is None else exchange.code)
        self._bars.append(Bar(name, words, invoked, ended))

    # What it shows.

    @property
    def tokens(self) -> list[Exchange]:
        """The polls that brought one."""
        return [exchange for exchange in self.exchanges if exchange.outcome.ok]

    @property
    def late_sets(self) -> set[str]:
        """The token sets that came when the code's life was over by any clock, and not before."""
        tokens = [operation for operation in self.operations if operation.said is Said.TOKEN]
        return {one.token for one in tokens if one.late} - {one.token for one in tokens if not one.late}

    @property
    def left(self) -> float:
        """Seconds of the codes' life to come, counted from the beginning of the history; negative once it is over."""
        return self.life - self.moments.now()

    def taken(self, kind: str) -> bool:
        """Whether the pages took a decision of that kind."""
        return any(one.kind == kind and one.said is Said.TAKEN for one in self.operations)

    def judge(self, model: GrantModel) -> tuple[GrantRule, ...]:
        """Search for an order; returns what no order keeps to. Raises Inconclusive where the search is too long."""
        operations, rules = loosened(self.operations, self.interval + MARGIN, model.rules)
        try:
            verdict = explain(operations, replace(model, rules=rules))
        except SearchTooLongError as error:
            raise Inconclusive(f"{len(operations)} operations at the same moment: {error}") from error
        self.broken = verdict.broken
        return self.broken

    @property
    def drawn(self) -> HistoryDrawn:
        """The history as it is shown to people."""
        first = min((bar.began for bar in self._bars), default=0.0)
        bars = [
            Bar(bar.name, bar.answer, bar.began - first, None if bar.ended is None else bar.ended - first)
            for bar in sorted(self._bars, key=lambda bar: bar.began)
        ]
        return HistoryDrawn(self.race.case.now(), tuple(bars), not self.broken)

    # As evidence.

    @property
    def entries(self) -> tuple[Exchange | Event, ...]:
        """The bars, then the exchanges; those that brought a token last."""
        others = [exchange for exchange in self.exchanges if not exchange.outcome.ok]
        return (self.drawn, *others, *self.tokens)

    @property
    def unanswered(self) -> bool:
        """A history rests on many answers."""
        return False

    def describe(self, holds: bool | None = None) -> str:  # noqa: FBT001 - of a judgement
        """What it shows, in a few words."""
        return NO_ORDER if holds is False else f"an order explains the answers to {len(self.operations)} operations"
