"""The part of `device-grant matrix` that learns servers and keeps machines and times beside the published reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from device_grant.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from device_grant.cli.matrix.fleet import Job, JobOutcome
    from device_grant.learning.record import MachineRecord

_BUDGET = 600
"""Seconds that learning takes at most, without what starts the server: those on a real clock wait most of the time."""
_STARTING = 300
"""Seconds for the rest."""
MEASURE = "measure"


def learn_and_keep(jobs: Sequence[Job], work: Path, out: Path, workers: int, limit: int) -> ExitCode:
    """Learn each server in a process of its own, and write what everybody may know of it to `out/NAME/machine.json`.

    A machine that is unfinished, or is withheld, is not written, and one that was written before is removed. The
    exit code is 5 where a server gave none at all. Likewise `out/NAME/measured.json` has the times that it enforces.
    """
    from device_grant.cli.matrix.fleet import Fleet
    from device_grant.report.attachments import MEASURED

    code = ExitCode.CONFORMANT

    def done(outcome: JobOutcome) -> None:
        nonlocal code
        name = _column(outcome.job)
        if outcome.job.arguments[0] == MEASURE:
            click.echo(f"{name}: {_times_kept(work / outcome.job.name, out / name, own=outcome.job.folder is None)}")
            return
        record = _record(work / outcome.job.name)
        if record is None:
            code = ExitCode.NOTHING_RAN
            click.echo(f"{name}: nothing was learned ({outcome.words}; {outcome.log})")
        else:
            click.echo(f"{name}: {_kept(record, out / name, own=outcome.job.folder is None)}")

    for job in jobs:
        for old in (*(work / job.name).glob("machine-*.json"), work / job.name / MEASURED):
            old.unlink(missing_ok=True)
    Fleet(work, workers=workers, limit=max(limit, _BUDGET + _STARTING), done=done).run(jobs)
    return code


def learning(jobs: Sequence[Job]) -> list[Job]:
    """What learns and measures the servers that these jobs would run; raises UsageError for a client."""
    return list(_jobs(jobs))


def _jobs(jobs: Sequence[Job]) -> Iterator[Job]:
    from device_grant.learning.inputs import BASIC, PUBLIC
    from device_grant.protocol import AWS_SSO_OIDC, RFC8628
    from device_grant.targets.spec import EMBEDDED

    for job in jobs:
        command, target = job.arguments
        if command != "run":
            raise UsageError(f"--learn {job.name}: only servers have a machine; name servers, or embedded")
        rest = ("--budget", str(_BUDGET))
        if target == EMBEDDED:
            for dialect in (RFC8628, AWS_SSO_OIDC):
                named = (target, "--dialect", dialect)
                yield from _pair(job, f"{EMBEDDED}-{dialect}", ("learn", *named, "--inputs", BASIC, *rest), named)
        else:
            yield from _pair(job, job.name, ("learn", target, "--inputs", PUBLIC, *rest), (target, "--pace"))


def _pair(job: Job, name: str, learned: tuple[str, ...], measured: tuple[str, ...]) -> Iterator[Job]:
    """What learns a server, and what measures its times."""
    from dataclasses import replace

    yield replace(job, name=f"machine-{name}", arguments=learned, output="--out")
    yield replace(job, name=f"times-{name}", arguments=(MEASURE, *measured), output="--out")


def _column(job: Job) -> str:
    return job.name.removeprefix("machine-").removeprefix("times-")


def _record(folder: Path) -> MachineRecord | None:
    from device_grant.learning.record import PATTERN, read

    return next((read(file) for file in sorted(folder.glob(PATTERN))), None)


def _times_kept(work: Path, folder: Path, *, own: bool) -> str:
    """Write the times that were measured, or see that there are none; returns what became of them."""
    import msgspec

    from device_grant.report.attachments import MEASURED, publishable_times, published_times, read_measured

    file, measured = folder / MEASURED, work / MEASURED
    try:
        record = read_measured(measured) if measured.is_file() else None
        if record is None or not (own or publishable_times(record)):
            file.unlink(missing_ok=True)
            return "no times are published"
        record = published_times(record)
        folder.mkdir(parents=True, exist_ok=True)
        file.write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n")
    except OSError as error:
        raise UsageError(f"{file}: cannot be written ({error.strerror}); choose another folder for --out") from error
    return f"{', '.join(row.name for row in record.times)}, {file}"


def _kept(record: MachineRecord, folder: Path, *, own: bool) -> str:
    """Write it, or see that there is none; returns what became of it."""
    from device_grant.learning.record import PUBLISHED, encoded, published, withheld
    from device_grant.report.text import plural

    kept = published(record) if own else withheld(record)
    file = folder / PUBLISHED
    try:
        if kept.withheld or not kept.complete:
            file.unlink(missing_ok=True)
            return "no machine is published"
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(encoded(kept), "utf-8")
    except OSError as error:
        raise UsageError(f"{file}: cannot be written ({error.strerror}); choose another folder for --out") from error
    return f"{plural(len(kept.states), 'state')}, {file}"
