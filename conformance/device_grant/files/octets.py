"""The octets of a file, and its text: UTF-8 and nothing else, however it is stored and wherever it comes from."""

from __future__ import annotations

import codecs
import os
import select
import stat
import time
from typing import TYPE_CHECKING

from device_grant.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from device_grant.files.bounds import Bounds

_BLOCK = 2**20
_SILENCE = 10.0
"""Seconds that a pipe may say nothing."""
_LONGEST = 60.0
"""Seconds after which a pipe must have come to its end."""
_ALIEN = (
    (codecs.BOM_UTF32_LE, "UTF-32, not UTF-8", "save it as UTF-8"),
    (codecs.BOM_UTF16_LE, "UTF-16, not UTF-8", "save it as UTF-8"),
    (codecs.BOM_UTF16_BE, "UTF-16, not UTF-8", "save it as UTF-8"),
    (b"\x1f\x8b", "compressed by gzip", "unpack it first"),
    (b"PK\x03\x04", "a ZIP archive", "unpack it first"),
    (b"\x28\xb5\x2f\xfd", "compressed by Zstandard", "unpack it first"),
)
"""How files begin that are no text as it is wanted here, what they are, and what to do."""


class UnreadableFileError(UsageError):
    """A file that came from elsewhere is not as it has to be; the message names it, the place, and what to do."""


def read_octets(file: Path, bounds: Bounds, cure: str = "") -> bytes:
    """All octets of a file, or of a pipe; `cure` says what to do about one that cannot be read.

    Raises UnreadableFileError for what is none, for what is larger than the bounds, and for a pipe that stays silent.
    """
    cure = f": {cure}" if cure else ""
    try:
        # Without waiting: a pipe that nobody writes into would be waited for for ever.
        handle = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            return _read(handle, file, bounds)
        finally:
            os.close(handle)
    except OSError as error:
        raise UnreadableFileError(f"{file}: cannot be read ({error.strerror}){cure}") from error
    except ValueError:
        raise UnreadableFileError(f"{file}: no file can have this name: give another one") from None


def is_file(path: Path) -> bool:
    """Whether there is a file; a name that no file can have is that of none, where pathlib raises an error."""
    return os.path.isfile(path)  # noqa: PTH113 - as said


def utf8_of(octets: bytes, where: object) -> bytes:
    """The same octets without a byte order mark, once they are UTF-8; raises UnreadableFileError naming the place."""
    for beginning, what, cure in _ALIEN:
        if octets.startswith(beginning):
            raise UnreadableFileError(f"{where}: {what}: {cure}")
    octets = octets.removeprefix(codecs.BOM_UTF8)
    wrong = first_alien(octets)
    if wrong is not None:
        raise UnreadableFileError(
            f"{where}: not UTF-8 in {place(octets, wrong)} (octet 0x{octets[wrong]:02x}): save it as UTF-8"
        )
    return octets


def first_alien(octets: bytes) -> int | None:
    """The place of the first octet that is not UTF-8; None: all are."""
    # In blocks: a text of Python may have four octets for each of these.
    decoder = codecs.getincrementaldecoder("utf-8")()
    for begin in range(0, len(octets), _BLOCK):
        waiting = len(decoder.getstate()[0])
        block = octets[begin : begin + _BLOCK]
        try:
            decoder.decode(block, final=begin + _BLOCK >= len(octets))
        except UnicodeDecodeError as error:
            return begin - waiting + error.start
    return None


def place(octets: bytes, offset: int) -> str:
    """`line 3, column 14` of an octet, both from 1; columns are counted in characters."""
    begin = octets.rfind(b"\n", 0, offset) + 1
    line = octets.count(b"\n", 0, offset) + 1
    return f"line {line}, column {len(octets[begin:offset].decode('utf-8', errors='replace')) + 1}"


def _read(handle: int, file: Path, bounds: Bounds) -> bytes:
    status = os.fstat(handle)
    if stat.S_ISDIR(status.st_mode):
        raise UnreadableFileError(f"{file}: a folder: name a file in it")
    plain = stat.S_ISREG(status.st_mode)
    large = UnreadableFileError(f"{file}: larger than {bounds.size}, which is all that is read: give a smaller one")
    if plain and status.st_size > bounds.octets:
        raise large
    began = time.monotonic()
    collected = bytearray()
    while len(collected) <= bounds.octets:
        if not plain and (not select.select([handle], [], [], _SILENCE)[0] or time.monotonic() - began > _LONGEST):
            raise UnreadableFileError(f"{file}: a pipe or a device that does not come to its end: give a file")
        block = os.read(handle, _BLOCK)
        if not block:
            return bytes(collected)
        collected += block
    raise large
