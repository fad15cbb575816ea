"""How much of a file is taken, so that no reader needs more than some hundred megabytes or a few seconds."""

from __future__ import annotations

from dataclasses import dataclass

_MEGABYTE = 2**20


@dataclass(frozen=True)
class Bounds:
    """What a file may have; each is far beyond what an honest one has."""

    octets: int
    values: int
    """Of data: lists, mappings, and what is in them; with all that aliases stand for."""
    depth: int = 64
    """Of lists and mappings in each other."""

    @property
    def size(self) -> str:
        """The octets, in words for people."""
        return f"{self.octets // _MEGABYTE} MB" if self.octets >= _MEGABYTE else f"{self.octets // 1024} kB"


CAPTURE = Bounds(48 * _MEGABYTE, 1_500_000)
"""Of a capture. A list or mapping of Python costs some hundred octets, so that values weigh more than octets do."""
CASSETTE = Bounds(48 * _MEGABYTE, 600_000)
"""Of a capture in YAML, of which the reading takes longer."""
CONFIGURATION = Bounds(_MEGABYTE, 100_000, depth=32)
"""Of a file that a person writes."""
RESULTS = Bounds(48 * _MEGABYTE, 1_500_000)
"""Of results.jsonl, and of what is recorded of a client."""
STATE = Bounds(8 * _MEGABYTE, 200_000)
"""Of what the suite keeps for itself."""
