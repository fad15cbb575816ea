"""Shards of one run become one report again: what several machines of a CI matrix found, as if one had run it all."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import msgspec

from device_grant.errors import UsageError
from device_grant.results.baseline import Baseline
from device_grant.results.locating import files_below
from device_grant.results.merge import worse_of
from device_grant.results.model import Case, Header, Result, Shard
from device_grant.results.publish import PSEUDONYM
from device_grant.results.reader import Report, read
from device_grant.results.settling import settle

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

Line = TypeVar("Line", Case, Result)

_SAME = {
    "suite_version": "version of the suite",
    "catalogue_revision": "catalogue",
    "target": "target",
    "target_version": "version of the target",
    "dialect": "dialect",
    "profile": "profile",
    "claims": "claims",
}
"""Members of the header that all shards must agree on, and what a person calls them."""
_SAME_OF_SHARDS = {
    "of": "number of shards",
    "selection": "selection of checks (--only, -k, recorded checks)",
    "known": "baseline",
}
_UNTOLD = frozenset({_SAME["catalogue_revision"], _SAME_OF_SHARDS["selection"]})
"""Digests, which tell a person nothing."""


@dataclass(frozen=True)
class Merged:
    """The report of all shards; one without footer if any of them is missing or was interrupted."""

    report: Report
    problems: list[str]
    """What is missing, a line each."""


def shards_of(places: Iterable[Path]) -> dict[str, dict[str, Report]]:
    """Read the shards below files and folders, by where they are.

    They are grouped by the folder that a run over two dialects made for each (`rfc8628`); else under `""`. Raises
    what `read` raises.
    """
    collected: dict[str, dict[str, Report]] = {}
    for place in places:
        for file in files_below(place).values():
            report = read(file)
            folder = file.parent if file != place else file
            inner = folder != place and folder.name == report.header.dialect
            collected.setdefault(folder.name if inner else "", {})[str(folder)] = report
    return collected


def merge_shards(shards: Mapping[str, Report]) -> Merged:
    """Merge shards, by their places; the worst verdict of an invariant counts, as in one run.

    Raises UsageError if one is no shard, was given twice, or belongs to another run.
    """
    numbered = _numbered(shards)
    parts = [report for _, report in numbered.values()]
    shifts = _shifts(parts)
    report = Report(
        header=_header([part.header for part in parts]),
        cases=tuple(_shifted(case, own) for part, own in zip(parts, shifts, strict=True) for case in part.cases),
        results=_results(
            [_shifted(result, own) for part, own in zip(parts, shifts, strict=True) for result in part.results]
        ),
    )
    problems = _missing(numbered)
    footers = [part.footer for part in parts if part.footer is not None]
    if problems:
        return Merged(report, problems)
    footer = settle(
        report,
        Baseline(known=tuple(_shard(parts[0]).known)),
        expired=list(dict.fromkeys(label for one in footers for label in one.expired)),
        finished=max(one.finished for one in footers),
        # They ran beside each other.
        duration=max(one.duration for one in footers),
        exchanges=sum(one.exchanges for one in footers),
        withheld=sum(one.withheld for one in footers),
    )
    return Merged(replace(report, footer=footer), [])


def _numbered(shards: Mapping[str, Report]) -> dict[int, tuple[str, Report]]:
    """By their numbers, in order, with their places."""
    collected: dict[int, tuple[str, Report]] = {}
    first = next(iter(shards))
    for place, report in shards.items():
        if report.header.shard is msgspec.UNSET:
            raise UsageError(f"{place}: not a shard: made by a run without --shard")
        if report.header.published:
            raise UsageError(f"{place}: made for publication: give what --report made")
        _require_same(place, report, first, shards[first])
        index = _shard(report).index
        if index in collected:
            raise UsageError(f"{place}: shard {_shard(report).label} was given already, by {collected[index][0]}")
        collected[index] = (place, report)
    return dict(sorted(collected.items()))


def _require_same(place: str, report: Report, other_place: str, other: Report) -> None:
    pairs = [(label, getattr(report.header, name), getattr(other.header, name)) for name, label in _SAME.items()]
    pairs += [
        (label, getattr(_shard(report), name), getattr(_shard(other), name)) for name, label in _SAME_OF_SHARDS.items()
    ]
    for label, own, others in pairs:
        if own != others:
            values = f": {own} and {others}" if isinstance(own, str | int) and label not in _UNTOLD else ""
            raise UsageError(f"{place} and {other_place} are not of one run, they differ in {label}{values}")


def _missing(numbered: Mapping[int, tuple[str, Report]]) -> list[str]:
    of = _shard(next(iter(numbered.values()))[1]).of
    absent = [f"{index}/{of}" for index in range(1, of + 1) if index not in numbered]
    problems = []
    if absent:
        verb = "is" if len(absent) == 1 else "are"
        problems.append(f"shard {', '.join(absent)} {verb} missing: nothing is known of what it judges")
    problems += [
        f"{place}: shard {_shard(report).label} was interrupted: run it again"
        for place, report in numbered.values()
        if report.interrupted
    ]
    return problems


def _shard(report: Report) -> Shard:
    shard = report.header.shard
    assert isinstance(shard, Shard)  # noqa: S101 - what is none has been refused
    return shard


def _header(headers: Sequence[Header]) -> Header:
    """That of the first shard, and what differs from machine to machine side by side."""
    first = headers[0]

    def all_of(read: Callable[[Header], str]) -> str:
        return ", ".join(dict.fromkeys(read(header) for header in headers))

    return msgspec.structs.replace(
        first,
        clock=all_of(lambda header: header.clock),
        python=all_of(lambda header: header.python),
        platform=all_of(lambda header: header.platform),
        # Each result that did not pass names the seed of its own shard.
        seed=first.seed if all(header.seed == first.seed for header in headers) else None,
        started=min(header.started for header in headers),
        command=_whole(first.command),
        shard=msgspec.UNSET,
    )


def _whole(command: str) -> str:
    """The command line without the shard."""
    try:
        words = iter(shlex.split(command))
    except ValueError:
        return command
    kept: list[str] = []
    for word in words:
        if word in ("--shard", "--grant-shard"):
            next(words, None)
        elif not word.startswith(("--shard=", "--grant-shard=")):
            kept.append(word)
    return shlex.join(kept)


def _results(lines: Iterable[Result]) -> tuple[Result, ...]:
    """One result for each requirement and check; what was only to spare goes where another check has judged."""
    collected: dict[tuple[str, str], Result] = {}
    for result in lines:
        key = (result.requirement, result.check)
        collected[key] = worse_of(collected[key], result) if key in collected else result
    judged = {result.requirement for result in collected.values() if result.spare is not True}
    return tuple(
        msgspec.structs.replace(result, spare=msgspec.UNSET)
        for result in collected.values()
        if result.spare is not True or result.requirement not in judged
    )


def _shifts(parts: Sequence[Report]) -> list[dict[str, int]]:
    """How far the pseudonyms of each shard are moved, by kind: each counted from 1, and equal means equal."""
    ends: dict[str, int] = {}
    shifts: list[dict[str, int]] = []
    for part in parts:
        shifts.append(dict(ends))
        highest: dict[str, int] = {}
        for line in (*part.cases, *part.results):
            for kind, number in PSEUDONYM.findall(msgspec.json.encode(line).decode()):
                highest[kind] = max(highest.get(kind, 0), int(number))
        for kind, number in highest.items():
            ends[kind] = ends.get(kind, 0) + number
    return shifts


def _shifted(line: Line, shift: Mapping[str, int]) -> Line:
    def moved(match: re.Match[str]) -> str:
        return f"<{match[1]} {int(match[2]) + shift.get(match[1], 0)}>"

    if not shift:
        return line
    return msgspec.json.decode(PSEUDONYM.sub(moved, msgspec.json.encode(line).decode()), type=type(line))
