"""One word: a fresh grant, asked with inputs one after the other, and what it answers, by names of the protocol."""

from __future__ import annotations

import math
import re
import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from device_grant.browser.page import THROTTLED
from device_grant.judging import Inconclusive
from device_grant.learning.endings import REST, LateError, NotLearnableError, ThrottledError, TooLongError
from device_grant.learning.inputs import DECISIONS, HALVES, Stimulus
from device_grant.learning.protocol import IMPOSSIBLE, OK
from device_grant.protocol import DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT, Client, Exchange, Operation, Situation
from device_grant.protocol.retry_after import pause_of
from device_grant.server.session.browsing import browser_at
from device_grant.server.session.device import ENDED, WRONG_SECRET, seconds, without
from device_grant.server.session.pace import MARGIN, SEEN_WITHIN
from device_grant.targets.ports import GrantView, Nobody, UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager

    import httpx

    from device_grant.server.session.run import Run
    from device_grant.targets import User

NAMES = {"authorization_pending": "pending", "access_denied": "denied", "expired_token": "expired", "ok": "token"}
"""Answers of the token endpoint by the names that learned machines have for them."""
REFUSED = "refused"
"""The pages did not let the user decide."""
ODD = "odd-error"
"""An error whose code is none that a protocol would have."""
_CODE = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
GRACE = 66.0
"""Seconds before a replaced refresh token is used again: longer than the grace periods that products document."""
_AFTER_HALF = 2.0
_AFTER_END = 3.0
"""Seconds past a time that is waited for: servers count in whole ones."""
_NEAR_END = 5.0
"""Seconds before a time of the life within which nothing is asked: on which side of it an answer is, nobody knows."""
_OLD_CODES = 1803.0
"""Seconds after which the codes of earlier words are over, mostly."""
_LATE = 0.75
"""Share of the life after which a late approval is given."""


@dataclass
class Actors:
    """Who asks: the clients by their roles, and the people who decide, one of them for each word in turn."""

    run: Run
    owner: str = "primary"
    """Role of the client whose grants are asked."""
    users: tuple[User, ...] = ()
    halves: bool = False
    """Whether inputs tell the halves of the life apart."""
    logins: AbstractContextManager[object] = field(default_factory=nullcontext)
    """Entered while somebody decides."""
    statuses: dict[str, set[int]] = field(default_factory=dict)
    """With which statuses each answer of the token endpoint came."""
    slow: float = 0.0
    """Real seconds of the slowest decision that outlasted the interval before a poll at once, on a clock that runs."""
    waits: bool = False
    """Whether such polls count all the same, since decisions mostly take that long."""
    taken: set[str] = field(default_factory=set)
    """Decisions that the pages have taken of a fresh grant, so that one that they refuse may be put off."""
    sparing: bool = False
    """Whether nobody decides where the code is over or somebody has tried: to the pages it would be a wrong code."""
    still: Callable[[], None] = lambda: None
    """Raises what ends the learning, once it is over; called while a real clock is waited for."""
    refusals: dict[str, str] = field(default_factory=dict)
    """What the pages said last to a decision that they did not take, by its kind."""

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""
        return self.run.exchanges

    @property
    def facts(self) -> dict[str, str]:
        """Variables of the protocol's machine that are what they are from the beginning."""
        proves = self.run.dialect.proves_identity(self.client(self.owner))
        return {"client": "confidential" if proves else "public"}

    def client(self, role: str) -> Client:
        """The client in a role, of today: registrations end. Raises NotLearnableError where there is none."""
        client = self.run.client(role)
        if client is None:
            raise NotLearnableError(f"no {role} client: none in target.toml and none could be registered")
        return self.run.methods.spoken(client)


class WordRun:
    """A fresh grant; `act` gives it one input."""

    def __init__(self, actors: Actors, turn: int = 0) -> None:
        """Start it; raises NotLearnableError where the server refuses. `turn` chooses who decides."""
        self._actors, self._run, self._clock = actors, actors.run, actors.run.target.clock
        self._user = actors.users[turn % len(actors.users)] if actors.users else None
        self._owner = actors.client(actors.owner)
        self._began = self._clock.now()
        self._start = self._started("start")
        self._view = GrantView(
            str(self._start.get("user_code") or ""),
            str(self._start.get("verification_uri") or ""),
            _text(self._start.get("verification_uri_complete")),
        )
        self.life = _life(self._run, self._start)
        self._interval = seconds(self._start.get("interval"), self._run.dialect.default_interval)
        self._shortest = self._interval
        """What a server that adds nothing at a slow_down still asks for."""
        self._half = self.over = False
        """Which time of the life was waited for."""
        self._refresh_tokens: list[str] = []
        self._second: Exchange | None = None
        self._second_interval, self._second_asked = self._interval, 0.0
        """When the second grant was started, or polled last."""
        self._decided: float | None = None
        """When a decision was last tried."""
        self._seen_by = -math.inf
        """Until when the token endpoint may not know of one that the pages took; it does once an answer tells it."""
        self._tried = False
        """Whether one was tried at all."""
        self._asked = self._began
        """When the device was last answered about its code."""
        self._deciding = 0.0
        """Real seconds of decisions since then."""

    @property
    def refreshable(self) -> bool:
        """Whether a refresh token came."""
        return bool(self._refresh_tokens)

    @property
    def age(self) -> float:
        """Seconds of the codes' life that are over, on the target's clock."""
        return self._clock.now() - self._began

    def act(self, letter: str) -> str:
        """Give one input; returns the answer. Raises TooLongError before, or after, one that would say nothing."""
        answer = self._act(Stimulus(letter))
        self._require_time(0)
        return answer

    def _act(self, stimulus: Stimulus) -> str:
        if stimulus in DECISIONS:
            return self._decide(stimulus)
        acts: dict[Stimulus, Callable[[], str]] = {
            Stimulus.POLL_POLITE: self._poll_politely,
            Stimulus.POLL_NOW: self._poll_at_once,
            Stimulus.POLL_FOREIGN: self._poll_by_stranger,
            Stimulus.POLL_WRONG_SECRET: self._poll_with_wrong_secret,
            Stimulus.POLL_MALFORMED: self._poll_malformed,
            Stimulus.HALF_LIFE: self._let_half_pass,
            Stimulus.EXPIRE: self._expire,
            Stimulus.START_SECOND: self._start_second,
            Stimulus.POLL_SECOND: self._poll_second,
            Stimulus.REFRESH: lambda: self._refresh(newest=True),
            Stimulus.REPLAY: lambda: self._refresh(newest=False),
        }
        return acts[stimulus]()

    # Time.

    def _wait(self, length: float) -> None:
        if length > 0 and not self._clock.sleeps:
            self._clock.wait(length)
        while length > 0 and self._clock.sleeps:
            self._actors.still()
            self._clock.wait(min(length, 1.0))
            length -= 1.0

    def _wait_within(self, length: float) -> None:
        self._require_time(length)
        self._wait(length)

    def _require_time(self, more: float) -> None:
        """Raise TooLongError where a wait would end near the end of the time of life in which the word is."""
        if not self._has_time(more):
            raise TooLongError

    def _has_time(self, more: float) -> bool:
        if self.over or math.isinf(self.life):
            return True
        end = self.life if self._half or not self._actors.halves else self.life / 2
        return self.age + more <= end - _NEAR_END

    def _let_half_pass(self) -> str:
        if not self.over:
            self.over, self._half = self._half, True
            self._wait(self.life / 2 + _AFTER_HALF)
        else:
            self._wait(self.life / 2)
        return OK

    def _expire(self) -> str:
        self.over = True
        self._wait(self.life + _AFTER_END - self.age)
        return OK

    # Decisions.

    def _decide(self, stimulus: Stimulus) -> str:
        if stimulus in HALVES and not self.over:
            self._half = True
            self._wait(self.life * _LATE - self.age)
        if self._user is None:
            raise NotLearnableError("nobody approves or denies: target.toml has no [user]; --user or --login names one")
        if self._actors.sparing and (self._tried or self.over):
            return IMPOSSIBLE
        first, self._tried, self._decided = not self._tried and not self.over, True, self._clock.now()
        action = self._user.deny if stimulus is Stimulus.DENY else self._user.approve
        began, rests = time.perf_counter(), list[float]()

        def see(response: httpx.Response) -> None:
            self._run.count()
            if response.status_code in THROTTLED:
                after = response.headers.get("retry-after")
                pause = pause_of(response.status_code, after, self._clock.now()) if after else None
                rests.append(min(pause or REST, REST))

        try:
            with self._actors.logins, browser_at(self._run, patient=not self._clock.sleeps) as browser:
                browser.saw = see
                action(browser, self._view)
        except Nobody as reason:
            raise NotLearnableError(str(reason)) from None
        except UserError as complaint:
            unlikely = first and self._clock.sleeps and not self._actors.sparing and stimulus in self._actors.taken
            if rests or unlikely:
                said = f"the pages limit how often somebody types a code: {complaint}"
                raise ThrottledError(said, max(rests, default=REST)) from None
            self._actors.refusals[stimulus] = str(complaint)
            return REFUSED
        finally:
            self._deciding += time.perf_counter() - began
        self._seen_by = self._clock.now() + SEEN_WITHIN * self._interval
        return OK

    # Polls.

    def _poll_politely(self) -> str:
        self._wait_within(self._interval + MARGIN)
        answer = self._poll(self._owner)
        # Nothing says when a decision has to be seen.
        while answer == "pending" and self._asked < self._seen_by and self._has_time(self._interval + MARGIN):
            self._wait(self._interval + MARGIN)
            answer = self._poll(self._owner)
        return answer

    def _poll_at_once(self) -> str:
        late = self._clock.kind != "travel" and self._deciding and self._clock.now() - self._asked > self._shortest
        if late and not self._actors.waits:
            raise LateError
        if late:
            self._actors.slow = max(self._actors.slow, self._deciding)
        return self._poll(self._owner)

    def _poll(self, client: Client | None, *, own: bool = True, code: Exchange | None = None) -> str:
        body = {"grant_type": DEVICE_CODE_GRANT, "device_code": (code or self._start).get("device_code")}
        exchange = self._token(body, client, "poll")
        answer = self._name(exchange)
        if own and code is None:
            self._asked, self._deciding = self._clock.now(), 0.0
            if answer not in ("pending", "slow_down"):
                self._seen_by = -math.inf
            if exchange is not None:
                self._keep(exchange)
        if answer == "slow_down" and own and code is None:
            self._interval += 5
        # A server may forget a code that is over, and when it does, no text says.
        if self.over and code is None and _ended(exchange):
            return NAMES["expired_token"] if own else "invalid_grant"
        return answer

    def _poll_by_stranger(self) -> str:
        """A poll by another client, when a decision had time to be seen: nothing says when it has to be."""
        if self._decided is not None:
            self._wait_within(self._decided + self._interval - self._clock.now())
            self._decided = None
        return self._poll(self._actors.client("other"), own=False)

    def _poll_with_wrong_secret(self) -> str:
        body = {"grant_type": DEVICE_CODE_GRANT, "device_code": self._start.get("device_code")}
        exchange = self._token(body, without(self._owner, secret=WRONG_SECRET), "poll with a wrong secret")
        return self._folded(exchange, Situation.CREDENTIALS_REFUSED, "invalid_client")

    def _poll_malformed(self) -> str:
        body = {"device_code": self._start.get("device_code")}
        exchange = self._token(body, self._owner, "poll without grant_type")
        return self._folded(exchange, Situation.MEMBER_MISSING, "invalid_request")

    def _folded(self, exchange: Exchange | None, situation: Situation, usual: str) -> str:
        """The usual name for every answer that the dialect has in a situation."""
        answers = self._run.dialect.accepts(situation, usual)
        if exchange is not None and exchange.outcome.names.intersection(answers):
            return usual
        return "invalid_grant" if self.over and _ended(exchange) else self._name(exchange)

    # The other grant.

    def _start_second(self) -> str:
        if self._second is not None:
            return IMPOSSIBLE
        exchange = self._device_authorization("start a second grant")
        if not _starts(exchange):
            return self._name(exchange)
        self._second, self._second_asked = exchange, self._clock.now()
        return OK

    def _poll_second(self) -> str:
        if self._second is None:
            return IMPOSSIBLE
        # Polite for this code, whose pace has nothing to do with that of the other one.
        self._wait_within(self._second_asked + self._second_interval + MARGIN - self._clock.now())
        answer = self._poll(self._owner, code=self._second)
        if answer == "slow_down":
            self._second_interval += 5
        self._second_asked = self._clock.now()
        return answer

    # Refresh tokens.

    def _refresh(self, *, newest: bool) -> str:
        if not self._refresh_tokens or (not newest and len(self._refresh_tokens) == 1):
            return IMPOSSIBLE
        if not newest:
            self._wait_within(GRACE)
        token = self._refresh_tokens[-1 if newest else 0]
        body = {"grant_type": REFRESH_TOKEN_GRANT, "refresh_token": token}
        exchange = self._token(body, self._owner, "refresh")
        if exchange is not None:
            self._keep(exchange)
        return self._name(exchange)

    def _keep(self, exchange: Exchange) -> None:
        token = exchange.get("refresh_token")
        if exchange.outcome.ok and isinstance(token, str) and token not in self._refresh_tokens:
            self._refresh_tokens.append(token)

    # Sending.

    def _token(self, members: dict[str, Any], client: Client | None, label: str) -> Exchange | None:
        exchange = self._call(Operation.TOKEN, members, client, label)
        if exchange is not None:
            self._actors.statuses.setdefault(self._name(exchange), set()).add(exchange.status)
        return exchange

    def _call(
        self, operation: Operation, members: dict[str, Any], client: Client | None, label: str
    ) -> Exchange | None:
        run = self._run
        request = run.dialect.encode(operation, run.url(operation), members, client)
        try:
            return run.exchange(request, self._began, label)
        except Inconclusive:
            return None

    def _device_authorization(self, label: str) -> Exchange | None:
        members = self._run.dialect.authorization_members(self._run.target.config.request)
        return self._call(Operation.DEVICE_AUTHORIZATION, members, self._owner, label)

    def _started(self, label: str) -> Exchange:
        exchange = self._device_authorization(label)
        if not _starts(exchange) and not self._clock.sleeps:
            # A server may bound how many codes live at a time (RFC 8628 section 5.1): those of earlier words.
            self._clock.wait(_OLD_CODES)
            self._began = self._clock.now()
            exchange = self._device_authorization(label)
        if exchange is None or not _starts(exchange):
            answered = "429, again and again" if exchange is None else exchange.describe()
            raise NotLearnableError(
                f"the device authorization was refused with {answered}: device-grant doctor says what is wrong"
            )
        return exchange

    @staticmethod
    def _name(exchange: Exchange | None) -> str:
        if exchange is None:
            return "http-429"
        code = NAMES.get(exchange.code, exchange.code)
        # What a server makes up for each answer, or writes a page into, is one answer: it goes into files and drawings.
        return code if _CODE.fullmatch(code) else ODD


def carry_out(actors: Actors, word: Iterable[str], turn: int = 0) -> list[str]:
    """The answers to a word on a fresh grant, however long its decisions take; raises as WordRun does."""
    actors.waits, fresh = True, WordRun(actors, turn)
    return [fresh.act(letter) for letter in word]


def _starts(exchange: Exchange | None) -> bool:
    return exchange is not None and exchange.outcome.ok and isinstance(exchange.get("device_code"), str)


def _ended(exchange: Exchange | None) -> bool:
    return exchange is not None and exchange.code in ENDED


def _life(run: Run, start: Exchange) -> float:
    stated = seconds(start.get("expires_in"), 0)
    life = stated or (run.target.config.lifetimes.device_code if start.get("expires_in") is None else 0)
    return life or math.inf


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
