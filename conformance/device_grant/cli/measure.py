"""`device-grant measure`: interval, what slow_down adds and lifetimes, as a server enforces them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from device_grant.cli.options.targets import target_here, target_options
from device_grant.errors import ExitCode, UsageError
from device_grant.targets.supplied import Supplied

if TYPE_CHECKING:
    from device_grant.report.attachments import MeasuredRecord, TimeRow
    from device_grant.server.measuring.enforced import Enforced
    from device_grant.server.session.run import Run


@click.command()
@target_options
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Folder of a report that is to show the times."
)
@click.option("--pace", is_flag=True, help="The interval and what slow_down adds alone, which takes less time.")
@click.option("--json", "as_data", is_flag=True, help="Print what was measured as JSON, times in seconds.")
def measure(target: str | None, *, out: Path | None, pace: bool, as_data: bool, **options: Any) -> int:
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
            result = _measured(run, lives=not pace)
            if out is not None:
                _write(run, result, out)
        finally:
            run.close()
    if as_data:
        _print_data(run, result)
    else:
        _print(run, result)
        if out is not None:
            from device_grant.report.attachments import MEASURED

            click.echo(f"\nWritten: {out / MEASURED}")
    if not any((result.interval, result.enforces_interval is False, result.code, result.approved_code)):
        return int(ExitCode.NOTHING_RAN)
    return int(ExitCode.FAILED if result.contradictions else ExitCode.CONFORMANT)


def _measured(run: Run, *, lives: bool) -> Enforced:
    from device_grant.judging import StopCheck
    from device_grant.server.measuring.case import case_of
    from device_grant.server.measuring.enforced import Measuring

    case = case_of(run)
    try:
        return Measuring(case, case.device).measure(lives=lives)
    except StopCheck as reason:
        raise UsageError(f"{run.name}: nothing can be measured: {reason} (`device-grant doctor` says more)") from None


def _print_data(run: Run, result: Enforced) -> None:
    from device_grant.server.measuring.enforced import plain

    about = {"target": run.name, "dialect": run.dialect.name, "clock": run.target.clock.title}
    click.echo(json.dumps(about | plain(result), indent=2, ensure_ascii=False))


def _rows(result: Enforced) -> list[TimeRow]:
    """Each time that was measured, in words."""
    from device_grant.report.attachments import APPROVED_LIFE, INTERVAL, LIFE, PENALTY, TimeRow

    rows = []
    said = "none (5 s)" if result.said_interval is None else f"{result.said_interval:g} s"
    if result.enforces_interval is False:
        rows.append(TimeRow(INTERVAL, said, "none"))
    elif result.interval is not None:
        rows.append(TimeRow(INTERVAL, said, result.interval.words))
    if result.slowed:
        added = " and ".join(f"{seconds:.0f} s" for seconds in result.penalties)
        added = added if max(result.penalties) >= 1 else "nothing"
        rows.append(TimeRow(PENALTY, "", f"adds {added}: then {', '.join(one.words for one in result.slowed)}"))
    life = "none" if result.said_life is None else f"{result.said_life:g} s"
    if result.code is not None:
        rows.append(TimeRow(LIFE, life, result.code.words))
    if result.approved_code is not None:
        rows.append(TimeRow(APPROVED_LIFE, life, result.approved_code.words))
    return rows


def _record(run: Run, result: Enforced) -> MeasuredRecord:
    from device_grant.report.attachments import ContradictionRow, MeasuredRecord
    from device_grant.server.measuring.enforced import plain

    return MeasuredRecord(
        target=run.name,
        dialect=run.dialect.name,
        clock=run.target.clock.title,
        times=_rows(result),
        contradictions=[ContradictionRow(one.requirement, one.words) for one in result.contradictions],
        left_out={name: run.secrets.redact(reason) for name, reason in result.left_out.items()},
        data=plain(result),
    )


def _write(run: Run, result: Enforced, out: Path) -> None:
    """The file of a folder, and its report anew; of software that withholds, how long codes live is not in it.

    Raises UsageError where it cannot be written.
    """
    import msgspec

    from device_grant.report import refresh_page
    from device_grant.report.attachments import MEASURED, withheld_times
    from device_grant.results.baseline import load

    record = _record(run, result)
    known, ids = run.target.baseline, [one.id for one in run.catalogue.requirements]
    if known is not None and load(known, ids).withholds_security:
        record = withheld_times(record)
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / MEASURED).write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n")
        refresh_page(out)
    except OSError as error:
        raise UsageError(f"{out}: cannot be written ({error.strerror}); choose another folder for --out") from error


def _print(run: Run, result: Enforced) -> None:
    from device_grant.report.attachments import APPROVED_LIFE, LIFE, PENALTY
    from device_grant.report.terminal.console import Screen, heading, paragraph
    from device_grant.report.text import one_line

    screen = Screen()
    heading(f"{one_line(run.name)}: what it enforces", screen)
    for row in _rows(result):
        verb = "ends it after" if row.name in {LIFE, APPROVED_LIFE} else "enforces"
        words = row.enforced if row.name == PENALTY else f"says {row.said}, {verb} {row.enforced}"
        paragraph(screen, f"{row.name:21} {words}")
    for name, reason in result.left_out.items():
        paragraph(screen, f"not measured          {name}: {one_line(reason, 300)}", "dim")
    for one in result.contradictions:
        paragraph(screen, f"otherwise than said   {one.words} ({one.requirement})", "bold red")
