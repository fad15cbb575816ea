"""The part of a run that one of several machines takes, as `--shard 2/3` names it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from device_grant.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from device_grant.results.baseline import Baseline
    from device_grant.results.model import Shard

Item = TypeVar("Item")


@dataclass(frozen=True)
class Share:
    """One part of several."""

    index: int
    """From 1."""
    of: int

    @classmethod
    def parse(cls, text: str) -> Share:
        """Read `INDEX/OF`; raises UsageError for anything else."""
        match = re.fullmatch(r"([0-9]{1,4})/([0-9]{1,4})", text)
        if not match or not 1 <= int(match[1]) <= int(match[2]):
            raise UsageError(f"--shard {text}: give the number of the shard and how many there are, from 1/3 to 3/3")
        return cls(int(match[1]), int(match[2]))

    def own(self, checks: Sequence[Item]) -> list[Item]:
        """The checks of this shard.

        By turns, in the order of the files: neighbours take about as long as each other. Every process that collects
        the same checks shares them out alike. Raises UsageError if there is none left for this shard.
        """
        if checks and self.index > len(checks):
            number = "only 1 check is" if len(checks) == 1 else f"only {len(checks)} checks are"
            raise UsageError(f"--shard {self.index}/{self.of}: {number} selected, so this shard is empty: use fewer")
        return list(checks[self.index - 1 :: self.of])

    def described(self, names: Iterable[str], baseline: Baseline) -> Shard:
        """What the header says of it; `names` are those of the checks of all shards."""
        from device_grant.results.model import Shard

        names = sorted(names)
        digest = hashlib.sha256("\n".join(names).encode()).hexdigest()[:12]
        return Shard(index=self.index, of=self.of, checks=len(names), selection=digest, known=list(baseline.known))
