"""What a matrix can be narrowed to: languages, dialects, ways in which clients are run; by style alone, without script.

A choice is a radio button; what it hides is a rule of style that names columns by their numbers. Where a browser knows
no `:has()`, the buttons are not shown and everything is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_grant.report.view import natural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from device_grant.report.matrix.model import Column

UNSAID = "not said"
_WORDS = {
    "flow": "whole logins",
    "operations": "one operation at a time",
    "refresh": "refreshing alone",
}
"""What the ways in which clients are run are called."""


@dataclass(frozen=True)
class FilterChoice:
    """One value of a filter."""

    value: str
    words: str
    members: frozenset[int]
    """Numbers of the columns that have it, from 0."""
    id: str
    """Of its radio button."""


@dataclass(frozen=True)
class MatrixFilter:
    """What can be chosen about the columns; one choice at a time."""

    key: str
    """In the address: `language=go`."""
    title: str
    choices: tuple[FilterChoice, ...]


def filters(columns: Sequence[Column]) -> Sequence[MatrixFilter]:
    """The filters of a page; one that would not tell columns apart is left out."""
    about: tuple[tuple[str, str, Callable[[Column], str]], ...] = (
        ("language", "Language", lambda column: column.language),
        ("dialect", "Dialect", lambda column: column.report.header.dialect),
        ("run", "Run as", lambda column: column.form),
    )
    made = (_filter(key, title, columns, value) for key, title, value in about)
    return [one for one in made if len(one.choices) > 1]


def rules(made: Iterable[MatrixFilter], columns: int) -> str:
    """The rules of style by which choices hide columns of the matrix and rows of the tables of targets."""
    return "\n".join(_rule(choice, columns) for one in made for choice in one.choices if len(choice.members) < columns)


def _filter(key: str, title: str, columns: Sequence[Column], value: Callable[[Column], str]) -> MatrixFilter:
    by_value: dict[str, set[int]] = {}
    for number, column in enumerate(columns):
        by_value.setdefault(value(column), set()).add(number)
    ordered = sorted(by_value.items(), key=lambda item: (not item[0], natural(item[0])))
    return MatrixFilter(
        key,
        title,
        tuple(
            FilterChoice(text, _WORDS.get(text, text) or UNSAID, frozenset(members), f"pick-{key}-{place}")
            for place, (text, members) in enumerate(ordered, start=1)
        ),
    )


def _rule(choice: FilterChoice, columns: int) -> str:
    hidden = [number for number in range(columns) if number not in choice.members]
    # The first column of the matrix names the requirement.
    of_matrix = ",".join(f":nth-child({number})" for number in (number + 2 for number in hidden))
    of_tables = ",".join(f":nth-child({number})" for number in (number + 1 for number in hidden))
    chosen = f"body:has(#{choice.id}:checked)"
    places = f":is(.matrix tr>:is({of_matrix}),.members tbody>tr:is({of_tables}))"
    return f"{chosen} {places}{{display:none}}"
