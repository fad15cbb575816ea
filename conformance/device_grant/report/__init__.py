"""Reports: terminal, HTML, Markdown, the matrix and the difference, each a pure function of results.

`REPORT_FORMS` is the one list of what a single run can be written as: a report folder and the options of
`device-grant report` and `device-grant judge` are made from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_grant.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from device_grant.results import Report

    Render = Callable[[Report], str]

__all__ = ["REPORT_FORMS", "ReportForm", "refresh_page", "report_form", "write_all"]


@dataclass(frozen=True)
class ReportForm:
    """One form of the results of a run."""

    name: str
    """What it is called; the option of the commands that write it is `--name`."""
    file: str
    """Its file in a report folder; empty: only written on request."""
    summary: str
    """One sentence for the help of the option."""
    render: Render
    """The whole text of the file, of the results alone; the same results give the same text."""


REPORT_FORMS: dict[str, ReportForm] = {}
"""Every form by its name, in the order in which the commands list them."""


def report_form(name: str, file: str, summary: str) -> Callable[[Render], Render]:
    """Register a function of the results as a form of report.

    Raises UsageError if there is one of that name, or one that writes the same file.
    """

    def register(render: Render) -> Render:
        for known in REPORT_FORMS.values():
            if known.name == name or (file and known.file == file):
                raise UsageError(f"report form {name!r}, file {file!r}: {known.name!r} writes {known.file!r} already")
        REPORT_FORMS[name] = ReportForm(name, file, summary, render)
        return render

    return register


# Each imports what it is made with when it is asked for: commands that write nothing start without it.


@report_form("html", "index.html", "Write a self-contained page.")
def _html(report: Report) -> str:
    from device_grant.report.pages import html

    return html.render(report)


@report_form("markdown", "summary.md", "Write a short summary, for the summary of a CI step.")
def _markdown(report: Report) -> str:
    from device_grant.report.forms import markdown

    return markdown.render(report)


@report_form("junit", "junit.xml", "Write JUnit XML: a test case for each verdict.")
def _junit(report: Report) -> str:
    from device_grant.report.forms import junit

    return junit.render(report)


@report_form("sarif", "results.sarif", "Write SARIF 2.1.0, for code scanning.")
def _sarif(report: Report) -> str:
    from device_grant.report.forms import sarif

    return sarif.render(report)


@report_form("badge", "badge.svg", "Write a badge (SVG).")
def _badge(report: Report) -> str:
    from device_grant.report.forms import badge

    return badge.render(report)


@report_form("badge-json", "badge.json", "Write what a badge service draws one from.")
def _badge_json(report: Report) -> str:
    from device_grant.report.forms import badge

    return badge.endpoint(report)


@report_form(
    "json",
    "",
    "Write the verdict, the causes and the counts as one line of JSON; without FILE, print that and nothing else.",
)
def _json(report: Report) -> str:
    from device_grant.report.forms import summary

    return summary.render(report)


@report_form("text", "", "Write what the terminal shows, without colours.")
def _text(report: Report) -> str:
    import io

    from rich.console import Console

    from device_grant.report.terminal import verdicts

    written = io.StringIO()
    verdicts.render(report, Console(file=written, width=100, highlight=False, color_system=None))
    return written.getvalue()


def _page_of(report: Report, folder: Path) -> str:
    """The page of a report, with what else stands in its folder."""
    from device_grant.report.attachments import attachments
    from device_grant.report.pages import html

    return html.render(report, attachments=attachments(folder, report))


def refresh_page(folder: Path) -> bool:
    """Make the page of a report anew, with what stands in its folder now; returns whether there is a report.

    Raises UsageError for results that cannot be read.
    """
    from device_grant.results import read
    from device_grant.results.reader import FILE_NAME

    if not (folder / FILE_NAME).is_file():
        return False
    page = REPORT_FORMS["html"].file
    (folder / page).write_text(_page_of(read(folder / FILE_NAME), folder), encoding="utf-8")
    return True


def write_all(report: Report, folder: Path) -> list[Path]:
    """Write every form that has a file into the folder of results.jsonl and return their paths.

    Raises UsageError if the folder cannot be written to.
    """
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for form in REPORT_FORMS.values():
            if form.file:
                path = folder / form.file
                text = _page_of(report, folder) if form.name == "html" else form.render(report)
                path.write_text(text, encoding="utf-8")
                written.append(path)
    except OSError as error:
        raise UsageError(
            f"{folder}: cannot be written ({error.strerror}); choose another folder for --report"
        ) from error
    return written
