"""Lines of text on a terminal of any width: wrapped, escaped, and in its encoding."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from typing import IO, TYPE_CHECKING, Any, cast

from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from device_grant.errors import UsageError
from device_grant.report.text import one_line
from device_grant.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.style import Style

_NARROWEST = 20
_WIDEST = 1000
"""Columns of the widest terminal that lines are made for; the variable COLUMNS may say anything."""
_NUMBER = re.compile(r"[0-9]{1,9}")


class Screen(Console):
    """Standard output as commands write to it; a reader who goes away, as `head` does, ends no run.

    What is written then goes nowhere. Raises UsageError where it cannot be written for another reason.
    """

    def __init__(self) -> None:
        """No colours of its own for numbers and the like; as wide as the terminal, within reason."""
        # Rich takes any digits for a width, of other alphabets too.
        known = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        super().__init__(highlight=False, soft_wrap=False, file=cast("IO[str]", _Output(sys.stdout)), _environ=known)
        columns = os.environ.get("COLUMNS", "")
        wanted = int(columns) if _NUMBER.fullmatch(columns) else 0
        if wanted or self.width > _WIDEST:
            self.width = min(wanted or self.width, _WIDEST)


class _Output:
    """Standard output, until nobody reads it any more."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, text: str) -> int:
        try:
            return self._file.write(text)
        except OSError as error:
            self._lost(error)
        return len(text)

    def flush(self) -> None:
        try:
            self._file.flush()
        except OSError as error:
            self._lost(error)

    @staticmethod
    def _lost(error: OSError) -> None:
        lead_nowhere()
        if not isinstance(error, BrokenPipeError):
            raise UsageError(f"standard output: cannot be written ({error.strerror})") from error


def lead_nowhere() -> None:
    """Have everything vanish that is written to standard output from now on, and what its buffer holds."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def heading(text: str, console: Console) -> None:
    """Print a title over a rule."""
    console.print()
    # Dashes, since a box-drawing line cannot be written in every encoding.
    console.print(
        Rule(Text(encodable(console, one_line(text)), style="bold"), align="left", characters="-", style="dim")
    )


def paragraph(console: Console, text: str, style: str = "") -> None:
    """Print text as wide as the terminal is."""
    wrapped(console, Text(encodable(console, visible(text)), style=style), Text())


def bullets(entries: Iterable[str], console: Console) -> None:
    """Print a list, one entry a line."""
    for entry in entries:
        indented(console, f"- {one_line(entry)}", 2)


def indented(console: Console, value: str, by: int, style: str | Style = "", *, whole: bool = False) -> None:
    """Print text `by` columns from the left; `whole` never breaks it, so that it can be copied."""
    if not value:
        return
    text = Text(encodable(console, visible(value)), style=style)
    if whole:
        console.print(Text(" " * by) + text, soft_wrap=True)
    else:
        wrapped(console, text, Text(" " * by))


def wrapped(console: Console, text: Text, first: Text) -> None:
    """Print beside `first`, later lines below the text and not below the label."""
    for number, line in enumerate(text.wrap(console, max(_NARROWEST, console.width - len(first)))):
        line.rstrip()
        console.print((Text(" " * len(first)) if number else first) + line, soft_wrap=True)


def encodable(console: Console, text: str) -> str:
    """Escape what the terminal's encoding cannot write, rather than fail in the middle of a report."""
    return text.encode(console.encoding, errors="backslashreplace").decode(console.encoding)
