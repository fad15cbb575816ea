"""`device-grant doctor`: the main path alone, in seconds, and what to write into target.toml."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Any

import click

from device_grant.cli.options.polite import announce
from device_grant.cli.options.targets import target_here, target_options
from device_grant.errors import DeviceGrantError, ExitCode
from device_grant.targets.supplied import Supplied

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from device_grant.engine.options import Options
    from device_grant.judging.trial import Trial
    from device_grant.results.model import Finding


_SOMEBODY = """
     do:       [user]
               module = "user.py"      # approve(http, grant) and deny(http, grant)
               or --login NAME, an account that uses the pages as people do
               or --user prompt, to decide by hand in a run"""
"""What to write where nobody decides."""


@click.command()
@target_options
def doctor(target: str | None, **options: Any) -> int:
    """Walk the main path of TARGET: client, start, pending, approval, token, denial; say what is wrong and what to do.

    TARGET is as for `device-grant run`. Ends with 0 where the path leads to a token, with 1 where something on it is
    broken, and with 5 where it could not be walked to its end.
    """
    from device_grant.engine.options import Options
    from device_grant.report.terminal.console import Screen

    return examine(
        Options.chosen(
            target=target_here(target),
            dialect=options["dialect"],
            only=(),
            profile="fast",
            seed=None,
            user=options["user"],
            supplied=Supplied.taken_from(options),
            faults=options["fault"],
            command=shlex.join(["device-grant", *sys.argv[1:]]),
        ),
        Screen(),
    )


def examine(options: Options, console: Console) -> int:
    """Open the target, walk, print; returns the exit code. Raises DeviceGrantError where it cannot be opened."""
    from device_grant.catalogue import load
    from device_grant.engine.server_subject import ServerSubject
    from device_grant.protocol import Secrets

    subject = ServerSubject(options)
    subject.locate()
    if subject.polite:
        announce(options)
    secrets = Secrets()
    try:
        try:
            run = subject.open(load(), lambda _requirement, _check, _message: False, secrets)
        except DeviceGrantError as error:
            if error.exit_code is not ExitCode.USAGE or not subject.entered:
                raise
            return _without_endpoints(error, subject.probe(), console)
        run.decides_before = True
        check = subject.preflight()
        if check is None:
            console.print("This target has given answers only: there is no main path to walk.")
            return int(ExitCode.NOTHING_RAN)
        subject.expect([check])
        trial = run.trial(check)
        run.carry_out(trial)
        return _said(trial, subject.learn(trial), secrets, console)
    finally:
        subject.close()


def _without_endpoints(error: DeviceGrantError, advice: str, console: Console) -> int:
    from device_grant.report.terminal.console import paragraph

    paragraph(console, f"wrong    the endpoints: {error}", "bold red")
    if advice:
        console.print("\nThese places answer like endpoints. Write into target.toml:\n")
        console.print(advice, markup=False)
    return int(error.exit_code)


def _said(trial: Trial, findings: Sequence[Finding], secrets: Any, console: Console) -> int:
    from device_grant.catalogue import Verdict
    from device_grant.judging import UserModuleBroke
    from device_grant.report.terminal.console import heading, paragraph
    from device_grant.report.terminal.verdicts import finding_lines
    from device_grant.report.text import one_line
    from device_grant.results.writer import redacted
    from device_grant.server.session.case import ServerCase

    assert isinstance(trial, ServerCase)  # noqa: S101 - what a server's run has made
    heading(f"The main path of {trial.run.name}", console)
    style = {"well": "green", "wrong": "bold red", "untried": "yellow"}
    for stage in trial.preflight.stages:
        remark = f": {one_line(secrets.redact(stage.remark), 300)}" if stage.remark else ""
        paragraph(console, f"{stage.went:<8} {stage.name}{remark}", style[stage.went])
    console.print()
    for finding in findings:
        finding_lines(redacted(finding, secrets), console)
    worst = max((tally.verdict for tally in trial.ledger.tallies.values()), default=Verdict.UNTESTABLE)
    if findings:
        blocking = any(finding.blocks for finding in findings)
        return int(ExitCode.FAILED if worst is Verdict.FAIL or not blocking else ExitCode.NOTHING_RAN)
    if isinstance(trial.stop, UserModuleBroke):
        paragraph(console, f"Not walked to its end: the user module broke: {trial.stop}", "bold red")
        return int(ExitCode.USAGE)
    if trial.stop is not None:
        paragraph(console, f"Not walked to its end: {trial.stop}", "yellow")
        if trial.run.target.user is None:
            # Nothing is wrong with the server: somebody has to decide.
            console.print(_SOMEBODY, markup=False)
        return int(ExitCode.NOTHING_RAN)
    steps = len(trial.preflight.stages)
    paragraph(console, f"All {steps} steps went well. `device-grant run` tests the rest.", "bold green")
    return int(ExitCode.CONFORMANT)
