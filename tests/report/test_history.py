"""Overlapping operations as bars, on a terminal and in HTML."""

from dataclasses import replace

import msgspec
from support.samples import report

from device_grant.report.history import NO_ANSWER, as_text, bars
from device_grant.report.pages.html import render
from device_grant.results.model import HistoryBar, Step
from device_grant.results.publish import publish

BARS = [
    HistoryBar(name="approve", answer="taken", began=0.0, ended=0.001),
    HistoryBar(name="poll 1", answer="token 1", began=6.0, ended=6.002),
    HistoryBar(name="poll 2", answer="token 2", began=6.001, ended=6.003),
    HistoryBar(name="poll 3", began=6.0015),
]


def step(*drawn, explained=False):
    return Step(at=6.0, label="4 operations", event="history", bars=list(drawn), explained=explained)


def test_overlap_is_seen_and_gaps_take_no_room():
    drawing = bars([Step(at=0.0, label="other"), step(*BARS)])
    lines = as_text(drawing, 78)
    assert len(lines) == 4
    assert [line.split()[-1] for line in lines[:3]] == ["taken", "1", "2"]
    approve, first, second, lost = lines
    assert approve.rindex("|") < first.index("|") < second.index("|") < first.rindex("|") < second.rindex("|")
    assert lost.endswith(NO_ANSWER)
    assert lost[: lost.index(NO_ANSWER)].rstrip().endswith(">")
    assert all(len(line) <= 78 for line in lines)


def test_names_and_answers_are_what_servers_cannot_harm():
    line = as_text(bars([step(HistoryBar(name="poll\x1b[2J", answer="a\nb" * 90, began=0.0, ended=1.0))]), 60)[0]
    assert "\x1b" not in line
    assert "\n" not in line


def test_a_narrow_terminal_and_a_long_history():
    many = [
        HistoryBar(name=f"poll {number}", answer="slow_down", began=number, ended=number + 3) for number in range(60)
    ]
    drawing = bars([step(*many)])
    assert drawing.left_out == 20
    assert "20 more are left out" in drawing.caption
    assert all("|" in line for line in as_text(drawing, 20))


def test_nothing_to_draw():
    assert bars([Step(at=0.0, label="wait")]) is None


def test_what_explains_is_said():
    assert "no order of these operations explains" in bars([step(*BARS)]).caption
    assert "an order of these operations explains" in bars([step(*BARS, explained=True)]).caption


def test_html_has_the_drawing_and_a_table():
    whole = report()
    results = [
        msgspec.structs.replace(one, steps=[step(*BARS), *one.steps]) if one.verdict == "fail" else one
        for one in whole.results
    ]
    page = render(replace(whole, results=tuple(results)))
    assert 'aria-label="Operations that overlapped"' in page
    assert page.count('class="span') >= 4
    assert "token 2" in page
    assert "never" in page


def test_a_published_report_has_no_moments():
    whole = report()
    results = [msgspec.structs.replace(one, steps=[step(*BARS)]) for one in whole.results if one.verdict == "fail"]
    published = publish(replace(whole, results=tuple(results)))
    steps = [one for entry in published.results for one in entry.steps if one.event == "history"]
    assert steps
    assert all(not one.bars and not one.explained for one in steps)
