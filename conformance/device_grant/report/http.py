"""Steps of a transcript as text: requests and responses as they went over the wire, with relative times."""

from __future__ import annotations

import shlex
from itertools import pairwise
from typing import TYPE_CHECKING

from device_grant.targets.config import DEFAULT_BASE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from device_grant.results.model import Header, HttpRequest, HttpResponse, Step

_LONGEST_STORY = 40
SERVED_AT = "http://127.0.0.1:8628"
"""Where what `serving` says listens."""


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


def serving(header: Header, curl: str) -> str:
    """The command that makes a target that runs inside the suite listen, so that a curl line can reach it.

    Empty where the line needs none, or where what serves the target is not known: it has an address, or is described
    by a file that names an application.
    """
    if f"{DEFAULT_BASE}/" not in curl:
        return ""
    kind, _, rest = header.spec.partition(":")
    port = SERVED_AT.rpartition(":")[2]
    if kind == "embedded":
        return shlex.join(["device-grant", "serve", "--dialect", header.dialect, "--port", port, *_faults(header)])
    if kind in ("asgi", "wsgi"):
        # Uvicorn is what the suite itself serves with.
        return shlex.join(["uvicorn", *(["--interface", "wsgi"] if kind == "wsgi" else []), "--port", port, rest])
    return ""


def _faults(header: Header) -> list[str]:
    try:
        words = shlex.split(header.command)
    except ValueError:
        return []
    apart = [part for word in words for part in (word.split("=", 1) if word.startswith("--fault=") else [word])]
    return [word for one, fault in pairwise(apart) if one == "--fault" for word in (one, fault)]


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
