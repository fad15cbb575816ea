"""Where a live server answers otherwise than it did when it was recorded: as tables for people, and as data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table
from rich.text import Text

from device_grant.report.terminal.console import encodable, heading, indented, paragraph
from device_grant.report.text import one_line, plural

if TYPE_CHECKING:
    from rich.console import Console

    from device_grant.recordings.drift import Drift


def render(drift: Drift, console: Console, *, source: str, target: str) -> None:
    """Print a table for each exchange that differs, and what could not be sent again."""
    heading(f"{source} against {target}", console)
    sent = f"{plural(drift.exchanges, 'exchange')} of {plural(drift.stories, 'recorded story', 'recorded stories')}"
    if not drift.exchanges:
        paragraph(console, "Nothing could be sent again", "bold yellow")
    elif drift.differing:
        differ = "differs" if len(drift.differing) == 1 else "differ"
        paragraph(console, f"Drift: {len(drift.differing)} of {sent} {differ}", "bold red")
    else:
        paragraph(console, f"No drift in {sent}", "bold green")
    for one in drift.differing:
        console.print()
        paragraph(console, f"{one_line(one.story)}, at {one.at:.1f} s: {one_line(one.request)}", "bold")
        table = Table("what", "recorded", "now", box=box.ASCII2 if console.encoding != "utf-8" else box.SIMPLE_HEAD)
        for difference in one.differences:
            cells = (difference.what, difference.recorded, difference.live)
            table.add_row(*(Text(encodable(console, one_line(cell, 200))) for cell in cells))
        console.print(table)
    if drift.skipped:
        heading("Not sent again", console)
        for story, reason in drift.skipped:
            indented(console, f"{one_line(story)}: {one_line(reason)}", 2)


def as_json(drift: Drift, *, source: str, target: str, dialect: str) -> dict[str, Any]:
    """The same for programs."""
    return {
        "source": source,
        "target": target,
        "dialect": dialect,
        "stories": drift.stories,
        "exchanges": drift.exchanges,
        "drift": [
            {
                "check": one.story,
                "at": round(one.at, 3),
                "request": one.request,
                "differences": [
                    {"what": each.what, "recorded": each.recorded, "now": each.live} for each in one.differences
                ],
            }
            for one in drift.differing
        ],
        "skipped": [{"check": story, "reason": reason} for story, reason in drift.skipped],
    }
