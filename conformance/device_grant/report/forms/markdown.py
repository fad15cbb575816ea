"""A short summary in Markdown, for the summary of a CI step or a comment: verdict, counts, failures, what is open.

Text from the target is put into code spans, which know no markup, no mentions and no links.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from device_grant.catalogue.model import Verdict
from device_grant.report.sparing import PARTLY, partly_judged
from device_grant.report.text import level_in_words, one_line, plural, web_link
from device_grant.report.view import WORST_FIRST, View, section_name

if TYPE_CHECKING:
    from device_grant.report.findings import Obstacle, Root
    from device_grant.report.view import Group
    from device_grant.results import Report, RequirementResult

_MOST = 50
"""Entries of one list; CI systems cut or refuse long summaries."""
_LONGEST = 300
_NAMED = 10
"""Requirements of one cause that are named."""


def render(report: Report) -> str:
    """Render the summary, ending with a newline."""
    view = View(report)
    header = report.header
    lines = [
        f"## {plain(f'{header.target} {header.target_version}'.strip())}, judged by {view.specification}",
        "",
        f"**{view.headline}**",
    ]
    lines += ["", *(f"- {plain(remark)}" for remark in view.remarks)] if view.remarks else []
    present = [verdict for verdict in WORST_FIRST if view.of(verdict)]
    if present:
        lines += [
            "",
            "| level | " + " | ".join(verdict.label for verdict in present) + " |",
            "|---|" + "--:|" * len(present),
            *(
                f"| {plain(level_in_words(level))} | " + " | ".join(str(row[verdict]) for verdict in present) + " |"
                for level, row in view.levels
            ),
        ]
    lines += _list("What is wrong on the main path", [_obstacle(one) for one in view.obstacles])
    lines += _list("Failures", [_root(one) for one in view.roots], len(view.failures))
    lines += _list("Warnings", [_failure(one) for one in view.warnings])
    lines += _list(
        "Expected by the baseline",
        [f"{code(one.requirement)} ({one.verdict}, {one.expected}): {plain(one.reason)}" for one in view.expected],
    )
    footer = report.footer
    if footer is not None:
        lines += _list("Stale baseline entries", [code(entry) for entry in footer.stale])
        lines += _list("Expired baseline entries", [code(entry) for entry in footer.expired])
    lines += _list("Could not be tested", [_group(group) for group in view.unjudged])
    lines += _list(PARTLY, [code(name) for name in partly_judged(view)])
    lines += _list("Checks in which the suite itself broke", [code(case.check) for case in view.suite_errors])
    return "\n".join(lines) + "\n"


def code(text: str) -> str:
    """Put text into a code span, fenced by more backticks than it holds in a row."""
    content = one_line(text, _LONGEST)
    longest = max((len(run) for run in re.findall(r"`+", content)), default=0)
    fence = "`" * (longest + 1)
    space = " " if content.startswith("`") or content.endswith("`") else ""
    return f"{fence}{space}{content}{space}{fence}" if content else ""


def plain(text: str) -> str:
    """Escape what Markdown, HTML and mentions would read as markup."""
    escaped = re.sub(r"([\\`*_{}\[\]()#|~!>])", r"\\\1", one_line(text, _LONGEST))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace("@", "&#64;").replace("://", ":&#47;/")


def _list(title: str, entries: list[str], number: int = 0) -> list[str]:
    """A list with the number of its entries, or of what is in them."""
    if not entries:
        return []
    shown = [f"- {entry}" for entry in entries[:_MOST]]
    more = [f"- and {len(entries) - _MOST} more, in the full report"] if len(entries) > _MOST else []
    return ["", f"### {title} ({number or len(entries)})", "", *shown, *more]


def _failure(requirement: RequirementResult) -> str:
    result = next(one for one in requirement.worst if not one.expected)
    place = plain(section_name(result.source, result.section))
    url = web_link(result.url)
    where = f"[{place}]({re.sub('[()<>]', '', url)})" if url else place
    lines = [f"{code(requirement.id)} {plain(level_in_words(result.level))}, {where}: {plain(result.statement)}"]
    if result.message:
        lines.append(f"  - {code(result.message)}")
    if result.got:
        accepted = " or ".join(code(answer) for answer in result.accepted)
        lines.append(f"  - came {code(result.got)}" + (f", accepted {accepted}" if accepted else ""))
    if result.reproduce and requirement.verdict is Verdict.FAIL:
        lines.append(f"  - {code(result.reproduce)}")
    return "\n".join(lines)


def _root(root: Root) -> str:
    if not root.others:
        return _failure(root.lead)
    named = ", ".join(code(one.id) for one in root.others[:_NAMED])
    more = len(root.others) - _NAMED
    return f"{_failure(root.lead)}\n  - of the same cause: {named}" + (f" and {more} more" if more > 0 else "")


def _obstacle(obstacle: Obstacle) -> str:
    finding = obstacle.finding
    lines = [f"**{plain(finding.title)}**"]
    if finding.got:
        lines.append(f"  - came {code(finding.got)}")
    if finding.curl:
        lines.append(f"  - {code(finding.curl)}")
    if finding.advice:
        lines.append(f"  - do: {code(finding.advice)}")
    if obstacle.blocked:
        lines.append(f"  - {plural(len(obstacle.blocked), 'requirement is', 'requirements are')} blocked by it")
    return "\n".join(lines)


def _group(group: Group) -> str:
    return f"{group.verdict.label}, {plural(len(group.requirements), 'requirement')}: {plain(group.reason)}"
