"""One login of a capture, drawn for a terminal: what went between client and server, when, after what wait."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text

from device_grant.report.terminal.console import encodable
from device_grant.report.text import one_line, plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

_NARROWEST = 40
_TIME, _WAIT = 9, 11
"""Columns of the moment, and of the wait before it."""
_FOR_WAITS = 56
"""Columns of a terminal from which there is a column of waits."""
_REPEATED = 6
"""Polls in a row with one answer, from which those in the middle are drawn as one."""
_KEPT = 2
_OPEN = frozenset({"authorization_pending", "slow_down"})


@dataclass(frozen=True)
class DrawnRow:
    """One request with its answer."""

    asked: str
    """What it is: `device authorization`, `poll`."""
    answered: str
    """Status and outcome in words; empty: no answer."""
    code: str
    """Outcome by name, for its colour, and to see what is repeated."""
    at: float | None = None
    """Seconds since the first request; None: unknown."""
    waited: float | None = None
    """Seconds since the answer before; None: unknown, or no poll."""
    lost: str = ""
    """Why there is no answer."""


@dataclass(frozen=True)
class DrawnLogin:
    """One login."""

    title: str
    rows: tuple[DrawnRow, ...]
    client: str = "client"
    server: str = "server"
    note: str = ""
    """What must be known of its times."""


def render(login: DrawnLogin, console: Console) -> None:
    """Draw it as wide as the terminal is."""
    width = max(_NARROWEST, console.width)
    waits = width >= _FOR_WAITS
    lane = width - _TIME - (_WAIT if waits else 0) - 2
    console.print()
    _print(console, Text(_cut(login.title, width), style="bold"))
    if login.note:
        _print(console, Text(_cut(login.note, width), style="yellow"))
    left, right = _cut(login.client, lane // 2 - 1), _cut(login.server, lane // 2 - 1)
    margin = f"{'time':>{_TIME - 1}} " + (f"{'waited':>{_WAIT - 1}} " if waits else "")
    _print(console, Text(margin, style="dim").append(f"{left}{right:>{lane + 2 - len(left)}}", style="not dim bold"))
    place = 0
    while place < len(login.rows):
        alike = _alike(login.rows, place)
        middle = place + _KEPT, place + alike - _KEPT
        if alike > _REPEATED and place < middle[0]:
            for row in login.rows[place : middle[0]]:
                _row(row, lane, console, waits=waits)
            _folded(login.rows[middle[0] : middle[1]], lane, console, waits=waits)
            place = middle[1]
            for row in login.rows[place : place + _KEPT]:
                _row(row, lane, console, waits=waits)
            place += _KEPT
        else:
            _row(login.rows[place], lane, console, waits=waits)
            place += 1


def _alike(rows: Sequence[DrawnRow], place: int) -> int:
    """How many rows from there on are the same request with the same answer."""
    first = rows[place]
    number = 0
    while place + number < len(rows) and (rows[place + number].asked, rows[place + number].code) == (
        first.asked,
        first.code,
    ):
        number += 1
    return number


def _row(row: DrawnRow, lane: int, console: Console, *, waits: bool) -> None:
    at = f"{row.at:.2f} s" if row.at is not None else ""
    waited = f"+{row.waited:.2f} s" if row.waited is not None else ""
    margin = f"{at:>{_TIME - 1}} " + (f"{waited:>{_WAIT - 1}} " if waits else "")
    asked = f"{row.asked} {waited}" if waited and not waits else row.asked
    _print(console, Text(margin).append("|" + _arrow(asked, lane, there=True) + "|"))
    blank = " " * len(margin)
    style = "green" if row.code == "ok" else "dim" if row.code in _OPEN else "red"
    line = Text(blank).append("|")
    if row.answered:
        line.append(_arrow(row.answered, lane, there=False), style=style)
    else:
        line.append(f" {_cut(row.lost or 'no answer', lane - 6)} ".center(lane, ".")[:lane], style="yellow")
    _print(console, line.append("|"))


def _folded(rows: Sequence[DrawnRow], lane: int, console: Console, *, waits: bool) -> None:
    known = [row.waited for row in rows if row.waited is not None]
    span = f", {min(known):.2f} to {max(known):.2f} s apart" if known else ""
    margin = " " * (_TIME + (_WAIT if waits else 0))
    text = _cut(f"{plural(len(rows), rows[0].asked)} more, {rows[0].code}{span}", lane - 2)
    _print(console, Text(margin).append(":" + f" {text} ".ljust(lane) + ":", style="dim"))


def _arrow(label: str, lane: int, *, there: bool) -> str:
    text = f" {_cut(label, lane - 6)} "
    return f"--{text}{'-' * (lane - len(text) - 3)}>" if there else f"<-{text}{'-' * (lane - len(text) - 2)}"


def _cut(text: str, longest: int) -> str:
    folded = one_line(text)
    return folded if len(folded) <= longest else folded[: max(longest - 3, 0)] + "..."


def _print(console: Console, line: Text) -> None:
    plain = encodable(console, line.plain)
    console.print(line if plain == line.plain else Text(plain), soft_wrap=True, no_wrap=True)
