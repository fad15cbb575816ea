"""How a check speaks: the `check` and `invariant` registries, claims, and the ledger that turns them into verdicts.

Shared by the checks on servers and the checks on clients. A check says only true, false or cannot tell; the
requirement's level makes that a verdict.
"""

from conformance.judging.ledger import (
    Claim,
    Inconclusive,
    Ledger,
    NotApplicable,
    StopCheck,
    Tally,
    Untestable,
    Violation,
)
from conformance.judging.registry import (
    Check,
    Invariant,
    Tolerated,
    all_checks,
    all_invariants,
    check,
    check_of,
    invariant,
    references,
)

__all__ = [
    "Check",
    "Claim",
    "Inconclusive",
    "Invariant",
    "Ledger",
    "NotApplicable",
    "StopCheck",
    "Tally",
    "Tolerated",
    "Untestable",
    "Violation",
    "all_checks",
    "all_invariants",
    "check",
    "check_of",
    "invariant",
    "references",
]
