"""Steps of a transcript as text: requests and responses as they went over the wire, with relative times."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from device_grant.results.model import HttpRequest, HttpResponse, Step

_LONGEST_STORY = 40


def moment(step: Step) -> str:
    """`+5.00 s`: seconds on the target's clock since the case began."""
    return f"+{step.at:.2f} s"


def summary(step: Step) -> str:
    """One line: `POST /token → 400 authorization_pending`, or the event's own words."""
    if step.request is None:
        return step.label
    if step.response is None:
        return f"{step.request.method} {step.request.url} → {step.error or 'no response'}"
    code = f" {step.code}" if step.code and step.code != f"http-{step.response.status}" else ""
    return f"{step.request.method} {step.request.url} → {step.response.status}{code}"


def story(steps: Sequence[Step]) -> list[str]:
    """One line a step, `+5.00 s poll → 400 authorization_pending`; long stories are cut in the middle."""
    lines = [f"{moment(step)} {_described(step)}" for step in steps]
    if len(lines) <= _LONGEST_STORY:
        return lines
    half = _LONGEST_STORY // 2
    return [*lines[:half], f"({len(lines) - 2 * half} more steps)", *lines[-half:]]


def _described(step: Step) -> str:
    if step.request is None or not step.label:
        return summary(step)
    _, _, answer = summary(step).rpartition(" → ")
    return f"{step.label} → {answer}"


def request_text(request: HttpRequest) -> str:
    """Request line, headers, empty line, body."""
    return _message(f"{request.method} {request.url}", request.headers, request.body, request.truncated)


def response_text(response: HttpResponse) -> str:
    """Status, headers, empty line, body."""
    return _message(str(response.status), response.headers, response.body, response.truncated)


def decisive(steps: Sequence[Step]) -> Step | None:
    """Find the exchange that a failure turns on: checks stop at it, so it is the last one."""
    return next((step for step in reversed(steps) if step.request is not None), None)


def _message(start: str, headers: Sequence[tuple[str, str]], body: str, truncated: int) -> str:
    lines = [start, *(f"{name}: {value}" for name, value in headers)]
    if body:
        lines += ["", body]
    if truncated:
        lines.append(f"[cut: the whole body has {truncated} bytes]")
    return "\n".join(lines)
