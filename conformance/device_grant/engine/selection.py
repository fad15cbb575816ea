"""Which of the checks and invariants a session runs: those of its dialect and of --only that can be run at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_grant.judging import applies

if TYPE_CHECKING:
    from collections.abc import Callable

    from device_grant.catalogue import Catalogue
    from device_grant.judging import Check, Invariant, Rule
    from device_grant.protocol import Dialect


@dataclass(frozen=True)
class Selection:
    """What decides which checks and invariants are kept."""

    catalogue: Catalogue
    dialect: Dialect
    party: str
    wanted: frozenset[str] | None
    """Requirements of --only; None: all."""
    watching: frozenset[str]
    """Requirements that are judged on everything that is exchanged."""
    holds: Callable[[str], bool]
    """Whether a check can be run at all, by its name."""

    def keeps(self, check: Check) -> bool:
        """Whether the check is run."""
        if check.party != self.party or not self.holds(check.name):
            return False
        # The exchanges of every check are what an invariant judges.
        all_checks = self.wanted is None or bool(self.wanted & self.watching)
        wanted = all_checks or bool(self.wanted and self.wanted.intersection(check.requirements))
        return wanted and applies(check, self.dialect, self.catalogue.get)

    def keeps_rule(self, rule: Invariant | Rule) -> bool:
        """Whether the invariant, or rule, is reported."""
        wanted = self.wanted is None or bool(self.wanted.intersection(rule.requirements))
        return wanted and applies(rule, self.dialect, self.catalogue.get)
