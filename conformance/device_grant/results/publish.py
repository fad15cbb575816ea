"""What of a run is published: verdicts and the evidence of what did not pass, the same for every run that went alike.

Two runs of one target differ in ports, folders, times, random values and the numbers of pseudonyms. None of that says
anything about the target, so each is replaced by something fixed; a change of a published report is then a change of
the target or of the suite.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import msgspec

from device_grant.protocol.events import Waited
from device_grant.results.reader import Report
from device_grant.results.withhold import withhold_security

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from device_grant.results.model import Case, Footer, Header, HttpRequest, HttpResponse, Result, Step

MOST_STEPS = 6
"""Exchanges and events of one result; checks stop at what decides, so the last ones are kept."""
LONGEST_BODY = 600
"""Characters of a body."""
LONGEST_TEXT = 800
"""Characters of any other text."""
_EVIDENT = frozenset({"fail", "warn", "inconclusive", "observed"})
"""Verdicts that are published with the exchanges that show them."""
_PORT = "8628"
_RANDOM_FROM = 20
"""Length from which letters and digits without a word among them count as drawn at random."""
_CASE_CHANGES = 3
_FEW_LETTERS = 8
"""A value of fewer different characters was made up by a person: `aaaa…1111`."""

_VOLATILE_HEADERS = frozenset(
    {
        "connection",
        "content-length",
        "date",
        "etag",
        "keep-alive",
        "last-modified",
        "server",
        "traceparent",
        "transfer-encoding",
        "user-agent",
        "via",
        "x-amzn-requestid",
        "x-amzn-trace-id",
        "x-correlation-id",
        "x-request-id",
        "x-response-time",
        "x-runtime",
    }
)
"""Fields that change from run to run, or with the version of an HTTP library, and that no requirement is about."""

PSEUDONYM = re.compile(r"<([a-z][a-z_ -]*) (\d+)>")
"""What stands in the place of a secret: its kind and its number."""
_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*"
_DATES = re.compile(
    rf"{_DAY}, \d{{1,2}}[ -]\w{{3}}[ -]\d{{2,4}} \d\d:\d\d:\d\d (?:GMT|UTC|[+-]\d{{4}})"
    r"|\b\d{4}-\d\d-\d\d(?:T|%20| )\d\d(?::|%3A)\d\d(?:(?::|%3A)\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?",
)
_EPOCH = re.compile(r"(?<![\w.])(?:1[6-9]|2\d)\d{8}(?:\d{3})?(?:\.\d+)?(?![\w.])")
_MILLISECONDS = re.compile(r"\d+(?:\.\d+)? ?(ms|µs|us)\b")
_SECONDS = re.compile(r"(?<![\w.])(\d+\.\d{2,})( s| seconds?)\b")
_PORTS = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:|%3A| )\d{2,5}\b", re.IGNORECASE)
_PATHS = re.compile(r"(?<![\w.])/(?:home/[\w.-]+|Users/[\w.-]+|root|tmp|var/tmp|work|private)/[^\s\"'<>|,;)\]}\\]*")
_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE)
_WORD = re.compile(rf"(?<![\w<-])[A-Za-z0-9_-]{{{_RANDOM_FROM},}}(?:\.[A-Za-z0-9_-]{{{_RANDOM_FROM},}})*")


def publish(report: Report, *, withhold: bool = False) -> Report:
    """Return the report as it is published, sorted; `withhold` leaves out what requirements tagged security got.

    Publishing what has been published changes nothing. Dates remain as days.
    """
    if withhold:
        report = withhold_security(report)
    if report.header.published:
        return report
    return Report(
        header=_header(report.header),
        cases=tuple(
            sorted(
                (_case(case) for case in report.cases if case.outcome != "ran" or case.findings),
                key=lambda case: case.check,
            )
        ),
        results=tuple(_result(one) for one in sorted(report.results, key=lambda one: (one.requirement, one.check))),
        footer=_footer(report.footer) if report.footer is not None else None,
    )


def _header(header: Header) -> Header:
    steady = _Steady()
    return msgspec.structs.replace(
        header,
        spec=steady(header.spec),
        target=steady(header.target),
        command=_command(header.command, steady),
        claims=dict(sorted(header.claims.items())),
        started=_day(header.started),
        # Of the machine, not of the client.
        network=msgspec.UNSET,
        published=True,
    )


def _command(command: str, steady: _Steady) -> str:
    """Leave out where the report went and how many processes there were: neither decides what is in it."""
    try:
        words = shlex.split(command)
    except ValueError:
        return steady(command)
    kept: list[str] = words[:1]
    rest = iter(words[1:])
    for word in rest:
        if word in ("--report", "-n"):
            next(rest, None)
        elif not word.startswith(("--report=", "-n=")) and not re.fullmatch(r"-n\d+", word):
            kept.append(word)
    return steady(shlex.join(kept))


def _case(case: Case) -> Case:
    """Only checks in which the suite broke, and what is wrong on the main path: verdicts tell of the others."""
    lines = case.message.strip().splitlines()
    steady = _Steady()
    findings = [
        msgspec.structs.replace(
            one,
            title=steady.cut(one.title),
            advice=steady.cut(one.advice),
            got=steady.cut(one.got),
            curl=steady.cut(one.curl),
            journal="",  # as that of a step
        )
        for one in case.findings or ()
    ]
    return msgspec.structs.replace(
        case,
        steps=[],
        duration=0.0,
        message=steady(lines[-1].strip()) if lines else "",
        findings=findings or msgspec.UNSET,
        # A picture and seconds of one run: for whoever made it.
        exposure=msgspec.UNSET,
    )


def _result(result: Result) -> Result:
    steady = _Steady()
    passed = result.verdict == "pass"
    measured = {} if passed else result.measured or {}
    steps = _steps(result.steps, steady) if result.verdict in _EVIDENT else []
    return msgspec.structs.replace(
        result,
        judged=1,
        accepted=[] if passed else [steady.cut(answer) for answer in result.accepted],
        got="" if passed else steady.cut(_in_whole(result.got, measured)),
        measured={name: float(round(value)) for name, value in measured.items()} or msgspec.UNSET,
        message=steady.cut(result.message),
        # Why it matters is worth its space where it did not go well; `device-grant explain` has it for all.
        why="" if passed else result.why,
        steps=steps,
        curl=steady.cut(result.curl) if steps else "",
        reproduce="" if passed else steady(result.reproduce),
    )


def _in_whole(text: str, measured: Mapping[str, float]) -> str:
    """Write whole numbers where a text has a fraction of what was measured: it changes from run to run."""
    for value in measured.values():
        for written in (f"{value:.2f}", f"{value:.1f}"):
            text = re.sub(rf"(?<![\w.]){re.escape(written)}(?![\w.])", f"{value:.0f}", text)
    return text


def _footer(footer: Footer) -> Footer:
    return msgspec.structs.replace(
        footer,
        finished=_day(footer.finished),
        duration=0.0,
        exchanges=0,
        unexpected=sorted(footer.unexpected),
        stale=sorted(footer.stale),
        expired=sorted(footer.expired),
    )


def _day(moment: str) -> str:
    return moment[:10]


def _steps(steps: list[Step], steady: _Steady) -> list[Step]:
    timed: list[Step] = []
    waited = 0.0
    for step in steps:
        # What was waited for is the same in every run; what the answers took is not.
        timed.append(msgspec.structs.replace(step, at=round(waited, 1), elapsed=0.0))
        if step.event == Waited.kind:
            waited += step.seconds
    return [_step(step, steady) for step in timed[-MOST_STEPS:]]


def _step(step: Step, steady: _Steady) -> Step:
    return msgspec.structs.replace(
        step,
        label=steady.cut(step.label),
        malformation=steady.cut(step.malformation),
        grant=steady.cut(step.grant),
        complaint=steady.cut(step.complaint),
        request=_request(step.request, steady) if step.request is not None else None,
        response=_response(step.response, steady) if step.response is not None else None,
        error=steady.cut(step.error),
        code=steady.cut(step.code),
        # When they overlapped is another thing in every run; that nothing explains them is not.
        bars=[],
        # It names files and lines of the machine that the run was made on.
        journal="",
    )


def _request(request: HttpRequest, steady: _Steady) -> HttpRequest:
    return msgspec.structs.replace(
        request,
        url=steady.cut(request.url),
        headers=_headers(request.headers, steady),
        body=steady.cut(request.body, LONGEST_BODY),
        truncated=0,
    )


def _response(response: HttpResponse, steady: _Steady) -> HttpResponse:
    return msgspec.structs.replace(
        response,
        headers=_headers(response.headers, steady),
        body=steady.cut(response.body, LONGEST_BODY),
        truncated=0,
    )


def _headers(headers: list[tuple[str, str]], steady: _Steady) -> list[tuple[str, str]]:
    kept = [(name, steady.cut(value)) for name, value in headers if name.lower() not in _VOLATILE_HEADERS]
    return sorted(kept, key=lambda field: field[0].lower())


class _Steady:
    """Replaces in the texts of one line what changes from run to run; pseudonyms are counted anew, equal ones alike."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], int] = {}
        self._count: dict[str, int] = {}

    def __call__(self, text: str) -> str:
        rules: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
            (_PORTS, rf"\g<1>\g<2>{_PORT}"),
            (_PATHS, "<path>"),
            (_DATES, "<time>"),
            (_EPOCH, "<time>"),
            (_UUID, "<random>"),
            (_WORD, _random),
            (_MILLISECONDS, r"<n> \g<1>"),
            (_SECONDS, lambda match: f"{float(match[1]):.0f}{match[2]}"),
            (PSEUDONYM, self._renumbered),
        )
        for pattern, replacement in rules:
            text = pattern.sub(replacement, text)
        return text

    def cut(self, text: str, longest: int = LONGEST_TEXT) -> str:
        """Do the same and cut: only afterwards, or the place of the cut would depend on what was replaced."""
        steady = self(text)
        return steady if len(steady) <= longest else steady[:longest] + "…"

    def _renumbered(self, match: re.Match[str]) -> str:
        kind, number = match[1], match[2]
        if (kind, number) not in self._numbers:
            self._count[kind] = self._count.get(kind, 0) + 1
            self._numbers[kind, number] = self._count[kind]
        return f"<{kind} {self._numbers[kind, number]}>"


def _random(match: re.Match[str]) -> str:
    """Tell what was drawn from what was written: names have their capitals at the starts of words, and few digits."""
    word = match[0]
    digits = sum(char.isdecimal() for char in word)
    changes = len(re.findall(r"[a-z][A-Z]|[A-Z]{2}[a-z]", word))
    drawn = changes > _CASE_CHANGES or (digits and changes) or (digits > 1 and len(set(word)) > _FEW_LETTERS)
    return "<random>" if drawn else word
