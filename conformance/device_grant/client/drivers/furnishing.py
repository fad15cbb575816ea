"""What a client finds under its HOME before it is run there for the first time: `[[files]]` of client.toml."""

from __future__ import annotations

import os
import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from device_grant.targets.adapter import fill

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from device_grant.client.drivers.config import HomeFile

ACCESS_TOKEN = "AT.of-a-login-before"  # noqa: S105 - made up, and good for nothing
"""Of the login that is over: it has expired, and the server has never heard of it."""
EXPIRED = 60
"""Seconds ago at which it expired."""
REGISTERED = 90 * 86400
"""Seconds for which the registration is still good."""


def furnish(home: Path, files: Iterable[HomeFile], given: Mapping[str, str]) -> None:
    """Write them, for their owner alone; one that names a value which this run is not given is left out."""
    now = time.time()
    values = {
        **given,
        "access_token": ACCESS_TOKEN,
        "expires_at": _stamp(now - EXPIRED),
        "registration_expires_at": _stamp(now + REGISTERED),
    }
    for file in files:
        if any(not value and f"{{{name}}}" in file.content for name, value in values.items()):
            continue
        path = home / file.path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as opened:
            opened.write(fill(file.content, values))


def outside(path: str) -> bool:
    """Whether a path is not one below HOME."""
    return path.startswith("/") or not path or bool({"", ".", ".."} & set(re.split(r"[/\\]", path)))


def _stamp(seconds: float) -> str:
    """A time of RFC 3339, in UTC, to the second."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
