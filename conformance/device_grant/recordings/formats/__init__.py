"""The formats of captures, each in a module of its own: HAR, recordings of test suites, what proxies save, logs, text.

`FORMATS` is the registry, and what a file is, is told in this room and nowhere else.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from device_grant.errors import UsageError
from device_grant.recordings.formats import har, ours, published, vcr
from device_grant.recordings.formats.cassette import MANIFEST
from device_grant.recordings.formats.dates import dated
from device_grant.recordings.formats.logs import debug, transcript
from device_grant.recordings.formats.opened import STANDARD_INPUT, OpenedFile, opened
from device_grant.recordings.formats.placeholders import is_all_put_there
from device_grant.recordings.formats.proxies import charles, fiddler, mitmproxy
from device_grant.recordings.formats.suites import govcr, nock, postman, testproxy, wiremock
from device_grant.recordings.formats.unknown import UnknownFormatError, unknown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from device_grant.recordings.formats.capture import Capture, Format

MAPPINGS = wiremock.KIND
"""What captures are called that stand in several files: a stub each."""

__all__ = [
    "FORMATS",
    "MAPPINGS",
    "STANDARD_INPUT",
    "OpenedFile",
    "UnknownFormatError",
    "capture_of",
    "is_cassette",
    "read_capture",
]

FORMATS: Mapping[str, Format] = {
    "fiddler": fiddler.FORMAT,
    "mitmproxy": mitmproxy.FORMAT,
    "har": har.FORMAT,
    "cassette": ours.FORMAT,
    "go-vcr": govcr.FORMAT,
    "vcr": vcr.FORMAT,
    "published": published.FORMAT,
    "test-proxy": testproxy.FORMAT,
    "postman": postman.FORMAT,
    "wiremock": wiremock.FORMAT,
    "nock": nock.FORMAT,
    "charles": charles.FORMAT,
    "aws-debug": debug.FORMAT,
    "nock-module": nock.MODULE,
    "text": transcript.FORMAT,
}
"""By name, in the order in which they are tried: a cassette of ours is one of vcrpy as well, and so on."""


def read_capture(path: Path) -> Capture:
    """The capture in a file, in standard input (`-`), or in the folder of a cassette of ours.

    Its form is told from its content. Raises UsageError in one line that names the file, and where one is wrong the
    entry; UnknownFormatError where it is nothing that is read here, with what it looks like and what to do.
    """
    if path.is_dir():
        if not is_cassette(path):
            raise UsageError(f"{path}: a folder without {MANIFEST}: name the files in it")
        return ours.read_folder(path)
    return capture_of(opened(path))


def capture_of(file: OpenedFile) -> Capture:
    """The capture in a file that was opened; raises as `read_capture` does."""
    for one in FORMATS.values():
        content = _content(file, one)
        if content is not None and one.fits(content):
            return dated(_scrubbed(one.read(file.path, content)))
    raise unknown(file)


def is_cassette(path: Path) -> bool:
    """Whether a path is the folder of a cassette of ours."""
    return (path / MANIFEST).is_file()


def _scrubbed(capture: Capture) -> Capture:
    """The capture without answers in whose place somebody put a word: what they were is not in it."""
    entries = tuple(
        replace(entry, bodiless=True) if entry.response and is_all_put_there(entry.response.content) else entry
        for entry in capture.entries
    )
    return replace(capture, entries=entries)


def _content(file: OpenedFile, one: Format) -> object:
    """What a format is told from; None: the file has nothing of that kind."""
    match one.form:
        case "octets":
            return file.octets
        case "text":
            return file.text
        case _:
            return file.data
