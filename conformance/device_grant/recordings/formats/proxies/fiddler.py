"""Archives of Fiddler (`.saz`): a zip with `raw/1_c.txt` (sent), `raw/1_s.txt` (came) and `raw/1_m.xml` (times)."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from typing import TYPE_CHECKING

from device_grant.errors import UsageError
from device_grant.recordings.formats.capture import SILENT, Capture, Captured, Format
from device_grant.recordings.formats.messages import Message, request_of, response_of, start_of
from device_grant.recordings.formats.text import Allowance, moment, web_url

if TYPE_CHECKING:
    from pathlib import Path

_MEMBER = re.compile(r"(?:.*/)?raw/0*(\d{1,9})_([csm])\.(?:txt|xml)", re.IGNORECASE)
_TIMER = re.compile(r"\b(ClientBeginRequest|ClientDoneRequest|ClientDoneResponse)=\"([^\"]{1,60})\"")
_UNSET = "0001-01-01"
"""How Fiddler writes a moment that never came."""
_FRACTION = re.compile(r"(\.\d{6})\d+")
_MOST_EACH, _MOST = 16 * 2**20, 256 * 2**20
"""Octets of a member, and of all of them: few octets of a zip may stand for gigabytes."""
_MOST_MEMBERS = 100_000
_ENCRYPTED = 0x1
_MAGIC = b"PK\x03\x04"


def is_archive(octets: bytes) -> bool:
    """Whether these are the octets of a zip."""
    return octets.startswith(_MAGIC)


def _fits(octets: bytes) -> bool:
    if not is_archive(octets):
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(octets)) as archive:
            return any(_MEMBER.fullmatch(name.replace("\\", "/")) for name in archive.namelist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError):
        return False


def _read(path: Path, octets: bytes) -> Capture:
    """The sessions of an archive by number; raises UsageError where it is damaged or has a password."""
    try:
        with zipfile.ZipFile(io.BytesIO(octets)) as archive:
            members = _members(path, archive)
    except (zipfile.BadZipFile, zlib.error, ValueError, OSError, NotImplementedError, EOFError, RuntimeError) as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError(f"{path}: a damaged archive of Fiddler ({error}): save it again") from None
    allowance = Allowance()
    entries = [_captured(path, number, parts, allowance) for number, parts in sorted(members.items()) if "c" in parts]
    return Capture(str(path), "a Fiddler archive", tuple(one for one in entries if one is not None))


FORMAT = Format("an archive of Fiddler (.saz)", _fits, _read, form="octets")


def _members(path: Path, archive: zipfile.ZipFile) -> dict[int, dict[str, bytes]]:
    """Octets of the members by number of the session and kind."""
    collected: dict[int, dict[str, bytes]] = {}
    left = _MOST
    for info in archive.infolist()[:_MOST_MEMBERS]:
        named = _MEMBER.fullmatch(info.filename.replace("\\", "/"))
        if named is None:
            continue
        if info.flag_bits & _ENCRYPTED:
            raise UsageError(f"{path}: a Fiddler archive with a password: save it without one, or export HTTPArchive")
        with archive.open(info) as file:
            content = file.read(min(_MOST_EACH, left) + 1)
        if len(content) > min(_MOST_EACH, left):
            raise UsageError(f"{path}: {info.filename} is larger than what is read: save the sessions that matter")
        left -= len(content)
        collected.setdefault(int(named[1]), {})[named[2].lower()] = content
    return collected


def _captured(path: Path, number: int, parts: dict[str, bytes], allowance: Allowance) -> Captured | None:
    where = f"{path}: session {number}"
    asked = message_of(parts["c"])
    if asked is None or not asked.method:
        raise UsageError(f"{where}: what was sent is no HTTP request: save it again")
    if asked.method == "CONNECT":
        return None
    request, unsent, rebuilt = request_of(asked, web_url(_address(asked), where))
    answered = message_of(parts.get("s", b""))
    response, bodiless = (
        (None, False) if answered is None or not answered.status else response_of(answered, where, allowance)
    )
    times = {
        name: _moment(text, where) for name, text in _TIMER.findall(parts.get("m", b"").decode("utf-8", "replace"))
    }
    started, done = times.get("ClientBeginRequest"), times.get("ClientDoneResponse")
    # A kept connection begins with the client's waiting: what it sent was complete at the end of that.
    started = started if started is not None else times.get("ClientDoneRequest")
    silent = b"timed out" in parts.get("s", b"") or b"504 " in parts.get("s", b"")[:20]
    return Captured(
        number,
        request,
        response,
        bodiless=bodiless,
        unsent=unsent,
        started=started,
        took=max(done - started, 0.0) if done is not None and started is not None else None,
        error="" if response else SILENT if silent else "no response in the archive",
        rebuilt=rebuilt,
        name=f"session {number}",
    )


def message_of(octets: bytes) -> Message | None:
    """The message of a file that has it octet by octet; None: it is none."""
    head, _, body = octets.partition(b"\r\n\r\n")
    lines = head.decode("utf-8", errors="replace").split("\r\n")
    begun = start_of(lines[0].rstrip())
    if begun is None:
        return None
    for line in lines[1:]:
        begun.add(line)
    begun.open, begun.octets = False, body
    return begun


def _address(asked: Message) -> str:
    if "://" in asked.target:
        return asked.target
    return f"https://{asked.header('host') or 'host.invalid'}{asked.target}"


def _moment(text: str, where: str) -> float | None:
    return None if text.startswith(_UNSET) else moment(_FRACTION.sub(r"\1", text), where)
