"""What a report on somebody else's software leaves out until that project has been told privately."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from device_grant.errors import ExitCode
from device_grant.results.merge import count, merge
from device_grant.results.reader import Report

if TYPE_CHECKING:
    from device_grant.results.model import Case


def silenced(case: Case) -> Case:
    """The case without its transcript, and without what it found or measured that must not be published."""
    findings = [finding for finding in case.findings or () if not finding.security]
    return msgspec.structs.replace(
        case, steps=[], message="", findings=findings or msgspec.UNSET, exposure=msgspec.UNSET
    )


def tells(case: Case) -> bool:
    """Whether the case itself may tell of security, whatever its results are on."""
    return bool(case.findings) or bool(case.exposure)


def withhold_security(report: Report) -> Report:
    """Leave out the results on requirements tagged `security`, for files; the screen shows the whole report.

    The transcripts of the checks that settle such requirements go too, whatever the verdict, so that nothing can be
    read from which ones are missing. Counts, unexpected failures, stale and expired entries and the exit code are
    those of what is left.
    """
    gone = {result.requirement for result in report.results if result.security}
    if not gone and not any(tells(case) for case in report.cases):
        return report
    kept = tuple(result for result in report.results if not result.security)
    silent = {result.check for result in report.results if result.security}
    cases = tuple(
        silenced(case) if (case.check in silent and case.outcome == "ran") or tells(case) else case
        for case in report.cases
    )
    footer = report.footer
    if footer is not None:
        unexpected = [requirement for requirement in footer.unexpected if requirement not in gone]
        stale = [entry for entry in footer.stale if entry.partition(" ")[0] not in gone]
        expired = [entry for entry in footer.expired if entry.partition(" ")[0] not in gone]
        exit_code = footer.exit_code
        if exit_code == ExitCode.FAILED and not (unexpected or stale or expired):
            exit_code = ExitCode.CONFORMANT
        footer = msgspec.structs.replace(
            footer,
            counts=count(merge(kept)),
            unexpected=unexpected,
            stale=stale,
            expired=expired,
            exit_code=int(exit_code),
            withheld=footer.withheld + len(report.results) - len(kept),
        )
    return Report(header=report.header, cases=cases, results=kept, footer=footer)
