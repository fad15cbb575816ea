"""The Markdown of the page. Charts are pictures without words: every number of theirs stands as text beside them."""

from __future__ import annotations

import textwrap
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from device_grant.catalogue import load
from device_grant.report.matrix import FILES, Column, build, products
from device_grant.report.matrix.ranking import newest, ranking
from device_grant.report.text import plural
from device_grant.report.view import natural
from device_grant.results.locating import runs
from device_grant.results.reader import NoResults
from device_grant.visible import visible
from tools.markdown import NOTICE, text
from tools.state.numbers import Tally, conformant, tally
from tools.state.questions import CLIENTS, SERVERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from device_grant.catalogue import Catalogue
    from device_grant.cli.requirements.coverage import Coverage
    from tools.state.questions import Question, Theme

REPORTS = Path(__file__).parent.parent.parent / "reports"
MOST = 10
"""Requirements that are listed as broken most, of each kind."""
_KINDS: tuple[tuple[str, str, tuple[Theme, ...]], ...] = (
    ("clients", "client", CLIENTS),
    ("servers", "server", SERVERS),
)
_PARTS = (
    ("keep", "do"),
    ("break_", "do not"),
    ("unknown", "not judged"),
    ("out", "not applicable"),
)


def state_page(_: Coverage, reports: Path = REPORTS) -> str:
    """The page, from the reports that are published in a folder; a folder without any makes a page that says so."""
    catalogue = load()
    columns = published(reports)
    counted = newest(columns)
    lines = ["# State of the device grant", NOTICE, ""]
    if not counted:
        return "\n".join([*lines, "No report on software that others wrote is published here."]) + "\n"
    lines += [*_head(counted), ""]
    for kind, noun, themes in _KINDS:
        members = [one for one in counted if one.kind == kind]
        if members:
            lines += _part(kind, noun, themes, members, catalogue)
    lines += [*_versions(columns), *_unsaid(counted, catalogue), *_data(counted)]
    return "\n".join(lines).rstrip("\n") + "\n"


def published(folder: Path) -> list[Column]:
    """The reports of a folder, by name; security is withheld of those whose own run withheld it."""
    try:
        given = runs(folder) if folder.is_dir() else {}
    except NoResults:
        return []
    return [
        Column(name, report, withholds=bool(report.footer and report.footer.withheld))
        for name, report in sorted(given.items())
        if name and report.header.published
    ]


def _head(counted: Sequence[Column]) -> Iterator[str]:
    days = sorted({one.report.header.started[:10] for one in counted})
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    who = " and ".join(
        plural(number, noun) for kind, noun, _ in _KINDS if (number := sum(one.kind == kind for one in counted))
    )
    matrices = ", ".join(
        f"[{kind}](../../reports/{FILES[kind]})" for kind, *_ in _KINDS if any(one.kind == kind for one in counted)
    )
    yield from _prose(
        f"What {who} of the device grant (RFC 8628, and AWS SSO OIDC) do, judged from the outside on {when}.",
        f"All numbers are made from the published reports, which show each verdict with its evidence: {matrices}.",
    )
    yield ""
    yield from _prose(
        "Every number has its denominator: *6 of 9* means that nine could be judged and six of them do what is asked.",
        "Not applicable is a question to software that speaks another dialect or does not claim the capability;",
        "not judged is one that a run could not settle. Software of which several versions were judged is counted",
        "once, by its newest; the reference server and client of the suite are not counted. The software was chosen",
        "by what can be run unattended, and not by how many people use it: these are counts, and no estimate of",
        "anything else.",
    )


def _part(
    kind: str, noun: str, themes: Iterable[Theme], members: Sequence[Column], catalogue: Catalogue
) -> Iterator[str]:
    yield from (f"## {kind.capitalize()}", "")
    whole = conformant(members)
    yield f"- {_sentence(whole, noun, 'have no failing requirement in what is published of them')}"
    for question in (one for theme in themes for one in theme.questions if one.short):
        numbers = tally(members, catalogue.get(question.requirement))
        if not numbers.withheld:
            yield f"- {_sentence(numbers, noun, question.words)}"
    yield from ("", *_languages(members, noun), _legend(), "")
    for theme in themes:
        yield from _theme(theme, kind, members, catalogue)
    yield from _ranking(kind, noun, members, catalogue)


def _sentence(numbers: Tally, noun: str, words: str) -> str:
    if not numbers.judged:
        return f"Of no {noun} could it be judged whether they {words}."
    rest = f" ({numbers.rest})" if numbers.rest else ""
    return f"**{numbers.share}** {noun}s {words}{rest}."


def _theme(theme: Theme, kind: str, members: Sequence[Column], catalogue: Catalogue) -> Iterator[str]:
    rows = [(one, tally(members, catalogue.get(one.requirement))) for one in theme.questions]
    shown = [(question, numbers) for question, numbers in rows if not numbers.withheld]
    if not shown:
        return
    yield from (f"### {theme.title}", "", f"| {kind} that | do | left out |", "|---|--:|---|")
    for question, numbers in shown:
        link = f"[{question.words}](../../reports/{FILES[kind]}#{question.requirement})"
        yield f"| {link} {chart(numbers)} | {numbers.share} | {numbers.rest} |"
    yield ""


def _ranking(kind: str, noun: str, members: Sequence[Column], catalogue: Catalogue) -> Iterator[str]:
    [matrix] = build(members, catalogue, "")
    ranked = ranking(matrix.rows, members)
    if not ranked:
        return
    yield from (f"### What {kind} break most", "")
    if any(one.withholds for one in members):
        yield from ("Requirements tagged `security` are left out.", "")
    yield from ("| requirement | break it |", "|---|--:|")
    for one in ranked[:MOST]:
        numbers = Tally(keep=one.judged - len(one.broken), break_=len(one.broken), unknown=len(members) - one.judged)
        link = f"[`{one.row.id}`](../../reports/{FILES[kind]}#{one.row.id})"
        yield f"| {link} {text(visible(one.row.statement))} {chart(numbers)} | {len(one.broken)} of {one.judged} |"
    more = len(ranked) - MOST
    yield ""
    if more > 0:
        yield from (f"{plural(more, 'more requirement is', 'more requirements are')} broken by some {noun}.", "")


def _versions(columns: Iterable[Column]) -> Iterator[str]:
    made = [(product, step) for product in products(one for one in columns if not one.own) for step in product.steps]
    if not made:
        return
    yield from ("## Which versions got better", "")
    yield "What the suite of today says of two versions of the same software, without requirements that are withheld."
    yield from ("", "| software | from | to | better | worse |", "|---|---|---|--:|--:|")
    for product, step in made:
        ends = [
            f"[{_said(one.version or one.name)}](../../reports/{one.name}/index.html)"
            for one in (step.before, step.after)
        ]
        yield f"| {_said(product.name)} | {ends[0]} | {ends[1]} | {len(step.of('better'))} | {len(step.of('worse'))} |"
    yield ""


def _unsaid(counted: Sequence[Column], catalogue: Catalogue) -> Iterator[str]:
    withheld: list[tuple[Question, str, int, int]] = []
    for kind, noun, themes in _KINDS:
        members = [one for one in counted if one.kind == kind]
        for question in (one for theme in themes for one in theme.questions):
            numbers = tally(members, catalogue.get(question.requirement))
            if numbers.withheld:
                withheld.append((question, noun, numbers.withheld, len(members)))
    if not withheld:
        return
    yield from ("## What this page cannot say", "")
    yield from _prose(
        "The runs ask more than is told here. What can be a vulnerability is withheld until the authors of the",
        "software have been told privately and had time to act ([SECURITY.md](../../SECURITY.md)). Results that are",
        "withheld are in no published file, passes as little as failures, so that nothing can be counted; and a",
        "number over all would say something of each, being so few.",
    )
    yield from ("", "| how many | withheld of |", "|---|--:|")
    for question, noun, number, of in withheld:
        yield f"| {noun}s {question.words} | {number} of {of} |"
    yield ""


def _data(counted: Sequence[Column]) -> Iterator[str]:
    headers = [one.report.header for one in counted]
    suites, catalogues = (
        sorted({one.suite_version for one in headers}),
        sorted({one.catalogue_revision for one in headers}),
    )
    day = max(one.started[:10] for one in headers)
    counts = Counter(one.kind for one in counted)
    who = ", ".join(plural(counts[kind], noun) for kind, noun, _ in _KINDS if counts[kind])
    yield from ("## The data, and how to cite it", "")
    yield from _prose(
        "Everything that is counted, by name. The results are `reports/NAME/results.jsonl` in the repository",
        "([the format](../reference/results.md)); `python -m tools.docs` makes this page from them.",
    )
    yield from ("", "| name | kind | version | language | dialect | judged on |", "|---|---|---|---|---|---|")
    for one in sorted(counted, key=lambda each: (each.kind, natural(each.name))):
        header = one.report.header
        remark = f" ({one.remark})" if one.remark else ""
        cells = (
            f"[{_said(one.name)}](../../reports/{one.name}/index.html){remark}",
            one.kind.removesuffix("s"),
            _said(one.version),
            _said(_language(one.language)),
            _said(header.dialect),
            header.started[:10],
        )
        yield f"| {' | '.join(cells)} |"
    yield from ("", "```text")
    yield f"State of the device grant, {day}: {who}. device-grant-conformance {', '.join(suites)},"
    yield f"catalogue of requirements {', '.join(catalogues)}, docs/explanation/state-of-the-device-grant.md."
    yield "```"


def _language(value: str) -> str:
    """A language of target.toml or client.toml, as people write it."""
    return {"javascript": "JavaScript", "php": "PHP", "other": "another language"}.get(value, value.capitalize())


def _languages(members: Iterable[Column], noun: str) -> list[str]:
    languages = Counter(one.language for one in members)
    unsaid = languages.pop("", 0)
    ordered = sorted(languages.items(), key=lambda item: (-item[1], item[0]))
    parts = [f"{number} in {_said(_language(name))}" for name, number in ordered]
    if unsaid:
        parts.append(f"{unsaid} whose language their reports do not say")
    return [f"The {noun}s: {', '.join(parts)}.", ""] if languages else []


def _legend() -> str:
    marks = (
        (_svg("state-mark", "0 0 2 2", f'<rect class="{_class(name)}" width="2" height="2"/>'), words)
        for name, words in _PARTS
    )
    return f"Each bar is all of them: {', '.join(f'{mark} {words}' for mark, words in marks)}."


def chart(numbers: Tally) -> str:
    """A bar of the whole population in one line of SVG; it says nothing that the row does not say in words."""
    rects, at = [], 0.0
    for name, _ in _PARTS:
        width = 100 * getattr(numbers, name) / max(numbers.all, 1)
        if width:
            rects.append(f'<rect class="{_class(name)}" x="{at:.2f}" width="{width:.2f}" height="4"/>')
        at += width
    return _svg("state-bar", "0 0 100 4", "".join(rects))


def _svg(name: str, box: str, shapes: str) -> str:
    return f'<svg class="{name}" viewBox="{box}" preserveAspectRatio="none" aria-hidden="true">{shapes}</svg>'


def _prose(*sentences: str) -> list[str]:
    """A paragraph, as wide as the pages that people write."""
    return textwrap.wrap(" ".join(sentences), 118, break_long_words=False, break_on_hyphens=False)


def _class(name: str) -> str:
    return f"state-{name.strip('_')}"


def _said(written: str) -> str:
    """What a report says, as text of a cell; a dash where it says nothing."""
    return text(visible(written)).replace("[", "\\[").replace("`", "\\`") or "–"  # noqa: RUF001 - a dash is meant
