"""A file before anybody knows what it is: its octets, its text if it is one, and its data if that is JSON or YAML."""

from __future__ import annotations

import codecs
import re
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from device_grant.errors import UsageError
from device_grant.files import CAPTURE, CASSETTE, json_of, read_octets, utf8_of, yaml_of

STANDARD_INPUT = Path("-")
"""The name that stands for it."""
_NAME = Path("standard input")
"""What messages call it."""
_JSON, _YAML = (".har", ".json", ".chlsj"), (".yaml", ".yml")
_LIKE_YAML = re.compile(rb"\s*(?:---|%YAML|- |[A-Za-z_]{1,40}:(?:\s|$))")
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UTF_32 = codecs.BOM_UTF32_LE


@dataclass
class OpenedFile:
    """What is in a file, in each way in which it can be looked at."""

    path: Path
    octets: bytes
    problem: UsageError | None = None
    """Why it has no text or no data although it looks as if it should, once that was asked for."""

    @cached_property
    def text(self) -> str | None:
        """The file as text; None: it is none, and `problem` says where it is not."""
        # By its octets: a text may have four times as many of them.
        return None if self._utf8 is None else self._utf8.decode()

    @property
    def seems_data(self) -> bool:
        """Whether its name, or how it begins, says that it is JSON or YAML."""
        return self.path.suffix.lower() in (*_JSON, *_YAML) or self.octets.lstrip()[:1] in (b"{", b"[")

    @cached_property
    def _utf8(self) -> bytes | None:
        octets = self.octets
        if octets.startswith(_UTF_16) and not octets.startswith(_UTF_32):
            # Redirection in PowerShell writes UTF-16.
            octets = octets.decode("utf-16", errors="replace").encode()
        try:
            octets = utf8_of(octets, self.path)
        except UsageError as error:
            self.problem = self.problem or error
            return None
        return None if b"\0" in octets else octets

    @cached_property
    def data(self) -> Any:
        """The data of a JSON or YAML file; None: it is neither, and `problem` says why where it should be one."""
        octets, suffix = self._utf8, self.path.suffix.lower()
        if octets is None:
            return None
        try:
            if suffix in _JSON:
                return json_of(octets, self.path, CAPTURE)
            # The flow style of YAML begins as JSON does, but has strings without quotes, or with others.
            flows = octets.lstrip()[:1] in (b"{", b"[")
            if flows:
                try:
                    return json_of(octets, self.path, CAPTURE)
                except UsageError as error:
                    if "not JSON" not in str(error):
                        raise
            # A long log is no YAML, and it would take long to be shown so.
            if flows or suffix in _YAML or _LIKE_YAML.match(octets):
                return yaml_of(octets, self.path, CASSETTE)
        except UsageError as error:
            self.problem = error
        return None


def opened(path: Path) -> OpenedFile:
    """Read a file, or standard input; raises UsageError where it cannot be read, or is larger than what is read."""
    if path != STANDARD_INPUT:
        return OpenedFile(path, read_octets(path, CAPTURE, "name a capture that is there and may be read"))
    octets = sys.stdin.buffer.read(CAPTURE.octets + 1)
    if len(octets) > CAPTURE.octets:
        cure = "cut out the login that matters"
        raise UsageError(f"{_NAME}: larger than {CAPTURE.size}, which is all that is read: {cure}")
    return OpenedFile(_NAME, octets)
