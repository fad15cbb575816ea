"""The report on a terminal: the verdict, each failure in full, then warnings and what could not be tested.

Nothing from a target reaches the terminal unescaped, and no text is read as rich markup.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.style import Style
from rich.text import Text

from device_grant.catalogue.model import Verdict
from device_grant.report import history, http
from device_grant.report.findings import distinct
from device_grant.report.sparing import PARTLY, partly_judged
from device_grant.report.terminal.console import bullets, encodable, heading, indented, paragraph, wrapped
from device_grant.report.terminal.progress import STYLE
from device_grant.report.text import level_in_words, one_line, plural, web_link
from device_grant.report.view import WORST_FIRST, View, section_name
from device_grant.visible import visible

if TYPE_CHECKING:
    from rich.console import Console

    from device_grant.report.findings import Obstacle, Root
    from device_grant.report.view import Group
    from device_grant.results import Report, RequirementResult
    from device_grant.results.model import Finding, Result, Step

_LONGEST_VALUE = 600
_LONGEST_MESSAGE = 300
_JOURNAL_LINES = 6
"""Lines from the end of what a server wrote when it broke; a report in HTML has them all."""
_LONGEST_CAUSE = 120
_MOST_CAUSES = 12
"""Causes that the end of the output has a line for."""
_LABEL = 15
"""Columns before the value of a field."""
_NAMED = 6
"""Requirements that a group names before it only counts them."""


def render(report: Report, console: Console, *, verbose: bool = False) -> None:
    """Print the whole report: verdict first, then each failure, then warnings and what could not be tested.

    `verbose` prints warnings as failures are, all ids of what could not be tested, and what passed.
    """
    view = View(report)
    _verdict(view, console)
    _main_path(view.obstacles, console)
    _suite_errors(view, console)
    if view.failures:
        heading("Failures", console)
        for root in view.roots:
            shown = [result for result in root.lead.worst if not result.expected]
            _failure(root.lead, shown[0], console)
            _others(root, shown[0], shown[1:], console)
    if view.warnings:
        heading("Warnings", console)
        for requirement in view.warnings:
            if verbose:
                _failure(requirement, requirement.worst[0], console)
            else:
                _short(requirement.verdict, requirement.id, requirement.worst[0].message, console)
    _unjudged(view.unjudged, console, whole=verbose)
    _partly(view, console, whole=verbose)
    _baseline(view, console)
    if verbose:
        for verdict in (Verdict.OBSERVED, Verdict.PASS):
            if view.of(verdict):
                heading(f"Requirements with the verdict {verdict.label}", console)
                bullets((f"{one.id}: {one.first.statement}" for one in view.of(verdict)), console)


def closing(report: Report, console: Console, *, alone: bool = False) -> None:
    """Print the verdict once more, where a person sees it after a long report: a line for each cause.

    Where it stands `alone`, what must be known to read it stands there too.
    """
    view = View(report)
    causes = [Text(f"wrong {one_line(obstacle.finding.title)}", style="bold red") for obstacle in view.obstacles]
    for root in view.roots:
        lead = next(result for result in root.lead.worst if not result.expected)
        text = Text(f"{Verdict.FAIL.label} ", style=STYLE[Verdict.FAIL])
        text.append(one_line(root.lead.id), style="bold")
        text.append(f": {one_line(lead.message or lead.statement, _LONGEST_CAUSE)}", style="not bold")
        causes.append(text)
    heading("In short", console)
    for cause in causes[:_MOST_CAUSES]:
        wrapped(console, cause, Text("  "))
    if len(causes) > _MOST_CAUSES:
        paragraph(console, f"and {plural(len(causes) - _MOST_CAUSES, 'cause')} more", "dim")
    _headline(view, console, remarks=alone)


def _headline(view: View, console: Console, *, remarks: bool = True) -> None:
    style = {True: "bold green", False: "bold red", None: "bold yellow"}[view.conformant]
    paragraph(console, view.headline, style)
    for remark in view.remarks if remarks else ():
        paragraph(console, remark, "yellow")


def _verdict(view: View, console: Console) -> None:
    header = view.report.header
    name = f"{header.target} {header.target_version}".strip()
    heading(f"{name} against {view.specification}", console)
    _headline(view, console)
    console.print()
    for verdict in WORST_FIRST:
        requirements = view.of(verdict)
        if requirements:
            levels = Counter(requirement.first.level for requirement in requirements)
            by_level = ", ".join(f"{levels[level]} {level}" for level, _ in view.levels if levels[level])
            text = Text(f"{len(requirements):>5}  ")
            text.append(f"{verdict.label:<14}", style=STYLE[verdict])
            text.append(f"  {encodable(console, one_line(by_level))}", style="dim")
            console.print(text)
    implied = level_in_words("IMPLIED")
    if any(requirement.first.level == "IMPLIED" for requirement in view.requirements):
        paragraph(console, f"       {implied}", "dim")


def _main_path(obstacles: list[Obstacle], console: Console) -> None:
    if not obstacles:
        return
    heading("What is wrong on the main path", console)
    for obstacle in obstacles:
        finding_lines(obstacle.finding, console)
        _field(console, "fails", ", ".join(requirement.id for requirement in obstacle.failures))
        if obstacle.blocked:
            _field(console, "blocks", f"{plural(len(obstacle.blocked), 'requirement')}, which nobody is blamed for")
    console.print()


def finding_lines(finding: Finding, console: Console) -> None:
    """Print one finding of the main path: what is wrong, what was answered, how to see it again, what to do."""
    paragraph(console, one_line(finding.title, _LONGEST_MESSAGE), "bold red")
    _field(console, "came", finding.got)
    _wrote(finding.journal, console)
    _field(console, "curl", finding.curl, whole=True)
    _field(console, "do", finding.advice)


def _others(root: Root, lead: Result, results: list[Result], console: Console) -> None:
    """What else fails for the same cause, a line each."""
    results = [*results, *(one for other in root.others for one in other.worst if not one.expected)]
    results = distinct([lead, *results])[1:]
    if not results:
        return
    paragraph(console, f"     {plural(len(results), 'failure')} more of the same cause:", "dim")
    for result in results:
        text = f"{result.requirement} ({result.check}): {one_line(result.message, _LONGEST_MESSAGE)}"
        indented(console, one_line(text), 7, "dim")
    console.print()


def _unjudged(groups: list[Group], console: Console, *, whole: bool) -> None:
    if not groups:
        return
    heading("Could not be tested", console)
    for group in groups:
        number = plural(len(group.requirements), "requirement")
        _short(group.verdict, number, group.reason, console)
        if whole or group.verdict is not Verdict.NOT_APPLICABLE:
            named = [one_line(requirement.id) for requirement in group.requirements[: None if whole else _NAMED]]
            more = len(group.requirements) - len(named)
            indented(console, ", ".join(named) + (f" and {more} more" if more else ""), 4, "dim")


def _partly(view: View, console: Console, *, whole: bool) -> None:
    names = partly_judged(view)
    if names:
        heading(f"{PARTLY} ({len(names)})", console)
        more = "" if whole or len(names) <= _NAMED else f" and {len(names) - _NAMED} more"
        indented(console, ", ".join(one_line(name) for name in names[: None if whole else _NAMED]) + more, 4, "dim")


def _suite_errors(view: View, console: Console) -> None:
    if not view.suite_errors:
        return
    heading("The suite itself broke", console)
    for case in view.suite_errors:
        paragraph(console, one_line(case.check), "bold red")
        indented(console, case.message, 4)


def _failure(requirement: RequirementResult, result: Result, console: Console) -> None:
    title = Text(f"{requirement.verdict.label.upper()} ", style=STYLE[requirement.verdict])
    title.append(encodable(console, one_line(requirement.id)), style="bold")
    title.append(f"  {level_in_words(result.level)}, binds {result.party}", style="dim")
    wrapped(console, title, Text())
    place = section_name(result.source, result.section)
    # Only a terminal with colours is sent the link; elsewhere the address is text.
    link = web_link(result.url) or None
    indented(console, one_line(f"{place} {link or ''}"), 5, Style(dim=True, link=link), whole=True)
    indented(console, result.statement, 5)
    step = http.decisive(result.steps)
    _field(console, "check", result.check)
    drawing = history.bars(result.steps)
    if drawing is not None:
        for number, line in enumerate(history.as_text(drawing, console.width - _LABEL)):
            _field(console, "" if number else "bars", line, whole=True)
        _field(console, "", drawing.caption)
    if len(result.steps) > 1:
        _story(console, http.story(result.steps))
    if step is not None and step.request is not None:
        _field(console, "sent", _sent(step))
    _field(console, "accepted", " | ".join(result.accepted))
    _field(console, "came", result.got or (http.summary(step) if step is not None else ""))
    if step is not None and step.response is not None:
        _field(console, "", step.response.body)
    if step is not None:
        _wrote(step.journal, console)
    _field(console, "found", result.message)
    _field(console, "why", result.why)
    _field(console, "curl", result.curl, whole=True)
    _field(console, "again", result.reproduce, whole=True)
    console.print()


def _wrote(journal: str, console: Console) -> None:
    """The end of what a server wrote when it broke, where the reason stands."""
    _field(console, "wrote", "\n".join(journal.splitlines()[-_JOURNAL_LINES:]))


def _story(console: Console, lines: list[str]) -> None:
    for number, line in enumerate(lines):
        _field(console, "" if number else "story", one_line(line))


def _sent(step: Step) -> str:
    if step.request is None:
        return ""
    first = f"{step.request.method} {step.request.url}"
    return f"{first}\n{_cut(step.request.body)}" if step.request.body else first


def _cut(value: str) -> str:
    return value if len(value) <= _LONGEST_VALUE else f"{value[:_LONGEST_VALUE]}... ({len(value)} characters)"


def _baseline(view: View, console: Console) -> None:
    if view.expected:
        heading("Expected by the baseline", console)
        unread = sum(result.expected == "unread" for result in view.expected)
        if unread:
            added = plural(unread, "of these entries was", "of these entries were")
            paragraph(console, f"{added} written by a run, and nobody has given a reason.", "yellow")
        for result in view.expected:
            _short(
                Verdict.from_label(result.verdict), f"{result.requirement} ({result.expected})", result.reason, console
            )
    footer = view.report.footer
    if footer is None:
        return
    if footer.stale:
        heading("Stale: in the baseline, but no longer happens", console)
        bullets(footer.stale, console)
        paragraph(console, "Remove these entries from the baseline.")
    if footer.expired:
        heading("Expired: in the baseline, but past its date", console)
        bullets(footer.expired, console)
        paragraph(console, "Look at these deviations again: fix them, or give the entries a new date.")


def _short(verdict: Verdict, subject: str, text: str, console: Console) -> None:
    line = Text(f"{verdict.label} ", style=STYLE[verdict])
    line.append(encodable(console, one_line(subject)), style="bold")
    if text:
        line.append(f": {encodable(console, one_line(text, _LONGEST_MESSAGE))}", style="not bold")
    wrapped(console, line, Text("  "))


def _field(console: Console, name: str, value: str, *, whole: bool = False) -> None:
    """Print a labelled value; `whole` leaves it on one line, however long, so that it can be copied."""
    if not value:
        return
    label = Text(f"     {name + ':' if name else '':<10}", style="bold")
    text = Text(encodable(console, visible(value if whole else _cut(value))), style="not bold")
    if whole:
        console.print(label + text, soft_wrap=True)
    else:
        wrapped(console, text, label)
