"""A badge that says whether the target conforms: an SVG, and the JSON that badge services draw one from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from markupsafe import escape

from device_grant.catalogue.model import Verdict
from device_grant.report.view import View

if TYPE_CHECKING:
    from device_grant.results import Report

_COLORS = {True: "#1a7f37", False: "#c62828", None: "#5f6b7a"}
"""White text on each of them has a contrast of at least 5 to 1."""
_WIDTH = 6.6
"""Average width of a character in px at 11 px; `textLength` makes the text fit whatever the font is."""
_PADDING = 14


def message(report: Report) -> tuple[str, str]:
    """What the badge says, and its colour: `conformant`, `3 fail` or `no verdict`. Never a percentage."""
    view = View(report)
    failing = len(view.of(Verdict.FAIL))
    words = {True: "conformant", False: f"{failing} fail", None: "no verdict"}
    return words[view.conformant], _COLORS[view.conformant]


def endpoint(report: Report) -> str:
    """The JSON of a badge service's endpoint (schema version 1), ending with a newline."""
    text, color = message(report)
    members = {"schemaVersion": 1, "label": View(report).specification, "message": text, "color": color}
    return json.dumps(members, indent=1) + "\n"


def render(report: Report) -> str:
    """The badge as an SVG that needs no font and no network, ending with a newline."""
    label = View(report).specification
    text, color = message(report)
    left, right = _width(label), _width(text)
    title = escape(f"{label}: {text}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" aria-label="{title}">\n'
        f"<title>{title}</title>\n"
        f'<clipPath id="round"><rect width="{left + right}" height="20" rx="3"/></clipPath>\n'
        f'<g clip-path="url(#round)"><rect width="{left}" height="20" fill="#444c56"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{color}"/></g>\n'
        '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f"{_text(label, left / 2, left)}{_text(text, left + right / 2, right)}</g>\n"
        "</svg>\n"
    )


def _width(text: str) -> int:
    return round(len(text) * _WIDTH) + _PADDING


def _text(text: str, middle: float, width: int) -> str:
    return f'<text x="{middle:g}" y="14" textLength="{width - _PADDING}">{escape(text)}</text>'
