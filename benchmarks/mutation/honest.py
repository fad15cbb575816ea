"""The reference server without its faults: the source with every fault off, folded away.

Mutants of `if faults.x:` branches say nothing about the protocol, since no honest answer comes from there. Folding
leaves exactly the logic that an honest server runs, and nothing in it has to be marked. Texts written for people are
moved to module constants, which mutmut does not mutate.
"""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeGuard

import libcst as cst

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable


@dataclass
class Learnt:
    """What folding has found out about functions: public ones by name, others by module and name."""

    identities: set[str]
    """Give back their first argument."""
    constants: dict[str, bool] = field(default_factory=dict)
    """Functions and properties that always answer the same."""
    empty: set[str] = field(default_factory=set)
    """Do nothing."""
    unread: set[tuple[str, str]] = field(default_factory=set)
    """Function and parameter, by name and by place, that only faults look at."""
    off: set[tuple[str, str]] = field(default_factory=set)
    """Function and switch: a parameter for which no caller has anything but False, or a name that is just that."""

    @property
    def size(self) -> int:
        """Grows as long as something new is found."""
        return sum(map(len, (self.identities, self.constants, self.empty, self.unread, self.off)))


_TEXT_ARGUMENTS = {"Refusal": 1, "FrameworkError": 2, "_invalid_client": 0, "ValueError": 0}
"""Which argument of a call is a description for people."""
_TEXT_KEYWORDS = frozenset({"title", "text", "problem"})
_TEXT_NAMES = frozenset({"problem", "text", "title"})
_LOOKS_LIKE_FAULTS = "faults"
_SWITCHES = frozenset({"first_twice"})
"""Keywords of functions elsewhere that only faults turn on; they are off by default."""
_FAULTS_OF_THE_STORE = cst.parse_expression("self.store.faults")
_MOST_PASSES = 9


def fold(sources: dict[str, str], faults: Collection[str], *, identities: Iterable[str] = ()) -> dict[str, str]:
    """The sources, by name, with all faults off; raises SyntaxError if the result were no Python.

    `identities` are functions defined elsewhere that give back their first argument while no fault is on.
    """
    learnt = Learnt(set(identities))
    folded = sources
    for _ in range(_MOST_PASSES):
        before = learnt.size
        folded = {
            name: cst.parse_module(text).visit(_Fold(name, frozenset(faults), learnt)).code
            for name, text in sources.items()
        }
        for name, text in folded.items():
            _learn(name, text, learnt)
        if before == learnt.size:
            break
    for name, text in folded.items():
        compile(text, name, "exec")
    return folded


def _learn(module: str, text: str, learnt: Learnt) -> None:
    """Find the functions that folding has emptied, and the switches that nobody turns on."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            key = _key(module, node.name)
            _learn_function(node, key, learnt)
            learnt.off |= {(key, name) for name in _always_false(node)}
    learnt.off |= _never_given(module, tree)


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


def _never_given(module: str, tree: ast.AST) -> set[tuple[str, str]]:
    """Keywords of private functions for which every caller has False."""
    given: dict[tuple[str, str], list[bool]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            for keyword in node.keywords:
                given.setdefault((_key(module, name), keyword.arg or ""), []).append(_is_false(keyword.value))
    return {switch for switch, offs in given.items() if all(offs) and "." in switch[0]}


def _key(module: str, function: str) -> str:
    return f"{module}.{function}" if function.startswith("_") else function


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


class _Fold(cst.CSTTransformer):
    def __init__(self, module: str, faults: frozenset[str], learnt: Learnt) -> None:
        super().__init__()
        self._module = module
        self._faults = faults
        self._learnt = learnt
        self._elifs: set[cst.CSTNode] = set()
        self._texts: list[str] = []
        self._functions: list[str] = []

    # Expressions.

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.BaseExpression:
        name = updated_node.attr.value
        if name in self._faults and _is_faults(updated_node.value):
            return cst.Name("False")
        owner = updated_node.value
        key = _key(self._module, name)
        if key in self._learnt.constants and isinstance(owner, cst.Name) and owner.value == "self":
            return cst.Name(str(self._learnt.constants[key]))
        return updated_node

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.BaseExpression:
        if any((function, updated_node.value) in self._learnt.off for function in self._functions):
            return cst.Name("False")
        return updated_node

    def leave_Arg(self, original_node: cst.Arg, updated_node: cst.Arg) -> cst.Arg:
        return updated_node.with_changes(keyword=original_node.keyword)

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        # A property that is constant has become True or False already; a method likewise.
        if _truth(updated_node.func) is not None:
            return _inside(updated_node, updated_node.func)
        name = _called(updated_node)
        key = _key(self._module, name)
        if key in self._learnt.constants:
            return cst.Name(str(self._learnt.constants[key]))
        if key in self._learnt.identities:
            return _inside(updated_node, updated_node.args[0].value)
        # What is handed on by name goes to templates, which are not folded.
        kept = [
            one.with_changes(value=_FAULTS_OF_THE_STORE) if _is_faults(one.value) else one
            for position, one in enumerate(updated_node.args)
            if not self._only_for_faults(key, position, one)
        ]
        updated_node = updated_node.with_changes(args=kept)
        return self._without_texts(name, updated_node)

    def _only_for_faults(self, called: str, position: int, argument: cst.Arg) -> bool:
        if argument.keyword is None:
            return _is_faults(argument.value) or (called, str(position)) in self._learnt.unread
        return argument.keyword.value in _SWITCHES or (called, argument.keyword.value) in self._learnt.unread

    def leave_UnaryOperation(
        self, original_node: cst.UnaryOperation, updated_node: cst.UnaryOperation
    ) -> cst.BaseExpression:
        truth = _truth(updated_node.expression)
        if isinstance(updated_node.operator, cst.Not) and truth is not None:
            return cst.Name(str(not truth))
        return updated_node

    def leave_BooleanOperation(
        self, original_node: cst.BooleanOperation, updated_node: cst.BooleanOperation
    ) -> cst.BaseExpression:
        left, right = _truth(updated_node.left), _truth(updated_node.right)
        decides = isinstance(updated_node.operator, cst.Or)
        if decides in (left, right):
            return cst.Name(str(decides))
        if left is not None:
            return _inside(updated_node, updated_node.right)
        if right is not None:
            return _inside(updated_node, updated_node.left)
        return updated_node

    def leave_IfExp(self, original_node: cst.IfExp, updated_node: cst.IfExp) -> cst.BaseExpression:
        truth = _truth(updated_node.test)
        if truth is None:
            return updated_node
        return _inside(updated_node, updated_node.body if truth else updated_node.orelse)

    def leave_Dict(self, original_node: cst.Dict, updated_node: cst.Dict) -> cst.BaseExpression:
        elements = updated_node.elements
        switched = [
            isinstance(before, cst.DictElement) and isinstance(before.value, cst.Attribute)
            for before in original_node.elements
        ]
        if elements and all(switched) and all(_truth(element.value) is False for element in elements):
            return updated_node.with_changes(elements=[])
        return updated_node

    # Statements.

    def visit_If(self, node: cst.If) -> None:
        if isinstance(node.orelse, cst.If):
            self._elifs.add(node.orelse)

    def leave_If(  # type: ignore[override] # an elif may become the else that libcst's own type forgets
        self, original_node: cst.If, updated_node: cst.If
    ) -> cst.BaseStatement | cst.Else | cst.FlattenSentinel[cst.BaseStatement] | cst.RemovalSentinel:
        truth = _truth(updated_node.test)
        if truth is None:
            return updated_node
        if not truth and updated_node.orelse is None:
            return cst.RemoveFromParent()
        if original_node in self._elifs:
            return cst.Else(body=updated_node.body) if truth or updated_node.orelse is None else updated_node.orelse
        if not truth and isinstance(updated_node.orelse, cst.If):
            return updated_node.orelse.with_changes(leading_lines=updated_node.leading_lines)
        block = updated_node.body if truth or updated_node.orelse is None else updated_node.orelse.body
        return cst.FlattenSentinel(block.body)  # type: ignore[arg-type] # blocks of this code hold statements

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.BaseStatement | cst.RemovalSentinel:
        (statement,) = updated_node.body
        if isinstance(statement, cst.Expr) and isinstance(statement.value, cst.Call):
            if _key(self._module, _called(statement.value)) in self._learnt.empty:
                return cst.RemoveFromParent()
        elif isinstance(statement, cst.Assign):
            target = statement.targets[0].target
            if _is_faults(target):
                return cst.RemoveFromParent()
            if target.deep_equals(statement.value):
                return cst.RemoveFromParent()
            is_text = isinstance(target, cst.Name) and target.value in _TEXT_NAMES and _is_literal(statement.value)
            if self._functions and is_text:
                hoisted = self._constant(_code(statement.value))
                return updated_node.with_changes(body=[statement.with_changes(value=hoisted)])
        return updated_node

    def leave_AssignTarget(self, original_node: cst.AssignTarget, updated_node: cst.AssignTarget) -> cst.AssignTarget:
        return (
            updated_node.with_changes(target=original_node.target) if _is_name(original_node.target) else updated_node
        )

    def leave_Param(self, original_node: cst.Param, updated_node: cst.Param) -> cst.Param | cst.RemovalSentinel:
        updated_node = updated_node.with_changes(name=original_node.name)
        return cst.RemoveFromParent() if updated_node.name.value == _LOOKS_LIKE_FAULTS else updated_node

    # Texts.

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        self._functions.append(_key(self._module, node.name.value))

    def leave_FunctionDef(self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef) -> cst.FunctionDef:
        key = self._functions.pop()
        idle = _read(original_node.body) - _read(updated_node.body)
        if self._functions or not _is_internal(original_node):
            idle -= {parameter.name.value for parameter in original_node.params.params}
        idle.discard("self")
        places = [parameter.name.value for parameter in original_node.params.params if parameter.name.value != "self"]
        for parameter in (*original_node.params.params, *original_node.params.kwonly_params):
            name = parameter.name.value
            if name in idle and name != _LOOKS_LIKE_FAULTS:
                self._learnt.unread.add((key, name))
                if name in places:
                    self._learnt.unread.add((key, str(places.index(name))))
        return cst.ensure_type(updated_node.visit(_WithoutStores(idle)), cst.FunctionDef)

    def leave_Module(self, original_node: cst.Module, updated_node: cst.Module) -> cst.Module:
        constants = [cst.parse_statement(f"_TEXT_{number} = {text}") for number, text in enumerate(self._texts)]
        return updated_node.with_changes(body=[*updated_node.body, *constants])

    def _without_texts(self, name: str, call: cst.Call) -> cst.Call:
        if not self._functions:
            return call
        arguments = [
            self._hoisted(one) if self._is_text(name, position, one) else one for position, one in enumerate(call.args)
        ]
        return call.with_changes(args=arguments)

    def _is_text(self, called: str, position: int, argument: cst.Arg) -> bool:
        if argument.keyword is not None:
            return argument.keyword.value in _TEXT_KEYWORDS and _is_literal(argument.value)
        return _TEXT_ARGUMENTS.get(called) == position and _is_literal(argument.value)

    def _hoisted(self, argument: cst.Arg) -> cst.Arg:
        """The argument from a constant, starred: mutmut would put None for a plain one."""
        text = " ".join(_code(argument.value).split())
        if argument.keyword is None:
            return argument.with_changes(value=self._constant(f"({text},)"), star="*")
        named = self._constant(f"{{{argument.keyword.value!r}: {text}}}")
        return cst.Arg(value=named, star="**", comma=argument.comma)

    def _constant(self, text: str) -> cst.Name:
        self._texts.append(text)
        return cst.Name(f"_TEXT_{len(self._texts) - 1}")


class _Read(cst.CSTVisitor):
    """Names that are looked at, not only assigned."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def visit_Name(self, node: cst.Name) -> None:
        self.names.add(node.value)

    def visit_AssignTarget(self, node: cst.AssignTarget) -> bool:
        return not isinstance(node.target, cst.Name)


class _WithoutStores(cst.CSTTransformer):
    """Drops assignments to names that nobody looks at any more, and such parameters."""

    def __init__(self, idle: set[str]) -> None:
        super().__init__()
        self._idle = idle

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.BaseStatement | cst.RemovalSentinel:
        statement = updated_node.body[0]
        if isinstance(statement, cst.Assign):
            target = statement.targets[0].target
            if isinstance(target, cst.Name) and target.value in self._idle:
                return cst.RemoveFromParent()
        return updated_node

    def leave_Parameters(self, original_node: cst.Parameters, updated_node: cst.Parameters) -> cst.Parameters:
        plain = [one for one in updated_node.params if one.name.value not in self._idle]
        kept = [one for one in updated_node.kwonly_params if one.name.value not in self._idle]
        star = updated_node.star_arg if kept else cst.MaybeSentinel.DEFAULT
        return updated_node.with_changes(params=plain, kwonly_params=kept, star_arg=star)


def _is_internal(function: cst.FunctionDef) -> bool:
    """Whether nobody outside calls it: its parameters may go."""
    first = function.params.params[:1]
    method = bool(first) and first[0].name.value == "self"
    return function.name.value.startswith("_") or (not method and function.asynchronous is None)


def _read(node: cst.CSTNode) -> set[str]:
    result = _Read()
    node.visit(result)
    return result.names


_code: Callable[[cst.CSTNode], str] = cst.Module([]).code_for_node


def _is_literal(value: cst.BaseExpression) -> bool:
    return isinstance(value, cst.SimpleString | cst.ConcatenatedString) and not _code(value).startswith("f")


def _is_name(value: cst.BaseExpression) -> bool:
    return isinstance(value, cst.Name)


def _called(call: cst.Call) -> str:
    if isinstance(call.func, cst.Name):
        return call.func.value
    if isinstance(call.func, cst.Attribute):
        owner = call.func.value
        return call.func.attr.value if isinstance(owner, cst.Name) and owner.value == "self" else ""
    return ""


def _is_faults(value: cst.BaseExpression) -> bool:
    if isinstance(value, cst.Attribute):
        return value.attr.value == _LOOKS_LIKE_FAULTS
    return isinstance(value, cst.Name) and value.value == _LOOKS_LIKE_FAULTS


def _truth(value: cst.CSTNode) -> bool | None:
    if isinstance(value, cst.Name) and value.value in ("True", "False"):
        return value.value == "True"
    return None


def _inside(outer: cst.BaseExpression, inner: cst.BaseExpression) -> cst.BaseExpression:
    return inner.with_changes(lpar=[*outer.lpar, *inner.lpar], rpar=[*inner.rpar, *outer.rpar])
