"""Sends what was captured once more, and tells where a live server answers differently by now."""

from device_grant.recordings.drift.comparing import AnswerDifference, compare
from device_grant.recordings.drift.playing import Differing, Drift, Replayer
from device_grant.recordings.drift.stories import RecordedStory, choose, stories_of

__all__ = ["AnswerDifference", "Differing", "Drift", "RecordedStory", "Replayer", "choose", "compare", "stories_of"]
