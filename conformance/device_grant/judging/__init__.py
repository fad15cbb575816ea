"""How a check speaks: the registries of checks, invariants and rules, and the ledger that turns claims into verdicts.

Shared by the checks on servers and the checks on clients. A check says only true, false or cannot tell; the
requirement's level makes that a verdict.
"""

from device_grant.judging.ledger import (
    Claim,
    Inconclusive,
    Ledger,
    NotApplicable,
    StopCheck,
    Tally,
    Untestable,
    Violation,
)
from device_grant.judging.registry import (
    Check,
    Invariant,
    Judgement,
    Rule,
    Tolerated,
    all_checks,
    all_invariants,
    all_rules,
    check,
    check_of,
    invariant,
    references,
    rule,
)

__all__ = [
    "Check",
    "Claim",
    "Inconclusive",
    "Invariant",
    "Judgement",
    "Ledger",
    "NotApplicable",
    "Rule",
    "StopCheck",
    "Tally",
    "Tolerated",
    "Untestable",
    "Violation",
    "all_checks",
    "all_invariants",
    "all_rules",
    "check",
    "check_of",
    "invariant",
    "references",
    "rule",
]
