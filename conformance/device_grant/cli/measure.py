"""`device-grant measure`: interval, what slow_down adds and lifetimes, as a server enforces them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from device_grant.cli.targets import target_here, target_options
from device_grant.errors import ExitCode, UsageError
from device_grant.targets.supplied import Supplied

if TYPE_CHECKING:
    from device_grant.server.measuring.enforced import Enforced
    from device_grant.server.session.run import Run


@click.command()
@target_options
@click.option("--json", "as_data", is_flag=True, help="Print what was measured as JSON, times in seconds.")
def measure(target: str | None, *, as_data: bool, **options: Any) -> int:
    """Measure the times that TARGET enforces: interval, what slow_down adds, lifetimes; beside what it says.

    Each is found by bisection, to a second or less, on about a hundred grants: the server has to be your own, on a
    clock that can be moved, or with short lifetimes. What would wait too long is left out and named.

    Exit codes: 0 as it says; 1 something is enforced otherwise; 2 usage; 4 target unreachable; 5 nothing was measured.
    """
    from device_grant.catalogue import load
    from device_grant.engine.options import Options, open_own_target
    from device_grant.server.session.run import new_run
    from device_grant.targets.spec import SpecForm, parse_target
    from device_grant.targets.users import passwords_of

    spec = target_here(target)
    if parse_target(spec).form is SpecForm.CASSETTE:
        raise UsageError(f"{spec}: a recording answers what it was asked; name a live target")
    chosen = Options(
        target=spec,
        dialect=options["dialect"],
        user=options["user"],
        supplied=Supplied.taken_from(options),
        faults=options["fault"],
    )
    with open_own_target(chosen) as opened, opened.clock:
        run = new_run(opened, opened.config.dialect, load())
        for password in passwords_of(opened.user):
            run.secrets.register_given("password", password)
        try:
            result = _measured(run)
        finally:
            run.close()
    if as_data:
        _print_data(run, result)
    else:
        _print(run, result)
    if not any((result.interval, result.enforces_interval is False, result.code, result.approved_code)):
        return int(ExitCode.NOTHING_RAN)
    return int(ExitCode.FAILED if result.contradictions else ExitCode.CONFORMANT)


def _measured(run: Run) -> Enforced:
    from device_grant.judging import StopCheck
    from device_grant.server.measuring.case import case_of
    from device_grant.server.measuring.enforced import Measuring

    case = case_of(run)
    try:
        return Measuring(case, case.device).measure()
    except StopCheck as reason:
        raise UsageError(f"{run.name}: nothing can be measured: {reason} (`device-grant doctor` says more)") from None


def _print_data(run: Run, result: Enforced) -> None:
    from device_grant.server.measuring.enforced import plain

    about = {"target": run.name, "dialect": run.dialect.name, "clock": run.target.clock.title}
    click.echo(json.dumps(about | plain(result), indent=2, ensure_ascii=False))


def _print(run: Run, result: Enforced) -> None:
    from device_grant.report.console import Screen, heading, paragraph
    from device_grant.report.text import one_line

    screen = Screen()
    heading(f"{one_line(run.name)}: what it enforces", screen)
    said = "says none (5 s)" if result.said_interval is None else f"says {result.said_interval:g} s"
    if result.enforces_interval is False:
        paragraph(screen, f"interval              {said}, enforces none")
    elif result.interval is not None:
        paragraph(screen, f"interval              {said}, enforces {result.interval.words}")
    if result.slowed:
        added = " and ".join(f"{seconds:.0f} s" for seconds in result.penalties)
        added = added if max(result.penalties) >= 1 else "nothing"
        paragraph(screen, f"slow_down             adds {added}: then {', '.join(one.words for one in result.slowed)}")
    life = "says none" if result.said_life is None else f"says {result.said_life:g} s"
    if result.code is not None:
        paragraph(screen, f"life of a code        {life}, ends it after {result.code.words}")
    if result.approved_code is not None:
        paragraph(screen, f"life once approved    {life}, ends it after {result.approved_code.words}")
    for name, reason in result.left_out.items():
        paragraph(screen, f"not measured          {name}: {one_line(reason, 300)}", "dim")
    for one in result.contradictions:
        paragraph(screen, f"otherwise than said   {one.words} ({one.requirement})", "bold red")
