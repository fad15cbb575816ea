"""What `device-grant judge --timeline` draws: the requests and answers of each login, when, and after what wait."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from device_grant.protocol import Purpose
from device_grant.recordings.judge.naming import client_of
from device_grant.recordings.judge.times import NO_TIMES, readings_of
from device_grant.report.terminal.logins import DrawnLogin, DrawnRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from device_grant.protocol import Exchange, Secrets
    from device_grant.recordings.judge.flows import Flow
    from device_grant.recordings.judge.judging import CaptureJudge

_SAID = {"interval": "every {} s", "expires_in": "lives {} s"}
"""Members of an answer that tell how long to wait."""
_LONGEST = 40


def timelines_of(subject: CaptureJudge) -> Iterator[DrawnLogin]:
    """Each flow, secrets replaced."""
    for number, flow in enumerate(subject.flows, 1):
        yield _timeline(number, flow, subject)


def _timeline(number: int, flow: Flow, subject: CaptureJudge) -> DrawnLogin:
    redact = subject.secrets.redact
    readings = readings_of(flow, subject.findings.capture)
    timed = readings.unknown != NO_TIMES
    rows = []
    ended: float | None = None
    for one, shown in zip(flow.members, readings.shown, strict=True):
        poll = shown.purpose is Purpose.POLL
        waited = max(shown.started - ended, 0.0) if timed and poll and ended is not None else None
        rows.append(_row(shown, shown.started if timed else None, waited, subject.secrets, one.entry.bodiless))
        ended = shown.ended
    return DrawnLogin(
        title=redact(f"Flow {number}: {flow.title}"),
        rows=tuple(rows),
        client=redact(client_of(flow.own or flow.members)) or "client",
        server=redact(urlsplit(flow.members[0].origin).netloc) or "server",
        note=readings.unknown,
    )


def _row(shown: Exchange, at: float | None, waited: float | None, secrets: Secrets, bodiless: bool) -> DrawnRow:  # noqa: FBT001 - one call
    response = shown.response
    answered = ""
    if response is not None:
        said = [
            form.format(str(shown.get(name))[:_LONGEST]) for name, form in _SAID.items() if shown.get(name) is not None
        ]
        code = "body not in the capture" if bodiless and shown.code.startswith("http-") else shown.code
        answered = ", ".join([f"{response.status} {code}", *(said if shown.purpose is Purpose.START else ())])
    return DrawnRow(shown.label, secrets.redact(answered), shown.code, at, waited, secrets.redact(shown.error))
