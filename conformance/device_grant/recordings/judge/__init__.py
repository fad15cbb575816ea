"""Traffic that somebody captured: read from any of its formats, and found, grouped and judged in it the device grant.

`drift` sends what was captured once more and tells where a live server answers differently by now.
"""

from device_grant.recordings.formats import read_capture
from device_grant.recordings.formats.capture import Capture, Captured
from device_grant.recordings.judge.finding import Findings, find
from device_grant.recordings.judge.flows import Flow, flows_of

__all__ = ["Capture", "Captured", "Findings", "Flow", "find", "flows_of", "read_capture"]
