"""The reference server without its faults: the source with every fault off, folded away.

Mutants of `if faults.x:` branches say nothing about the protocol, since no honest answer comes from there. Folding
leaves exactly the logic that an honest server runs, and nothing in it has to be marked. Texts written for people are
moved to module constants, which mutmut does not mutate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst
import libcst.matchers as m
from libcst.helpers import get_full_name_for_node

from benchmarks.mutation.callees import Callees
from benchmarks.mutation.handed_on import FAULTS, is_faults, with_no_faults
from benchmarks.mutation.learnt import Learnt, learn
from benchmarks.mutation.unread import WithoutStores, names_read, without, without_faults

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from benchmarks.mutation.callees import Function


_TEXT_ARGUMENTS = {"Refusal": 1, "FrameworkError": 2, "_invalid_client": 0, "ValueError": 0}
"""Which argument of a call is a description for people."""
_TEXT_KEYWORDS = frozenset({"title", "text", "problem"})
_TEXT_NAMES = frozenset({"problem", "text", "title"})
_SWITCHES = frozenset({"first_twice"})
"""Keywords of functions elsewhere that only faults turn on; they are off by default."""
_MOST_PASSES = 9


def fold(
    sources: dict[str, str],
    faults: Collection[str],
    *,
    identities: Iterable[str] = (),
    never: Iterable[str] = (),
    others: Iterable[str] = (),
) -> dict[str, str]:
    """The sources, by name, with all faults off; raises SyntaxError if the result were no Python.

    `identities` are functions defined elsewhere that give back their first argument while no fault is on, `never` those
    that answer False then; `others` are the sources that use the folded ones and stay as they are.
    """
    learnt = Learnt(set(identities), dict.fromkeys(never, False))
    callees = Callees(sources, others)
    parsed = {name: cst.parse_module(text) for name, text in sources.items()}
    for _ in range(_MOST_PASSES):
        before = learnt.size
        folds = {name: _Fold(name, frozenset(faults), learnt, callees) for name in parsed}
        folded = {name: module.visit(folds[name]) for name, module in parsed.items()}
        for name, module in folded.items():
            learn(name, module.code, callees, learnt)
        if before == learnt.size:
            break
    texts = {name: with_no_faults(module, folds[name].holders).code for name, module in folded.items()}
    for name, text in texts.items():
        compile(text, name, "exec")
    return texts


class _Fold(cst.CSTTransformer):
    def __init__(self, module: str, faults: frozenset[str], learnt: Learnt, callees: Callees) -> None:
        super().__init__()
        self._module = module
        self._faults = faults
        self._learnt = learnt
        self._callees = callees
        self._classes: list[str] = []
        self._owners = [""]
        """Classes, with a dot, and empty ones of functions: what a definition is in."""
        self.holders: list[str] = []
        """Classes whose instances had the faults as a member."""
        self._elifs: set[cst.CSTNode] = set()
        self._texts: list[str] = []
        self._functions: list[str] = []

    # Expressions.

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.BaseExpression:
        if updated_node.attr.value in self._faults and is_faults(updated_node.value):
            return cst.Name("False")
        if isinstance(updated_node.value, cst.Name) and updated_node.value.value == "self":
            function = self._called(updated_node)
            if function is not None and function.is_property and function.key in self._learnt.constants:
                return cst.Name(str(self._learnt.constants[function.key]))
        return updated_node

    def leave_NamedExpr(self, original_node: cst.NamedExpr, updated_node: cst.NamedExpr) -> cst.BaseExpression:
        return _inside(updated_node, updated_node.value) if is_faults(original_node.target) else updated_node

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.BaseExpression:
        if any((function, updated_node.value) in self._learnt.off for function in self._functions):
            return cst.Name("False")
        return updated_node

    def leave_Arg(self, original_node: cst.Arg, updated_node: cst.Arg) -> cst.Arg:
        return updated_node.with_changes(keyword=original_node.keyword)

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        function = self._called(updated_node.func)
        key = _last(updated_node.func) if function is None else function.key
        if key in self._learnt.constants:
            return cst.Name(str(self._learnt.constants[key]))
        if key in self._learnt.identities:
            return _inside(updated_node, updated_node.args[0].value)
        kept = [
            one for position, one in enumerate(updated_node.args) if not self._only_for_faults(function, position, one)
        ]
        updated_node = updated_node.with_changes(args=kept)
        return self._without_texts(_called(updated_node), updated_node)

    def _called(self, called: cst.BaseExpression) -> Function | None:
        owner = self._classes[-1] if self._classes else ""
        return self._callees.of(self._module, get_full_name_for_node(called) or "", owner)

    def _only_for_faults(self, function: Function | None, position: int, argument: cst.Arg) -> bool:
        keyword = argument.keyword.value if argument.keyword else None
        if keyword in _SWITCHES:
            return True
        if function is None or argument.star:
            return False
        parameter = function.parameter(position, keyword)
        return (function.key, parameter) in self._learnt.unread or self._loses(function, parameter)

    def _loses(self, function: Function, parameter: str) -> bool:
        """Whether folding takes the parameter from the function, since it is the faults."""
        return parameter == FAULTS and self._callees.is_closed(function)

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
        same = _truth(updated_node.body) is not None and _truth(updated_node.body) == _truth(updated_node.orelse)
        if truth is None and same and not m.findall(updated_node.test, m.Call()):
            truth = True  # it chooses between two faults, both off
        if truth is None:
            return updated_node
        return _inside(updated_node, updated_node.body if truth else updated_node.orelse)

    def leave_BinaryOperation(
        self, original_node: cst.BinaryOperation, updated_node: cst.BinaryOperation
    ) -> cst.BaseExpression:
        # What faults would have added to a dict, or multiplied.
        adds_nothing = m.BinaryOperation(operator=m.BitOr(), right=m.Dict([]))
        is_the_same = m.BinaryOperation(operator=m.Multiply() | m.Divide(), right=m.Integer("1"))
        folded = not original_node.right.deep_equals(updated_node.right)
        if folded and m.matches(updated_node, adds_nothing | is_the_same):
            return _inside(updated_node, updated_node.left)
        return updated_node

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

    def leave_IndentedBlock(self, original_node: cst.IndentedBlock, updated_node: cst.IndentedBlock) -> cst.BaseSuite:
        for number, statement in enumerate(updated_node.body, start=1):
            if m.matches(statement, m.SimpleStatementLine([m.Return() | m.Raise()])):
                rest = cst.IndentedBlock(updated_node.body[number:])
                # What faults alone came to; without its yield a generator would be none.
                return (
                    updated_node
                    if m.findall(rest, m.Yield())
                    else updated_node.with_changes(body=updated_node.body[:number])
                )
        return updated_node

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.BaseStatement | cst.RemovalSentinel:
        (statement,) = updated_node.body
        if isinstance(statement, cst.Expr) and isinstance(statement.value, cst.Call):
            function = self._called(statement.value.func)
            if function is not None and function.key in self._learnt.empty:
                return cst.RemoveFromParent()
        elif isinstance(statement, cst.AnnAssign) and self._functions and is_faults(statement.target):
            return self._removed(statement.target)
        elif isinstance(statement, cst.Assign):
            return self._assigned(statement, updated_node)
        return updated_node

    def _assigned(
        self, statement: cst.Assign, line: cst.SimpleStatementLine
    ) -> cst.BaseStatement | cst.RemovalSentinel:
        target = statement.targets[0].target
        if is_faults(target):
            return self._removed(target)
        if target.deep_equals(statement.value):
            return cst.RemoveFromParent()
        if isinstance(target, cst.Tuple) and isinstance(statement.value, cst.Tuple):
            return line.with_changes(body=[without_faults(statement, target, statement.value)])
        is_text = isinstance(target, cst.Name) and target.value in _TEXT_NAMES and _is_literal(statement.value)
        if self._functions and is_text:
            return line.with_changes(body=[statement.with_changes(value=self._constant(_code(statement.value)))])
        return line

    def _removed(self, target: cst.BaseExpression) -> cst.RemovalSentinel:
        """Nothing; a member that others may look at is one of the class from then on."""
        if isinstance(target, cst.Attribute) and self._classes and self._classes[-1] not in self.holders:
            self.holders.append(self._classes[-1])
        return cst.RemoveFromParent()

    def leave_AssignTarget(self, original_node: cst.AssignTarget, updated_node: cst.AssignTarget) -> cst.AssignTarget:
        return (
            updated_node.with_changes(target=original_node.target) if _is_name(original_node.target) else updated_node
        )

    def leave_Param(self, original_node: cst.Param, updated_node: cst.Param) -> cst.Param:
        return updated_node.with_changes(name=original_node.name)

    # Definitions.

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        self._classes.append(node.name.value)
        self._owners.append(f"{node.name.value}.")

    def leave_ClassDef(self, original_node: cst.ClassDef, updated_node: cst.ClassDef) -> cst.ClassDef:
        self._classes.pop()
        self._owners.pop()
        return updated_node

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        name = node.name.value
        self._functions.append(f"{self._module}:{self._owners[-1]}{name}")
        self._owners.append("")

    def leave_FunctionDef(self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef) -> cst.FunctionDef:
        self._owners.pop()
        key = self._functions.pop()
        function = self._callees.function(self._module, key.partition(":")[2])
        params = original_node.params
        idle = names_read(original_node.body) - names_read(updated_node.body)
        closed = function is not None and self._callees.is_closed(function)
        if not _is_internal(original_node) or not closed:
            idle -= {parameter.name.value for parameter in params.params}
        if not closed:
            idle -= {parameter.name.value for parameter in params.kwonly_params}
        idle -= {"self", FAULTS}
        names = (parameter.name.value for parameter in (*params.params, *params.kwonly_params))
        self._learnt.unread |= {(key, name) for name in names if name in idle}
        if closed:
            updated_node = updated_node.with_changes(params=without(updated_node.params, {FAULTS}))
        return cst.ensure_type(updated_node.visit(WithoutStores(idle)), cst.FunctionDef)

    def leave_Module(self, original_node: cst.Module, updated_node: cst.Module) -> cst.Module:
        constants = [cst.parse_statement(f"_TEXT_{number} = {text}") for number, text in enumerate(self._texts)]
        return updated_node.with_changes(body=[*updated_node.body, *constants])

    # Texts.

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


def _is_internal(function: cst.FunctionDef) -> bool:
    """Whether nobody outside calls it: its parameters may go."""
    first = function.params.params[:1]
    method = bool(first) and first[0].name.value == "self"
    return function.name.value.startswith("_") or (not method and function.asynchronous is None)


_code: Callable[[cst.CSTNode], str] = cst.Module([]).code_for_node


def _is_literal(value: cst.BaseExpression) -> bool:
    return isinstance(value, cst.SimpleString | cst.ConcatenatedString) and not _code(value).startswith("f")


def _is_name(value: cst.BaseExpression) -> bool:
    return isinstance(value, cst.Name)


def _last(called: cst.BaseExpression) -> str:
    return (get_full_name_for_node(called) or "").rpartition(".")[2]


def _called(call: cst.Call) -> str:
    if isinstance(call.func, cst.Name):
        return call.func.value
    if isinstance(call.func, cst.Attribute):
        owner = call.func.value
        return call.func.attr.value if isinstance(owner, cst.Name) and owner.value == "self" else ""
    return ""


def _truth(value: cst.CSTNode) -> bool | None:
    if isinstance(value, cst.Name) and value.value in ("True", "False"):
        return value.value == "True"
    return None


def _inside(outer: cst.BaseExpression, inner: cst.BaseExpression) -> cst.BaseExpression:
    return inner.with_changes(lpar=[*outer.lpar, *inner.lpar], rpar=[*inner.rpar, *outer.rpar])
