"""Words for people are not read back: labels of exchanges and what events say of themselves decide nothing."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest
from support import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES = sorted(
    path for room in ("conformance", "strategies", "benchmarks", "tools") for path in (ROOT / room).rglob("*.py")
)
FORMER = "conformance/device_grant/results/former.py"
"""Takes the words of former versions apart, which said nothing else: the one file that may."""
ASKING = frozenset(
    {
        *("match", "fullmatch", "search", "findall", "finditer", "split", "rsplit", "splitlines"),
        *("startswith", "endswith", "removeprefix", "removesuffix", "partition", "rpartition"),
        *("find", "rfind", "index", "count", "get", "fnmatch", "fnmatchcase"),
    }
)
"""Functions and methods that find out what a text says."""
OTHERS = frozenset({"verdict", "Verdict", "cell", "button", "PASS", "FAIL", "WARN", "UNTESTABLE", "OBSERVED", "worst"})
"""Whose `label` is something else: a verdict has one of seven, a button has that of its page."""


def spoken(node: ast.AST | None) -> bool:
    """Whether an expression is a label, an event's words, or made of one: `step.label.lower()`, `f"{entry.label}"`."""
    match node:
        case ast.Attribute(attr="label" | "remark", value=owner):
            name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
            return not (node.attr == "label" and (name in OTHERS or ast.unparse(node) in OWN))
        case ast.Call(func=function, args=arguments):
            parts = [*arguments, *([function.value] if isinstance(function, ast.Attribute) else [])]
        case ast.JoinedStr(values=parts) | ast.BoolOp(values=parts):
            pass
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            pass
        case ast.FormattedValue(value=value) | ast.Subscript(value=value) | ast.NamedExpr(value=value):
            parts = [value]
        case _:
            parts = []
    return any(spoken(one) for one in parts)


OWN = frozenset({"self.label"})
"""A class's own label, of a matrix cell or of an entry of a baseline."""


def read_back(tree: ast.AST) -> Iterator[ast.AST]:
    """Places where words decide: compared, searched, looked up, matched."""
    for node in ast.walk(tree):
        asked = False
        match node:
            case ast.Compare(left=left, comparators=others):
                asked = any(spoken(one) for one in (left, *others))
            case ast.Call(func=ast.Attribute(attr=name, value=owner), args=arguments) if name in ASKING:
                asked = spoken(owner) or any(spoken(one) for one in arguments)
            case ast.Subscript(slice=key):
                asked = spoken(key)
            case ast.Match(subject=subject):
                asked = spoken(subject)
            case ast.comprehension(iter=words):
                asked = spoken(words)
        if asked:
            yield node


@pytest.mark.parametrize(
    "code",
    [
        'exchange.label == "poll"',
        '"poll" in one.exchange.label',
        'step.label.startswith("wait")',
        're.match("user|round", step.label)',
        "WAIT.fullmatch(one_line(step.label))",
        "found = WAIT.fullmatch(step.label.lower())",
        "KINDS[entry.label]",
        "KINDS.get(entry.label, 0)",
        "match step.label:\n    case 'poll':\n        pass",
        'entry.remark.partition(":")',
        'event.remark != ""',
        '(exchange.label, exchange.code) == ("poll", "ok")',
        "{word for word in step.label.split()}",
    ],
)
def test_the_rule_sees_words_that_are_read_back(code):
    assert list(read_back(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        'f"{step.label} → {answer}"',
        "return_(steady.cut(step.label))",
        "result.verdict == Verdict.PASS.label",
        "exchange.purpose is Purpose.POLL",
        "if not step.label:\n    pass",
    ],
)
def test_the_rule_lets_words_be_shown(code):
    assert not list(read_back(ast.parse(code)))


def test_no_words_are_read_back():
    collected = [
        f"{path.relative_to(ROOT)}:{node.lineno if hasattr(node, 'lineno') else node.iter.lineno}"
        for path in FILES
        if path.relative_to(ROOT).as_posix() != FORMER
        for node in read_back(ast.parse(path.read_text("utf-8")))
    ]
    assert collected == [], "ask an exchange for its purpose, and an event for its fields"


def test_the_words_of_events_are_asked_of_nobody():
    """`describe` of an event is for people: whoever compares what it returns wants a field."""
    collected = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Compare)
        for one in (node.left, *node.comparators)
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and one.func.attr == "describe"
    ]
    assert collected == []
