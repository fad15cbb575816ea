"""What ends a command from outside: how long it may still write, and what it says."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

BUSY = """
import contextlib, io, sys, time
from pathlib import Path
from device_grant.cli import ending
with ending.interruptible() as interruption:
    ending.keeping(Path("a report"))
    if {saving} == "from the start":
        ending.saving()
    # As while pytest runs: standard error is somebody else's.
    with contextlib.redirect_stderr(io.StringIO()):
        end, told = time.monotonic() + {seconds}, False
        while time.monotonic() < end:
            # Inside, so that wherever it is when it is interrupted it goes on.
            try:
                if not told:
                    told = True
                    print("ready", flush=True)
                while time.monotonic() < end:
                    time.sleep(0.1)
            except KeyboardInterrupt:
                print("interrupted", flush=True)
                if {saving}:
                    ending.saving()
    print("written", flush=True)
sys.exit(interruption.code)
"""
"""Works for some seconds whatever interrupts it, and is saving: from the start, after an interrupt, or never."""
NOTHING_MORE = "device-grant: interrupted; `device-grant report 'a report'` shows what was judged\n"


def ended(*numbers, saving, seconds=4.5):
    """Exit code, output, errors and the seconds that it took, after these signals, half a second apart."""
    process = subprocess.Popen(
        [sys.executable, "-c", BUSY.format(saving=repr(saving), seconds=seconds)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline() == "ready\n"
        begun = time.monotonic()
        for number in numbers:
            process.send_signal(number)
            time.sleep(0.5)
        output, errors = process.communicate(timeout=30)
        return process.returncode, output, errors.lstrip("\n"), time.monotonic() - begun
    finally:
        process.kill()


def test_what_is_being_written_is_waited_for():
    assert ended(signal.SIGINT, saving="then")[:3] == (130, "interrupted\nwritten\n", "")


def test_an_interrupt_does_not_break_off_what_is_being_written():
    assert ended(signal.SIGINT, saving="from the start")[:3] == (130, "written\n", "")


@pytest.mark.parametrize(
    ("numbers", "saving", "code"),
    [
        pytest.param([signal.SIGINT], "", 130, id="a check goes on"),
        pytest.param([signal.SIGTERM], "from the start", 143, id="asked to terminate"),
        pytest.param([signal.SIGINT, signal.SIGINT], "then", 130, id="twice"),
        pytest.param([signal.SIGINT, signal.SIGINT], "from the start", 130, id="twice while it writes"),
    ],
)
def test_it_ends_and_says_what_shows_the_rest(numbers, saving, code):
    result, output, errors, seconds = ended(*numbers, saving=saving, seconds=60)
    assert (result, "written" in output, errors) == (code, False, NOTHING_MORE)
    assert seconds < (2 if len(numbers) > 1 else 6)


def test_writing_has_an_end_too():
    result, output, errors, seconds = ended(signal.SIGINT, saving="from the start", seconds=60)
    assert (result, output, errors) == (130, "", NOTHING_MORE)
    assert seconds < 15
