"""Results of versions that put events into words alone are read as if they had said them in members."""

from __future__ import annotations

import json

import msgspec
import pytest
from support import ROOT, samples

from device_grant.protocol.events import Event, Waited
from device_grant.report.pages.timeline import timeline
from device_grant.results import Report, read
from device_grant.results.former import completed
from device_grant.results.model import LEFT_OUT, Step
from device_grant.results.publish import publish


def of_words(label: str) -> Step:
    case = completed(samples.case("polling::test_former", steps=[Step(at=1, label=label)]))
    return case.steps[0]


@pytest.mark.parametrize(
    ("label", "members"),
    [
        ("wait 5 s", {"event": "waited", "seconds": 5}),
        ("wait 1.25 s", {"event": "waited", "seconds": 1.25}),
        ("wait a moment", {"event": "noted", "seconds": 0}),
        ("user approves", {"event": "decided", "action": "approve", "grant": ""}),
        ("user denies grant 3", {"event": "decided", "action": "deny", "grant": "grant 3"}),
        ("user mistypes the code of grant 2 and approves", {"event": "mistyped", "grant": "grant 2"}),
        (
            "the page did not let the user approve: two\nlines",
            {"event": "decision-refused", "action": "approve", "complaint": "two\nlines"},
        ),
        ("the page did not let them: no", {"event": "decision-refused", "action": "", "complaint": "no"}),
        ("round 3: deny and approve at the same moment", {"event": "round-began"}),
        ("the client runs: a login", {"event": "client-started"}),
        ("the client ended with status 1", {"event": "client-ended", "status": None}),
        ("… 12 more steps …", {"event": "left-out"}),
        ("tokens in each round of 4 polls: 1", {"event": "noted"}),
    ],
)
def test_words_of_former_versions_become_members(label, members):
    result = of_words(label)
    assert {name: getattr(result, name) for name in members} == members
    assert (result.label, result.at) == (label, 1)


def test_what_has_members_is_left_as_it_is():
    said = Step(at=1, label="wait 5 s", event="waited", seconds=7)
    case = samples.case("polling::test_now", steps=[said, samples.exchange(2.0, label="wait 5 s")])
    assert completed(case) is case
    assert completed(samples.header()) == samples.header()


def test_a_former_file_has_its_waits_and_decisions(tmp_path):
    report = samples.report()
    old = []
    for line in report.lines:
        one = json.loads(msgspec.json.encode(line))
        for step in one.get("steps", ()):
            for name in ("event", "seconds", "action", "purpose"):
                step.pop(name, None)
        old.append(json.dumps(one))
    (tmp_path / "results.jsonl").write_text("\n".join(old) + "\n", "utf-8")
    result = read(tmp_path)
    assert [one.steps for one in result.results] == [one.steps for one in report.results]
    assert publish(result) == publish(Report(report.header, report.cases, report.results, report.footer))


def test_published_reports_of_former_versions_are_read():
    folder = ROOT / "reports"
    events = {}
    for file in sorted(folder.glob("*/results.jsonl")):
        for result in read(file).results:
            timeline(result.steps)
            for step in result.steps:
                if step.request is None:
                    events.setdefault(step.event, []).append(step)
    assert events
    assert events.keys() <= {LEFT_OUT} | {one.kind for one in Event.__subclasses__()}
    assert all(step.seconds > 0 for step in events.get(Waited.kind, ()))
