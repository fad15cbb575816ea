"""Learned machines as one HTML file that needs no network: drawing, table, and what the texts do not allow."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from device_grant.catalogue import load
from device_grant.learning.inputs import PUBLIC
from device_grant.learning.machine import spoken
from device_grant.report.machines.drawing import MISSING, drawn, marks, row
from device_grant.report.machines.learned import alike, claim, effort, remarks, silences
from device_grant.report.pages.html import page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from device_grant.learning.record import EdgeRecord, MachineRecord

NAME = "index.html"
WITHHELD_WORDS = (
    "withheld: not asked, of any server, since the answer would tell how it does at a requirement on security; "
    "what the codes' end, other clients and wrong secrets do is left out for the same reason."
)
"""Below a machine that was learned to be published."""


@dataclass(frozen=True)
class MachinePart:
    """One machine of the page."""

    record: MachineRecord
    prefix: str = ""
    """Of the ids of its rows; empty: the name of its set."""

    @property
    def withheld_words(self) -> str:
        """What has to be said of a machine that was learned to be published; empty for others."""
        return WITHHELD_WORDS if self.record.set == PUBLIC else ""

    @property
    def missing(self) -> str:
        """What brings the drawing where there is none."""
        return MISSING

    @property
    def claim(self) -> str:
        """What is claimed."""
        return claim(self.record)

    @property
    def effort(self) -> str:
        """What it took; empty where that is not published."""
        return effort(self.record)

    @cached_property
    def drawing(self) -> Markup | None:
        """The SVG."""
        return drawn(self.record, self.prefix)

    @cached_property
    def red(self) -> list[list[EdgeRecord]]:
        """Groups of red edges."""
        return alike(self.record.red)

    @cached_property
    def open(self) -> list[list[EdgeRecord]]:
        """Groups of edges that are open."""
        return silences(self.record)

    @property
    def remarks(self) -> list[str]:
        """What else is to be said."""
        return remarks(self.record)

    def kind(self, state: int, letter: str) -> str:
        """How an edge is coloured."""
        red, silent = marks(self.record)
        return "red" if (state, letter) in red else "open" if (state, letter) in silent else ""

    def row(self, state: int) -> str:
        """The id of a state's row."""
        return row(self.prefix or self.record.set, state)

    def spoken(self, edge: EdgeRecord) -> str:
        """The word of an edge with its answers."""
        return spoken(edge.word, edge.answers)

    def statement(self, edge: EdgeRecord) -> str:
        """What the requirement says; empty for one that the catalogue no longer has."""
        return next((one.statement for one in load().requirements if one.id == edge.requirement), "")


def render_page(records: Sequence[MachineRecord]) -> str:
    """The page of a target's machines, at least one."""
    return page(
        "machine.html.j2",
        styles=("report.css", "machine.css"),
        first=records[0],
        parts=[MachinePart(record) for record in records],
    )
