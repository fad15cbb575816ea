"""The folder of a cassette: a manifest, and a file for each subject of checks.

`shared.yaml` holds what all checks share, `polling.yaml` what the checks of polling had, and so on. Cassettes of format
1, which had a file for each check, are read too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from device_grant.errors import UsageError
from device_grant.files import CASSETTE, formed, is_file, read_octets, yaml_of
from device_grant.protocol import any_dialect
from device_grant.recordings.formats.taped import dump, refuse_newer, tapes_of, text_of
from device_grant.recordings.tape import SHARED, Tape
from device_grant.targets.config import TargetConfig  # noqa: TC001 - msgspec resolves annotations at run time

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

MANIFEST = "cassette.yaml"
BASELINE = "baseline.toml"
VERDICTS = "verdicts.json"
_SUFFIX = ".yaml"
_AGAIN = "record it again"
_FILE_A_CHECK = 1
"""The format that had a file for each check."""


CheckName = Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x20\x7f-\x9f/\\.][^\x00-\x1f\x7f-\x9f/\\]{0,199}(?![\s\S])")]
"""Also the name of a file, and of no other folder."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was recorded, with what; the first file that is read."""

    format: int
    suite_version: str
    catalogue_revision: str
    recorded: str
    """Date, UTC."""
    python: str
    target: TargetConfig
    """Of target.toml what concerns the requests: nothing of how the server is started."""
    base: str
    clock: Literal["travel", "faketime", "real"]
    in_process: bool
    user: bool
    """Whether somebody was at the verification page."""
    steps: list[str] | None = None
    """Steps at the pages that could be shown one by one; null: whole decisions only."""
    checks: list[CheckName]
    """Names of the checks; each is in the file of its subject."""


@dataclass(frozen=True)
class Cassette:
    """A cassette that was read."""

    manifest: Manifest
    tapes: Mapping[str, Tape]
    """By check; what all of them share is `SHARED`."""
    folder: Path

    @property
    def baseline(self) -> Path | None:
        """The recorded target's baseline, if it has one."""
        file = self.folder / BASELINE
        return file if is_file(file) else None


def file_name(check: str) -> str:
    """The file that a check is in: `polling.yaml` for `polling::test_pending`."""
    return check.partition("::")[0] + _SUFFIX


def write(folder: Path, manifest: Manifest, tapes: Iterable[Tape]) -> None:
    """Write a cassette; raises UsageError if the folder cannot be written or holds something else."""
    if folder.exists() and any(folder.iterdir()) and not (folder / MANIFEST).is_file():
        raise UsageError(f"{folder}: holds files, and no {MANIFEST}: choose an empty folder for --out")
    files: dict[str, list[Tape]] = {}
    for tape in tapes:
        files.setdefault(file_name(tape.name), []).append(tape)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(f"*{_SUFFIX}"):
            old.unlink()
        (folder / MANIFEST).write_text(dump(msgspec.to_builtins(manifest)), encoding="utf-8")
        for name, together in files.items():
            (folder / name).write_text(text_of(together), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written ({error.strerror}); choose another folder for --out") from error


def read(folder: Path) -> Cassette:
    """Read a cassette; raises UsageError in one line that names the file and what is wrong with it."""
    file = folder / MANIFEST
    if not is_file(file):
        raise UsageError(f"{folder}: no cassette of device-grant record: there is no {MANIFEST} in it")
    data = _loaded(file)
    refuse_newer(file, data)
    manifest = formed(data, Manifest, file, cure=_AGAIN, strict=False)
    try:
        any_dialect(manifest.target.dialect)
    except UsageError as error:
        raise UsageError(f"{file}: target.dialect: {error}: {_AGAIN}") from None
    files: dict[Path, dict[str, Tape]] = {}
    tapes: dict[str, Tape] = {}
    for name in (SHARED, *manifest.checks):
        path = folder / (name.replace("::", ".") + _SUFFIX if manifest.format == _FILE_A_CHECK else file_name(name))
        if path not in files:
            files[path] = tapes_of(path, _loaded(path))
        if name not in files[path]:
            raise UsageError(f"{path}: lacks {name}, which {MANIFEST} lists: it was edited; record it again")
        tapes[name] = files[path][name]
    return Cassette(manifest, tapes, folder)


def _loaded(file: Path) -> dict[str, Any]:
    data = yaml_of(read_octets(file, CASSETTE, _AGAIN), file, CASSETTE, f"it was cut off or edited; {_AGAIN}")
    if not isinstance(data, dict):
        raise UsageError(f"{file}: not a cassette: it was cut off or edited; {_AGAIN}")
    return data
