"""What else is known of a target and stands in the folder of its report: learned machines, and measured times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from device_grant.errors import UsageError
from device_grant.files import RESULTS, formed, json_of, read_octets
from device_grant.learning.record import PATTERN, read
from device_grant.report.machine_page import MachinePart

if TYPE_CHECKING:
    from pathlib import Path

    from device_grant.results import Report

MEASURED = "measured.json"
"""Name of the file that `device-grant measure --out` writes."""
_CURE = "remove it, or write it anew with device-grant measure --out"


class TimeRow(msgspec.Struct, frozen=True):
    """One time, as it is said and as it is enforced."""

    name: str
    said: str
    enforced: str


class ContradictionRow(msgspec.Struct, frozen=True):
    """Something that is enforced otherwise than it is said, with the requirement that judges it."""

    requirement: str
    words: str


class MeasuredRecord(msgspec.Struct, kw_only=True):
    """What was measured of one target, in words."""

    format: Literal["device-grant-measured-1"] = "device-grant-measured-1"
    target: str
    dialect: str
    clock: str
    times: list[TimeRow]
    contradictions: list[ContradictionRow] = []
    left_out: dict[str, str] = {}
    """What was not measured, with the reason."""
    data: dict[str, Any] = {}
    """The same in numbers, as `--json` prints it."""


@dataclass(frozen=True)
class Attachments:
    """What a report shows beside the verdicts."""

    parts: tuple[MachinePart, ...] = ()
    measured: MeasuredRecord | None = None
    remarks: tuple[str, ...] = ()
    """What stands there and is not shown, with the reason."""

    @property
    def times(self) -> list[TimeRow]:
        """What was measured."""
        return self.measured.times if self.measured is not None else []

    @property
    def contradictions(self) -> list[ContradictionRow]:
        """What of it is not as it is said."""
        return self.measured.contradictions if self.measured is not None else []

    @property
    def left_out(self) -> dict[str, str]:
        """What was not measured."""
        return self.measured.left_out if self.measured is not None else {}


def attachments(folder: Path, report: Report) -> Attachments:
    """What stands in the folder of a report and is about the same target in the same dialect.

    What cannot be read, or is about another one, costs only itself and is named.
    """
    parts: list[MachinePart] = []
    remarks: list[str] = []
    measured = None
    for file in (*sorted(folder.glob(PATTERN)), *folder.glob(MEASURED)):
        try:
            record = read_measured(file) if file.name == MEASURED else read(file)
        except UsageError as error:
            remarks.append(str(error))
            continue
        if (record.target, record.dialect) != (report.header.target, report.header.dialect):
            remarks.append(f"{file.name} is about {record.target} in the dialect {record.dialect}")
        elif isinstance(record, MeasuredRecord):
            measured = record
        else:
            parts.append(MachinePart(record, f"machine-{record.set}"))
    return Attachments(tuple(parts), measured, tuple(remarks))


def read_measured(file: Path) -> MeasuredRecord:
    """A file of `device-grant measure --out`; raises UsageError that says what is wrong with it."""
    return formed(json_of(read_octets(file, RESULTS), file, RESULTS), MeasuredRecord, file, cure=_CURE)
