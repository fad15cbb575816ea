"""Reads what versions wrote that put events into words alone: the one place where such words are taken apart."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from device_grant.protocol.events import (
    ClientEnded,
    ClientStarted,
    Decided,
    DecisionRefused,
    Mistyped,
    Noted,
    RoundBegan,
    Waited,
)
from device_grant.results.model import LEFT_OUT, Case, Result

if TYPE_CHECKING:
    from device_grant.results.model import Line, Step

_WORDS = (
    (re.compile(r"wait (?P<seconds>\d+(?:\.\d+)?) s"), Waited.kind),
    (re.compile(r"user (?P<action>approves|denies)(?: (?P<grant>.+))?"), Decided.kind),
    (re.compile(r"user mistypes the code of (?P<grant>.+) and approves"), Mistyped.kind),
    (
        re.compile(r"the page did not let (?:the user (?P<action>approve|deny)|them): (?P<complaint>.*)", re.DOTALL),
        DecisionRefused.kind,
    ),
    (re.compile(r"round \d+: .*"), RoundBegan.kind),
    (re.compile(r"the client runs: .*"), ClientStarted.kind),
    (re.compile(r"the client (?:ended|was) .*"), ClientEnded.kind),
    (re.compile(r"… \d+ more steps …"), LEFT_OUT),
)
"""How events were worded, and their kinds; the names of groups are those of members of a step."""
_ACTIONS = {"approves": "approve", "denies": "deny"}


def completed(line: Line) -> Line:
    """The line with the members of events that its version did not write; any other line as it is."""
    if not isinstance(line, Case | Result) or all(_is_complete(step) for step in line.steps):
        return line
    return msgspec.structs.replace(line, steps=[step if _is_complete(step) else _read(step) for step in line.steps])


def _is_complete(step: Step) -> bool:
    return step.request is not None or bool(step.event)


def _read(step: Step) -> Step:
    for pattern, kind in _WORDS:
        match = pattern.fullmatch(step.label)
        if match is not None:
            said = {name: value for name, value in match.groupdict().items() if value is not None}
            action = said.get("action", "")
            return msgspec.structs.replace(
                step,
                event=kind,
                seconds=float(said.get("seconds", 0)),
                action=_ACTIONS.get(action, action),
                grant=said.get("grant", ""),
                complaint=said.get("complaint", ""),
            )
    return msgspec.structs.replace(step, event=Noted.kind)
