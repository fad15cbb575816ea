"""Lines of text on a terminal of any width: wrapped, escaped, and in its encoding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.rule import Rule
from rich.text import Text

from device_grant.report.text import one_line, visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console
    from rich.style import Style

_NARROWEST = 20


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
