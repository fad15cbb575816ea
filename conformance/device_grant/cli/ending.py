"""What ends a command from outside: Ctrl-C, a request to terminate, a terminal that is closed."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it: 128 and the number of the signal."""
_SIGNAL = 128
_LONGEST = 2.5
"""Seconds between the signal and the end, whatever still goes on: nobody waits for longer before they kill us.

Lines of results are on disk, and what was started and made is then ended and removed by its guard.
"""
_SHOW_CURSOR = b"\x1b[?25h"


@dataclass
class Interruption:
    """Whether a signal has ended the command."""

    code: int = 0
    """The exit code that says which one; 0: none has."""
    over: bool = False
    """Whether the command has ended, and said so."""


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Within: each of these signals is a KeyboardInterrupt, and the process ends soon after the first one.

    A signal that the caller ignores, as `nohup` does, or has a use for, is left alone.
    """
    interruption = Interruption()

    def interrupt(number: int, frame: FrameType | None) -> None:
        del frame
        if not interruption.code:
            interruption.code = _SIGNAL + number
            _hurry(interruption)
        raise KeyboardInterrupt

    ours = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            before = signal.getsignal(number)
            if before in (signal.SIG_DFL, signal.default_int_handler):
                ours[number] = before
                signal.signal(number, interrupt)
    try:
        yield interruption
    finally:
        interruption.over = True
        for number, before in ours.items():
            signal.signal(number, before)


def _hurry(interruption: Interruption) -> None:
    from device_grant.processes import hurry

    hurry()
    timer = threading.Timer(_LONGEST, _leave, (interruption,))
    timer.daemon = True
    timer.start()


def _leave(interruption: Interruption) -> None:
    try:
        if sys.stdout.isatty():
            os.write(sys.stdout.fileno(), _SHOW_CURSOR)
        if not interruption.over:
            os.write(sys.stderr.fileno(), b"device-grant: interrupted\n")
    except (OSError, ValueError):
        pass
    finally:
        os._exit(interruption.code)
