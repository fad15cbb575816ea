"""Watches HOME while a client runs, for files that other people could read for a moment.

Linux tells of changes by inotify, which is asked directly: libraries for it gather events and so lose the moment, and
the order of events is what shows it. Elsewhere nothing is seen.
"""

from __future__ import annotations

import ctypes
import os
import select
import stat
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path

# linux/inotify.h
_MODIFY, _ATTRIB, _MOVED_TO, _CREATE, _IS_FOLDER = 0x2, 0x4, 0x80, 0x100, 0x40000000
_EVENT = struct.Struct("iIII")
_CHUNK = 65_536
_MOST_FOLDERS = 500
_MOST_OCTETS = 4_194_304
"""Octets of all that was seen."""
_LARGEST = 262_144
OTHERS_READ = 0o044
"""Permissions by which other people read a file."""


@dataclass
class Seen:
    """A file with content that other people could read at some moment."""

    path: Path
    mode: int
    """Its permissions in that moment."""
    content: bytes


class Watch:
    """What happened to the files below a folder; `seen` once it is over."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.seen: list[Seen] = []
        self._folders: dict[int, Path] = {}
        self._open: dict[Path, int] = {}
        """Files that other people may read since the last look, with their permissions."""
        self._doubtful: dict[Path, Seen] = {}
        """Files that were written while they were open, and may have been written again since."""
        self._octets = 0
        self._queue = -1

    def __enter__(self) -> Self:
        with suppress(OSError, AttributeError):
            self._libc = ctypes.CDLL(None, use_errno=True)
            self._queue = self._libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        if self._queue >= 0:
            self._reading, self._ending = os.pipe()
            self._watch(self._folder)
            self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._queue < 0:
            return
        os.write(self._ending, b"x")
        self._thread.join(2)
        for descriptor in (self._queue, self._reading, self._ending):
            os.close(descriptor)
        for one in self._doubtful.values():
            self._keep(one)

    def _run(self) -> None:
        over = False
        while not over:
            over = self._reading in select.select([self._queue, self._reading], [], [])[0]
            with suppress(OSError):
                while octets := os.read(self._queue, _CHUNK):
                    self._read(octets)

    def _read(self, octets: bytes) -> None:
        place = 0
        while place < len(octets):
            number, kind, _, length = _EVENT.unpack_from(octets, place)
            name = octets[place + _EVENT.size : place + _EVENT.size + length].rstrip(b"\0")
            place += _EVENT.size + length
            folder = self._folders.get(number)
            if folder is None or not name:
                continue
            path = folder / os.fsdecode(name)
            if kind & _IS_FOLDER:
                if kind & (_CREATE | _MOVED_TO):
                    self._watch(path)
            elif kind & _MODIFY:
                self._written(path)
            else:
                self._look(path)

    def _watch(self, folder: Path) -> None:
        if len(self._folders) >= _MOST_FOLDERS:
            return
        mask = _MODIFY | _ATTRIB | _MOVED_TO | _CREATE
        number = self._libc.inotify_add_watch(self._queue, os.fsencode(folder), ctypes.c_uint32(mask))
        if number < 0:
            return
        self._folders[number] = folder
        with suppress(OSError):
            # What came into being before the watch did.
            for path in folder.iterdir():
                if path.is_dir() and not path.is_symlink():
                    self._watch(path)
                else:
                    self._look(path)

    def _written(self, path: Path) -> None:
        mode = self._open.get(path)
        # What was written once it was closed hides what was there before.
        self._doubtful.pop(path, None)
        self._look(path)
        if mode is not None and path not in self._open:
            # It was written before its permissions changed, of which the next event tells.
            with suppress(OSError), path.open("rb") as file:
                self._doubtful[path] = Seen(path, mode, file.read(_LARGEST))

    def _look(self, path: Path) -> None:
        """Note who may read the file from now on, and what it has if others may."""
        self._open.pop(path, None)
        with suppress(OSError):
            if path.is_symlink() or not stat.S_ISREG(path.stat().st_mode):
                return
            with path.open("rb") as file:
                content = file.read(_LARGEST)
            # After the reading: what is open now was open with that in it.
            mode = reach(path, self._folder)
            if mode & OTHERS_READ:
                self._open[path] = mode
                self._keep(Seen(path, mode, content))

    def _keep(self, seen: Seen) -> None:
        if seen.content and self._octets + len(seen.content) <= _MOST_OCTETS:
            self._octets += len(seen.content)
            self.seen.append(seen)


def reach(path: Path, below: Path) -> int:
    """The file's permissions, less what a folder on the way from `below` keeps from other people. Raises OSError."""
    mode = path.stat().st_mode & 0o777
    for folder in path.parents:
        if folder == below:
            break
        open_to = folder.stat().st_mode
        if not open_to & 0o010:
            mode &= ~0o070
        if not open_to & 0o001:
            mode &= ~0o007
    return mode
