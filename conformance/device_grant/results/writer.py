"""Writes results.jsonl line by line, redacted, and scans finished artefacts for secrets."""

from __future__ import annotations

import contextlib
import errno
import html
import os
from typing import TYPE_CHECKING, Any, BinaryIO, Self, TypeVar

import msgspec

from device_grant.errors import SuiteError, UsageError
from device_grant.protocol.ordinary import is_ordinary
from device_grant.results.model import Case, Finding, Footer, Header, Line, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import TracebackType

    from device_grant.protocol import Secrets
    from device_grant.results.reader import Report

SomeLine = TypeVar("SomeLine", Header, Case, Result, Footer, Finding)

_SEPARATOR = "\ue000\uf8ff\ue000"
"""Parts the strings of a line while they are redacted in one go; private-use, so no secret spans it."""

_IDENTITIES = frozenset(
    {
        "kind",
        "requirement",
        "check",
        "source",
        "section",
        "level",
        "party",
        "verdict",
        "outcome",
        "expected",
        "unexpected",
        "stale",
        "expired",
    }
)
"""Members of a line that hold the suite's own names: a client secret `secret` must not tear an id apart."""


class ResultsWriter:
    """Writes one results.jsonl: a header, cases and results in any order, a footer.

    The file is made with its header, and each line is on disk before `write` returns, so an interrupted run leaves a
    file that can be read. `secrets` may go on learning while lines are written; None writes everything as it is.
    Raises UsageError if the file cannot be made, or a line does not fit on the disk: the lines before it stay, and
    what is still to be written is left out.
    """

    def __init__(self, path: Path, secrets: Secrets | None) -> None:
        self._path = path
        self._secrets = secrets
        self._file: BinaryIO | None = None
        self._size = 0
        self._finished = self._full = False
        # Nothing is made yet: what stands there is of use until there is something better.
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not os.access(path if path.exists() else path.parent, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        except OSError as error:
            raise self._refusal(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def write(self, line: Line) -> None:
        """Append a line; raises SuiteError for a line before the header, a second header or a line after the footer."""
        if self._finished:
            raise SuiteError("results.jsonl: a line was written after the footer")
        if isinstance(line, Header) == (self._file is not None):
            raise SuiteError("results.jsonl: the header must be the first line, and there is only one")
        if self._file is None:
            try:
                # Not buffered: what could not be written must not be tried again at the end.
                self._file = self._path.open("wb", buffering=0)
            except OSError as error:
                raise self._refusal(error) from error
        if self._full:
            return
        self._append(self._file, msgspec.json.encode(_members(line, self._secrets)) + b"\n")
        self._finished = isinstance(line, Footer)

    def close(self) -> None:
        """Close the file, with or without a footer; safe to call again."""
        self._finished = True
        if self._file is not None:
            self._file.close()

    def _append(self, file: BinaryIO, octets: bytes) -> None:
        left = memoryview(octets)
        try:
            while left:
                left = left[file.write(left) :]
        except OSError as error:
            self._full = True
            with contextlib.suppress(OSError):
                file.truncate(self._size)
                if not self._size:
                    self._path.unlink()
            raise self._refusal(error) from error
        self._size += len(octets)

    def _refusal(self, error: OSError) -> UsageError:
        kept = "; what was written before can be read" if self._size else "; choose another folder"
        return UsageError(f"{self._path}: cannot be written ({error.strerror}){kept}")


def save(report: Report, path: Path) -> None:
    """Write a report that is finished, and redacted already, as one results.jsonl; raises what ResultsWriter raises."""
    with ResultsWriter(path, None) as writer:
        for line in report.lines:
            writer.write(line)


def redacted(line: SomeLine, secrets: Secrets) -> SomeLine:
    """Return the line with every secret in its strings replaced, as the writer would write it."""
    return msgspec.convert(_members(line, secrets), type=type(line))


def _members(line: Line | Finding, secrets: Secrets | None) -> dict[str, Any]:
    members: dict[str, Any] = msgspec.to_builtins(line)
    seen = {name: value for name, value in members.items() if name not in _IDENTITIES}
    cleaned = iter(_clean(list(_strings(seen)), secrets))
    return members | {name: _replaced(value, lambda: next(cleaned)) for name, value in seen.items()}


def _clean(strings: list[str], secrets: Secrets | None) -> list[str]:
    # One search over all strings of the line, not one a string: a line has hundreds, and a run hundreds of secrets.
    # Searching the encoded line instead would miss secrets in JSON bodies, whose escapes are escaped once more.
    joined = _SEPARATOR.join(strings)
    if secrets is not None:
        joined = secrets.redact(joined)
    joined = joined.encode("utf-8", errors="backslashreplace").decode()
    cleaned = joined.split(_SEPARATOR) if strings else []
    if len(cleaned) == len(strings):
        return cleaned
    return [part for string in strings for part in _clean([string.replace(_SEPARATOR, "\\ue000")], secrets)]


def scan(path: Path, secrets: Secrets) -> None:
    """Search a finished artefact, or every file of a report folder, for registered secrets in any encoding.

    Values that nobody draws at random are passed over, unless the user gave them: by chance any may be in a report.
    Raises SuiteError with the files and the secrets' pseudonyms, never with a secret.
    """
    collected = leaks(path, secrets, lambda form: is_ordinary(form) or secrets.is_no_secret(form))
    if collected:
        raise SuiteError(f"{path}: a secret was written: {', '.join(collected)}; delete the report")


def leaks(path: Path, secrets: Secrets, ordinary: Callable[[str], bool] = is_ordinary) -> list[str]:
    """The secrets that are in the files, but for `ordinary` forms: each as its pseudonym and the name of the file."""
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    collected: list[str] = []
    own_names: set[str] | None = None
    for file in files:
        text = file.read_text(encoding="utf-8", errors="replace")
        views = list(_views(file, text))
        if not any(secrets.leaks(view, ordinary) for view in views):
            continue
        if own_names is None:
            own_names = {name for other in files for name in _own_names(other) if secrets.leaks(name)}
        left = {leak for view in views for leak in secrets.leaks(_without(view, own_names), is_ordinary)}
        collected += [f"{leak} in {file.name}" for leak in sorted(left)]
    return collected


def _views(file: Path, text: str) -> Iterator[str]:
    """Yield the text as it is, and as programs that understand its format see it."""
    yield text
    if file.suffix == ".jsonl":
        for members in _objects(text):
            yield _SEPARATOR.join(_strings(members))
    elif "&" in text:
        yield html.unescape(text)


def _own_names(file: Path) -> Iterator[str]:
    if file.suffix == ".jsonl":
        for members in _objects(file.read_text(encoding="utf-8", errors="replace")):
            yield from _strings([value for name, value in members.items() if name in _IDENTITIES])
            yield from _names(members)


def _objects(text: str) -> Iterator[dict[str, Any]]:
    for line in text.split("\n"):
        try:
            members = msgspec.json.decode(line)
        except msgspec.DecodeError:
            continue
        if isinstance(members, dict):
            yield members


def _without(text: str, names: set[str]) -> str:
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, _SEPARATOR)
    return text


def _strings(value: object) -> Iterator[str]:
    """Yield every string among the values of a JSON value, in a fixed order."""
    match value:
        case str():
            yield value
        case dict():
            for inner in value.values():
                yield from _strings(inner)
        case list() | tuple():
            for inner in value:
                yield from _strings(inner)


def _names(value: object) -> Iterator[str]:
    """Yield every member name of a JSON value."""
    match value:
        case dict():
            for name, inner in value.items():
                yield name
                yield from _names(inner)
        case list():
            for inner in value:
                yield from _names(inner)


def _replaced(value: object, following: Callable[[], str]) -> object:
    """Replace each string of a value by the following one, asked for in the order of `_strings`."""
    match value:
        case str():
            return following()
        case dict():
            return {name: _replaced(inner, following) for name, inner in value.items()}
        case list() | tuple():
            return [_replaced(inner, following) for inner in value]
        case _:
            return value
