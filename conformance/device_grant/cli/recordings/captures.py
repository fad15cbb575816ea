"""The files that `device-grant judge` is given: folders looked through, copies set aside, and what is said of each."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from device_grant.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from device_grant.recordings.judge import Capture, Findings

_MOST = 20_000
"""Files of a folder that are looked at."""
_LEFT_OUT = frozenset({"node_modules", "__pycache__", "__files"})
"""Folders that hold no captures: packages, caches, and the bodies beside WireMock's mappings."""


@dataclass(frozen=True)
class JudgedFile:
    """A capture that is to be judged."""

    path: Path
    findings: Findings
    place: str
    """The folder of its report below --report."""


@dataclass
class Collected:
    """What came of the files on a command line."""

    files: list[JudgedFile] = field(default_factory=list)
    worst: ExitCode = ExitCode.CONFORMANT
    """From what could not be read, or has no device grant in it."""
    remarks: list[str] = field(default_factory=list)


def collect(given: tuple[Path, ...], dialect: str) -> Collected:
    """Read all files; raises UsageError for the only one that was named, if it cannot be read; of several it is said.

    Of a folder those count that are captures with a device grant in them; what is damaged is said, the rest counted.
    """
    from device_grant.cli import complain
    from device_grant.cli.run import worse

    result = Collected()
    seen: dict[bytes, Path] = {}
    several = len(given) > 1 or any(_is_folder(path) for path in given)
    for path in given:
        if _is_folder(path):
            _folder(path, dialect, result, seen)
        elif not (several and _copy_of(path, seen, result)):
            try:
                findings = _findings_of(path, dialect)
            except UsageError as error:
                if not several:
                    raise
                # The others can be judged all the same.
                result.worst = worse(result.worst, ExitCode(complain(str(error), error.exit_code)))
            else:
                _add(result, path, findings, path.resolve().stem if several else "")
    _labelled(result.files)
    return result


def _is_folder(path: Path) -> bool:
    from device_grant.recordings.formats import is_cassette

    return path.is_dir() and not is_cassette(path)


def _findings_of(path: Path, dialect: str) -> Findings:
    from device_grant.recordings.judge import find, read_capture

    return find(read_capture(path), dialect)


def _add(result: Collected, path: Path, findings: Findings, place: str) -> None:
    from device_grant.cli.run import worse

    result.files.append(JudgedFile(path, findings, place))
    if not findings.exchanges:
        result.worst = worse(result.worst, ExitCode.NOTHING_RAN)


def _folder(folder: Path, dialect: str, result: Collected, seen: dict[bytes, Path]) -> None:
    from device_grant.cli.run import worse
    from device_grant.recordings.formats import UnknownFormatError, read_capture
    from device_grant.recordings.judge import find
    from device_grant.report.text import plural

    captures: list[tuple[Path, Capture]] = []
    alien = empty = 0
    for path in _files(folder):
        if _copy_of(path, seen, result):
            continue
        try:
            captures.append((path, read_capture(path)))
        except UnknownFormatError:
            alien += 1
        except UsageError as error:
            result.remarks.append(str(error))
            result.worst = worse(result.worst, ExitCode.USAGE)
    for path, capture in _joined(captures):
        findings = find(capture, dialect)
        if findings.exchanges:
            _add(
                result, path, findings, str(path.relative_to(folder).with_suffix("")) if path != folder else "mappings"
            )
        else:
            empty += 1
    if not any(one.path.is_relative_to(folder) for one in result.files):
        result.worst = worse(result.worst, ExitCode.NOTHING_RAN)
    without = f"{plural(empty, 'capture')} without a device grant"
    counted = f"{folder}: {without}, {plural(alien, 'file that is no capture', 'files that are no captures')}"
    result.remarks.append(counted)


def _files(folder: Path) -> list[Path]:
    """The files below a folder, in order; a cassette of ours, which is a folder, counts as one."""
    from device_grant.recordings.formats import is_cassette

    collected: list[Path] = []
    for root, folders, names in os.walk(folder):
        here = Path(root)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _LEFT_OUT)
        cassettes = [name for name in folders if is_cassette(here / name)]
        folders[:] = [name for name in folders if name not in cassettes]
        collected += [here / name for name in cassettes]
        collected += [here / name for name in sorted(names) if not name.startswith(".") and (here / name).is_file()]
        if len(collected) > _MOST:
            raise UsageError(f"{folder}: more than {_MOST} files: name the folders in it that have the captures")
    return collected


def _copy_of(path: Path, seen: dict[bytes, Path], result: Collected) -> bool:
    """Whether a file is octet by octet one that was read before."""
    from device_grant.recordings.formats import STANDARD_INPUT

    if path == STANDARD_INPUT or not path.is_file():
        return False
    from device_grant.files import CAPTURE

    try:
        if path.stat().st_size > CAPTURE.octets:
            # It is refused, which takes no time, while its digest might take days.
            return False
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
    except OSError:
        return False
    first = seen.setdefault(digest, path)
    if first is path:
        return False
    result.remarks.append(f"{path}: the same as {first}, and not judged twice")
    return True


def _joined(captures: list[tuple[Path, Capture]]) -> list[tuple[Path, Capture]]:
    """Mappings of WireMock, which stand in a file each, made one capture a folder."""
    from device_grant.recordings.formats import MAPPINGS

    collected: list[tuple[Path, Capture]] = []
    together: dict[Path, list[tuple[Path, Capture]]] = {}
    for path, capture in captures:
        if capture.kind == MAPPINGS:
            together.setdefault(path.parent, []).append((path, capture))
        else:
            collected.append((path, capture))
    for folder, several in together.items():
        if len(several) == 1:
            collected += several
            continue
        entries = [replace(entry, name=path.name) for path, capture in several for entry in capture.entries]
        numbered = tuple(replace(entry, number=number) for number, entry in enumerate(entries, 1))
        collected.append((folder, replace(several[0][1], file=str(folder), entries=numbered)))
    return collected


def _labelled(files: list[JudgedFile]) -> None:
    names: dict[str, Path] = {}
    for one in files:
        if one.place in names:
            raise UsageError(
                f"{one.path}: its report would replace that of {names[one.place]}: rename one of the files"
            )
        names[one.place] = one.path


def tell(findings: Findings, console: Console) -> list[str]:
    """Say what a capture is and what it lacks; the same as a list, for programs."""
    from device_grant.report.terminal.console import paragraph
    from device_grant.report.text import plural

    capture = findings.capture
    there = plural(len(findings.exchanges), "exchange") if findings.exchanges else "nothing"
    rest = plural(findings.ignored, "other entry", "other entries")
    said = [(f"{capture.file}: {capture.kind}, {there} of the device grant, {rest} ignored", "")]
    halves = sum(one.entry.bodiless for one in findings.exchanges)
    if halves:
        which = plural(halves, "answer")
        said.append((f"{which} without a body in the capture: the server is not judged by them", "yellow"))
    dropped = sum(one.entry.unsent for one in findings.exchanges)
    if dropped and "client" in capture.parties:
        which = plural(dropped, "request")
        what = f"{which} without a body in the capture: the client is judged by their times and answers"
        said.append((what, "yellow"))
    if findings.exchanges and capture.timing:
        said.append((f"{capture.timing[0].upper()}{capture.timing[1:]}.", "yellow"))
    if findings.exchanges and "client" not in capture.parties:
        said.append(("The requests are those of a test suite, or patterns: they say nothing of a client.", "dim"))
    for text, style in said:
        paragraph(console, text, style)
    return [text for text, _ in said[1:]]
