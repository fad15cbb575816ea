"""Entries of a baseline for what a run found: a beginning that a person has to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.catalogue.model import Verdict
from device_grant.errors import UsageError
from device_grant.files import CONFIGURATION, read_octets, utf8_of
from device_grant.results.baseline import UNREAD

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from device_grant.results.model import Result

_HEAD = f"""\
# Deviations that are known. Those of kind {UNREAD!r} were written down by a run, and nobody has read them: look at each
# (`device-grant explain ID`), repair it, or give it a reason and take the kind away.
"""


def unexpected(results: Iterable[Result]) -> list[tuple[str, str]]:
    """Requirement and check of each failure that no entry expects, in alphabetical order."""
    failed = Verdict.FAIL.label
    return sorted({(one.requirement, one.check) for one in results if one.verdict == failed and not one.expected})


def write_entries(file: Path, pairs: list[tuple[str, str]]) -> None:
    """Add an entry for each pair to a baseline.toml, which is made where it is missing; what it holds stays.

    The pairs are requirement and check; both are names of the suite's own, which need no escapes. Raises UsageError
    where the file cannot be written.
    """
    try:
        held = utf8_of(read_octets(file, CONFIGURATION), file).decode() if file.exists() else ""
        before = held.rstrip() + "\n" if held.strip() else _HEAD
        entries = (
            f'\n[[known]]\nrequirement = "{requirement}"\ncheck = "{check}"\nkind = "{UNREAD}"\nreason = ""\n'
            for requirement, check in pairs
        )
        file.write_text(before + "".join(entries), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{file}: cannot be written ({error.strerror})") from error
