"""`device-grant report`: other forms of results that exist already."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("results", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a self-contained page.")
@click.option("--markdown", type=click.Path(dir_okay=False, path_type=Path), help="Write a short summary.")
def report(results: tuple[Path, ...], html: Path | None, markdown: Path | None) -> int:
    """Show RESULTS (results.jsonl files or their folders) on the terminal, or write them in other forms.

    The exit code is that of the run that wrote them.
    """
    from rich.console import Console

    from conformance.errors import UsageError
    from conformance.report import html as html_report
    from conformance.report import markdown as markdown_report
    from conformance.report import terminal
    from conformance.results import read
    from conformance.results.reader import FILE_NAME

    if (html or markdown) and len(results) > 1:
        raise UsageError("--html and --markdown take one results file at a time")
    worst = 0
    for given in results:
        found = read(given / FILE_NAME if given.is_dir() else given)
        for path, render in ((html, html_report.render), (markdown, markdown_report.render)):
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(render(found), encoding="utf-8")
        if not (html or markdown):
            terminal.render(found, Console(highlight=False))
        worst = max(worst, found.footer.exit_code if found.footer else 0)
    return worst
