"""How much a run generates."""

from __future__ import annotations

from dataclasses import dataclass

MOST_ROUNDS = 12
"""Rounds of a race, where a profile has no more: what is lost in four of five runs of three rounds is rarely won in
twelve."""


@dataclass(frozen=True)
class Profile:
    """How much is generated."""

    name: str
    examples: int
    """Generated examples for each fuzz check."""
    stories: int
    """Examples of the state machine."""
    steps: int
    """Steps of each of them."""
    derandomize: bool
    race_rounds: int
    """Rounds of each race that are run at least."""
    shrinking: float
    """Seconds that may go into making one counterexample smaller; 0: the first one is kept as it is found."""
    stories_kept: int = 0
    """Stories of the state machine where they are drawn beforehand; 0: as many as in a run."""
    race_seconds: float = 10.0
    """Real seconds within which further rounds of a race begin, up to `MOST_ROUNDS`."""


PROFILES = {
    "fast": Profile("fast", examples=60, stories=40, steps=25, derandomize=True, race_rounds=3, shrinking=3),
    "standard": Profile(
        "standard", examples=200, stories=60, steps=40, derandomize=False, race_rounds=10, shrinking=20
    ),
    # The requests of `fast`. Stories are fewer, to be kept in a file, and of races no recording shows anything.
    "record": Profile(
        "fast",
        examples=60,
        stories=40,
        steps=25,
        derandomize=True,
        race_rounds=1,
        shrinking=0,
        stories_kept=5,
        race_seconds=0,
    ),
    "deep": Profile("deep", examples=600, stories=100, steps=60, derandomize=False, race_rounds=30, shrinking=90),
}
