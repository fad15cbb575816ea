"""What folding learns about functions from what it has left of them."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeGuard

from benchmarks.mutation.callees import functions

if TYPE_CHECKING:
    from benchmarks.mutation.callees import Callees


@dataclass
class Learnt:
    """What is known of functions so far, by their keys."""

    identities: set[str]
    """Give back their first argument; of functions that are not folded, their names."""
    constants: dict[str, bool] = field(default_factory=dict)
    """Functions and properties that always answer the same; of functions that are not folded, their names."""
    empty: set[str] = field(default_factory=set)
    """Do nothing."""
    unread: set[tuple[str, str]] = field(default_factory=set)
    """Function and parameter that only faults look at."""
    off: set[tuple[str, str]] = field(default_factory=set)
    """Function and switch: a parameter for which no caller has anything but False, or a name that is just that."""

    @property
    def size(self) -> int:
        """Grows as long as something new is learnt."""
        return sum(map(len, (self.identities, self.constants, self.empty, self.unread, self.off)))


def learn(module: str, text: str, callees: Callees, learnt: Learnt) -> None:
    """Note the functions that folding has emptied, and the switches that nobody turns on."""
    tree = ast.parse(text)
    never = _never_given(tree)
    for node, function in functions(module, tree):
        if not function.is_async:
            _learn_function(node, function.key, learnt)
        learnt.off |= {(function.key, name) for name in _always_false(node)}
        original = callees.function(module, function.name)
        if function.bare.startswith("_") and original is not None and callees.is_closed(original):
            learnt.off |= {(function.key, name) for name in _switches(node) if (function.bare, name) in never}


def _learn_function(node: ast.FunctionDef | ast.AsyncFunctionDef, key: str, learnt: Learnt) -> None:
    body = [statement for statement in node.body if not _is_docstring(statement)]
    returns = [inner.value for inner in ast.walk(node) if isinstance(inner, ast.Return)]
    if all(_has_no_effect(inner) for inner in body):
        learnt.empty.add(key)
    elif all(isinstance(inner, ast.If | ast.Return) for inner in body):
        values = {value.value for value in returns if isinstance(value, ast.Constant)}
        if len(values) == 1 and values <= {True, False} and all(isinstance(v, ast.Constant) for v in returns):
            learnt.constants[key] = bool(values.pop())
        first = next((argument.arg for argument in node.args.args if argument.arg != "self"), None)
        value = returns[0] if len(body) == len(returns) == 1 else None
        if isinstance(value, ast.Name) and value.id == first:
            learnt.identities.add(key)


def _always_false(function: ast.AST) -> set[str]:
    """Local names that are set once, to False."""
    stored = Counter(node.id for node in ast.walk(function) if _is_stored(node))
    set_to_false = {
        node.targets[0].id
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and _is_false(node.value)
    }
    return {name for name in set_to_false if stored[name] == 1}


def _switches(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """Parameters that only have a name, are off where nobody gives them, and are what was given throughout."""
    stored = {node.id for node in ast.walk(function) if _is_stored(node)}
    return {
        parameter.arg
        for parameter, default in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
        if (default is None or _is_false(default)) and parameter.arg not in stored
    }


def _never_given(tree: ast.AST) -> set[tuple[str, str]]:
    """Functions, by their bare names, and keywords for which every caller in this module has False."""
    given: dict[tuple[str, str], list[bool]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            for keyword in node.keywords:
                given.setdefault((name, keyword.arg or ""), []).append(_is_false(keyword.value))
    return {switch for switch, offs in given.items() if all(offs)}


def _is_false(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is False


def _is_stored(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def _has_no_effect(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Assign):
        return all(isinstance(target, ast.Name) for target in statement.targets)
    return isinstance(statement, ast.Pass)


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
