"""What else is known of a target and stands in the folder of its report: learned machines, and measured times."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from device_grant.catalogue import load
from device_grant.errors import UsageError
from device_grant.files import RESULTS, formed, json_of, read_octets
from device_grant.learning.record import PATTERN, read
from device_grant.report.machines.page import MachinePart
from device_grant.server.measuring.enforced import NO_INTERVAL

if TYPE_CHECKING:
    from pathlib import Path

    from device_grant.results import Report

MEASURED = "measured.json"
"""Name of the file that `device-grant measure --out` writes."""
INTERVAL, PENALTY = "interval", "slow_down"
LIFE, APPROVED_LIFE = "life of a code", "life once approved"
_PACE = (INTERVAL, PENALTY)
"""Times that are about no requirement on security."""
_LIVES_WITHHELD = {"life of codes": "withheld, for it is about security"}
_FINE = 2
"""Seconds below which a tenth of one matters."""
_PACE_UNKNOWN = "it could not be measured"
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


def withheld_times(record: MeasuredRecord) -> MeasuredRecord:
    """What may be written of software of somebody else: its pace, without the reason where that was not measured.

    A code that is redeemed before anybody has approved it has no pace that could be measured.
    """
    left_out = {name: reason for name, reason in record.left_out.items() if name in _PACE}
    security = {one.id for one in load().requirements if one.security}
    return msgspec.structs.replace(
        record,
        times=[row for row in record.times if row.name in _PACE],
        contradictions=[
            one for one in record.contradictions if one.requirement not in security and "live" not in one.words
        ],
        left_out={name: reason if reason == NO_INTERVAL else _PACE_UNKNOWN for name, reason in left_out.items()}
        | _LIVES_WITHHELD,
        data={},
    )


def publishable_times(record: MeasuredRecord) -> bool:
    """Whether measured times say nothing of what is withheld: the pace, measured to its end, and nothing else."""
    known = {row.name for row in record.times} | {INTERVAL}
    return (
        record == withheld_times(record)
        and any(row.name == INTERVAL for row in record.times)
        and known | record.left_out.keys() == {*_PACE, *_LIVES_WITHHELD}
        and _PACE_UNKNOWN not in record.left_out.values()
    )


def published_times(record: MeasuredRecord) -> MeasuredRecord:
    """Measured times as they are published: in whole seconds from two on, since no two measurements agree further."""

    def rounded(number: re.Match[str]) -> str:
        return number[0] if float(number[0]) < _FINE else f"{float(number[0]):.0f}"

    def whole(words: str) -> str:
        return re.sub(r"\d+\.\d+", rounded, words)

    return msgspec.structs.replace(
        record,
        times=[TimeRow(row.name, row.said, whole(row.enforced)) for row in record.times],
        contradictions=[ContradictionRow(one.requirement, whole(one.words)) for one in record.contradictions],
        data={},
    )


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
