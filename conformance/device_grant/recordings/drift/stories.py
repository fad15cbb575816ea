"""What is to be done again: the requests of one check or one flow, with the waits and the user's decisions between."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from device_grant.errors import UsageError
from device_grant.protocol import Operation, Purpose
from device_grant.protocol.dpop import HEADER
from device_grant.protocol.reading import value_of
from device_grant.recordings.formats import is_cassette, read_capture
from device_grant.recordings.formats.cassette import read
from device_grant.recordings.formats.ours import captured, endpoints_of
from device_grant.recordings.judge.finding import RecognisedExchange, find, settled
from device_grant.recordings.judge.flows import flows_of
from device_grant.recordings.tape import SHARED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from device_grant.protocol import Request
    from device_grant.recordings.judge.flows import Flow
    from device_grant.recordings.tape import Action, Tape, TapedExchange
    from device_grant.targets.config import TargetConfig

_CONDENSED = (b"[", b" octets, sha256 ")
"""How a cassette of ours begins and goes on where it has a digest for a long body."""
_SAFE = ("GET", "HEAD", "OPTIONS")
"""Methods that decide nothing at a page."""
_WELL_KNOWN = "/.well-known/"
_SIGNED = "AWS4-HMAC-"
"""How Authorization begins where the request is signed, its date included."""
_ACTION_COST = 3
"""A decision of the user takes several pages."""


@dataclass(frozen=True)
class Send:
    """A request, and how it was answered."""

    recorded: RecognisedExchange

    @property
    def kind(self) -> tuple[str, ...]:
        """Exchanges of one kind show the same of a server."""
        exchange = self.recorded.exchange
        media_type = (exchange.request.header("content-type") or "").partition(";")[0].strip().lower()
        method, status = exchange.request.method, str(exchange.status)
        return exchange.purpose, method, media_type, status, exchange.code


@dataclass(frozen=True)
class Wait:
    """Time that passed on the target's clock."""

    seconds: float


@dataclass(frozen=True)
class Pause:
    """Time that passed, nobody knows how much: as long as the live server wants."""


@dataclass(frozen=True)
class Act:
    """What the user decided."""

    do: Literal["approve", "deny"]
    code: str
    refused: bool = False
    """Whether the pages did not let them."""


@dataclass(frozen=True)
class Cut:
    """From here on what happened cannot be done again."""

    why: str = "the check itself goes to pages or other places"


Step = Send | Wait | Pause | Act | Cut


@dataclass(frozen=True)
class RecordedStory:
    """What belongs together: one check of a cassette, or one flow of a capture."""

    name: str
    steps: tuple[Step, ...]
    generated: bool = False
    """Whether its requests were drawn, so that there are many of them."""

    @property
    def kinds(self) -> frozenset[tuple[str, ...]]:
        """Kinds of the exchanges in it."""
        return frozenset(step.kind for step in self.steps if isinstance(step, Send))

    @property
    def beyond(self) -> str:
        """Why its requests end before what was recorded does; empty: they do not."""
        return next((step.why for step in self.steps if isinstance(step, Cut)), "")

    @property
    def longest_wait(self) -> float:
        """Seconds of its longest wait."""
        return max((step.seconds for step in self.steps if isinstance(step, Wait)), default=0.0)

    @property
    def cost(self) -> float:
        """How much it asks of a server."""
        return sum({Send: 1, Act: _ACTION_COST}.get(type(step), 0) for step in self.steps)

    @property
    def patience(self) -> float:
        """Seconds that it waits."""
        return sum(step.seconds for step in self.steps if isinstance(step, Wait))


@dataclass(frozen=True)
class Recorded:
    """All stories of a cassette or a capture."""

    file: str
    dialect: str
    stories: tuple[RecordedStory, ...]
    config: TargetConfig | None = None
    """Of the recorded target; None for traffic that was not recorded by us."""
    registered: dict[str, Send] = field(default_factory=dict)
    """Registrations that several stories rely on, by the client_id that they brought."""


def stories_of(path: Path, dialect: str = "") -> Recorded:
    """The stories of a cassette's folder, or of any capture; raises UsageError where there is nothing to send."""
    recorded = _of_cassette(path) if is_cassette(path) else _of_capture(path, dialect)
    if not recorded.stories:
        raise UsageError(f"{path}: no exchange of the device grant that could be sent again")
    return recorded


def choose(
    stories: Iterable[RecordedStory], only: Sequence[str] = (), longest_wait: float = float("inf")
) -> list[RecordedStory]:
    """The stories whose names fit a glob; without one the cheapest ones that show every kind of exchange.

    Where no request can be sent again, those that say why. Raises UsageError if nothing fits.
    """
    stories = list(stories)
    if only:
        chosen = [story for story in stories if any(fnmatchcase(story.name, pattern) for pattern in only)]
        if not chosen:
            names = ", ".join(story.name for story in stories[:3])
            raise UsageError(f"nothing is named {' or '.join(only)}: names are {names} …")
        return chosen
    left = [story for story in stories if not story.generated and story.longest_wait <= longest_wait]
    waits = longest_wait != float("inf")
    seen: set[tuple[str, ...]] = set()
    chosen = []
    while left:
        best = max(
            left, key=lambda story: len(story.kinds - seen) / (story.cost + (story.patience if waits else 0) + 1)
        )
        if not best.kinds - seen:
            break
        seen |= best.kinds
        chosen.append(best)
        left.remove(best)
    chosen = chosen or [story for story in stories if story.beyond and not story.kinds]
    places = {story.name: place for place, story in enumerate(stories)}
    return sorted(chosen, key=lambda story: places[story.name])


# Of cassettes of ours.


def _of_cassette(folder: Path) -> Recorded:
    cassette = read(folder)
    name = cassette.manifest.target.dialect
    endpoints = endpoints_of(cassette)
    shared = [step for step in _of_tape(cassette.tapes[SHARED], endpoints, name) if isinstance(step, Send)]
    metadata = tuple(step for step in shared if step.recorded.operation is Operation.OTHER)
    stories = [RecordedStory(SHARED, metadata)] if metadata else []
    stories += [
        RecordedStory(tape.name, tuple(_of_tape(tape, endpoints, name)), generated=bool(tape.cases))
        for tape in cassette.tapes.values()
        if tape.name != SHARED
    ]
    registered = {step.recorded.said("client_id"): step for step in shared if step.recorded.said("client_id")}
    kept = tuple(story for story in stories if story.kinds or story.beyond)
    return Recorded(str(folder), name, kept, cassette.manifest.target, registered)


def _of_tape(tape: Tape, endpoints: Mapping[str, Operation], dialect: str) -> list[Step]:
    steps: list[tuple[float, int, Step]] = []
    acted: set[int] = set()
    for place, one in enumerate(tape.entries):
        if one.action is not None:
            if one.action not in acted:
                steps.append((one.at, place, _act(tape.actions[one.action]) or Cut()))
            acted.add(one.action)
            continue
        operation = endpoints.get(one.request.url.partition("?")[0])
        if operation is None and tape.name == SHARED and _WELL_KNOWN in one.request.url:
            operation = Operation.OTHER
        if operation is not None and _whole(one):
            steps.append((one.at, place, _again(settled(captured(one, place), operation, dialect))))
        elif operation is None and one.request.method not in _SAFE and tape.name != SHARED:
            steps.append((one.at, place, Cut()))
    # What began at the moment of a wait was there before time passed.
    steps += [(at, len(tape.entries), Wait(seconds)) for at, seconds in tape.waits]
    steps.sort(key=lambda step: step[:2])
    unseen = [_act(action) for number, action in enumerate(tape.actions) if number not in acted]
    return _cut(_with_decisions([step for _, _, step in steps], [act for act in unseen if act is not None]))


def _cut(steps: list[Step]) -> list[Step]:
    """Up to the first cut, which stays if requests are lost by it."""
    place = next((place for place, step in enumerate(steps) if isinstance(step, Cut)), len(steps))
    lost = any(isinstance(step, Send) or (step != Cut() and isinstance(step, Cut)) for step in steps[place:])
    return [*steps[:place], *(steps[place : place + 1] if lost else [])]


def _again(recorded: RecognisedExchange) -> Step:
    """A request to send again, unless it holds what is good for one moment and a key has to make anew."""
    once = _good_once(recorded.exchange.request)
    return Cut(f"a request holds {once}, which only its key can make anew") if once else Send(recorded)


def _good_once(request: Request) -> str:
    """What a server refuses when it comes again or late (RFC 9449 section 11.1, RFC 7523 section 3, AWS SigV4)."""
    if request.header(HEADER) is not None:
        return "a DPoP proof"
    if value_of(request, "client_assertion") is not None:
        return "a client assertion"
    return "a signature with a date" if (request.header("authorization") or "").startswith(_SIGNED) else ""


def _act(action: Action) -> Act | None:
    """A decision; None for a step at the pages that decides nothing."""
    refused = action.refused is not None
    match action.do:
        case "approve" | "deny" as do:
            return Act(do, action.code, refused)
        case _:
            return None


def _whole(entry: TapedExchange) -> bool:
    """Whether a recorded request can be sent again, and was answered."""
    head, rest = _CONDENSED
    digest = entry.request.content.startswith(head) and rest in entry.request.content[:40]
    return entry.response is not None and not digest


# Of captures of anybody.


def _of_capture(path: Path, dialect: str) -> Recorded:
    findings = find(read_capture(path), dialect)
    names = findings.dialects
    if len(names) > 1:
        raise UsageError(f"{path}: holds both dialects: say which one with --dialect {' or '.join(names)}")
    stories = []
    for number, flow in enumerate(flows_of(findings, names[0]) if names else [], 1):
        steps = _of_flow(flow)
        if any(isinstance(step, Send | Cut) for step in steps):
            stories.append(RecordedStory(f"flow {number}", tuple(steps)))
    return Recorded(str(path), names[0] if names else "", tuple(stories))


def _of_flow(flow: Flow) -> list[Step]:
    sent = [one for one in flow.members if one.entry.response is not None and not one.entry.bodiless]
    steps: list[Step] = [_again(sent[0])] if sent else []
    for before, after in pairwise(sent):
        if before.entry.started is not None and after.entry.started is not None:
            waited = after.entry.started - before.entry.started - (before.entry.took or 0.0)
            steps.append(Wait(max(waited, 0.0)))
        elif after.exchange.purpose is Purpose.POLL:
            steps.append(Pause())
        steps.append(_again(after))
    code = flow.start.said("user_code") if flow.start else ""
    decisions: list[Act] = []
    if code and any(one.exchange.outcome.ok for one in flow.polls):
        decisions.append(Act("approve", code))
    elif code and any(one.exchange.code == "access_denied" for one in flow.polls):
        decisions.append(Act("deny", code))
    return _cut(_with_decisions(steps, decisions))


def _with_decisions(steps: list[Step], decisions: Iterable[Act]) -> list[Step]:
    """With decisions of which no request tells: each before the first answer that shows it."""
    collected = list(steps)
    for act in decisions:
        code = _device_code(collected, act.code)
        shown = ("ok",) if act.do == "approve" else ("access_denied",)
        for place, step in enumerate(collected):
            if (
                isinstance(step, Send)
                and step.recorded.asked("device_code") == code
                and step.recorded.exchange.code in shown
            ):
                collected.insert(place, act)
                break
    return collected


def _device_code(steps: Iterable[Step], user_code: str) -> str:
    starts = (
        step.recorded for step in steps if isinstance(step, Send) and step.recorded.said("user_code") == user_code
    )
    return next((one.said("device_code") for one in starts), "")
