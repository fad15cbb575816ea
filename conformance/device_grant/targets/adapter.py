"""What every adapter has in common: configuration, names and the baseline beside target.toml."""

from __future__ import annotations

import socket
from contextlib import nullcontext
from typing import TYPE_CHECKING

from device_grant.errors import UsageError
from device_grant.judging import Spared

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    import httpx

    from device_grant.targets.config import Located, TargetConfig
    from device_grant.targets.manners import Manners
    from device_grant.targets.ports import Sampler, User

_CONNECT_TIMEOUT = 3.0


class Adapter:
    """Attributes that all targets share; `base` and `clock` are each adapter's own."""

    def __init__(self, located: Located, user: User | None) -> None:
        self.config: TargetConfig = located.config
        self.spec: str = located.spec
        self.folder: Path = located.folder
        self.user: User | None = user
        self.second: User | None = None
        self.lock_second: Callable[[str], object] | None = None
        self.switch_client: Callable[[str, str], object] | None = None
        self.assertion: Callable[[str, float], str] | None = None
        baseline = located.folder / "baseline.toml"
        self.manners: Manners | None = None
        """How the server is treated where it is somebody else's; None: as one's own."""
        self.sampler: Sampler | None = None
        # A spec that names no folder of its own (a URL, asgi:…) lives in the working directory, whose baseline.toml
        # may belong to anything.
        self.baseline: Path | None = baseline if located.file is not None and baseline.is_file() else None

    @property
    def name(self) -> str:
        """Name for messages."""
        return self.config.name

    def mannered(self, client: httpx.Client) -> httpx.Client:
        """The client, whose requests are paced and counted where the server is somebody else's."""
        if self.manners is not None:
            client.event_hooks["request"].append(self.manners.before)
            client.event_hooks["response"].append(self.manners.after)
        return client

    def _require_own(self, what: str) -> None:
        """Raise Spared where the server is somebody else's."""
        if self.manners is not None:
            raise Spared(f"left out by --polite: it sends {what}")

    def gone(self) -> str:
        """Nothing that is called in process goes away."""
        return ""

    def journal_length(self) -> int:
        """Nobody sees what a server writes that somebody else started."""
        return 0

    def journal_since(self, length: int) -> str:
        """Likewise."""
        del length
        return ""

    def talk(self, url: str, sent: bytes, conversation: Callable[[], tuple[bytes, str]]) -> tuple[bytes, str]:
        """As it is said now."""
        del url, sent
        self._require_own("octets over a raw socket")
        return conversation()

    def hang_up(self, conversation: Callable[[], None]) -> None:
        """Send, and do not wait."""
        self._require_own("octets over a raw socket")
        conversation()

    def scope(self, check: str = "") -> AbstractContextManager[None]:
        """Nothing is kept, so that it does not matter whose it is."""
        del check
        return nullcontext()

    def holds(self, check: str) -> bool:
        """A server takes every check."""
        del check
        return True

    def unsettled(self, check: str, live: Mapping[str, str]) -> Mapping[str, str]:
        """A server that answers now shows everything that there is to see."""
        del check, live
        return {}

    @property
    def leftovers(self) -> tuple[str, ...]:
        """Nothing was given beforehand."""
        return ()

    def listens(self, host: str, port: int) -> bool:
        """Try to connect."""
        try:
            with socket.create_connection((host, port), timeout=_CONNECT_TIMEOUT):
                return True
        except (OSError, UnicodeError):  # the latter of names whose labels are empty or too long
            return False


def fill(text: str, values: Mapping[str, str]) -> str:
    """Replace `{name}` placeholders; other braces stay, so that JSON in an argument survives."""
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    return text


def unreadable(path: Path, error: OSError) -> UsageError:
    """The one line for a file that cannot be read."""
    return UsageError(f"{path}: cannot be read: {error.strerror or error}")
