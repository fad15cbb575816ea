"""Sends what was captured once more, and tells where a live server answers differently by now."""

from conformance.captures.drift.comparing import Difference, compare
from conformance.captures.drift.playing import Differing, Drift, Replayer
from conformance.captures.drift.stories import Story, choose, stories_of

__all__ = ["Difference", "Differing", "Drift", "Replayer", "Story", "choose", "compare", "stories_of"]
