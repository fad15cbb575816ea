"""Keeps the sessions of a client that was run, once a replay of them has come to the same verdicts."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import click

from device_grant.errors import SuiteError, UsageError
from device_grant.recordings.formats.cassette import BASELINE, VERDICTS
from device_grant.recordings.formats.sessions import SESSIONS, text_of

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from device_grant.engine.session import CheckSession
    from device_grant.recordings.formats.sessions import ClientSessions
    from device_grant.recordings.record.finishing import Verdicts

UNSTEADY = "a replay of what the client did does not come to the same verdicts"
SIGNED = "its requests have DPoP proofs, which are signed for the address of this run"


def keep(session: CheckSession, console: Console, out: Path, *, silent: bool = False) -> None:
    """Write what the client did in this session; raises UsageError, and SuiteError where a secret would be written."""
    from device_grant.engine.client_subject import ClientSubject
    from device_grant.recordings.record import finishing as finish
    from device_grant.recordings.record.sessions import of_the_machine, own_secrets
    from device_grant.report.text import one_line

    assert isinstance(session.subject, ClientSubject)  # noqa: S101 - device-grant client has made it
    recorder, collector = session.subject.recorder, session.collector
    if recorder is None or collector is None or collector.footer is None or session.interrupted:
        raise click.Abort
    if out.exists() and any(out.iterdir()) and not (out / SESSIONS).is_file():
        raise UsageError(f"{out}: holds files, and no {SESSIONS}: choose an empty folder for --record")
    sessions = _sessions(session)
    baseline = session.options.expect or session.subject.locate()
    new = out.with_name(out.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    try:
        new.mkdir(parents=True)
        if baseline is not None:
            shutil.copyfile(baseline, new / BASELINE)
        judged = _settled(session, new, sessions)
        (new / VERDICTS).write_text(json.dumps(judged, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        finish.search(new, [*own_secrets(recorder), *of_the_machine()])
        if out.exists():
            shutil.rmtree(out)
        new.rename(out)
    except OSError as error:
        raise UsageError(f"{out}: cannot be written ({error.strerror}); choose another folder for --record") from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
    if silent:
        return
    size = sum(file.stat().st_size for file in out.iterdir()) / 1024
    console.print(f"Sessions: {out} ({len(sessions.scenarios)} scenarios, {size:.0f} kB)", soft_wrap=True)
    for name, reason in sessions.left_out.items():
        console.print("  " + one_line(f"left out: {name}: {reason}"), style="dim", soft_wrap=True, markup=False)


def _sessions(session: CheckSession) -> ClientSessions:
    """What was done, in the scenarios that nothing forbids to show."""
    from device_grant.catalogue import load
    from device_grant.engine.client_subject import ClientSubject
    from device_grant.judging import all_checks
    from device_grant.recordings.record.sessions import Scope, sessions_of

    assert isinstance(session.subject, ClientSubject)  # noqa: S101 - device-grant client has made it
    assert session.subject.recorder is not None  # noqa: S101 - asked for
    assert session.collector is not None  # noqa: S101 - as above
    catalogue, discreet = load(), session.baseline.withholds_security
    named = {check.name: check.requirements for check in all_checks()}
    broken = {case.check for case in session.collector.cases if case.outcome == "suite-error"}
    ran = {case.check for case in session.collector.cases} - broken
    if not ran:
        raise UsageError(f"{session.options.target}: no scenario ran, so that there is nothing to keep")
    # Whoever reads such a scenario sees what is withheld, and so does who finds it missing where others are there: all
    # of them are left out.
    hidden = {name for name in ran if discreet and any(catalogue.get(one).security for one in named[name])}
    signed = session.subject.recorder.signed & (ran - hidden)
    kept = frozenset(ran - hidden - signed)
    if signed and not kept:
        raise UsageError(f"{session.options.target}: nothing can be kept of what ran: {SIGNED}")
    sessions = sessions_of(session.subject.recorder, catalogue.revision, Scope(kept, discreet))
    sessions.left_out |= dict.fromkeys(sorted(signed), SIGNED)
    return sessions


def _settled(live: CheckSession, folder: Path, sessions: ClientSessions) -> Verdicts:
    """Write the sessions and judge them; scenarios that are judged otherwise than live are left out. Verdicts."""
    from device_grant.cli.recordings.record import verdicts

    assert live.collector is not None  # noqa: S101 - asked for in `keep`
    seen = verdicts(live.collector)
    for last in (False, True):
        (folder / SESSIONS).write_text(text_of(sessions), encoding="utf-8")
        judged, misfits = _judged(folder)
        kept = set(sessions.scenarios)
        wrong = set(misfits) | {name for name in kept if _unlike(seen.get(name, {}), judged.get(name, {}))}
        if not wrong:
            return judged
        if last or wrong - kept:
            raise SuiteError(
                f"{folder}: cannot be replayed, and was not kept: {next(iter(misfits.values()), min(wrong))}"
            )
        for name in wrong:
            sessions.left_out[name] = UNSTEADY
            del sessions.runs[name]
    raise AssertionError


def _unlike(live: dict[str, str], again: dict[str, str]) -> bool:
    return any(verdict != live.get(requirement) for requirement, verdict in again.items())


def _judged(folder: Path) -> tuple[Verdicts, dict[str, str]]:
    """Verdicts of a replay, without those that are withheld, and what did not fit."""
    from rich.console import Console

    from device_grant.catalogue import load
    from device_grant.cli.recordings.record import verdicts
    from device_grant.cli.recordings.replay import LEAN, session_of
    from device_grant.cli.run import execute

    session = session_of(folder, {"only": (), "expect": None})
    execute(session, Console(quiet=True), pytest_arguments=LEAN)
    if session.error is not None:
        raise session.error
    if session.collector is None or session.interrupted:
        raise click.Abort
    judged = verdicts(session.collector)
    if session.baseline.withholds_security:
        hidden = {entry.id for entry in load().requirements if entry.security}
        judged = {check: {k: v for k, v in own.items() if k not in hidden} for check, own in judged.items()}
    return judged, session.misfits
