"""What every adapter has in common: configuration, names and the baseline beside target.toml."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from device_grant.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from device_grant.targets.config import Located, TargetConfig
    from device_grant.targets.ports import Tape, User

_CONNECT_TIMEOUT = 3.0


class Adapter:
    """Attributes that all targets share; `base` and `clock` are each adapter's own."""

    def __init__(self, located: Located, user: User | None) -> None:
        self.config: TargetConfig = located.config
        self.spec: str = located.spec
        self.folder: Path = located.folder
        self.user: User | None = user
        baseline = located.folder / "baseline.toml"
        self.tape: Tape | None = None
        # A spec that names no folder of its own (a URL, asgi:…) lives in the working directory, whose baseline.toml
        # may belong to anything.
        self.baseline: Path | None = baseline if located.file is not None and baseline.is_file() else None

    @property
    def name(self) -> str:
        """Name for messages."""
        return self.config.name

    def gone(self) -> str:
        """Nothing that is called in process goes away."""
        return ""

    def listens(self, host: str, port: int) -> bool:
        """Try to connect."""
        try:
            with socket.create_connection((host, port), timeout=_CONNECT_TIMEOUT):
                return True
        except OSError:
            return False


def fill(text: str, values: Mapping[str, str]) -> str:
    """Replace `{name}` placeholders; other braces stay, so that JSON in an argument survives."""
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    return text


def unreadable(path: Path, error: OSError) -> UsageError:
    """The one line for a file that cannot be read."""
    return UsageError(f"{path}: cannot be read: {error.strerror or error}")
