"""What ends a command from outside: Ctrl-C, a request to terminate, a terminal that is closed."""

from __future__ import annotations

import os
import shlex
import signal
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import FrameType

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it: 128 and the number of the signal."""
_SIGNAL = 128
_LONGEST = 2.5
"""Seconds between the signal and the end, whatever still goes on: nobody waits for longer before they kill us.

Lines of results are on disk, and what was started and made is then ended and removed by its guard.
"""
_SAVING = 7.0
"""The same after Ctrl-C where only what was judged is still being written and shown: a second signal ends that too.

Machines of CI services send the second one after 7.5 s.
"""
_OUTPUT, _ERRORS = 1, 2
_SHOW_CURSOR = b"\x1b[?25h"


@dataclass
class Interruption:
    """Whether a signal has ended the command."""

    code: int = 0
    """The exit code that says which one; 0: none has."""
    over: bool = False
    """Whether the command has ended, and said so."""
    saving: bool = False
    """Whether nothing is left to do but to write and show what was judged."""

    kept: str = ""
    """The folder that has what was judged; empty: none has."""

    @property
    def patient(self) -> bool:
        """Whether what is being written may be waited for."""
        return self.saving and self.code == INTERRUPTED


_current = Interruption()


def keeping(folder: Path) -> None:
    """Say that each result is written into the folder as soon as it is known."""
    _current.kept = str(folder)


def saving() -> None:
    """Say that nothing is judged any more: what was is being written, which an interrupt does not cut short at once."""
    _current.saving = True


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Within: each of these signals is a KeyboardInterrupt, and the process ends soon after the first one.

    Not so Ctrl-C while what was judged is being written: it is let finish, and the exit code is that of the verdicts.
    A signal that the caller ignores, as `nohup` does, or has a use for, is left alone.
    """
    global _current  # noqa: PLW0603 - a process has one command, and signals are the process's
    _current = interruption = Interruption()

    def interrupt(number: int, frame: FrameType | None) -> None:
        del frame
        if not interruption.code:
            interruption.code = _SIGNAL + number
            _hurry(interruption)
            if interruption.patient:
                return  # what writes goes on, and the command ends by itself
        elif interruption.patient:
            _leave(interruption)
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
    timer = threading.Timer(_LONGEST, _leave_unless_patient, (interruption,))
    timer.daemon = True
    timer.start()


def _leave_unless_patient(interruption: Interruption) -> None:
    if interruption.patient:
        time.sleep(_SAVING - _LONGEST)
    _leave(interruption)


def _leave(interruption: Interruption) -> None:
    said = "interrupted"
    if interruption.kept:
        said += f"; `device-grant report {shlex.quote(interruption.kept)}` shows what was judged"
    # By number, since sys.stderr is pytest's while checks run.
    try:
        if os.isatty(_OUTPUT):
            os.write(_OUTPUT, _SHOW_CURSOR)
        if not interruption.over:
            os.write(_ERRORS, os.fsencode(f"\ndevice-grant: {said}\n"))
    except OSError:
        pass  # there is no terminal any more
    finally:
        os._exit(interruption.code)
