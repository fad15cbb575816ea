"""A finished case as lines of results.jsonl: exchanges become redacted steps, claims become results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

import msgspec

from device_grant.catalogue import Verdict
from device_grant.judging import Spared, UserModuleBroke
from device_grant.protocol import Event, Exchange, Request, Response, Secrets
from device_grant.protocol.curl import curl
from device_grant.protocol.events import (
    Bar,
    ClientEnded,
    Decided,
    DecisionRefused,
    HistoryDrawn,
    Mistyped,
    PageLoaded,
    Waited,
)
from device_grant.results.model import (
    LEFT_OUT,
    Case,
    Exposure,
    Header,
    HistoryBar,
    HttpRequest,
    HttpResponse,
    Result,
    Step,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from device_grant.judging import Claim, Tally
    from device_grant.judging.trial import Trial

LONGEST_BODY = 4000
"""Octets of a body that a step keeps."""
LONGEST_SECRET = 8192
"""Octets by which a secret may reach beyond the place where a body is cut."""
_LARGEST = 1e18
"""Of a number in a file of results."""
FIRST_STEPS, LAST_STEPS = 30, 15
"""How much of a long transcript a case keeps."""

VerdictLabel = Literal["pass", "observed", "not-applicable", "warn", "inconclusive", "untestable", "fail"]


class Judging(Protocol):
    """What lines of results need of a run, or of a capture that is judged."""

    @property
    def secrets(self) -> Secrets:
        """Those that have been seen so far."""

    @property
    def sends(self) -> bool:
        """Whether a person can send a request again, so that it is shown as a curl command."""

    def reproduction(self, requirement: str, check: str = "") -> str:
        """The command that shows a result again; `check` is the one in which it was seen."""


class Payload(msgspec.Struct, frozen=True, kw_only=True):
    """What a finished case hands over, from an xdist worker to its controller too; not yet redacted."""

    header: Header
    case: Case
    results: list[Result]
    invariants: list[Result]
    spare: list[Result]
    """For requirements that no other check judges."""
    secrets: list[tuple[str, str]]
    """Kind and value of the secrets that were born since the last payload."""
    exchanges: int


def case_line(
    case: Trial,
    nodeid: str,
    duration: float,
    outcome: Literal["ran", "suite-error", "interrupted"] = "ran",
    message: str = "",
) -> Case:
    """The line of a case, long transcripts cut in the middle."""
    return Case(
        check=case.check.name,
        nodeid=nodeid,
        title=case.check.title,
        card=case.check.card,
        outcome=outcome,
        duration=round(duration, 4),
        steps=steps_of(case.transcript.entries, case.run.secrets),
        message=message,
        examples=case.examples,
        unsampled=_unsampled(case),
        left_out=str(case.stop) if isinstance(case.stop, Spared) else msgspec.UNSET,
        spared=list(case.ledger.spare) if isinstance(case.stop, Spared) else msgspec.UNSET,
        user_module=str(case.stop) if isinstance(case.stop, UserModuleBroke) else msgspec.UNSET,
        exposure=_exposure(case.exposed) if case.exposed else msgspec.UNSET,
    )


def _exposure(measured: dict[str, Any]) -> Exposure:
    """The measured members, numbers that a target sent brought within what readers take."""
    bounded = {
        name: max(-_LARGEST, min(value, _LARGEST)) if isinstance(value, float) else value
        for name, value in measured.items()
    }
    return msgspec.convert(bounded, Exposure)


def _unsampled(case: Trial) -> str | msgspec.UnsetType:
    stop = case.stop
    if not case.check.sampled or case.ledger.tallies or stop is None or isinstance(stop, Spared):
        return msgspec.UNSET
    # That it does not apply, or rests on what is known to be broken, is said elsewhere.
    return msgspec.UNSET if stop.verdict is Verdict.NOT_APPLICABLE or stop.cause else str(stop)


def steps_of(entries: Sequence[Exchange | Event], secrets: Secrets) -> list[Step]:
    """A transcript as steps, a long one cut in the middle."""
    steps = [step(entry, secrets) for entry in entries]
    if len(steps) > FIRST_STEPS + LAST_STEPS:
        left_out = len(steps) - FIRST_STEPS - LAST_STEPS
        gap = Step(at=steps[FIRST_STEPS].at, event=LEFT_OUT, label=f"… {left_out} more steps …")
        steps = [*steps[:FIRST_STEPS], gap, *steps[-LAST_STEPS:]]
    return steps


def result_lines(run: Judging, tallies: Iterable[Tally], check: str = "") -> list[Result]:
    """One line for each requirement that a check judged, or an invariant on its exchanges."""
    return [result_line(run, tally, check) for tally in tallies if tally.worst is not None]


def result_line(run: Judging, tally: Tally, check: str = "") -> Result:
    """The line of the worst claim; `check` is the one that it was made in."""
    claim = tally.worst
    assert claim is not None  # noqa: S101 - result_lines leaves out tallies without a claim
    requirement = claim.requirement
    show = claim.verdict is not Verdict.PASS
    return Result(
        requirement=requirement.id,
        check=claim.check,
        source=requirement.source,
        section=requirement.section,
        level=requirement.level.value,
        party=requirement.party.value,
        statement=requirement.statement,
        url=requirement.url,
        verdict=cast("VerdictLabel", claim.verdict.label),
        judged=tally.judged,
        accepted=list(claim.accepted),
        got=claim.got,
        message=claim.message,
        why=requirement.why,
        measured={name: round(value, 6) for name, value in claim.measured.items()} or msgspec.UNSET,
        steps=[step(entry, run.secrets) for entry in claim.exchanges],
        curl=_curl(claim, run.secrets) if run.sends else "",
        reproduce=run.reproduction(requirement.id, check) if show else "",
        security=requirement.security,
        blocked_by=claim.blocked_by or msgspec.UNSET,
    )


def _curl(claim: Claim, secrets: Secrets) -> str:
    sent = [entry for entry in claim.exchanges if isinstance(entry, Exchange)]
    return curl(sent[-1].request, secrets) if sent else ""


def step(entry: Exchange | Event, secrets: Secrets) -> Step:
    """One exchange or event; redaction happens on the finished line, except where a body is cut here."""
    if isinstance(entry, Event):
        return _event(entry)
    return Step(
        at=round(entry.started, 3),
        label=entry.label,
        purpose=entry.purpose.value,
        malformation=entry.malformation,
        operation=entry.request.operation.value,
        request=_request(entry.request, secrets),
        response=_response(answer, secrets) if (answer := entry.on_the_wire) is not None else None,
        error=entry.error,
        elapsed=round(entry.elapsed, 4),
        code=entry.code,
        journal=entry.journal,
    )


def _event(event: Event) -> Step:
    """An event with what its kind knows of it; of kinds without a member of their own the words say enough."""
    said: dict[str, Any] = {}
    match event:
        case Waited(seconds=seconds):
            said = {"seconds": seconds}
        case Decided(action=action, grant=grant):
            said = {"action": action, "grant": grant}
        case Mistyped(grant=grant):
            said = {"grant": grant}
        case DecisionRefused(action=action, complaint=complaint):
            said = {"action": action, "complaint": complaint}
        case HistoryDrawn(bars=bars, explained=explained):
            said = {"bars": [_bar(bar) for bar in bars], "explained": explained}
        case PageLoaded(status=status) | ClientEnded(status=status):
            said = {"status": status}
        case _:
            pass
    return Step(at=round(event.at, 3), label=event.describe(), event=event.kind, **said)


def _bar(bar: Bar) -> HistoryBar:
    ended = None if bar.ended is None else round(bar.ended, 9)
    return HistoryBar(name=bar.name, answer=bar.answer, began=round(bar.began, 9), ended=ended)


def _request(request: Request, secrets: Secrets) -> HttpRequest:
    body, truncated = _body(request.content, secrets)
    headers = list(request.headers)
    return HttpRequest(method=request.method, url=request.url, headers=headers, body=body, truncated=truncated)


def _response(response: Response, secrets: Secrets) -> HttpResponse:
    body, truncated = _body(response.content, secrets)
    return HttpResponse(status=response.status, headers=list(response.headers), body=body, truncated=truncated)


def _body(content: bytes, secrets: Secrets) -> tuple[str, int]:
    if len(content) <= LONGEST_BODY:
        return content.decode("utf-8", errors="backslashreplace"), 0
    # A cut could leave half a secret, which the redaction of the whole line would no longer recognise.
    text = content[: LONGEST_BODY + LONGEST_SECRET].decode("utf-8", errors="backslashreplace")
    return secrets.redact(text)[:LONGEST_BODY], len(content)
