"""Traffic that somebody captured: read from any of its formats, and found, grouped and judged in it the device grant.

`drift` sends what was captured once more and tells where a live server answers differently by now.
"""

from conformance.captures.finding import Findings, find
from conformance.captures.flows import Flow, flows_of
from conformance.captures.model import Capture, Entry
from conformance.captures.reading import read_capture

__all__ = ["Capture", "Entry", "Findings", "Flow", "find", "flows_of", "read_capture"]
