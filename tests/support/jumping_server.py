"""The reference server as a program, on a clock that a file moves: seconds that it is ahead of the real one.

What libfaketime does to any program, done to this one where the library is not installed.
"""

import os
import sys
import time
from pathlib import Path

AHEAD = Path(os.environ["CLOCK_AHEAD"])
real = time.time
time.time = lambda: real() + float(AHEAD.read_text("ascii"))

from device_grant.cli import main  # noqa: E402 - whatever it imports must find the clock changed

main(["serve", *sys.argv[1:]])
