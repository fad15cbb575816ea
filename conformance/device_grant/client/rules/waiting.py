"""Waiting between polls: the interval, slow_down, timeouts, Retry-After, expiry (RFC 8628 sections 3.2, 3.3, 3.5)."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from device_grant.client.rules.nonces import challenged
from device_grant.judging import Judgement, rule
from device_grant.protocol.numbers import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from device_grant.client.rules.session import ClientSession, ObservedGrant
    from device_grant.protocol import Exchange

GRACE = 0.1
"""Seconds by which a wait may be short: timers of some runtimes fire a little early."""
DOUBT = 0.25
"""Seconds by which a wait may be short before it counts as broken; in between the evidence is too weak."""
HELD_UP = 1.0
"""Seconds by which a busy machine, or a new connection, holds up a request at most."""
SLOWER = 5.0
"""Seconds that slow_down adds for good."""
TOO_CLOSE = "a wait is short by so little that the machine may have made it so"
"""Why nothing can be told of such a wait."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})
TRANSIENT = 500
"""Status from which an answer is a server's trouble, which the HTTP layer of many clients tries again by itself."""
ONE_AT_A_TIME = "rfc8628-3.5-client-one-poll-at-a-time"
WAITS = "rfc8628-3.5-client-waits-before-each-request"
RESTS = "rfc8628-3.5-client-waits-from-the-answer"
SILENCE = ("no answer",)
"""Reasons for which a transcript has no answer that are a timeout to the client."""


@dataclass(frozen=True)
class Gap:
    """The time between one poll and the next."""

    before: Exchange
    after: Exchange
    owed: float
    """Seconds that the client had to wait: the interval and all that slow_down had added."""
    slowed: int
    """How often slow_down had been said by then."""
    late: float = 0.0
    """Seconds by which the first of the two came later than was owed, no more than a machine or a network delays."""

    @property
    def waited(self) -> float:
        """Seconds from request to request: the interval is defined between polling requests (RFC 8628 section 3.2)."""
        return self.after.started - self.before.started

    @property
    def rested(self) -> float:
        """Seconds from the answer to the next request; below zero where that came before the answer."""
        return self.after.started - self.before.ended

    @property
    def kept(self) -> bool | None:
        """Whether the wait was long enough; None where it was short by less than can be told for sure.

        A client that keeps to the times of a ticker, and was held up once, comes that much sooner the next time.
        """
        kept = long_enough(self.waited, self.owed)
        return None if kept is False and self.owed - self.waited <= self.late + GRACE else kept

    @property
    def retried(self) -> bool:
        """Whether the next request may be the same one, sent again for an answer that was lost or no answer to it."""
        lost = self.before.response is None or self.before.code == "no-response"
        # Without an OAuth error code, and with no token, nobody has said pending: a page, an error of a framework.
        return lost or self.before.status >= TRANSIENT or self.before.code == f"http-{self.before.status}"

    @property
    def cut(self) -> bool:
        """Whether all that the wait lacks is the fraction of an interval, which a reader of integers cuts off."""
        whole = math.floor(self.owed)
        return whole < self.owed and bool(whole) and long_enough(self.waited, whole) is True

    def judged(self, requirement: str, problem: str) -> Judgement:
        """Whether the wait was long enough, as a judgement on a requirement."""
        measured = {"waited": self.waited, "owed": self.owed}
        evidence = (self.before, self.after)
        return Judgement(
            requirement,
            self.kept,
            problem if self.kept is False else TOO_CLOSE,
            evidence,
            _compared(self.waited, self.owed),
            self.cut,
            measured=measured,
        )


def _compared(waited: float, owed: float) -> str:
    return f"{waited:.2f} s where {plain(owed)} s are owed"


def long_enough(waited: float, owed: float) -> bool | None:
    """Whether a wait was long enough; None: short by less than can be told for sure."""
    short = owed - waited
    if short <= GRACE:
        return True
    return None if short <= DOUBT else False


def gaps(grant: ObservedGrant) -> Iterator[Gap]:
    """Between consecutive polls. What the server said of a poll decides what the client owes before the next one."""
    interval = grant.interval
    if interval is None:
        return
    slowed = 0
    due = grant.start.ended + interval if grant.start else None
    for before, after in pairwise(grant.polls):
        late = min(max(before.started - due, 0.0), HELD_UP) if due is not None else 0.0
        if before.response is not None and before.response.status in REDIRECTS:
            continue  # what follows at once is still the same poll, at the place that it was sent to
        if challenged(before):
            continue  # it may be sent again at once, with the nonce (RFC 9449 section 8)
        slowed += before.code == "slow_down"
        owed = interval + SLOWER * slowed
        due = before.started + owed
        yield Gap(before, after, owed, slowed, late)


@rule(
    "rfc8628-3.5-client-waits-before-each-request",
    "rfc8628-3.2-client-waits-interval",
    faults=(
        "interval_halved",
        "polls_twice",
        "interval_capped",
        "interval_truncated",
        "interval_overflows",
        "unreadable_answer_polled_at_once",
    ),
)
def interval_is_kept(session: ClientSession) -> Iterator[Judgement]:
    """From one poll to the next it takes at least the stated interval, before any slow_down.

    Section 3.5 asks for that wait where the answer was that of a server at work; what comes again after an answer that
    was lost, or was no OAuth answer at all, is measured by the recommendation of section 3.2 alone.
    """
    problem = "polled again before the interval was over"
    for grant in session.grants:
        if grant.stated_interval is None:
            continue
        for gap in gaps(grant):
            if gap.slowed or gap.before.response is None:
                continue
            if not gap.retried:
                yield gap.judged(WAITS, problem)
            yield gap.judged("rfc8628-3.2-client-waits-interval", problem)


@rule(RESTS, faults=("interval_from_request",))
def interval_begins_with_the_answer(session: ClientSession) -> Iterator[Judgement]:
    """From the answer to one poll to the next poll it takes the interval as well, slow_down included.

    Where it was not kept from request to request either, that is another requirement's, and said there.
    """
    for grant in session.grants:
        for gap in gaps(grant):
            if gap.retried or not gap.kept:
                continue
            if gap.cut and long_enough(gap.rested, math.floor(gap.owed)):
                continue  # all that is missing may be the fraction, of which the requirement on intervals says enough
            holds = long_enough(gap.rested, gap.owed)
            problem = "polled again sooner after the answer than the interval says"
            evidence = (gap.before, gap.after)
            yield Judgement(
                RESTS,
                holds,
                problem if holds is False else TOO_CLOSE,
                evidence,
                f"{_compared(gap.rested, gap.owed)}, counted from the answer",
                gap.cut,
                measured={"waited": gap.rested, "owed": gap.owed},
            )


@rule(ONE_AT_A_TIME, faults=("polls_overlap",))
def polls_do_not_overlap(session: ClientSession) -> Iterator[Judgement]:
    """No poll is sent while another one of the same code is unanswered.

    A client that has given up waiting is none of those: it may close its connection where nobody sees it, so only an
    answer that it has stayed for is judged.
    """
    for grant in session.grants:
        for before, after in pairwise(grant.polls):
            if before.response is None:
                continue
            early = before.ended - after.started
            holds = True if early <= 0 else (False if early > DOUBT + session.blur else None)
            yield Judgement(
                ONE_AT_A_TIME,
                holds,
                "polled again before the poll before it was answered" if holds is False else TOO_CLOSE,
                (before, after),
                f"{early:.2f} s before the answer" if early > 0 else "",
                measured={"early": early},
            )


@rule(
    "rfc8628-3.2-client-default-interval",
    "rfc8628-3.5-client-waits-default-five",
    faults=("default_interval_one",),
)
def default_interval_is_five(session: ClientSession) -> Iterator[Judgement]:
    """Where the response has no interval, or null, polls are at least five seconds apart."""
    for grant in session.grants:
        if grant.start is None or grant.stated_interval is not None:
            continue
        for gap in gaps(grant):
            if gap.retried:
                continue
            for name in ("rfc8628-3.2-client-default-interval", "rfc8628-3.5-client-waits-default-five"):
                problem = "polled again within five seconds although no interval was stated"
                yield gap.judged(name, problem)


@rule(
    "rfc8628-3.5-slow-down-increments-interval",
    "rfc8628-3.5-client-respects-slow-down",
    faults=("slow_down_ignored", "slow_down_doubles"),
)
def slow_down_adds_five_seconds(session: ClientSession) -> Iterator[Judgement]:
    """The first wait after the first slow_down is at least the interval and five seconds."""
    for grant in session.grants:
        for gap in gaps(grant):
            if gap.before.code == "slow_down" and gap.slowed == 1:
                problem = "after slow_down the wait did not grow by five seconds"
                for name in ("rfc8628-3.5-slow-down-increments-interval", "rfc8628-3.5-client-respects-slow-down"):
                    yield gap.judged(name, problem)


@rule("rfc8628-3.5-slow-down-is-permanent", faults=("slow_down_once",))
def slow_down_is_for_good(session: ClientSession) -> Iterator[Judgement]:
    """Later waits, after answers other than slow_down, keep what one slow_down has added."""
    for grant in session.grants:
        for gap in gaps(grant):
            if gap.slowed == 1 and gap.before.code != "slow_down" and not gap.retried:
                problem = "a later wait was without the five seconds that slow_down had added"
                yield gap.judged("rfc8628-3.5-slow-down-is-permanent", problem)


@rule("rfc8628-3.5-slow-down-accumulates", faults=("slow_down_first_only",))
def slow_down_accumulates(session: ClientSession) -> Iterator[Judgement]:
    """After a second slow_down waits are ten seconds longer than the interval."""
    for grant in session.grants:
        for gap in gaps(grant):
            if gap.slowed > 1 and not gap.retried:
                problem = "a further slow_down did not add another five seconds"
                yield gap.judged("rfc8628-3.5-slow-down-accumulates", problem)


@rule(
    "rfc8628-3.5-timeout-reduces-frequency",
    "rfc8628-3.5-timeout-exponential-backoff",
    faults=("timeout_same_pace", "timeout_adds_a_second"),
)
def timeouts_slow_it_down(session: ClientSession) -> Iterator[Judgement]:
    """After polls that nobody answered, polls come less often than before, best by doubling each time.

    From a silent poll to the next one lies the client's own patience and then its wait. That patience is not known, so
    the time between two silent polls is compared with that between the next two, and with the interval.
    """
    for grant in session.grants:
        interval = grant.interval
        if interval is None or not interval:
            continue
        silent = [
            (before, after)
            for before, after in pairwise(grant.polls)
            if before.response is None and before.error in SILENCE
        ]
        times = [after.started - before.started for before, after in silent]
        for (before, after), time in zip(silent, times, strict=True):
            if time <= interval + GRACE:
                problem = "after a timeout it polled as often as before"
                description = f"{time:.2f} s from a silent poll to the next, interval {plain(interval)} s"
                name = "rfc8628-3.5-timeout-reduces-frequency"
                yield Judgement(
                    name,
                    holds=False,
                    problem=problem,
                    exchanges=(before, after),
                    got=description,
                    measured={"time": time, "interval": interval},
                )
        if len(times) < 2:  # noqa: PLR2004 - two are compared
            continue
        description = ", ".join(f"{time:.2f} s" for time in times) + " from each silent poll to the next"
        evidence = tuple(entry for pair in silent for entry in pair)
        measured = {f"time_{number}": time for number, time in enumerate(times, 1)}
        growth = [later - earlier for earlier, later in pairwise(times)]
        slower = all(step > GRACE for step in growth)
        problem = "polls that nobody answers keep coming at the same pace"
        yield Judgement(
            "rfc8628-3.5-timeout-reduces-frequency", slower, problem, evidence, description, measured=measured
        )
        # A wait that doubles grows by more each time than the time before, and by no less than the interval at first.
        doubling = growth[0] >= interval - GRACE and all(
            later >= 1.5 * earlier - GRACE for earlier, later in pairwise(growth)
        )
        problem = "the waits after timeouts do not grow exponentially"
        yield Judgement(
            "rfc8628-3.5-timeout-exponential-backoff", doubling, problem, evidence, description, measured=measured
        )


@rule("rfc9110-10.2.3-retry-after", faults=("retry_after_ignored",))
def retry_after_is_kept(session: ClientSession) -> Iterator[Judgement]:
    """After an answer with Retry-After in seconds the next request to the same place comes no sooner than that."""
    for before, after in pairwise(session.protocol):
        value = (before.response.header("retry-after") if before.response else None) or ""
        if not value.isdecimal() or before.request.operation is not after.request.operation:
            continue
        waited, owed = after.started - before.ended, min(float(value), sys.float_info.max)
        description = f"{waited:.2f} s where Retry-After says {plain(owed)}"
        measured = {"waited": waited, "owed": owed}
        holds = long_enough(waited, owed)
        problem = "asked again before the time that Retry-After names" if holds is False else TOO_CLOSE
        yield Judgement("rfc9110-10.2.3-retry-after", holds, problem, (before, after), description, measured=measured)


@rule("rfc8628-3.3-client-stops-at-expiry", faults=("expiry_ignored",))
def polling_ends_with_the_codes(session: ClientSession) -> Iterator[Judgement]:
    """Nothing is polled once the codes have expired, one interval allowed for a poll that was under way."""
    for grant in session.grants:
        name, lifetime, interval = "rfc8628-3.3-client-stops-at-expiry", grant.expires_in, grant.interval
        if grant.start is None or lifetime is None or interval is None or session.over is None:
            continue
        slowed = sum(entry.code == "slow_down" for entry in grant.polls)
        end = grant.start.ended + lifetime + interval + SLOWER * slowed + 1
        late = [entry for entry in grant.polls if entry.started > end]
        if late:
            polled = late[0].started - grant.start.ended
            description = f"polled {polled:.1f} s after the codes were issued for {plain(lifetime)} s"
            measured = {"polled": polled, "lifetime": lifetime}
            evidence = (grant.start, late[0])
            holds = False if late[-1].started > end + session.blur else None
            problem = "went on polling after the codes had expired"
            if holds is None:
                problem = "polled after the codes had expired by so little that the machine may have made it so"
            yield Judgement(name, holds=holds, problem=problem, exchanges=evidence, got=description, measured=measured)
        elif session.over > end or (grant.polls and session.over > grant.start.ended + lifetime):
            yield Judgement(name, holds=True)
