"""Areas: the sections of all sources under a dozen headings, so that a table of them fits on a page."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from device_grant.catalogue.model import Verdict
from device_grant.report.matrix.model import SYMBOL, WITHHELD
from device_grant.report.text import plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from device_grant.report.matrix.model import Row

REST = "Anything else"
_AREAS: tuple[tuple[str, str], ...] = (
    ("Starting", r"RFC 8628 3\.[12]\b|AWS SSO OIDC.* StartDeviceAuthorization"),
    ("Person and pages", r"RFC 8628 (3\.3|5\.[134]|6)\b"),
    ("Polling and tokens", r"RFC 8628 |AWS SSO OIDC.* CreateToken"),
    ("Refreshing", r"RFC 6749 6\b"),
    ("OAuth 2.0", r"RFC (6749|6750|6819|7636|8252|8705|8707|9700) "),
    ("Phishing", r"RFC 10027 "),
    ("Revocation and introspection", r"RFC (7009|7662) "),
    ("Registration", r"RFC 759[12] |AWS SSO OIDC.* RegisterClient"),
    ("Metadata", r"RFC 8414 "),
    ("ID tokens", r"OpenID Connect |RFC 9068 "),
    ("Proof of possession", r"RFC (8705|9449) |DPoP "),
    ("AWS protocol", r"Smithy |AWS SSO OIDC"),
    ("HTTP and JSON", r"RFC (3986|8259|91\d\d) "),
)
"""Titles, and what a source and its section begin with; the first that fits is taken."""
TITLES = (*(title for title, _ in _AREAS), REST)
_SHOWN = (Verdict.FAIL.label, Verdict.WARN.label)
_HOLDS = frozenset({Verdict.PASS.label, Verdict.OBSERVED.label})
_METADATA_OF_GRANT = re.compile(r"RFC 8628 (4|7\.4)\b")


@dataclass(frozen=True)
class AreaCell:
    """One area of one target."""

    counts: Counter[str] = field(default_factory=Counter)
    """Number of its requirements by verdict, `withheld` among them."""

    @property
    def judged(self) -> int:
        """How many were settled one way or the other."""
        return sum(self.counts[label] for label in (*_SHOWN, *_HOLDS))

    @property
    def label(self) -> str:
        """The verdict that decides its colour; empty where nothing was said."""
        worst = next((label for label in _SHOWN if self.counts[label]), "")
        rest = WITHHELD if set(self.counts) == {WITHHELD} else Verdict.NOT_APPLICABLE.label
        return worst or (Verdict.PASS.label if self.judged else rest if self.counts else "")

    @property
    def short(self) -> str:
        """`✕2 !3`: what does not hold; else a mark."""
        broken = [f"{SYMBOL[label]}{self.counts[label]}" for label in _SHOWN if self.counts[label]]
        return " ".join(broken) or SYMBOL.get(self.label, "")

    @property
    def words(self) -> str:
        """`2 fail, 3 warn, 20 of 25 judged hold`: the same for those who listen, and with its denominator."""
        broken = [f"{self.counts[label]} {label}" for label in _SHOWN if self.counts[label]]
        holding = sum(self.counts[label] for label in _HOLDS)
        rest = f"{holding} of {self.judged} judged hold" if self.judged else "nothing judged"
        withheld = [f"{self.counts[WITHHELD]} withheld"] if self.counts[WITHHELD] else []
        return ", ".join([*broken, rest, *withheld])


@dataclass(frozen=True)
class Area:
    """One area over all targets of a page."""

    title: str
    number: int
    """Of its requirements that any target has a cell for."""
    cells: tuple[AreaCell, ...]

    @property
    def words(self) -> str:
        """What stands at the head of its column: `Polling and tokens, 40 requirements`."""
        return f"{self.title}, {plural(self.number, 'requirement')}"


def area_of(source: str, section: str) -> str:
    """The title of the area to which a section belongs."""
    place = f"{source} {section}"
    if _METADATA_OF_GRANT.match(place):
        return "Metadata"
    return next((title for title, pattern in _AREAS if re.match(pattern, place)), REST)


def areas(rows: Iterable[Row], columns: int) -> Sequence[Area]:
    """The areas that rows belong to, in a fixed order; `columns` is the number of their cells."""
    by_title: dict[str, list[Row]] = {title: [] for title in TITLES}
    for row in rows:
        if row.tested:
            by_title[area_of(row.source, row.section)].append(row)
    return [
        Area(
            title,
            len(members),
            tuple(
                AreaCell(Counter(row.cells[place].label for row in members if row.cells[place].label))
                for place in range(columns)
            ),
        )
        for title, members in by_title.items()
        if members
    ]
