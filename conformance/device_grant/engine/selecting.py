"""Which of the collected checks and invariants a session runs: those of its dialect, of --only, and of its shard."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from device_grant.engine.items import CheckItem, InvariantItem
from device_grant.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from device_grant.catalogue import Catalogue
    from device_grant.engine.suite import Suite
    from device_grant.results.baseline import Baseline
    from device_grant.results.model import Shard


@dataclass(frozen=True)
class Selection:
    """What decides which items are kept."""

    catalogue: Catalogue
    dialect: str
    party: str
    wanted: frozenset[str] | None
    """Requirements of --only; None: all."""
    watching: frozenset[str]
    """Requirements that are judged on everything that is exchanged."""
    holds: Callable[[str], bool]
    """Whether a check can be run at all, by its name: a recording may not hold it."""

    def split(self, items: Iterable[pytest.Item]) -> tuple[list[pytest.Item], list[pytest.Item]]:
        """Items that are kept, the invariants last, and those that are not."""
        kept: list[pytest.Item] = []
        dropped: list[pytest.Item] = []
        for item in items:
            (kept if self._keeps(item) else dropped).append(item)
        kept.sort(key=lambda item: isinstance(item, InvariantItem))
        return kept, dropped

    def _keeps(self, item: pytest.Item) -> bool:
        if isinstance(item, CheckItem):
            entry = item.entry
            # The exchanges of every check are what an invariant judges.
            all_checks = self.wanted is None or bool(self.wanted & self.watching)
            wanted = all_checks or bool(self.wanted and self.wanted.intersection(entry.requirements))
            keep = wanted and self._applies(entry.requirements, entry.dialects)
            return keep and entry.party == self.party and self.holds(entry.name)
        if isinstance(item, InvariantItem):
            wanted = self.wanted is None or bool(self.wanted.intersection(item.rule.requirements))
            return wanted and self._applies(item.rule.requirements)
        return True

    def _applies(self, requirements: Iterable[str], dialects: tuple[str, ...] = ()) -> bool:
        if dialects and self.dialect not in dialects:
            return False
        return any(self.dialect in self.catalogue.get(name).dialects for name in requirements)


@dataclass(frozen=True)
class Share:
    """A shard, as `--shard 2/3` names it."""

    index: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Share:
        """Read `INDEX/OF`; raises UsageError for anything else."""
        found = re.fullmatch(r"([0-9]{1,4})/([0-9]{1,4})", text)
        if not found or not 1 <= int(found[1]) <= int(found[2]):
            raise UsageError(f"--shard {text}: give the number of the shard and how many there are, from 1/3 to 3/3")
        return cls(int(found[1]), int(found[2]))

    def of_checks(self, items: Sequence[pytest.Item]) -> tuple[list[pytest.Item], list[pytest.Item]]:
        """Items of this shard, and those of the others; invariants belong to each, for they judge its exchanges.

        By turns, in the order of the files: neighbours take about as long as each other. Every process that collects
        the same checks shares them out alike. Raises UsageError if there is none left for this shard.
        """
        checks = [item for item in items if isinstance(item, CheckItem)]
        if checks and self.index > len(checks):
            number = "only 1 check is" if len(checks) == 1 else f"only {len(checks)} checks are"
            raise UsageError(f"--shard {self.index}/{self.of}: {number} selected, so this shard is empty: use fewer")
        own = {id(item) for item in checks[self.index - 1 :: self.of]}
        kept: list[pytest.Item] = []
        others: list[pytest.Item] = []
        for item in items:
            (kept if id(item) in own or not isinstance(item, CheckItem) else others).append(item)
        return kept, others

    def described(self, items: Sequence[pytest.Item], baseline: Baseline) -> Shard:
        """What the header says of it; `items` are those of all shards."""
        from device_grant.results.model import Shard

        names = sorted(item.entry.name for item in items if isinstance(item, CheckItem))
        digest = hashlib.sha256("\n".join(names).encode()).hexdigest()[:12]
        return Shard(index=self.index, of=self.of, checks=len(names), selection=digest, known=list(baseline.known))


class Sharing:
    """The plugin that leaves a session its own shard, once everything else has selected: -k too."""

    def __init__(self, suite: Suite, share: Share) -> None:
        self._suite = suite
        self._share = share

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Drop the checks of the other shards."""
        try:
            kept, others = self._share.of_checks(items)
        except UsageError as error:
            self._suite.end(config, error, items)
            return
        self._suite.shard = self._share.described(items, self._suite.baseline)
        items[:] = kept
        if others:
            config.hook.pytest_deselected(items=others)
