"""Folding the faults out of the reference server, and reading what mutmut made of the rest."""

from __future__ import annotations

import json
import tomllib
from datetime import date
from textwrap import dedent

import pytest
from support import ROOT

import benchmarks.mutation.outcome as records
from benchmarks.mutation.__main__ import MODULES, REFERENCE, _require_a_working_server
from benchmarks.mutation.document import change, page
from benchmarks.mutation.honest import fold
from benchmarks.mutation.outcome import Mutant, Outcome, Reasons, Survivor, original_line


def folded(text: str, *more: str) -> str:
    sources = {f"module{number}": dedent(one) for number, one in enumerate((text, *more))}
    return fold(sources, {"lazy", "rude"})["module0"].strip()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("if a and not faults.lazy:\n    go()", "if a:\n    go()"),
        ("x = 1 if self.faults.lazy else 2", "x = 2"),
        ("x = a or (b and self.store.faults.lazy)", "x = a"),
        ("if faults.lazy:\n    one()\nelif a:\n    two()", "if a:\n    two()"),
        ("if a:\n    one()\nelif not faults.lazy:\n    two()", "if a:\n    one()\nelse:\n    two()"),
        ("if faults.lazy:\n    one()\nelse:\n    two()", "two()"),
        ("if faults.lazy or faults.rude:\n    one()\nlast()", "last()"),
        ("x = {'a': faults.lazy, 'b': faults.rude}", "x = {}"),
        ("x = not (faults.lazy if a else faults.rude)", "x = True"),
        ("x = faults.lazy if go() else faults.rude", "x = False if go() else False"),
        ("def f():\n    if not faults.lazy:\n        return a\n    go()\n    return b", "def f(): return a"),
        (
            "def f():\n    if not faults.lazy:\n        return\n    yield b",
            "def f(): return yield b",
        ),
        ("def f():\n    late = faults.lazy\n    go(a, late=late)", "def f():\n    go(a, late=False)"),
        ("x = a | ({'b': 1} if faults.lazy else {})", "x = a"),
        ("x = a | {}", "x = a | {}"),
        ("x = a * (9 if faults.lazy else 1)", "x = a"),
        ("x = a / 1", "x = a / 1"),
    ],
)
def test_faults_are_folded_away(before, after):
    assert " ".join(folded(before).split()) == " ".join(after.split())


def test_what_only_faults_look_at_goes():
    text = """
        class Server:
            def ask(self, call):
                return self._judge(call, strict=self.faults.rude)

            def _judge(self, call, *, strict):
                late = self.faults.lazy
                if strict or late:
                    return None
                return call
    """
    result = folded(text)
    assert "strict" not in result
    assert "late" not in result
    assert "return call" in result


def test_parameters_that_others_fill_stay():
    text = """
        class Server:
            async def answer(self, call):
                return _answer(call if self.faults.lazy else None)

        def _answer(call):
            return refuse(call)
    """
    assert "async def answer(self, call):" in folded(text)


def test_private_functions_of_the_same_name_are_told_apart():
    first = "def _f(x):\n    return faults.lazy\ny = _f(2)"
    second = "def _f(x):\n    return x + 1\ny = _f(2)"
    assert "y = False" in folded(first, second)
    assert "y = _f(2)" in folded(second, first)


def test_descriptions_are_out_of_reach_of_mutations():
    text = """
        def f():
            raise Refusal("invalid_grant", "The code is unknown")
    """
    result = folded(text)
    assert 'raise Refusal("invalid_grant", *_TEXT_0)' in result
    assert '_TEXT_0 = ("The code is unknown",)' in result


def test_a_server_that_folding_has_broken_is_not_mutated():
    case = "user_decision::test_approval rfc8628"
    _require_a_working_server({case: {"a > b": "pass"}, "page_security::test_x rfc8628": {"a > b": "untestable"}})
    with pytest.raises(SystemExit, match=r"no longer works.*untestable"):
        _require_a_working_server({case: {"a > b": "untestable"}})
    with pytest.raises(SystemExit, match=r"no longer works: refresh::test_x.*fail"):
        _require_a_working_server({case: {"a > b": "pass"}, "refresh::test_x rfc8628": {"a > b": "fail"}})


def test_lines_are_found_in_the_original(tmp_path):
    before, after = tmp_path / "before.py", tmp_path / "after.py"
    after.write_text("a = 1\nif faults.x:\n    b = 2\nc = 3\nd = 4\n")
    before.write_text("a = 1\nc = 3\nd = 4\n")
    assert [original_line(before, after, line) for line in (1, 2, 3)] == [1, 4, 5]


REASONS = [
    {"file": "store.py", "was": "MOST", "kind": "tuning", "why": "memory"},
    {"file": "store.py", "function": "Store.decide", "was": "x", "now": "y", "kind": "equivalent", "why": "same"},
]


@pytest.mark.parametrize(
    ("file", "function", "removed", "added", "expected"),
    [
        ("store.py", "f", "len(x) > MOST", "len(x) >= MOST", "tuning"),
        ("grants.py", "f", "len(x) > MOST", "len(x) >= MOST", None),
        ("store.py", "Store.decide", "a = x", "a = y", "equivalent"),
        ("store.py", "Store.decide", "a = x", "a = z", None),
        ("store.py", "Store.other", "a = x", "a = y", None),
        ("issued/store.py", "f", "len(x) > MOST", "len(x) >= MOST", None),
    ],
)
def test_reasons_name_what_they_excuse(file, function, removed, added, expected):
    mutant = Mutant("m", REFERENCE / file, function, "survived", (f"-    {removed}", f"+    {added}"))
    result = Reasons(REASONS).of(mutant)
    assert (result["kind"] if result else None) == expected


def test_reasons_that_excuse_nothing_are_told():
    reasons = Reasons(REASONS)
    reasons.of(Mutant("m", REFERENCE / "store.py", "f", "killed", ("-MOST", "+LESS")))
    assert reasons.unused() == ["store.py: MOST", "store.py: x"]


DAY = date(2026, 11, 2)


def _survivor(kind: str) -> Survivor:
    return Survivor("m", "conformance/device_grant/reference/server/store.py:1", "survived", ("-a", "+b"), kind, "")


def test_what_was_not_tried_is_told_and_no_figure_is_made_of_it():
    quick = Outcome({"killed": 97}, [_survivor("gap")], {}, [], 7)
    assert "7 were not tried" in quick.summary()
    assert "differently" not in quick.summary()
    assert "7 were not tried" in " ".join(page(quick, DAY).split())
    assert "differently" in Outcome({"killed": 97}, [_survivor("gap")], {}, []).summary()


def test_a_quick_run_tries_what_no_text_is_said_to_allow(tmp_path, monkeypatch):
    mutants = [
        Mutant(str(n), REFERENCE / "store.py", "f", "untried", (f"-{line}", "+x")) for n, line in enumerate("abc")
    ]
    monkeypatch.setattr(records, "_mutants", lambda: iter(mutants))
    kinds = {"a": "latitude", "b": "gap"}
    entries = [f'[[survivor]]\nfile = "store.py"\nwas = "{was}"\nkind = "{kind}"\n' for was, kind in kinds.items()]
    reasons = tmp_path / "reasons.toml"
    reasons.write_text("".join(entries))
    assert records.worth_trying(tmp_path, reasons) == ["1", "2"]


def test_texts_are_left_out():
    outcome = Outcome({"killed": 1, "text": 9}, [], {}, [])
    assert outcome.total == 1
    assert "9 of texts" in outcome.summary()


def test_what_a_text_allows_is_no_mutant():
    survivors = [_survivor("equivalent"), _survivor("tuning"), _survivor("gap")]
    outcome = Outcome({"killed": 7, "timeout": 1, "survived": 3}, survivors, {}, [])
    assert outcome.score == pytest.approx(100 * 8 / 9)
    assert json.loads(json.dumps(outcome.as_json()))["survived"] == 3


def test_what_mutmut_could_not_decide_counts_against_the_suite():
    outcome = Outcome({"killed": 9, "not decided": 1}, [_survivor("")], {}, [])
    assert outcome.score == pytest.approx(90)
    assert "1 not decided" in outcome.summary()


def test_every_reason_is_complete():
    reasons = tomllib.loads((ROOT / "benchmarks/mutation/survivors.toml").read_text())["survivor"]
    for reason in reasons:
        assert reason.keys() <= {"file", "function", "was", "now", "kind", "why"}
        assert (ROOT / REFERENCE / reason["file"]).is_file()
        assert reason["kind"] in {"equivalent", "latitude", "tuning", "page", "text", "unreachable", "gap"}
        assert reason["why"]


def test_the_modules_exist():
    assert all((ROOT / REFERENCE / f"{name}.py").is_file() for name in MODULES)


def test_the_page_has_the_figure_and_every_survivor_with_its_reason():
    survivors = [
        Survivor(
            "m1",
            "conformance/device_grant/reference/server/store.py:7",
            "survived",
            ("-    a < MOST", "+    a <= MOST"),
            "gap",
            "memory",
        ),
        Survivor(
            "m2",
            "conformance/device_grant/reference/server/aws.py:9",
            "survived",
            ("-    x = a", "+    x = None"),
            "equivalent",
            "unread",
        ),
    ]
    text = page(Outcome({"killed": 7, "timeout": 1, "survived": 2, "text": 4}, survivors, {}), DAY)
    assert "**88.9 %** of the mutants" in text
    assert "8 of 9" in text
    assert "as it was on 2 November 2026" in text
    assert "- memory (gap)\n    - line 7: `a < MOST` → `a <= MOST`" in text
    assert "| equivalent | 1 |" in text
    assert "| latitude |" not in text


@pytest.mark.parametrize(
    ("diff", "shown"),
    [
        (("-    return a", "+    return b"), "`return a` → `return b`"),
        (("-" + "x" * 80 + "1", "+" + "x" * 80 + "2"), f"`…{'x' * 30}1` → `…{'x' * 30}2`"),
        (("-f(`a`)", "+f(None)"), "`` f(`a`) `` → `f(None)`"),
    ],
)
def test_changes_are_cut_down_to_what_differs(diff, shown):
    assert change(diff) == shown
