"""Sends what was captured once more, and tells where a live server answers differently by now."""

from device_grant.recordings.drift.comparing import Difference, compare
from device_grant.recordings.drift.playing import Differing, Drift, Replayer
from device_grant.recordings.drift.stories import Story, choose, stories_of

__all__ = ["Difference", "Differing", "Drift", "Replayer", "Story", "choose", "compare", "stories_of"]
