"""Two browsers at the verification page, walked through it in step, so that their decisions fall together."""

from __future__ import annotations

import math
import queue
import threading
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx

from device_grant.judging import Untestable
from device_grant.targets.dispatch import Dispatch, dispatched
from device_grant.targets.ports import UserError, UserModuleError
from device_grant.targets.users.browser import Browser

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Grant
    from device_grant.server.sockets.racing import Race
    from device_grant.targets.dispatch import Meanwhile
    from device_grant.targets.ports import User

    Beside = Callable[[int], Sequence[Dispatch]]

PATIENCE = 60.0
"""Real seconds for one step of a browser."""
_MOST_STEPS = 100


@dataclass
class Decision:
    """What became of one browser's way through the pages."""

    complaint: str = ""
    """Why the pages did not let the user decide; empty: they did."""
    steps: int = 0
    """Requests that it took."""
    failed: bool = False
    """Whether its last answer was an error of HTTP. A denial that the pages took may be answered so too."""
    error: BaseException | None = None
    """Something of ours broke, for example the user module."""
    invoked: float = math.inf
    """Seconds of `time.perf_counter`: when its first request was sent."""
    answered: float = -math.inf
    """When its last request was answered; infinite where that was not."""

    @property
    def taken(self) -> bool:
        """Whether the pages took the decision."""
        return not self.complaint


@dataclass
class _Decider(httpx.BaseTransport):
    """A user in a thread of their own, each of whose requests waits until it is released."""

    action: str
    outbox: queue.SimpleQueue[_Decider]
    delay: int = 0
    """Steps for which the others go ahead."""
    decision: Decision = field(default_factory=Decision)
    waiting: tuple[httpx.Request, Future[httpx.Response]] | None = None
    finished: bool = False
    abandoned: BaseException | None = None
    """Why nobody answers any more."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Hand the request over and wait for its answer."""
        request.read()
        answer: Future[httpx.Response] = Future()
        self.decision.steps += 1
        self.waiting = (request, answer)
        self.outbox.put(self)
        if self.abandoned is not None:
            raise self.abandoned
        # Without an end of its own: other checks may keep the user for minutes.
        return answer.result()

    def decide(self, user: User, case: ServerCase, grant: Grant) -> None:
        """Go through the pages; to be called in the browser's thread."""
        walk = user.approve if self.action == "approve" else user.deny
        try:
            target = case.run.target
            with Browser(self, base=target.base, timeout=PATIENCE, in_process=target.in_process) as http:
                walk(http, grant.view)
        except UserError as refused:
            self.decision.complaint = str(refused) or "refused without a reason"
        except BaseException as error:  # noqa: BLE001 - handed to the thread of the check
            self.decision.error = error
        self.finished = True
        self.waiting = None
        self.outbox.put(self)


def require_browsers(case: ServerCase) -> User:
    """The user, if one can be in two browsers at once; raises Untestable otherwise."""
    user = case.require_decider()
    if user.pages is None:
        raise Untestable("decisions at the same moment need a user module in target.toml, not a command or a person")
    return user


def decide_together(  # noqa: PLR0913 - what is decided, and three ways of placing it in time
    race: Race,
    grant: Grant,
    actions: Sequence[str],
    *,
    lengths: Mapping[str, int] | None = None,
    lead: int = 0,
    beside: Beside = lambda _left: (),
    meanwhile: Meanwhile | None = None,
    hold: Callable[[], float] = lambda: 0.0,
) -> dict[str, Decision]:
    """Let one browser for each action (`approve`, `deny`) go through the pages in step.

    The next requests of all browsers reach the server together, in the order of `actions`. `lengths` is how many
    requests each decision takes, so that those with a short way begin later and all end together, but for the first
    action, which ends `lead` steps before the others (after them if negative). Only where `lengths` is given: `beside`
    says what else is sent with a step, given the number of steps that are left after it, `meanwhile` is done beside the
    last one, and `hold` draws real seconds by which each browser is late in it. Returns what became of the decisions.
    Raises Untestable as `require_browsers` does, and UserModuleError.
    """
    case = race.case
    user = require_browsers(case)
    outbox: queue.SimpleQueue[_Decider] = queue.SimpleQueue()
    delays = _delays(actions, lengths or {}, lead)
    browsers = [_Decider(action, outbox, delay) for action, delay in zip(actions, delays, strict=True)]
    for browser in browsers:
        threading.Thread(target=browser.decide, args=(user, case, grant), daemon=True, name=browser.action).start()

    left = None if lengths is None else lambda: max(lengths[one.action] - one.decision.steps for one in browsers)
    _in_step(race, browsers, outbox, _Company(left, beside, meanwhile, hold))
    return {browser.action: browser.decision for browser in browsers}


def approve_together(race: Race, grants: Sequence[Grant]) -> list[Decision]:
    """Let one browser for each grant go through the pages in step and approve it; raises as `decide_together` does."""
    user, outbox = require_browsers(race.case), queue.SimpleQueue[_Decider]()
    browsers = [_Decider("approve", outbox) for _ in grants]
    for browser, grant in zip(browsers, grants, strict=True):
        threading.Thread(target=browser.decide, args=(user, race.case, grant), daemon=True, name="approve").start()
    _in_step(race, browsers, outbox, _Company())
    return [browser.decision for browser in browsers]


@dataclass
class _Company:
    """What goes beside the requests of browsers."""

    left: Callable[[], int] | None = None
    """Steps that are left after the one that comes; None: nobody knows, and nothing goes beside them."""
    beside: Beside = lambda _left: ()
    meanwhile: Meanwhile | None = None
    hold: Callable[[], float] = lambda: 0.0

    def join(self, dispatches: Sequence[Dispatch]) -> tuple[Sequence[Dispatch], Meanwhile | None]:
        """What goes with the next step, whose requests are held where it is the last one."""
        left = self.left() if self.left is not None else None
        if left is None or left < 0:
            return (), None
        if left > 0:
            return self.beside(left), None
        for dispatch in dispatches:
            dispatch.delay = self.hold()
        return self.beside(left), self.meanwhile


def _in_step(race: Race, browsers: Sequence[_Decider], outbox: queue.SimpleQueue[_Decider], company: _Company) -> None:
    """Send the next requests of all browsers together, until all are through.

    Raises what broke in one of them.
    """
    try:
        _walk(race, browsers, outbox, company)
    except BaseException as error:
        # No answer comes any more.
        _abandon(browsers, error)
        raise
    for browser in browsers:
        if browser.decision.error is not None:
            raise browser.decision.error


def _walk(race: Race, browsers: Sequence[_Decider], outbox: queue.SimpleQueue[_Decider], company: _Company) -> None:
    for _ in range(_MOST_STEPS):
        _until_ready(browsers, outbox)
        going = [browser for browser in browsers if browser.waiting is not None]
        if not going:
            break
        behind = [browser for browser in going if browser.delay > 0]
        if behind and len(behind) < len(going):
            for browser in behind:
                browser.delay -= 1
            going = [browser for browser in going if browser not in behind]
        _step(race, going, company)
    else:
        _until_ready(browsers, outbox)
        _abandon(browsers, UserModuleError(f"the user module makes more than {_MOST_STEPS} requests for one decision"))
        _until_ready(browsers, outbox)


def _delays(actions: Sequence[str], lengths: Mapping[str, int], lead: int) -> list[int]:
    longest = max(lengths.values(), default=0)
    delays = [longest - lengths.get(action, longest) for action in actions]
    delays[0] -= lead
    return [delay - min(delays) for delay in delays]


def _until_ready(browsers: Sequence[_Decider], outbox: queue.SimpleQueue[_Decider]) -> None:
    """Wait until each browser has a request to send or is through."""
    while any(browser.waiting is None and not browser.finished for browser in browsers):
        try:
            outbox.get(timeout=PATIENCE)
        except queue.Empty:
            raise UserModuleError(f"the user module did nothing for {PATIENCE:g} s") from None


def _step(race: Race, browsers: Sequence[_Decider], company: _Company) -> None:
    pending = [(browser, *browser.waiting) for browser in browsers if browser.waiting is not None]
    dispatches = dispatched(request for _, request, _ in pending)
    beside, meanwhile = company.join(dispatches)
    with race.case.with_user():
        race.overlap([*dispatches, *beside], meanwhile)
    for (browser, request, answer), dispatch in zip(pending, dispatches, strict=True):
        browser.waiting = None
        decision, result = browser.decision, dispatch.outcome
        decision.invoked = min(decision.invoked, dispatch.invoked)
        decision.answered = max(decision.answered, dispatch.answered)
        if isinstance(result, httpx.Response):
            decision.failed = result.is_error
            answer.set_result(_unread(result))
        else:
            answer.set_exception(result if isinstance(result, httpx.TransportError) else _broken(request, result))


def _unread(response: httpx.Response) -> httpx.Response:
    """The same response as a transport would hand it over: its content is decoded already."""
    headers = [(name, value) for name, value in response.headers.raw if name.lower() != b"content-encoding"]
    return httpx.Response(response.status_code, headers=headers, stream=httpx.ByteStream(response.read()))


def _broken(request: httpx.Request, error: Exception) -> httpx.TransportError:
    return httpx.ReadError(f"{type(error).__name__}: {error}", request=request)


def _abandon(browsers: Sequence[_Decider], error: BaseException) -> None:
    for browser in browsers:
        browser.abandoned = error
        if browser.waiting is not None:
            waiting, browser.waiting = browser.waiting, None
            waiting[1].set_exception(error)
