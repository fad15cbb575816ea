"""results.jsonl: its line types, its writer and reader, and the baseline of known deviations."""

from device_grant.results.baseline import Baseline, evidence
from device_grant.results.merge import RequirementResult, count, merge
from device_grant.results.model import Known
from device_grant.results.publish import publish
from device_grant.results.reader import Report, read
from device_grant.results.withhold import withhold_security
from device_grant.results.writer import ResultsWriter, leaks, redacted, save, scan

__all__ = [
    "Baseline",
    "Known",
    "Report",
    "RequirementResult",
    "ResultsWriter",
    "count",
    "evidence",
    "leaks",
    "merge",
    "publish",
    "read",
    "redacted",
    "save",
    "scan",
    "withhold_security",
]
