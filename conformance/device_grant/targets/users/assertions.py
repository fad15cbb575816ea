"""AssertionsOfFile of a trusted token issuer, as a Python file beside target.toml makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.errors import DeviceGrantError, UsageError
from device_grant.targets.ports import UserError, UserModuleError
from device_grant.targets.users.module import imported, place_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class AssertionsOfFile:
    """`assertion(kind, now)` of a Python file, imported when the first one is asked for."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._make: Callable[[str, float], object] | None = None

    def __call__(self, kind: str, now: float) -> str:
        """An assertion of that kind; `now` is the target's time in seconds since the epoch.

        Raises UserError where the file cannot make one of the kind, UsageError or UserModuleError where it is wrong.
        """
        if self._make is None:
            make = vars(imported(self._file)).get("assertion")
            if not callable(make):
                raise UsageError(f"{self._file}: has no function assertion(kind, now), which [iam] module defines")
            self._make = make
        try:
            made = self._make(kind, now)
        except (UserError, DeviceGrantError):
            raise
        except Exception as error:
            where = place_of(error, self._file)
            raise UserModuleError(f"{where}: assertion raised {type(error).__name__}: {error}") from error
        if not isinstance(made, str):
            raise UserModuleError(f"{self._file}: assertion returned {type(made).__name__}, but must return a text")
        return made
