"""results.jsonl: its line types, its writer and reader, and the baseline of known deviations."""

from conformance.results.baseline import Baseline, evidence
from conformance.results.merge import RequirementResult, count, merge
from conformance.results.model import Known
from conformance.results.publish import publish
from conformance.results.reader import Report, read
from conformance.results.withhold import withhold_security
from conformance.results.writer import ResultsWriter, redacted, save, scan

__all__ = [
    "Baseline",
    "Known",
    "Report",
    "RequirementResult",
    "ResultsWriter",
    "count",
    "evidence",
    "merge",
    "publish",
    "read",
    "redacted",
    "save",
    "scan",
    "withhold_security",
]
