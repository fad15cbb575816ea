"""What stands in for every browser of a run: it opens nothing, and writes down what it was asked to open."""

from __future__ import annotations

import os
import shlex
from contextlib import ExitStack
from typing import Self

from device_grant.processes import temporary_folder

NAMES = ("browser", "xdg-open", "x-www-browser", "www-browser", "sensible-browser")
"""The first is that of BROWSER; programs ask for the others by name."""
_MOST = 65_536
"""Octets of the record that are read."""


class BrowserRecorder:
    """A folder of scripts, which is removed at the end."""

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        self.path = self._stack.enter_context(temporary_folder("device-grant-browser-"))
        self._record = self.path / "opened"
        script = f"#!/bin/sh\nprintf '%s\\n' \"$@\" >> {shlex.quote(str(self._record))}\n"
        for name in NAMES:
            file = self.path / name
            file.write_text(script, "utf-8")
            file.chmod(0o755)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def environment(self, path: str) -> dict[str, str]:
        """BROWSER, and PATH with the other names of a browser before what it has already."""
        return {"BROWSER": str(self.path / NAMES[0]), "PATH": f"{self.path}{os.pathsep}{path}"}

    @property
    def opened(self) -> tuple[str, ...]:
        """What was asked for so far, in order."""
        try:
            with self._record.open("rb") as file:
                return tuple(file.read(_MOST).decode("utf-8", "replace").splitlines())
        except OSError:
            return ()
