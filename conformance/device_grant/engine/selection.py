"""Which of the checks and invariants a session runs: those of its dialect and of --only that can be run at all."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from device_grant.errors import UsageError
from device_grant.judging import applies

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

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
    tour: frozenset[str] | None
    """Names of the checks that show these all that they look at; None: no few of them do."""
    holds: Callable[[str], bool]
    """Whether a check can be run at all, by its name."""
    checks: tuple[str, ...] = ()
    """Names or globs of the only checks that are run; empty: all."""

    def require_checks(self, names: Collection[str]) -> None:
        """Raise UsageError for a name or glob that none of the checks has, `names` being theirs."""
        for pattern in self.checks:
            if not any(fnmatchcase(name, pattern) for name in names):
                close = get_close_matches(pattern, names, n=3)
                hint = f"did you mean {' or '.join(close)}?" if close else "progress lines and reports name them"
                raise UsageError(f"no check matches {pattern!r}: {hint}")

    def keeps(self, check: Check) -> bool:
        """Whether the check is run."""
        return self.holds(check.name) and self.asks(check)

    def asks(self, check: Check) -> bool:
        """Whether the check is asked for, and would be run by what holds all."""
        if check.party != self.party:
            return False
        if self.checks and not any(fnmatchcase(check.name, pattern) for pattern in self.checks):
            return False
        return self._asked(check) and applies(check, self.dialect, self.catalogue.get)

    @property
    def touring(self) -> bool:
        """Whether invariants judge what a few checks exchange, and not what all do."""
        watched = self.wanted is not None and bool(self.wanted & self.watching)
        return watched and self.tour is not None and not self.checks

    def _asked(self, check: Check) -> bool:
        if self.wanted is None or self.wanted.intersection(check.requirements):
            return True
        # What a check exchanges is what an invariant judges: those that were named, else some that show it all.
        shows = self.checks or self.tour is None or check.name in self.tour
        return bool(shows and self.wanted & self.watching)

    def keeps_rule(self, rule: Invariant | Rule) -> bool:
        """Whether the invariant, or rule, is reported."""
        wanted = self.wanted is None or bool(self.wanted.intersection(rule.requirements))
        return wanted and applies(rule, self.dialect, self.catalogue.get)
