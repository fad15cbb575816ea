"""What the reference client keeps under HOME: its registration and its tokens."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


_MOMENT = 0.1
"""Seconds of the fault files_open_for_a_moment."""


class ClientStore:
    """JSON files that only their owner may read."""

    def __init__(self, home: Path, *, for_everyone: bool = False, for_a_moment: bool = False) -> None:
        self._folder = home / ".reference-client"
        self._mode, self._folder_mode = (0o644, 0o755) if for_everyone or for_a_moment else (0o600, 0o700)
        self._closes_late = for_a_moment

    def read(self, name: str) -> dict[str, Any]:
        """What was kept; empty if nothing."""
        try:
            result = json.loads((self._folder / f"{name}.json").read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return result if isinstance(result, dict) else {}

    def forget(self, name: str) -> None:
        """Keep it no longer."""
        (self._folder / f"{name}.json").unlink(missing_ok=True)

    def write(self, name: str, members: dict[str, Any]) -> None:
        """Keep it."""
        self._folder.mkdir(mode=self._folder_mode, exist_ok=True)
        path = self._folder / f"{name}.json"
        path.unlink(missing_ok=True)
        # The mode from the start: a file that is made first and protected afterwards can be read in between.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, self._mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(members, file)
        if self._closes_late:
            time.sleep(_MOMENT)
            path.chmod(0o600)
