"""Reads results.jsonl and checks its form; every error names the file, the line and the invariant that is broken."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from device_grant.errors import UsageError
from device_grant.files import RESULTS, UnreadableFileError, first_alien, read_octets, reason_of, utf8_of, within
from device_grant.results.former import completed
from device_grant.results.merge import RequirementResult, merge
from device_grant.results.model import FORMAT, Case, Footer, Header, Line, Result

if TYPE_CHECKING:
    from pathlib import Path

FILE_NAME = "results.jsonl"
"""Name of the file in a report folder."""
_ONE_RUN = "runs cannot be appended to each other, give each its own file"


class NoResults(UsageError):  # noqa: N818 - errors of the reader are named after the broken invariant
    """The file does not exist or cannot be read."""


class NotJson(UsageError):  # noqa: N818 - as above
    """A line is not JSON."""


class WrongForm(UsageError):  # noqa: N818 - as above
    """A line is JSON, but not a line of this format."""


class MissingHeader(UsageError):  # noqa: N818 - as above
    """The first line is not a header."""


class DuplicateHeader(UsageError):  # noqa: N818 - as above
    """There is a second header."""


class LineAfterFooter(UsageError):  # noqa: N818 - as above
    """Something follows the footer."""


class NewerFormat(UsageError):  # noqa: N818 - as above
    """The file was written in a format that this version cannot read."""


@dataclass(frozen=True)
class Report:
    """One run, as its results.jsonl tells it."""

    header: Header
    cases: tuple[Case, ...] = ()
    results: tuple[Result, ...] = ()
    footer: Footer | None = None

    @property
    def interrupted(self) -> bool:
        """Whether the run did not come to its end: there is no footer."""
        return self.footer is None

    @property
    def lines(self) -> tuple[Line, ...]:
        """All lines in the order of the file."""
        return (self.header, *self.cases, *self.results, *(() if self.footer is None else (self.footer,)))

    def by_requirement(self) -> dict[str, RequirementResult]:
        """Map requirement ids, in the order of their first result, to the worst verdict over their checks."""
        return dict(self._merged)

    @cached_property
    def _merged(self) -> dict[str, RequirementResult]:
        return merge(self.results)


class _Numbered(NamedTuple):
    number: int
    raw: bytes
    complete: bool
    """Whether the writer came to the line's end."""


class _Head(msgspec.Struct):
    """As much of a header as must be read before the rest can be trusted to have a known form."""

    kind: str
    format: int


def read(path: Path) -> Report:
    """Read a results.jsonl, or the one in a report folder.

    A last line that is cut off is left out when there is no footer: that is how an interrupted run ends.
    Raises one of the UsageErrors above.
    """
    file = path / FILE_NAME if path.is_dir() else path
    lines = _lines(_content(file))
    if not lines:
        raise MissingHeader(f"{file}: empty; a {FILE_NAME} begins with a header line")
    header = _header(lines[0].raw, f"{file}:{lines[0].number}")
    cases: list[Case] = []
    results: list[Result] = []
    for index, (number, raw, complete) in enumerate(lines[1:], start=2):
        try:
            line = _line(raw, f"{file}:{number}")
        except NotJson:
            if complete:
                raise
            break
        match line:
            case Header():
                raise DuplicateHeader(f"{file}:{number}: a second header; {_ONE_RUN}")
            case Case():
                cases.append(line)
            case Result():
                results.append(line)
            case Footer():
                if index < len(lines):
                    raise LineAfterFooter(f"{file}:{lines[index].number}: a line follows the footer; {_ONE_RUN}")
                return Report(header=header, cases=tuple(cases), results=tuple(results), footer=line)
    return Report(header=header, cases=tuple(cases), results=tuple(results))


def _content(file: Path) -> bytes:
    try:
        octets = read_octets(file, RESULTS, f"give a {FILE_NAME} or the folder that --report made")
    except UnreadableFileError as error:
        raise NoResults(error) from error
    within(octets, file, RESULTS)
    # A run that is killed may leave half a character behind, in a line that is passed over.
    whole = octets.rfind(b"\n") + 1
    wrong = first_alien(octets[:whole])
    if wrong is not None and octets[:1] == b"{":
        line = octets.count(b"\n", 0, wrong) + 1
        raise NotJson(f"{file}:{line}: not UTF-8 (octet 0x{octets[wrong]:02x}): save it as UTF-8")
    return utf8_of(octets[:whole], file) + octets[whole:] if whole else utf8_of(octets, file)


def _lines(content: bytes) -> list[_Numbered]:
    """Split into lines; blank ones are passed over."""
    *complete, last = content.split(b"\n")
    numbered = [_Numbered(number, raw, complete=True) for number, raw in enumerate(complete, start=1)]
    numbered.append(_Numbered(len(complete) + 1, last, complete=False))
    return [line for line in numbered if line.raw.strip()]


def _header(raw: bytes, where: str) -> Header:
    try:
        head = msgspec.json.decode(raw, type=_Head)
    except msgspec.ValidationError:
        head = None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise NotJson(f"{where}: not JSON ({error}); is this a {FILE_NAME}?") from error
    if head is None or head.kind != "header":
        raise MissingHeader(f"{where}: not a header; a {FILE_NAME} begins with one, so its start has been lost")
    if head.format > FORMAT:
        raise NewerFormat(
            f"{where}: written in format {head.format}, this version reads up to {FORMAT}; "
            "update device-grant-conformance"
        )
    line = _line(raw, where)
    if not isinstance(line, Header):  # pragma: no cover - its kind has just been seen
        raise MissingHeader(f"{where}: not a header")
    return line


def _line(raw: bytes, where: str) -> Line:
    try:
        # A Union of tagged Structs is no `type[T]` to mypy, hence the annotation.
        line: Line = msgspec.json.decode(raw, type=Line)
    except msgspec.ValidationError as error:
        path, reason = reason_of(error)
        raise WrongForm(
            f"{where}: {path}{': ' if path else ''}{reason}; the form of a line is in device_grant/results/schema.json"
        ) from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise NotJson(f"{where}: not JSON ({error})") from error
    return completed(line)
