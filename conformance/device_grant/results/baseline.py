"""baseline.toml: the deviations that a target is known to have, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from device_grant.catalogue.model import Verdict
from device_grant.errors import UsageError, nearest
from device_grant.files import CONFIGURATION, formed, toml_of
from device_grant.results.merge import JUDGED
from device_grant.results.model import Known

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import date
    from pathlib import Path

    from device_grant.results.model import Result

_EXPECTABLE = frozenset({Verdict.WARN.label, Verdict.FAIL.label})
_WITHHOLDABLE = ("security",)
UNREAD = "unread"
"""The kind of an entry that a run has written, which may do without a reason."""
_KINDS = ("deviation", "flaky", "disputed", UNREAD)

Reached = tuple[str, str]
"""Requirement and check; check is empty where every check of the requirement was judged."""


class BaselineFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The form of a baseline.toml, which `load` reads with better words for what is wrong."""

    known: tuple[Known, ...] = ()
    """Deviations that are known, a table [[known]] each."""
    withheld: tuple[Literal["security"], ...] = ()
    """Tags of requirements whose results are left out of files."""


@dataclass(frozen=True)
class Baseline:
    """The whole file; the empty baseline expects nothing."""

    known: tuple[Known, ...] = ()
    withheld: tuple[str, ...] = ()
    """Tags of requirements whose results are left out of files; `security` is the only one."""

    def expects(self, requirement: str, check: str, message: str, today: date) -> Known | None:
        """Find the most specific entry that expects this deviation and has not expired."""
        fitting = [
            entry for entry in self.known if entry.matches(requirement, check, message) and not _expired(entry, today)
        ]
        return max(fitting, key=lambda entry: (bool(entry.check), len(entry.match)), default=None)

    def mark(self, result: Result, today: date) -> Result:
        """Give a failure or a warning the kind, reason and issue of the entry that expects it."""
        if result.verdict not in _EXPECTABLE:
            return result
        entry = self.expects(result.requirement, result.check, result.message, today)
        if entry is None:
            return result
        return msgspec.structs.replace(result, expected=entry.kind, reason=entry.reason, issue=entry.issue)

    def stale(self, observed: Iterable[tuple[str, str, str]], reached: Collection[Reached]) -> list[Known]:
        """List the entries that no longer happen.

        `observed` are the requirement, check and message of each failure and warning, `reached` what this run came
        to judge; `evidence` makes both. Entries that were not reached may still be true, and flaky ones come and go:
        neither is stale.
        """
        seen = list(observed)
        return [
            entry
            for entry in self.known
            if entry.kind != "flaky"
            and (entry.requirement, entry.check) in reached
            and not any(entry.matches(*one) for one in seen)
        ]

    def expired(self, today: date) -> list[Known]:
        """List the entries whose last day has passed."""
        return [entry for entry in self.known if _expired(entry, today)]

    @property
    def withholds_security(self) -> bool:
        """Whether `withhold_security` must be applied to what is written."""
        return "security" in self.withheld


def evidence(results: Iterable[Result]) -> tuple[list[tuple[str, str, str]], set[Reached]]:
    """Collect what a run says about a baseline: arguments for `Baseline.stale`.

    A check counts as reached only if all that it said on the requirement is a judgement; a requirement as a whole only
    if all its checks were, since the deviation may be what the unjudged one would have shown.
    """
    observed: list[tuple[str, str, str]] = []
    judged: dict[Reached, bool] = {}
    for result in results:
        if result.verdict in _EXPECTABLE:
            observed.append((result.requirement, result.check, result.message))
        settled = Verdict.from_label(result.verdict) in JUDGED
        for pair in ((result.requirement, result.check), (result.requirement, "")):
            judged[pair] = judged.get(pair, True) and settled
    return observed, {pair for pair, settled in judged.items() if settled}


def load(path: Path, catalogue_ids: Collection[str], *, security_ids: Collection[str] = ()) -> Baseline:
    """Read a baseline.toml.

    `security_ids` are the requirements that a file with `withheld = ["security"]` must not list. Raises UsageError,
    naming file and entry, for anything that is not of the form above or names an unknown requirement.
    """
    document = toml_of(path, CONFIGURATION, dates=("expires",))
    _reject_unknown(document, ("known", "withheld"), str(path))
    entries = document.get("known", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UsageError(f"{path}: `known` must be a list of tables: write each entry under [[known]]")
    withheld = _withheld(document.get("withheld", []), path)
    known: list[Known] = []
    identities: dict[tuple[str, str, str], int] = {}
    for number, entry in enumerate(entries, start=1):
        where = f"{path}: entry {number}"
        one = _entry(entry, where, catalogue_ids)
        if "security" in withheld and one.requirement in security_ids:
            raise UsageError(
                f"{where}: {one.requirement} is tagged security and security is withheld; "
                "remove the entry, or stop withholding once the project has been told"
            )
        identity = (one.requirement, one.check, one.match)
        if identity in identities:
            raise UsageError(f"{where}: says the same as entry {identities[identity]} ({one.label}); remove one")
        identities[identity] = number
        known.append(one)
    return Baseline(known=tuple(known), withheld=withheld)


def _entry(entry: dict[str, Any], where: str, catalogue_ids: Collection[str]) -> Known:
    _reject_unknown(entry, Known.__struct_fields__, where)
    requirement = entry.get("requirement")
    if not isinstance(requirement, str) or not requirement:
        raise UsageError(
            f"{where}: `requirement` is missing: give the id of one, as `device-grant list --ids` shows them"
        )
    where = f"{where} ({requirement})"
    if requirement not in catalogue_ids:
        raise UsageError(f"{where}: unknown requirement{_close(requirement, catalogue_ids)}")
    reason = entry.get("reason")
    kind = entry.get("kind", "deviation")
    if kind == UNREAD:
        entry = {"reason": "", **entry}
    elif not isinstance(reason, str) or not reason.strip():
        raise UsageError(f"{where}: `reason` is missing: say in a sentence why the deviation is accepted")
    if kind not in _KINDS:
        raise UsageError(f"{where}: unknown kind {kind!r}: choose one of {', '.join(_KINDS)}")
    return formed(entry, Known, where)


def _withheld(value: object, path: Path) -> tuple[str, ...]:
    if not isinstance(value, list) or any(tag not in _WITHHOLDABLE for tag in value):
        raise UsageError(f'{path}: `withheld` must be ["security"] or absent')
    return tuple(value)


def _reject_unknown(table: dict[str, Any], names: Collection[str], where: str) -> None:
    for key in table:
        if key not in names:
            raise UsageError(f"{where}: unknown key {key[:100]!r}{_close(key, names)}; keys are {', '.join(names)}")


def _close(word: str, known: Collection[str]) -> str:
    close = nearest(word, known, most=3)
    return f": did you mean {' or '.join(close)}?" if close else ""


def _expired(entry: Known, today: date) -> bool:
    return entry.expires is not None and entry.expires < today
