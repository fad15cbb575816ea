"""Which of the checks and invariants a session runs: those of its dialect and of --only that can be run at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from device_grant.catalogue import Catalogue
    from device_grant.judging import Check, Invariant, Rule


@dataclass(frozen=True)
class Selection:
    """What decides which checks and invariants are kept."""

    catalogue: Catalogue
    dialect: str
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
        if check.dialects and self.dialect not in check.dialects:
            return False
        # The exchanges of every check are what an invariant judges.
        all_checks = self.wanted is None or bool(self.wanted & self.watching)
        wanted = all_checks or bool(self.wanted and self.wanted.intersection(check.requirements))
        return wanted and self._applies(check.requirements)

    def keeps_rule(self, rule: Invariant | Rule) -> bool:
        """Whether the invariant, or rule, is reported."""
        wanted = self.wanted is None or bool(self.wanted.intersection(rule.requirements))
        return wanted and self._applies(rule.requirements)

    def _applies(self, requirements: Iterable[str]) -> bool:
        return any(self.dialect in self.catalogue.get(name).dialects for name in requirements)
