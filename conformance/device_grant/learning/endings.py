"""Why a word, or the learning of a machine, ends before its end."""

from __future__ import annotations

from device_grant.errors import DeviceGrantError, ExitCode

REST = 61.0
"""Seconds after which a user is let in again where nobody says when: pages count by the minute."""


class NotLearnableError(DeviceGrantError):
    """No grant can be had of the target, or nobody decides: nothing can be learned."""

    exit_code = ExitCode.NOTHING_RAN


class ThrottledError(NotLearnableError):
    """The pages put the user off because of the codes that were typed before, so that the word says nothing."""

    def __init__(self, message: str, rest: float = REST) -> None:
        """`rest`: seconds after which the user may come back."""
        super().__init__(message)
        self.rest = rest


class TooLongError(Exception):
    """The word outlives a part of the codes' life by its waits alone, so that its answers would say nothing."""


class LateError(Exception):
    """A decision outlasted the interval, so that a poll at once after it would not be early."""


class OutOfBudgetError(Exception):
    """Time or requests are used up; the message says which."""


class NonDeterminismError(Exception):
    """The server answers the same word in several ways."""


class ForgottenError(Exception):
    """An answer that was known was a chance one, and was forgotten: what came of it has to be concluded anew."""
