"""Dialects are asked, not named: no code decides by a dialect's name, and the names stand in one place."""

import ast
from pathlib import Path

import pytest

from device_grant.catalogue.model import DIALECTS
from device_grant.protocol import known_dialects

ROOT = Path(__file__).resolve().parent.parent.parent
ROOMS = ("conformance", "strategies")
NAMING = Path("conformance/device_grant/catalogue/model.py")
"""Where the names are."""
CONSTANTS = frozenset({"RFC8628", "AWS_SSO_OIDC"})
CLASSES = frozenset(type(one).__name__ for one in known_dialects())
ASKED = frozenset({"dialect", "_dialect", "spoken"})
"""How code calls a dialect at hand."""


def last_name(node):
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def names_a_dialect(node):
    """Whether an operand is the name of a dialect: a constant, a text, among several, or that of one at hand."""
    if isinstance(node, ast.Constant):
        return node.value in DIALECTS
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        return any(map(names_a_dialect, node.elts))
    if isinstance(node, ast.Attribute) and node.attr in ("name", "entries"):
        return last_name(node.value) in ASKED | CLASSES
    return last_name(node) in CONSTANTS


def decides(node):
    """Whether this asks which dialect it is."""
    match node:
        case ast.Attribute(attr="aws"):
            return True
        case ast.Compare():
            return any(map(names_a_dialect, (node.left, *node.comparators)))
        case ast.MatchValue():
            return names_a_dialect(node.value)
        case ast.Call(args=[_, kinds]) if last_name(node.func) in ("isinstance", "issubclass"):
            return any(last_name(inner) in CLASSES for inner in ast.walk(kinds))
    return False


def decisions(tree):
    """Lines at which something is decided by which dialect it is."""
    return [node.lineno for node in ast.walk(tree) if decides(node)]


def literals(tree):
    """Lines with the name of a dialect as a text."""
    return [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Constant) and node.value in DIALECTS]


def places(look, *but):
    return [
        f"{path.relative_to(ROOT)}:{line}"
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
        if path.relative_to(ROOT) not in but
        for line in look(ast.parse(path.read_text("utf-8")))
    ]


def test_nothing_is_decided_by_which_dialect_it_is():
    assert places(decisions) == [], "ask the dialect: give it a method or an attribute"


def test_names_of_dialects_stand_in_one_place():
    assert places(literals, NAMING) == [], "import the constant"
    assert sorted(literals(ast.parse((ROOT / NAMING).read_text("utf-8")))) != []


@pytest.mark.parametrize(
    "line",
    [
        "if run.aws: pass",
        "if dialect.name == wanted: pass",
        "if 'rfc8628' != self.name: pass",
        "if case.run.dialect.entries in (RFC8628, other): pass",
        "x = name in ('aws-sso-oidc',)",
        "x = settings.dialect is protocol.AWS_SSO_OIDC",
        "x = isinstance(dialect, AwsSsoOidcDialect)",
        "x = issubclass(kind, (int, dialects.Rfc8628Dialect))",
        "match name:\n    case 'rfc8628':\n        pass",
        "match name:\n    case protocol.RFC8628:\n        pass",
    ],
)
def test_a_decision_by_name_is_noticed(line):
    assert decisions(ast.parse(line))


@pytest.mark.parametrize(
    "line",
    [
        "x = one.dialect == other.dialect",
        "x = dialect.sends_forms",
        "x = 'start_url' in dialect.constants",
        "x = {RFC8628: 1, AWS_SSO_OIDC: 2}[dialect.entries]",
        "from device_grant.protocol.openapi import aws\nx = aws.paths()",
        "x = check.name == 'polling::test_pending'",
    ],
)
def test_data_and_questions_are_no_decision(line):
    assert not decisions(ast.parse(line))
