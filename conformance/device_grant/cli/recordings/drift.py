"""`device-grant drift`: recorded requests, sent again to a live server."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from device_grant.catalogue.model import DIALECTS
from device_grant.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from device_grant.recordings.drift import Drift
    from device_grant.recordings.drift.stories import Recorded
    from device_grant.targets import Target


@click.command()
@click.argument("source", metavar="CASSETTES", type=click.Path(path_type=Path, exists=True))
@click.argument("target")
@click.option("--dialect", type=click.Choice(DIALECTS), help="Dialect of a capture that has both.")
@click.option("--only", metavar="CHECK-GLOB", multiple=True, help="Send only these checks (or flows); may be repeated.")
@click.option("--user", metavar="FILE|prompt", help="Who approves: a module with approve and deny, or yourself.")
@click.option("--fault", multiple=True, help="A misbehaviour of the embedded server, to see what it looks like.")
@click.option("--json", "as_data", is_flag=True, help="Print the differences as JSON.")
def drift(  # noqa: PLR0913 - click passes each option by its name
    source: Path,
    target: str,
    *,
    dialect: str | None,
    only: tuple[str, ...],
    user: str | None,
    fault: tuple[str, ...],
    as_data: bool,
) -> int:
    """Send what CASSETTES holds to the live TARGET, and show where its answers are not what they were.

    CASSETTES is a folder of device-grant record, or any file that device-grant judge reads; TARGET is as for run.
    Codes, tokens, identifiers and dates may differ; status, error code, members, their types and the headers that
    requirements name may not. Without --only the checks are sent that together show each kind of exchange once.

    Exit codes: 0 no drift; 1 drift; 2 usage; 4 target unreachable; 5 nothing could be sent.
    """
    from device_grant.recordings.drift import stories_of
    from device_grant.report import drift as forms
    from device_grant.report.terminal.console import Screen
    from device_grant.targets.addresses import redacted_url

    recorded = stories_of(source, dialect or "")
    opened = _open(recorded, target, user, fault)
    result = _compare(recorded, opened, only)
    named = redacted_url(opened.spec) if "://" in opened.spec else opened.spec
    if as_data:
        document = forms.as_json(result, source=str(source), target=named, dialect=recorded.dialect)
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        forms.render(result, Screen(), source=str(source), target=named)
    if result.differing:
        return int(ExitCode.FAILED)
    return int(ExitCode.CONFORMANT if result.exchanges else ExitCode.NOTHING_RAN)


def _open(recorded: Recorded, target: str, user: str | None, faults: tuple[str, ...]) -> Target:
    from device_grant.engine.options import Options, open_own_target
    from device_grant.targets.spec import SpecForm, parse_target

    spec = parse_target(target)
    if spec.form is SpecForm.CASSETTE:
        raise UsageError(f"{target}: a recording answers as it did; name a live target")
    open_to_any = spec.form in (SpecForm.LIVE, SpecForm.EMBEDDED) and not spec.dialect
    options = Options(target=target, dialect=recorded.dialect if open_to_any else None, user=user, faults=faults)
    opened = open_own_target(options)
    if opened.config.dialect != recorded.dialect:
        raise UsageError(f"{recorded.file} speaks {recorded.dialect}, {target} speaks {opened.config.dialect}")
    return opened


def _compare(recorded: Recorded, target: Target, only: tuple[str, ...]) -> Drift:
    from device_grant.catalogue import load
    from device_grant.recordings.drift import Replayer, choose
    from device_grant.server.session.run import new_run

    with target:
        # Not before: what a target launches has a clock of its own.
        real = target.clock.kind == "real"
        chosen = choose(recorded.stories, only, target.config.clock.longest_wait if real else math.inf)
        run = new_run(target, recorded.dialect, load())
        try:
            return Replayer(recorded, run).play(chosen)
        finally:
            run.close()
