"""The part of `device-grant matrix` that learns servers and keeps their machines beside the published reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from device_grant.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from device_grant.cli.fleet import Job, JobOutcome
    from device_grant.learning.record import MachineRecord

_BUDGET = 240
"""Seconds that learning takes at most, without what starts the server."""


def learn_and_keep(jobs: Sequence[Job], work: Path, out: Path, workers: int, limit: int) -> ExitCode:
    """Learn each server in a process of its own, and write what everybody may know of it to `out/NAME/machine.json`.

    A machine that is unfinished, or is withheld, is not written, and one that was written before is removed. The
    exit code is 5 where a server gave none at all.
    """
    from device_grant.cli.fleet import Fleet

    code = ExitCode.CONFORMANT

    def done(outcome: JobOutcome) -> None:
        nonlocal code
        name, record = _column(outcome.job), _record(work / outcome.job.name)
        if record is None:
            code = ExitCode.NOTHING_RAN
            click.echo(f"{name}: nothing was learned ({outcome.words}; {outcome.log})")
        else:
            click.echo(f"{name}: {_kept(record, out / name, own=outcome.job.folder is None)}")

    for job in jobs:
        for old in (work / job.name).glob("machine-*.json"):
            old.unlink()
    Fleet(work, workers=workers, limit=limit, done=done).run(jobs)
    return code


def learning(jobs: Sequence[Job]) -> list[Job]:
    """What learns the servers that these jobs would run; raises UsageError for a client."""
    return list(_jobs(jobs))


def _jobs(jobs: Sequence[Job]) -> Iterator[Job]:
    from dataclasses import replace

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
                arguments: tuple[str, ...] = ("learn", target, "--dialect", dialect, "--inputs", BASIC, *rest)
                yield replace(job, name=f"machine-{EMBEDDED}-{dialect}", arguments=arguments, output="--out")
        else:
            arguments = ("learn", target, "--inputs", PUBLIC, *rest)
            yield replace(job, name=f"machine-{job.name}", arguments=arguments, output="--out")


def _column(job: Job) -> str:
    return job.name.removeprefix("machine-")


def _record(folder: Path) -> MachineRecord | None:
    from device_grant.learning.record import PATTERN, read

    return next((read(file) for file in sorted(folder.glob(PATTERN))), None)


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
