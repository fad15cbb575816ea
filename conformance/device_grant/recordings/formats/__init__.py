"""Reads captures: HAR, cassettes of vcrpy and its relatives, our own cassettes, published exchanges of AWS SSO OIDC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from device_grant.errors import UsageError
from device_grant.recordings.formats import har, own, published, vcr
from device_grant.recordings.formats.cassette import MANIFEST
from device_grant.recordings.formats.text import parsed

if TYPE_CHECKING:
    from pathlib import Path

    from device_grant.recordings.formats.capture import Capture

__all__ = ["read_capture"]

_KNOWN = "a HAR file, a cassette of vcrpy (or of Betamax or VCR), a cassette of ours, or a published exchange"


def read_capture(path: Path) -> Capture:
    """The capture in a file, or in the folder of a cassette of ours; its form is told from its content.

    Raises UsageError in one line that names the file, and where one is wrong the entry.
    """
    if path.is_dir():
        if not (path / MANIFEST).is_file():
            raise UsageError(f"{path}: a folder without {MANIFEST}: name the files in it")
        return own.read_folder(path)
    data = parsed(path)
    match data:
        case {"log": _}:
            return har.read(str(path), data)
        case {"interactions": _, "device_grant": _} if (path.parent / MANIFEST).is_file():
            return own.read_file(path)
        case {"interactions": _} | {"http_interactions": _}:
            return vcr.read(str(path), data)
        case {"operation": _, "status": _, "body": _}:
            return published.read(str(path), data)
    raise UsageError(f"{path}: {_told(data)}: give {_KNOWN}")


def _told(data: Any) -> str:
    if isinstance(data, dict):
        names = ", ".join(str(name) for name in list(data)[:3])
        return f"no capture that is known here (it begins with {names})" if names else "an empty object"
    if isinstance(data, list):
        return "a list, as cassettes of vcrpy before 1.0 were: record it again"
    return "no capture that is known here"
