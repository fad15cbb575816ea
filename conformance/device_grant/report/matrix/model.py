"""What the matrix is made of: columns (targets), rows (requirements), and the cells where they meet."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from device_grant.catalogue.model import Verdict
from device_grant.report.pages.html import SYMBOLS
from device_grant.report.view import View
from device_grant.results.merge import JUDGED
from device_grant.targets.spec import HONEST

if TYPE_CHECKING:
    from device_grant.results import Report, RequirementResult

WITHHELD = "withheld"
"""What stands for a verdict on software whose authors have not been told yet."""
SYMBOL = {**SYMBOLS, WITHHELD: "▒"}
BROKEN = frozenset({Verdict.FAIL, Verdict.WARN})
"""Verdicts that say that a requirement does not hold."""


@dataclass(frozen=True)
class Column:
    """One target in one dialect."""

    name: str
    """Folder of its report, beside the matrix."""
    report: Report
    withholds: bool = False
    """Whether results on security requirements are left out."""

    @property
    def kind(self) -> str:
        """`clients` where a client was judged, `servers` otherwise."""
        return f"{View(self.report).kind}s"

    @cached_property
    def requirements(self) -> dict[str, RequirementResult]:
        """What the run has a verdict on; none of what is withheld."""
        merged = self.report.by_requirement()
        return {name: one for name, one in merged.items() if not (self.withholds and one.first.security)}

    @cached_property
    def counts(self) -> Counter[Verdict]:
        """Number of requirements by verdict."""
        return Counter(one.verdict for one in self.requirements.values())

    @cached_property
    def expected(self) -> int:
        """How many of the failing requirements the baseline expects."""
        return sum(one.expected for one in self.requirements.values() if one.verdict is Verdict.FAIL)

    @property
    def language(self) -> str:
        """What it is written in; empty where nobody said so."""
        return self.report.header.language or ""

    @property
    def form(self) -> str:
        """How a client was run: `flow`, `operations` …; empty for servers and where nobody said so."""
        return self.report.header.client_kind or ""

    @property
    def product(self) -> str:
        """The software of which it is a version; its own name where nobody said so."""
        return self.report.header.product or self.report.header.target

    @property
    def version(self) -> str:
        """The version of the software, as its description says it."""
        return self.report.header.target_version

    @property
    def own(self) -> bool:
        """Whether it is the reference server or client, which comes with the suite and says nothing about the field."""
        return self.report.header.spec.partition(":")[0] in HONEST

    @property
    def remark(self) -> str:
        """What must be known to read the column rightly; empty if nothing."""
        if self.report.interrupted:
            return "interrupted"
        footer = self.report.footer
        if footer is not None and footer.suite_errors:
            return "the suite broke"
        return "the user module broke" if any(case.user_module for case in self.report.cases) else ""


@dataclass(frozen=True)
class Cell:
    """One requirement of one target; `label` is a verdict, `withheld`, or empty where nothing was said."""

    label: str = ""
    expected: bool = False
    href: str = ""

    @property
    def symbol(self) -> str:
        """What the page shows; words go with it."""
        return SYMBOL.get(self.label, "")

    @property
    def words(self) -> str:
        """`fail, expected by the baseline`."""
        return f"{self.label}, expected by the baseline" if self.expected else self.label


@dataclass(frozen=True)
class Row:
    """One requirement over all targets."""

    id: str
    source: str
    section: str
    level: str
    statement: str
    url: str
    security: bool
    cells: tuple[Cell, ...]

    @property
    def tested(self) -> bool:
        """Whether any target has a cell that says something."""
        return any(cell.label for cell in self.cells)

    @property
    def failing(self) -> bool:
        """Whether it fails anywhere."""
        return any(cell.label == Verdict.FAIL.label for cell in self.cells)

    @property
    def differs(self) -> bool:
        """Whether targets that were judged got different verdicts."""
        judged = {verdict.label for verdict in JUDGED}
        return len({cell.label for cell in self.cells if cell.label in judged}) > 1


@dataclass(frozen=True)
class MatrixSection:
    """Rows of one section of a source."""

    name: str
    rows: tuple[Row, ...]

    @property
    def tested(self) -> bool:
        """Whether any of its rows is."""
        return any(row.tested for row in self.rows)


@dataclass(frozen=True)
class Matrix:
    """The table of one page."""

    kind: str
    """`servers` or `clients`."""
    columns: tuple[Column, ...]
    sections: tuple[MatrixSection, ...]
    suite_version: str
    catalogue_revision: str

    @cached_property
    def rows(self) -> list[Row]:
        """All of them, in order."""
        return [row for section in self.sections for row in section.rows]

    @property
    def withholds(self) -> bool:
        """Whether any target's security results are left out."""
        return any(column.withholds for column in self.columns)

    @property
    def revisions(self) -> set[str]:
        """Catalogues by which the columns were judged."""
        return {column.report.header.catalogue_revision for column in self.columns}
