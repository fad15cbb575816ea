"""Who may meet the target at a moment: many checks beside each other, or one alone; the last ones after all others.

The locks are those of files (flock), because they hold among the threads of a process and among processes alike, and
because those of a process that dies are free again.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from device_grant.processes import temporary_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from device_grant.judging import Check

PREFIX = "device-grant-locks-"


class Admission:
    """Lets checks in to one target.

    Processes that test the same target share the `folder`; without one, the locks are this process's own.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._own = ExitStack()
        self._folder = folder if folder is not None else self._own.enter_context(temporary_folder(PREFIX))
        self._early: int | None = None

    def begin(self) -> None:
        """Announce that this process is going to run checks: the last ones of other processes wait for it."""
        if self._early is None:
            self._early = self._locked("early", fcntl.LOCK_SH)

    def end(self) -> None:
        """Say that it runs no more checks but last ones; safe to call again."""
        if self._early is not None:
            early, self._early = self._early, None
            os.close(early)

    def close(self) -> None:
        """Give everything back."""
        self.end()
        self._own.close()

    @contextmanager
    def admitted(self, check: Check) -> Iterator[None]:
        """Within: the check may meet the target. Blocks until then."""
        if check.order == "last":
            self.end()
            # Had as soon as no other process has anything before its own last ones.
            os.close(self._locked("early", fcntl.LOCK_EX))
        with self._in("room", alone=check.alone):
            yield

    def with_user(self, *, alone: bool) -> AbstractContextManager[None]:
        """Within: the one user of the target decides, beside others who decide, or `alone`. Blocks until then."""
        return self._in("user", alone=alone)

    @contextmanager
    def _in(self, room: str, *, alone: bool) -> Iterator[None]:
        # Who wants to be alone holds the door, so that those who come later cannot keep the room full for ever.
        door = self._locked(f"door-{room}", fcntl.LOCK_EX)
        try:
            held = self._locked(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        finally:
            os.close(door)
        try:
            yield
        finally:
            os.close(held)

    def _locked(self, name: str, kind: int) -> int:
        descriptor = os.open(self._folder / name, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, kind)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor
