"""What a person is told and asked before a run of somebody else's server, and the plan of its requests."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec

from device_grant.errors import UsageError
from device_grant.targets.manners import BUDGET, MOST_MALFORMED, MOST_REGISTERED, RATE

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from device_grant.engine.options import Options
    from device_grant.engine.rehearsal import Plan

F = TypeVar("F", bound="Callable[..., Any]")
_SLOWEST = 0.1


def _number(_context: click.Context, _parameter: click.Parameter, value: float | None) -> float | None:
    if value is not None and math.isnan(value):
        raise click.BadParameter("nan is not a number")
    return value


def polite_options(command: F) -> F:
    """Add the options of a polite run."""
    given: tuple[tuple[str, dict[str, Any]], ...] = (
        ("--polite", {"is_flag": True, "help": "The server is somebody else's: few requests, none that do harm."}),
        ("--budget", {"type": click.IntRange(1, BUDGET), "metavar": "N", "help": f"Requests of it ({BUDGET})."}),
        (
            "--rate",
            {
                "type": click.FloatRange(_SLOWEST, RATE),
                "callback": _number,
                "metavar": "R",
                "help": f"Of them, a second ({RATE:g}).",
            },
        ),
        ("--plan", {"is_flag": True, "help": "Print the requests of a polite run, and send none."}),
        ("--yes", {"is_flag": True, "help": "Do not ask before a polite run."}),
    )
    for name, settings in reversed(given):
        command = click.option(name, **settings)(command)
    return command


def is_polite(options: Options) -> bool:
    """Whether the server is somebody else's: the command line says so, or target.toml, which must be readable."""
    from device_grant.targets.load import resolve
    from device_grant.targets.spec import SpecForm, parse_target

    if options.polite:
        return True
    described = parse_target(options.target).form is SpecForm.DESCRIBED
    return described and resolve(options.target, dialect=options.dialect).config.polite


def agreed(options: Options, given: dict[str, Any]) -> Options:
    """The options of a run that may begin: of a polite one it is said what it sends, and asked whether it may.

    `given` are the options of the command line. Raises UsageError where nobody says yes.
    """
    from device_grant.engine.agreement import require_agreement

    if not is_polite(options):
        for name in ("plan", "budget", "rate"):
            if given[name]:
                raise UsageError(f"--{name} is of a polite run: add --polite")
        return options
    agreeing = replace(options, agreed=True)
    require_agreement(agreeing, alone=not given["workers"])
    if given["plan"]:
        return agreeing
    announce(options)
    if given["yes"]:
        return agreeing
    if not sys.stdin.isatty():
        raise UsageError("a polite run is asked for before its first request, and this is no terminal: add --yes")
    if not click.confirm("Go on?", default=False, err=True):
        raise UsageError("nobody agreed: no request was sent")
    return agreeing


def announce(options: Options) -> None:
    """Say what is sent at most."""
    click.echo(
        f"Polite run of {shown(options.target)}: at most {options.budget} requests, at most {options.rate:g} a second "
        f"(all of them take {options.budget / options.rate:.0f} s), {MOST_REGISTERED} registrations and "
        f"{MOST_MALFORMED} malformed bodies. --plan prints them and sends none.",
        err=True,
    )


def shown(target: str) -> str:
    """The target without credentials."""
    from device_grant.targets.addresses import redacted_url

    return redacted_url(target) if "://" in target else target


def print_plan(options: Options, console: Console, *, as_json: bool) -> None:
    """Rehearse against the embedded server, and print what a polite run would send; raises UsageError."""
    from device_grant.engine.rehearsal import rehearsed

    plan = rehearsed(options)
    if as_json:
        document = msgspec.to_builtins(plan) | {"requests": plan.total}
        console.file.write(json.dumps(document) + "\n")
    else:
        _print(plan, console)


def _print(plan: Plan, console: Console) -> None:
    from device_grant.report.terminal.console import heading, paragraph
    from device_grant.report.text import one_line, plural

    heading(f"A polite run of {one_line(plan.target)} ({plan.dialect})", console)
    paragraph(
        console,
        "Rehearsed against the embedded server of this dialect, with clients and a user of the same kind. "
        "Nothing was sent to the target, whose answers may lead to other requests: the budget holds all the same.",
        "dim",
    )
    console.print()
    for check in plan.checks:
        kinds = ", ".join(f"{number} {kind}" for kind, number in check.requests.items())
        console.print(f"{check.total:>5}  {check.check}  [dim]({kinds})[/dim]", soft_wrap=True)
    registered = plural(plan.registered, "client stays behind", "clients stay behind")
    malformed = plural(plan.malformed, "malformed body", "malformed bodies")
    console.print()
    total = f"{plan.total} of at most {plan.budget} requests, at most {plan.rate:g} a second"
    paragraph(console, f"{total}: {plan.total / plan.rate:.0f} s and more. {registered}; {malformed}.", "bold")
    heading("Left out", console)
    for reason, names in sorted(plan.left_out.items(), key=lambda entry: -len(entry[1])):
        paragraph(console, f"{plural(len(names), 'check')} {reason}")
