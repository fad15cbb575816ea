"""The last resort of the command: whatever broke becomes one line, and a file for who can mend it."""

from __future__ import annotations

import gc
import os
import platform
import sys
import tempfile
import traceback

from device_grant import __version__
from device_grant.protocol import Secrets

_LONGEST = 200
"""Characters of what an exception says of itself."""


def crashed(error: BaseException) -> str:
    """Write down what broke, without the secrets of its run; returns what a person is told."""
    story = "".join(traceback.format_exception(error))
    said = " ".join(f"{type(error).__name__}: {error}".split())
    # Nobody knows here which run it was: all that have seen secrets are asked.
    for secrets in [one for one in gc.get_objects() if isinstance(one, Secrets)]:
        story, said = secrets.redact(story), secrets.redact(said)
    said = said if len(said) <= _LONGEST else said[: _LONGEST - 1] + "…"
    try:
        handle, name = tempfile.mkstemp(prefix="device-grant-crash-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"device-grant {__version__}, Python {platform.python_version()}, {sys.platform}\n\n{story}")
    except OSError:
        return f"the suite itself broke: {said}"
    return f"the suite itself broke: {said} ({name} says where; please report it)"
