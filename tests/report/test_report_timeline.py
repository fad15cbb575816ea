from __future__ import annotations

import re

import msgspec
import pytest
from support import samples
from support.samples import begin, poll

from device_grant.report.pages import html
from device_grant.report.pages.timeline import WIDTH, caption, timeline
from device_grant.results import Report
from device_grant.results.model import Step


def test_the_interval_decides_which_polls_are_early():
    result = timeline([begin(), poll(5), poll(7), poll(12)])
    (lane,) = result.lanes
    assert [(one.allowed, one.early) for one in lane.polls] == [(5, False), (10, True), (12, False)]
    assert result.early == 1
    assert caption(result).startswith("3 polls, 1 sooner than a client may")


def test_slow_down_adds_five_seconds_for_good():
    (lane,) = timeline([begin(), poll(5, "slow_down"), poll(15, "slow_down"), poll(30), poll(40)]).lanes
    assert [one.allowed for one in lane.polls] == [5, 15, 30, 45]
    assert [one.early for one in lane.polls] == [False, False, False, True]


def test_without_an_interval_it_is_five_seconds():
    (lane,) = timeline([begin('{"device_code": "<device_code 1>"}'), poll(4), poll(9)]).lanes
    assert [one.early for one in lane.polls] == [True, False]


def test_camel_case_answers_and_a_lane_for_each_code():
    other = begin('{"deviceCode": "<device_code 2>", "interval": 1, "expiresIn": 3}')
    result = timeline([begin(), other, poll(1, device_code="<device_code 2>"), poll(5),
                      poll(6, device_code="<device_code 2>"), poll(10, "ok")])  # fmt: skip
    assert [lane.name for lane in result.lanes] == ["device code 1", "device code 2"]
    assert result.lanes[1].expires == 3
    assert result.kinds == ["pending", "token"]


def test_long_waits_take_no_more_room_than_a_few_intervals():
    result = timeline([begin(), poll(5), poll(595)])
    assert len(result.breaks) == 1
    places = [result.x(at) for at in (0, 5, 595)]
    assert places[1] - places[0] == pytest.approx((places[2] - places[1]) / 4, abs=1)
    assert 0 < places[0] < places[2] <= WIDTH


def test_nothing_to_see():
    assert timeline([]) is None
    assert timeline([begin(), poll(5)]) is None
    assert timeline([begin(), poll(5), poll(5)]) is None
    assert timeline([begin(), Step(at=3, label="user approves", event="decided")]) is None


def test_events_of_the_user_are_drawn_and_notes_are_not():
    result = timeline(
        [
            begin(),
            poll(5),
            Step(at=6, label="user approves", event="decided", action="approve"),
            Step(at=6, label="wait 5 s", event="waited", seconds=5),
            Step(at=6, label="user of the note", event="noted"),
            poll(10, "ok"),
        ]
    )
    assert result.events == ((6, "user approves"),)


def test_the_drawing_stands_in_the_page_and_says_itself_in_words():
    report = samples.report()
    hostile = poll(7, samples.HOSTILE)
    case = samples.case("polling::test_drawn", steps=[begin(), poll(5), hostile, poll(12, "ok")])
    page = html.render(Report(header=report.header, cases=(case,), results=samples.clean().results))
    (label,) = re.findall(r'aria-label="Polling timeline\. ([^"]*)"', page)
    assert label.startswith("device code 1: poll at 5.0 s authorization_pending, poll at 7.0 s ")
    assert "(early)" in label
    assert page.count('class="poll ') == 3
    assert "<script>alert" not in page
    # The policy of the page allows no style that stands at an element.
    assert " style=" not in page


def test_codes_in_the_url_are_found_too():
    def moved(step):
        request = msgspec.structs.replace(step.request, url="http://x.test/token?device_code=<device_code 1>", body="")
        return msgspec.structs.replace(step, request=request)

    assert len(timeline([begin(), moved(poll(5)), moved(poll(10))]).lanes[0].polls) == 2


def test_a_failure_shows_the_timeline_of_its_check():
    case = samples.case("polling::test_drawn", steps=[begin(), poll(5), poll(10, "ok")])
    failing = samples.shown("rfc8628-3.5-x", "fail", check=case.check, steps=[poll(10)])
    passing = samples.result("rfc8628-3.5-y", "pass", check=case.check)
    page = html.render(Report(header=samples.header(), cases=(case,), results=(failing, passing)))
    before_checks = page[: page.index('id="part-checks"')]
    assert before_checks.count('class="timeline"') == 1
    assert page.count('class="timeline"') == 2
