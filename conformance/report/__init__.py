"""Reports: terminal, HTML and Markdown, each a pure function of results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.errors import UsageError
from conformance.report import html, markdown

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.results import Report

__all__ = ["write_all"]


def write_all(report: Report, folder: Path) -> list[Path]:
    """Write index.html and summary.md into the folder of results.jsonl and return their paths.

    Raises UsageError if the folder cannot be written to.
    """
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in (("index.html", html.render(report)), ("summary.md", markdown.render(report))):
            path = folder / name
            path.write_text(text, encoding="utf-8")
            written.append(path)
    except OSError as error:
        raise UsageError(
            f"{folder}: cannot be written ({error.strerror}); choose another folder for --report"
        ) from error
    return written
