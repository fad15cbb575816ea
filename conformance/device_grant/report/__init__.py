"""Reports: terminal, HTML, Markdown, the matrix and the difference, each a pure function of results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.errors import UsageError
from device_grant.report import badge, html, junit, markdown, sarif

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from device_grant.results import Report

__all__ = ["FORMS", "write_all"]

FORMS: dict[str, Callable[[Report], str]] = {
    "index.html": html.render,
    "summary.md": markdown.render,
    "junit.xml": junit.render,
    "results.sarif": sarif.render,
    "badge.svg": badge.render,
    "badge.json": badge.endpoint,
}
"""Files of a report folder, beside results.jsonl, and what renders each."""


def write_all(report: Report, folder: Path) -> list[Path]:
    """Write every form into the folder of results.jsonl and return their paths.

    Raises UsageError if the folder cannot be written to.
    """
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, render in FORMS.items():
            path = folder / name
            path.write_text(render(report), encoding="utf-8")
            written.append(path)
    except OSError as error:
        raise UsageError(
            f"{folder}: cannot be written ({error.strerror}); choose another folder for --report"
        ) from error
    return written
