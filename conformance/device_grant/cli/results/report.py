"""`device-grant report`: other forms of results that exist already."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from device_grant.errors import UsageError
from device_grant.report import REPORT_FORMS

if TYPE_CHECKING:
    from collections.abc import Callable

    from device_grant.results import Report

F = TypeVar("F", bound="Callable[..., Any]")


PRINTED = Path("-")
"""Instead of a file: standard output."""


def report_options(command: F) -> F:
    """One option for each form of report, which takes the file to write it to; `chosen_forms` reads them."""
    # Options are put before those that a command has already.
    for form in reversed(REPORT_FORMS.values()):
        path = click.Path(dir_okay=False, path_type=Path)
        printed: dict[str, Any] = {"is_flag": False, "flag_value": str(PRINTED)} if form.name == "json" else {}
        command = click.option(f"--{form.name}", type=path, metavar="FILE", help=form.summary, **printed)(command)
    return command


def chosen_forms(options: dict[str, Any], number: int) -> dict[str, Path]:
    """Take the files to write out of a command's options, by the name of their form.

    Raises UsageError where there are several reports for one file.
    """
    given = {name: options.pop(name.replace("-", "_"), None) for name in REPORT_FORMS}
    paths = {name: path for name, path in given.items() if path is not None}
    if any(path != PRINTED for path in paths.values()) and number > 1:
        names = ", ".join(f"--{name}" for name in REPORT_FORMS)
        raise UsageError(f"{names} take one results file at a time")
    return paths


def write_forms(result: Report, paths: dict[str, Path]) -> None:
    """Write the forms; raises UsageError naming the file that cannot be written."""
    for name, path in paths.items():
        if path == PRINTED:
            click.echo(REPORT_FORMS[name].render(result), nl=False)
            continue
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(REPORT_FORMS[name].render(result), encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{path}: cannot be written ({error.strerror}); choose another file") from error


@click.command()
@click.argument("results", type=click.Path(path_type=Path), nargs=-1, required=True)
@report_options
def report(results: tuple[Path, ...], **wanted: Path | None) -> int:
    """Show RESULTS (results.jsonl files or their folders) on the terminal, or write them in other forms.

    The exit code is that of the run that wrote them.
    """
    from device_grant.cli import complain
    from device_grant.report.terminal import verdicts
    from device_grant.report.terminal.console import Screen
    from device_grant.results import read
    from device_grant.results.reader import FILE_NAME

    paths = chosen_forms(wanted, len(results))
    worst = 0
    for given in results:
        try:
            result = read(given / FILE_NAME if given.is_dir() else given)
        except UsageError as error:
            # The others can be shown all the same.
            worst = max(worst, complain(str(error), error.exit_code))
            continue
        write_forms(result, paths)
        if not paths:
            verdicts.render(result, Screen())
        worst = max(worst, result.footer.exit_code if result.footer else 0)
    return worst
