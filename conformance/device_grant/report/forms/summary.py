"""The verdict of a run for programs: one JSON object on one line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from device_grant.report.findings import distinct
from device_grant.report.view import WORST_FIRST, View

if TYPE_CHECKING:
    from device_grant.results import Report
    from device_grant.results.model import Result


def render(report: Report) -> str:
    """`target`, `conformant` (null: no verdict), counts, causes with what shows them again; ends with a newline."""
    view = View(report)
    header, footer = report.header, report.footer
    summary: dict[str, Any] = {
        "target": header.target,
        "version": header.target_version,
        "spec": header.spec,
        "dialect": header.dialect,
        "conformant": view.conformant,
        "exit_code": footer.exit_code if footer is not None else None,
        "headline": view.headline,
        "remarks": view.remarks,
        "counts": {verdict.label: len(view.of(verdict)) for verdict in WORST_FIRST},
        "main_path": [
            {"name": one.finding.name, "title": one.finding.title, "advice": one.finding.advice}
            for one in view.obstacles
        ],
        "failures": [
            [
                _one(result)
                for result in distinct(
                    line for requirement in root.failures for line in requirement.worst if not line.expected
                )
            ]
            for root in view.roots
        ],
        "warnings": [_one(requirement.worst[0]) for requirement in view.warnings],
        "expected": sorted({result.requirement for result in view.expected}),
        "stale": footer.stale if footer is not None else [],
        "expired": footer.expired if footer is not None else [],
        "checks": len(report.cases),
        "seconds": footer.duration if footer is not None else None,
        "command": header.command,
    }
    if header.shard is not UNSET:
        summary["shard"] = header.shard.label
    # ASCII: nothing that a target sends can then move the cursor of whoever looks at it.
    return json.dumps(summary) + "\n"


def _one(result: Result) -> dict[str, str]:
    return {
        "requirement": result.requirement,
        "level": result.level,
        "check": result.check,
        "found": result.message,
        "got": result.got,
        "curl": result.curl,
        "again": result.reproduce,
    }
