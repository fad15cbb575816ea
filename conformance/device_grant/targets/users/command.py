"""The user of `[user] command`: a program that decides."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from device_grant.errors import UsageError
from device_grant.processes import completed, exit_words, last_lines, why_not_started
from device_grant.targets.adapter import fill
from device_grant.targets.ports import GrantView, Pages, UserError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import httpx

_COMMAND_TIMEOUT = 120.0


class CommandUser:
    """A command that decides; exit status 0 means that the decision was made."""

    pages: Pages | None = None

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self._command = tuple(command)
        self._folder = folder

    def approve(self, http: httpx.Client, grant: GrantView) -> None:  # noqa: ARG002 - the command brings its own client
        """Raises UserError with the last line of its standard error, UsageError if it cannot be started."""
        self._run("approve", grant)

    def deny(self, http: httpx.Client, grant: GrantView) -> None:  # noqa: ARG002 - the command brings its own client
        """Raises as approve does."""
        self._run("deny", grant)

    def _run(self, action: str, grant: GrantView) -> None:
        values = {
            "action": action,
            "user_code": grant.user_code,
            "verification_uri": grant.verification_uri,
            "verification_uri_complete": grant.verification_uri_complete or "",
        }
        # Codes and addresses come from the target: a leading dash would be an option of the command.
        for name in ("user_code", "verification_uri", "verification_uri_complete"):
            if values[name].startswith("-"):
                raise UserError(f"{name} starts with a dash, which a command would take for an option")
        run_command(self._command, self._folder, values, action)


def run_command(command: Sequence[str], folder: Path, values: Mapping[str, str], action: str) -> None:
    """Run a command of target.toml in its folder, `{name}` replaced by the values; `action` is what it is for.

    Raises UserError with the last line of its standard error, UsageError if it cannot be started.
    """
    program, *arguments = (fill(word, {"python": sys.executable, "dir": str(folder), **values}) for word in command)
    if "/" in program:
        program = str(folder / program)
    try:
        done = completed([program, *arguments], folder=folder, seconds=_COMMAND_TIMEOUT)
    except OSError as error:
        raise UsageError(f"user.command: {program} {why_not_started(program, folder, error)}") from error
    if done.status is None:
        raise UserError(f"the user command took longer than {_COMMAND_TIMEOUT:g} s to {action}")
    if done.status:
        said = last_lines(done.errors.decode(errors="replace"), 1)
        raise UserError(said or f"the user command ended with {exit_words(done.status)}")
