"""The report as one HTML file that needs no network: styles and script are inside, and it works without the script.

It is made from the results alone, but for what the catalogue excludes: that comes from the installed one, if the run
used the same.

Everything in a report may come from the target and is escaped; a content security policy allows this file's own script
and style alone, by their digests.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from device_grant.catalogue import Verdict, load
from device_grant.report import history, http
from device_grant.report.pages import timeline
from device_grant.report.pages.phishing import phished
from device_grant.report.sparing import partly_judged
from device_grant.report.text import level_in_words, minute, plural, web_link
from device_grant.report.view import MEANING, WORST_FIRST, View, excluded, section_name
from device_grant.targets.config import DEFAULT_BASE
from device_grant.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from device_grant.report.attachments import Attachments
    from device_grant.report.machines.apart import PlacedMachine
    from device_grant.results import Report
    from device_grant.results.model import Case, Result

SYMBOLS = {
    "fail": "✕",
    "warn": "!",
    "untestable": "⊘",
    "inconclusive": "?",
    "not-applicable": "–",  # noqa: RUF001 - a dash is meant, wide enough to be seen in a badge
    "observed": "○",
    "pass": "✓",
}
_LONGEST_TEXT = 6000
"""Characters of one value; the whole is in results.jsonl."""
_LONGEST_TRANSCRIPT = 40
"""Steps of one transcript; what a failure turns on is at its end."""
_LONGEST_STORY = 3
"""Steps of a transcript that stands open in its result; a longer one is opened by hand."""
_MOST_CAUSES = 8
"""Causes and reasons that are listed at once; a server that is broken throughout has dozens."""


@dataclass(frozen=True)
class Sibling:
    """Another version of what a report is on."""

    name: str
    """`keycloak-26.1`, as the folder of its report is called."""
    words: str
    """What changed between the two: `since 26.1: 4 better, 1 worse`."""


@dataclass(frozen=True)
class ReportPlace:
    """Where a published report stands among others."""

    matrix: str
    """File of the matrix, one folder above."""
    about: str = ""
    """What the target is and who uses it; empty where nobody said so."""
    siblings: tuple[Sibling, ...] = ()
    machine: PlacedMachine | None = None
    """Its learned machine; None: none is published."""
    attachments: Attachments | None = None
    """The times that it enforces, if they are published."""


def render(report: Report, place: ReportPlace | None = None, attachments: Attachments | None = None) -> str:
    """Render the whole report as HTML; `place` says where it stands, if it is published beside others.

    `attachments` is what else is known of the target: its learned machines, and the times that it enforces.
    """
    view = View(report)
    return page(
        "report.html.j2",
        styles=("report.css", "machine.css"),
        script="report.js",
        view=view,
        phished=phished(report.cases),
        place=place,
        attachments=place.attachments if place else attachments,
        excluded=excluded(view, load()),
        partly=partly_judged(view),
        cases={case.check: case.steps for case in report.cases},
        # One shows what there is to see of a failure; with all of them open nobody sees the whole.
        opened=view.roots[0].lead.id if view.roots else "",
        verdicts=WORST_FIRST,
        present=[verdict for verdict in WORST_FIRST if view.of(verdict)],
    )


def page(template: str, *, styles: Iterable[str], script: str = "", rules: str = "", **content: Any) -> str:
    """Render a template of this package with its styles and its script inside, and the policy that allows them.

    `rules` are further rules of style, which must hold nothing that comes from a target.
    """
    style, code = "\n".join([*map(_asset, styles), rules]), _asset(script) if script else ""
    policy = (
        f"default-src 'none'; style-src {_digest(style)}; script-src {_digest(code)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return (
        _environment()
        .get_template(template)
        .render(
            policy=policy,
            # These files are ours, and text of a style or script element is not escaped in HTML.
            style=Markup(style),  # noqa: S704 - files of this package
            script=Markup(code),  # noqa: S704 - a file of this package
            **content,
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("device_grant.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    environment.filters |= {
        "anchor": anchor,
        "bars": history.bars,
        "baseline_entry": baseline_entry,
        "by_reason": _by_reason,
        "by_subject": _by_subject,
        "caption": timeline.caption,
        "cut": _cut,
        "decisive": http.decisive,
        "heading": lambda name: name[:1].upper() + name[1:],
        "level_in_words": level_in_words,
        "minute": minute,
        "moment": http.moment,
        "request_text": http.request_text,
        "response_text": http.response_text,
        "serving": http.serving,
        "summary": http.summary,
        "timeline": timeline.timeline,
        "together": _together,
        "verdicts_of": lambda results: ", ".join(result.verdict for result in results),
        "web_link": web_link,
        "worst_first": _worst_first,
    }
    environment.globals |= {
        "fail": Verdict.FAIL,
        "history_width": history.WIDTH,
        "in_process": DEFAULT_BASE,
        "longest_story": _LONGEST_STORY,
        "longest_transcript": _LONGEST_TRANSCRIPT,
        "meaning": MEANING,
        "most_causes": _MOST_CAUSES,
        "not_applicable": Verdict.NOT_APPLICABLE,
        "plural": plural,
        "section_name": section_name,
        "served_at": http.SERVED_AT,
        "symbols": SYMBOLS,
        "timeline_width": timeline.WIDTH,
        "timeline_words": timeline.WORDS,
    }
    return environment


def anchor(name: str) -> str:
    """Make the id of an element from a requirement or check; ids of requirements stay as they are."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name)


def baseline_entry(result: Result) -> str:
    """Write the baseline entry that would expect this result; its reason is left to whoever accepts the deviation.

    Empty where there is nothing to accept, and for requirements on security, which are not accepted with a few words.
    """
    if result.verdict not in ("fail", "warn") or result.expected or result.security:
        return ""
    # A JSON string is a basic string of TOML, but for DEL, which is not allowed there.
    requirement, check = (
        json.dumps(name, ensure_ascii=False).replace("\x7f", "\\u007f") for name in (result.requirement, result.check)
    )
    return f'[[known]]\nrequirement = {requirement}\ncheck = {check}\nreason = ""'


def _finalize(value: object) -> object:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _cut(text: str, longest: int = _LONGEST_TEXT) -> str:
    if len(text) <= longest:
        return text
    return f"{text[:longest]}… [cut: {len(text)} characters, the rest is in results.jsonl]"


def _together(text: str) -> str:
    """The text with seconds that are not parted from their number at the end of a line."""
    return re.sub(r"(?<=\d) s\b", "\N{NO-BREAK SPACE}s", text)


def _by_subject(cases: Iterable[Case]) -> list[tuple[str, list[Case]]]:
    """Checks by the module of their subject, in the order in which they ran first."""
    result: dict[str, list[Case]] = {}
    for case in cases:
        result.setdefault(case.check.partition("::")[0], []).append(case)
    return list(result.items())


def _by_reason(results: Iterable[Result]) -> list[tuple[Result, list[str]]]:
    """One result of each baseline reason, with the requirements that it is the reason for."""
    result: dict[tuple[str, ...], tuple[Result, list[str]]] = {}
    for one in results:
        _, names = result.setdefault((one.verdict, one.expected, one.reason, one.issue), (one, []))
        if one.requirement not in names:
            names.append(one.requirement)
    return list(result.values())


def _worst_first(results: Iterable[Result]) -> list[Result]:
    return sorted(results, key=lambda result: WORST_FIRST.index(Verdict.from_label(result.verdict)))


@cache
def _asset(name: str) -> str:
    return files("device_grant.report").joinpath("templates", name).read_text(encoding="utf-8").strip()


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
