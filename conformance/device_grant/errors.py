"""Errors that end a run, each with the exit code that the command line promises.

A verdict on a target is never an exception that reaches this level: these say that the run could not be made.
"""

from __future__ import annotations

import difflib
from enum import IntEnum
from typing import TYPE_CHECKING

from device_grant.visible import unbroken

if TYPE_CHECKING:
    from collections.abc import Iterable


class ExitCode(IntEnum):
    """What the process tells its caller."""

    CONFORMANT = 0
    """Conformant, or only what the baseline expects."""
    FAILED = 1
    """An unexpected failure, or a stale or expired baseline entry."""
    USAGE = 2
    """Bad usage or configuration, a user module that breaks among them."""
    SUITE_ERROR = 3
    """Code of the suite, or an application that the caller plugged into it, raised; a user module is `USAGE`."""
    UNREACHABLE = 4
    """The target could not be reached or did not start; a client's first login shows nothing of it."""
    NOTHING_RAN = 5
    """No check ran."""


_LONGEST_WORD = 200
_LONGEST = 2000
"""Characters of a message that are kept."""


class DeviceGrantError(Exception):
    """Base of the errors below; `str(error)` is the one line that a person is shown."""

    exit_code = ExitCode.SUITE_ERROR


class UsageError(DeviceGrantError):
    """An argument, a configuration file or a catalogue entry is wrong; the message says which and what to do.

    It is one line that shows all its characters, whatever it quotes.
    """

    exit_code = ExitCode.USAGE

    def __init__(self, message: object = "") -> None:
        super().__init__(unbroken(str(message), _LONGEST))


class MissingToolError(UsageError):
    """A program that a target or a client is built or started with is not on PATH; the message says what to install."""


class SuiteError(DeviceGrantError):
    """Our own code broke: never a verdict on the target."""

    exit_code = ExitCode.SUITE_ERROR


class TargetUnreachableError(DeviceGrantError):
    """The target does not answer, or its process ended or stayed silent while starting."""

    exit_code = ExitCode.UNREACHABLE


def nearest(word: str, known: Iterable[str], *, most: int = 1, cutoff: float = 0.6) -> list[str]:
    """The known names that are most like a word; a long one is like none, and comparing it would take seconds."""
    return difflib.get_close_matches(word, list(known), n=most, cutoff=cutoff) if len(word) <= _LONGEST_WORD else []


def one_of(word: str, known: Iterable[str]) -> str:
    """What to say after a value that is none of the known ones: `did you mean fast? (fast, standard, deep)`."""
    names = list(known)
    close = nearest(word, names, cutoff=0.4)
    return f"did you mean {close[0]}? ({', '.join(names)})" if close else f"choose one of {', '.join(names)}"
