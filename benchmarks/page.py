"""The outcome of benchmarks as a page of Markdown; a pure function of the sections."""

from __future__ import annotations

import platform
import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.measuring import Section

WIDTH = 125
"""Columns of a paragraph."""
NOTICE = "<!-- Written by `make benchmark`. -->"


def machine(cores: int) -> str:
    """What everything was measured on, as far as it matters to others."""
    return f"{cores} core{'s' if cores > 1 else ''}, Python {platform.python_version()}"


def page(sections: Iterable[Section], where: str, command: str) -> str:
    """The whole page."""
    lines = [
        "# Benchmarks",
        NOTICE,
        "",
        _paragraph(
            f"Measured on {where} by `{command}`. The figures are of one run: compare them with each other, not with "
            "those of other machines."
        ),
    ]
    for section in sections:
        lines += ["", *_section(section)]
    return "\n".join(lines) + "\n"


def _section(section: Section) -> list[str]:
    lines = [
        f"## {section.title}",
        "",
        _paragraph(section.how),
        "",
        _row(section.columns),
        _row(("---", *("--:" for _ in section.columns[1:]))),
        *map(_row, section.rows),
    ]
    if section.goals:
        lines += ["", *(f"- {'met' if goal.met else '**missed**'}: {goal}" for goal in section.goals)]
    return lines


def _paragraph(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"
