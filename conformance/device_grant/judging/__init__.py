"""One grammar of judging: every check, invariant and rule says judgements, and the ledger makes verdicts of them.

Shared by the checks on servers and the checks on clients. A judge says only true, false or cannot tell; the
requirement's level makes that a verdict.
"""

from device_grant.judging.judgement import Evidence, Judgement
from device_grant.judging.ledger import (
    Claim,
    Inconclusive,
    Ledger,
    NotApplicable,
    Spared,
    StopCheck,
    Tally,
    Untestable,
    UserModuleBroke,
    Violation,
)
from device_grant.judging.parameters import PARAMETERS
from device_grant.judging.registry import (
    Check,
    Invariant,
    Registry,
    Rule,
    all_checks,
    all_invariants,
    all_rules,
    applies,
    check,
    check_of,
    invariant,
    references,
    rule,
    throwaway_registry,
)
from device_grant.judging.verify import Verify

__all__ = [
    "PARAMETERS",
    "Check",
    "Claim",
    "Evidence",
    "Inconclusive",
    "Invariant",
    "Judgement",
    "Ledger",
    "NotApplicable",
    "Registry",
    "Rule",
    "Spared",
    "StopCheck",
    "Tally",
    "Untestable",
    "UserModuleBroke",
    "Verify",
    "Violation",
    "all_checks",
    "all_invariants",
    "all_rules",
    "applies",
    "check",
    "check_of",
    "invariant",
    "references",
    "rule",
    "throwaway_registry",
]
