"""Members of the matrix: what each needs before it can run, and what of an earlier run of it still holds."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from device_grant.errors import ExitCode, MissingToolError
from device_grant.files import (
    CONFIGURATION,
    STATE,
    UnreadableFileError,
    formed,
    json_of,
    read_octets,
    toml_of,
)
from device_grant.implementations import FILES, PACKAGE, described

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from device_grant.cli.matrix.fleet import Job, JobOutcome

_STARTED_BY = {"servers": "serve", "clients": "run"}
"""The table that says how a member is built and started."""
_NOT_CONTENT = frozenset({".git", ".venv", "__pycache__", "node_modules"})
_JUDGED = frozenset({ExitCode.CONFORMANT, ExitCode.FAILED})
"""Exit codes of runs that have come to their end: nothing would be learned by another one."""


@dataclass(frozen=True)
class MatrixMember:
    """A folder of real software that comes with the suite."""

    name: str
    folder: Path
    started: Mapping[str, Any]
    """How it is built and started: a table of its file."""

    @property
    def builds(self) -> bool:
        """Whether it has to be compiled first, which takes minutes and a toolchain."""
        return bool(self.started.get("build"))

    def missing(self, name: str) -> str:
        """What this machine has not and it cannot do without, and how to get that; empty if nothing is missing."""
        from device_grant.targets.building import require_tool

        npm = [["npm"]] if self.started.get("package") else []
        try:
            for command in (*self.started.get("build", ()), *npm, self.started.get("command", ())):
                require_tool(command, name)
        except MissingToolError as error:
            return str(error)
        return ""


def members(kind: str) -> dict[str, MatrixMember]:
    """All `servers` or `clients` that come with the suite, by name, in alphabetical order."""
    collected = {}
    for name, folder in described(kind).items():
        document = toml_of(folder / FILES[kind], CONFIGURATION)
        collected[name] = MatrixMember(name, folder, document.get(_STARTED_BY[kind], {}))
    return collected


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of a run that is over."""

    content: str
    """Digest of everything that its result depends on."""
    exit_code: int
    seconds: Annotated[float, msgspec.Meta(ge=0, le=1e9)]


class Remembered:
    """Runs that are over, each in a file beside its report."""

    def __init__(self, work: Path) -> None:
        self._work = work
        self._suite = ""
        self._contents: dict[str, str] = {}

    def note(self, outcome: JobOutcome) -> None:
        """Remember the end of a run that has come to one."""
        if outcome.exit_code not in _JUDGED:
            return
        record = Record(content=self._content(outcome.job), exit_code=outcome.exit_code, seconds=outcome.seconds)
        self._file(outcome.job).write_bytes(msgspec.json.encode(record))

    def of(self, job: Job) -> Record | None:
        """What is remembered of that run, if the suite and the member's folder are what they were."""
        try:
            record = formed(json_of(read_octets(file := self._file(job), STATE), file, STATE), Record, file)
        except UnreadableFileError:
            return None
        return record if record.content == self._content(job) and record.exit_code in _JUDGED else None

    def forget(self, job: Job) -> None:
        """What comes now counts, with everything as it is now."""
        self._content(job)
        self._file(job).unlink(missing_ok=True)

    def _file(self, job: Job) -> Path:
        return self._work / f"{job.name}.done.json"

    def _content(self, job: Job) -> str:
        from device_grant.targets.environments import digest_of

        self._suite = self._suite or digest_of(_files(PACKAGE))
        if job.name not in self._contents:
            files = list(_files(job.folder)) if job.folder else []
            self._contents[job.name] = digest_of(files, self._suite, *job.arguments, platform.python_version())
        return self._contents[job.name]


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(set(folders) - _NOT_CONTENT)
        yield from (Path(parent, name) for name in sorted(files) if not name.endswith(".pyc"))
