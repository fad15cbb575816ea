"""`device-grant report`: other forms of results that exist already."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from device_grant.results import Report

F = TypeVar("F", bound="Callable[..., Any]")

_FORMS = {
    "html": "index.html",
    "markdown": "summary.md",
    "junit": "junit.xml",
    "sarif": "results.sarif",
    "badge": "badge.svg",
    "badge_json": "badge.json",
}
"""Options, and the form that each writes, by its name in a report folder."""


def _file(name: str, text: str) -> Callable[[F], F]:
    return click.option(name, type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help=text)


def forms(command: F) -> F:
    """The options of `write_forms`."""
    for option in (
        _file("--badge-json", "Write what a badge service draws one from."),
        _file("--badge", "Write a badge (SVG)."),
        _file("--sarif", "Write SARIF 2.1.0, for code scanning."),
        _file("--junit", "Write JUnit XML: a test case for each verdict."),
        _file("--markdown", "Write a short summary, for the summary of a CI step."),
        _file("--html", "Write a self-contained page."),
    ):
        command = option(command)
    return command


def chosen_forms(wanted: dict[str, Path | None], number: int) -> dict[str, Path]:
    """Files to write by the name of their form; raises UsageError where there are several reports for one file."""
    from device_grant.errors import UsageError

    paths = {_FORMS[name]: path for name, path in wanted.items() if path is not None}
    if paths and number > 1:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in _FORMS)
        raise UsageError(f"{names} take one results file at a time")
    return paths


def write_forms(found: Report, paths: dict[str, Path]) -> None:
    """Write the forms; raises UsageError naming the file that cannot be written."""
    from device_grant.errors import UsageError
    from device_grant.report import FORMS

    for name, path in paths.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(FORMS[name](found), encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{path}: cannot be written ({error.strerror}); choose another file") from error


@click.command()
@click.argument("results", type=click.Path(path_type=Path), nargs=-1, required=True)
@forms
def report(results: tuple[Path, ...], **wanted: Path | None) -> int:
    """Show RESULTS (results.jsonl files or their folders) on the terminal, or write them in other forms.

    The exit code is that of the run that wrote them.
    """
    from rich.console import Console

    from device_grant.report import terminal
    from device_grant.results import read
    from device_grant.results.reader import FILE_NAME

    paths = chosen_forms(wanted, len(results))
    worst = 0
    for given in results:
        found = read(given / FILE_NAME if given.is_dir() else given)
        write_forms(found, paths)
        if not paths:
            terminal.render(found, Console(highlight=False))
        worst = max(worst, found.footer.exit_code if found.footer else 0)
    return worst
