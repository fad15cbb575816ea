"""The formats of captures: HAR, cassettes of vcrpy and its relatives, our own, published exchanges of AWS SSO OIDC.

Each module has one, as a `Format`; `FORMATS` is the registry, and what a file is, is told here and nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from device_grant.errors import UsageError
from device_grant.recordings.formats import har, ours, published, vcr
from device_grant.recordings.formats.cassette import MANIFEST
from device_grant.recordings.formats.text import parsed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from device_grant.recordings.formats.capture import Capture, Format

__all__ = ["FORMATS", "is_cassette", "read_capture"]

FORMATS: Mapping[str, Format] = {
    "har": har.FORMAT,
    "cassette": ours.FORMAT,
    "vcr": vcr.FORMAT,
    "published": published.FORMAT,
}
"""By name, in the order in which they are tried: a cassette of ours is one of vcrpy as well."""


def read_capture(path: Path) -> Capture:
    """The capture in a file, or in the folder of a cassette of ours; its form is told from its content.

    Raises UsageError in one line that names the file, and where one is wrong the entry.
    """
    if path.is_dir():
        if not is_cassette(path):
            raise UsageError(f"{path}: a folder without {MANIFEST}: name the files in it")
        return ours.read_folder(path)
    data = parsed(path)
    for one in FORMATS.values():
        if one.fits(data):
            return one.read(path, data)
    *some, last = (one.title for one in FORMATS.values())
    raise UsageError(f"{path}: {_described(data)}: give {', '.join(some)} or {last}")


def is_cassette(path: Path) -> bool:
    """Whether a path is the folder of a cassette of ours."""
    return (path / MANIFEST).is_file()


def _described(data: Any) -> str:
    if isinstance(data, dict):
        names = ", ".join(str(name) for name in list(data)[:3])
        return f"no capture that is known here (it begins with {names})" if names else "an empty object"
    if isinstance(data, list):
        return "a list, as cassettes of vcrpy before 1.0 were: record it again"
    return "no capture that is known here"
