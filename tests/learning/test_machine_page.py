"""The page of a machine: a drawing that takes the page's colours, a table with all of it, nothing that is withheld."""

import re

import msgspec
import pytest
from lxml import html

from device_grant.learning.machine import Machine, Transition
from device_grant.learning.record import EdgeRecord, MachineRecord, withheld
from device_grant.report.machines.drawing import drawn
from device_grant.report.machines.page import render_page


def record(**changes):
    fields = {
        "target": "shop <b>",
        "dialect": "rfc8628",
        "clock": "travel",
        "set": "basic",
        "inputs": ["poll_polite", "approve"],
        "k": 1,
        "complete": True,
        "bound": 4,
        "states": [
            {"poll_polite": ("pending", 0), "approve": ("ok", 1)},
            {"poll_polite": ("token", 2), "approve": ("refused", 1)},
            {"poll_polite": ("token", 2), "approve": ("ok", 2)},
        ],
        "edges": [
            EdgeRecord(
                word=["approve", "poll_polite", "poll_polite"],
                answers=["ok", "token", "token"],
                colour="red",
                state=2,
                requirement="rfc8628-3.5-device-code-single-use",
                level="IMPLIED",
                verdict="fail",
                security=True,
                command="device-grant learn shop --ask 'approve poll_polite poll_polite'",
            ),
            EdgeRecord(
                word=["approve", "poll_polite", "approve"], answers=["ok", "token", "ok"], colour="open", state=2
            ),
        ],
    }
    return MachineRecord(**(fields | changes))


def test_the_drawing_has_every_state_as_a_link_to_its_row():
    page = html.fromstring(render_page([record()]))
    assert page.xpath("//figure//a/@href") == ["#basic-s0", "#basic-s1", "#basic-s2"]
    for target in page.xpath("//figure//a/@href"):
        assert page.xpath(f"//tr[@id='{target[1:]}']")
    ids = page.xpath("//@id")
    assert len(ids) == len(set(ids))


def test_colours_of_the_drawing_are_the_page_s_own():
    drawing = str(drawn(record()))
    assert not re.search(r"\b(fill|stroke|style|font-\w+)=", drawing)
    assert 'class="red"' in drawing
    assert "✕ poll polite / token" in drawing
    assert "? approve / ok" in drawing


def test_the_table_says_what_the_drawing_shows():
    page = html.fromstring(render_page([record()]))
    cells = [[cell.text_content() for cell in row.xpath("./*")] for row in page.xpath("//tbody/tr")]
    assert cells == [
        ["s0", "pending", "ok → s1"],
        ["s1", "token → s2", "refused"],
        ["s2", "✕ token", "? ok"],
    ]
    assert "device-grant learn shop --ask" in page.text_content()
    assert "A device_code that produced a token produces no second one." in page.text_content()


def test_what_a_server_says_is_escaped():
    odd = record(states=[{"poll_polite": ('"];<script>x', 0), "approve": ("\\", 0)}], edges=[])
    page = html.fromstring(render_page([odd]))
    assert not page.xpath("//script")
    assert '"];<script>x' in page.xpath("string(//figure)")
    assert page.xpath("string(//h1)").strip() == "shop <b>"


def test_nothing_is_written_of_a_machine_that_is_withheld():
    kept = withheld(record(longest=5))
    text = html.fromstring(render_page([kept])).xpath("string(//main)") + msgspec.json.encode(kept).decode()
    for word in ("token", "single-use", "refused", "→", "at most 4"):
        assert word not in text, word
    assert "withheld until the authors have been told privately" in text


@pytest.mark.parametrize("broken", [True, False])
def test_that_something_was_left_out_does_not_show(broken):
    one = withheld(record() if broken else record(edges=[]))
    assert msgspec.json.encode(one) == msgspec.json.encode(withheld(record(edges=[])))


def test_an_unfinished_machine_claims_nothing():
    text = render_page([record(complete=False, stopped="the time is over", edges=[])])
    assert "nothing is claimed" in text
    assert "No edge breaks a requirement" not in text


def test_a_page_without_the_library_says_so(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pygraphviz", None)
    text = render_page([record()])
    assert "Not drawn: pip install" in text
    assert "<figure" not in text


def test_a_large_machine_is_drawn():
    letters = tuple("abcdef")
    machine = Machine(
        letters, tuple({x: Transition("x", (n * 3 + i) % 40) for i, x in enumerate(letters)} for n in range(40))
    )
    states = [{x: (s.answer, s.target) for x, s in state.items()} for state in machine.states]
    assert "s39" in str(drawn(record(inputs=list(letters), states=states, edges=[])))
