"""`device-grant client`: the scenarios against a client, by pytest with our plugin, and a report for people."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from device_grant.catalogue.model import DIALECTS
from device_grant.cli.options.behind import WithBehind, behind
from device_grant.cli.run import FIRST, JSON, LAST_FAILED, QUIET, VERBOSE, WRITE_BASELINE

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

SPEAKS = (
    "Answer and judge it as a client of this provider, for example entra, google or github; rfc8628: by the letter."
)


@click.command(cls=WithBehind)
@click.argument("name", required=False)
@click.option("--dialect", metavar="D", help=f"{' or '.join(DIALECTS)}, where the client does not say.")
@click.option("--speaks", metavar="DIALECT", help=SPEAKS)
@click.option("--only", metavar="ID-OR-GLOB", multiple=True, help="Judge only these requirements; may be repeated.")
@click.option("--check", metavar="NAME-OR-GLOB", multiple=True, help="Run only these checks; may be repeated.")
@click.option("--report", type=click.Path(file_okay=False, path_type=Path), help="Folder for results and report.")
@click.option("--expect", type=click.Path(dir_okay=False, path_type=Path), help="Baseline of known deviations.")
@click.option("--write-baseline", type=click.Path(dir_okay=False, path_type=Path), help=WRITE_BASELINE)
@click.option("--claim", metavar="NAME", multiple=True, help="What a command behind -- can do, for example metadata.")
@click.option("-q", "--quiet", is_flag=True, help=QUIET)
@click.option("-v", "--verbose", is_flag=True, help=VERBOSE)
@click.option("--json", "as_json", is_flag=True, help=JSON)
@click.option("-x", "--exitfirst", is_flag=True, help=FIRST)
@click.option("--last-failed", "--lf", is_flag=True, help=LAST_FAILED)
@click.option(
    "--record", type=click.Path(file_okay=False, path_type=Path), help="Folder to keep what the client does in."
)
@click.option("--fault", multiple=True, help="A misbehaviour of the reference client, to see what it looks like.")
def client(name: str | None, report: Path | None, record: Path | None, **options: Any) -> int:
    r"""Run the scenarios against a client and say what conforms.

    NAME is honest (the reference client, both dialects), a client.toml or its
    folder, or the name of a client that comes with the suite.

    Or give a command, as in `device-grant client -- COMMAND…`: one that does one whole login by the DEVICE_GRANT_
    variables that docs/reference/client-toml.md names, and exits. What it can do beyond that, --claim says by the
    names of [claims] there: metadata, confidential, refresh, registration, keeps.

    With --record what the client sends, says and leaves is kept, for device-grant replay DIR to judge again.

    With NAME, arguments behind -- go to pytest, for example -- -k slow_down.
    """
    from device_grant.report.terminal.console import Screen
    from device_grant.targets.spec import COMMAND, SpecForm, parse_client

    words = behind()
    if name is None and not words:
        raise click.UsageError("name a client, or give a command behind --", click.get_current_context())
    console = Screen()
    if name is None:
        return _run_one(console, COMMAND + shlex.join(words), report, (), options, record=record)
    spec = parse_client(name)
    if spec.form is not SpecForm.EMBEDDED or spec.dialect or spec.operations or options["dialect"]:
        return _run_one(console, name, report, words, options, record=record)
    from device_grant.cli.run import all_of
    from device_grant.reference.misbehaviour import BOTH

    def job(dialect: str) -> Callable[[Console], int]:
        to, kept = (folder / dialect if folder else None for folder in (report, record))
        return lambda screen: _run_one(screen, f"{name}:{dialect}", to, words, options, record=kept)

    return all_of([job(dialect) for dialect in BOTH], console, as_json=options["as_json"])


def _run_one(  # noqa: PLR0913 - what the command line said, and where to write
    console: Console,
    spec: str,
    report: Path | None,
    pytest_arguments: tuple[str, ...],
    options: dict[str, Any],
    *,
    record: Path | None,
) -> int:
    from device_grant.cli.run import carried_out
    from device_grant.engine.options import Options
    from device_grant.engine.session import new_session

    session = new_session(
        Options.chosen(
            target=spec,
            party="client",
            dialect=options["dialect"],
            speaks=options["speaks"],
            only=options["only"],
            checks=options["check"],
            profile="fast",
            seed=None,
            report=report,
            expect=options["expect"],
            faults=options["fault"],
            claims=options["claim"],
            last_failed=options["last_failed"],
            recorded=record is not None,
            command=shlex.join(["device-grant", *sys.argv[1:]]),
        )
    )
    code = carried_out(session, console, options, pytest_arguments=pytest_arguments)
    if record is not None:
        from device_grant.cli.recordings.sessions import keep

        keep(session, console, record, silent=options["as_json"])
    return code
