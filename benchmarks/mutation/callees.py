"""Which function a call calls, as far as the folded sources define it, and who else may call that one."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_PACKAGE = "device_grant.reference.server."
"""Before the names of all modules that are folded."""
_CONSTRUCTOR = "__init__"
_PROPERTIES = frozenset({"property", "cached_property"})


@dataclass(frozen=True)
class Function:
    """One that a folded source defines."""

    module: str
    name: str
    """With its class: `Store.decide`. A class stands for its constructor."""
    parameters: tuple[str, ...]
    """By place, `self` and `cls` left out; None of those that only have a name."""
    named: frozenset[str]
    """All that can be given by name."""
    is_property: bool
    is_async: bool

    @property
    def key(self) -> str:
        """Unique among the sources."""
        return f"{self.module}:{self.name}"

    @property
    def bare(self) -> str:
        """Without its class."""
        return self.name.rpartition(".")[2]

    @property
    def is_method(self) -> bool:
        """Whether it belongs to a class."""
        return "." in self.name

    def parameter(self, place: int, keyword: str | None) -> str:
        """The parameter that an argument is for; empty: one of `*args` or `**kwargs`."""
        if keyword is not None:
            return keyword if keyword in self.named else ""
        return self.parameters[place] if place < len(self.parameters) else ""


class Callees:
    """What is called where.

    `others` are the sources, of whatever name, that are not folded but may use what is: a function that they know
    keeps its parameters.
    """

    def __init__(self, sources: Mapping[str, str], others: Iterable[str] = ()) -> None:
        trees = {module: ast.parse(text) for module, text in sources.items()}
        self._defined = {
            module: {one.name: one for _, one in functions(module, tree)} for module, tree in trees.items()
        }
        self._imported = {module: _imports(tree, sources) for module, tree in trees.items()}
        elsewhere = [ast.parse(text) for text in others]
        methods = [one for defined in self._defined.values() for one in defined.values() if one.is_method]
        unfolded = {one.bare for tree in elsewhere for _, one in functions("", tree) if one.is_method}
        bare = Counter(one.bare for one in methods)
        self._methods = {one.bare: one for one in methods if bare[one.bare] == 1 and one.bare not in unfolded}
        """Those that their bare name tells from all others."""
        self._known: set[str] = set()
        """Keys of what is used by others, or handed on without being called."""
        self._attributes: set[tuple[str, str]] = set()
        """Bare names of what may be a method of any object, used likewise; of private ones after their module."""
        for tree in elsewhere:
            imported = _imports(tree, sources)
            self._know(one for one in imported.values() if one[1])
            self._look_at("", tree, imported, frozenset())
        for module, tree in trees.items():
            called = frozenset(id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call))
            own = {name: (module, name) for name in self._defined[module] if "." not in name}
            self._look_at(module, tree, own | self._imported[module], called)

    def of(self, module: str, called: str, owner: str = "") -> Function | None:
        """What `called` (`f`, `module.f`, `self.f`, `anything.f`) is in this module, and in this class if in one.

        None: nothing that is folded, or not to be told.
        """
        before, _, name = called.rpartition(".")
        if not before:
            return self._named(module, name)
        if before in ("self", "cls") and f"{owner}.{name}" in self._defined[module]:
            return self._defined[module][f"{owner}.{name}"]
        where = self._imported[module].get(before)
        if where is not None and not where[1]:
            return self._named(where[0], name)
        return self._methods.get(name)

    def function(self, module: str, name: str) -> Function | None:
        """The one defined there; None: it is nested, and shares its name with another."""
        return self._defined[module].get(name)

    def is_closed(self, function: Function) -> bool:
        """Whether each of its callers is folded and calls it in a way that tells that it is this one."""
        if function.key in self._known:
            return False
        if not function.is_method:
            return True
        owner, _, bare = function.name.rpartition(".")
        if bare == _CONSTRUCTOR:
            return f"{function.module}:{owner}" not in self._known
        if bare.startswith("_"):
            return (function.module, bare) not in self._attributes
        return ("", bare) not in self._attributes and bare in self._methods

    def _named(self, module: str, name: str) -> Function | None:
        if module not in self._defined:
            return None
        if name in self._imported[module]:
            return self._named(*self._imported[module][name])
        return self._defined[module].get(name) or self._defined[module].get(f"{name}.{_CONSTRUCTOR}")

    def _know(self, names: Iterable[tuple[str, str]]) -> None:
        for module, name in names:
            self._known.add(f"{module}:{name}")
            one = self._named(module, name)
            if one is not None:
                self._known.add(one.key)

    def _look_at(
        self, module: str, tree: ast.AST, names: Mapping[str, tuple[str, str]], called: frozenset[int]
    ) -> None:
        """Note the functions that are looked at other than by a call in `called`."""
        passed = called | _local(tree)
        for node in ast.walk(tree):
            if id(node) in passed:
                continue
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in names:
                self._know([names[node.id]])
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                where = names.get(node.value.id) if isinstance(node.value, ast.Name) else None
                if where is not None and not where[1]:
                    self._know([(where[0], node.attr)])
                else:
                    self._attributes.add((module if node.attr.startswith("_") else "", node.attr))


def functions(
    module: str, tree: ast.AST, owner: str = ""
) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, Function]]:
    """All of a module, each with its definition; nested ones, which are called by their bare name, go by that."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node, _function(module, node, owner)
            yield from functions(module, node)
        else:
            yield from functions(module, node, node.name if isinstance(node, ast.ClassDef) else owner)


def _function(module: str, node: ast.FunctionDef | ast.AsyncFunctionDef, owner: str) -> Function:
    decorators = {ast.unparse(one).rpartition(".")[2] for one in node.decorator_list}
    placed = [one.arg for one in (*node.args.posonlyargs, *node.args.args)]
    named = {one.arg for one in (*node.args.args, *node.args.kwonlyargs)}
    if owner and "staticmethod" not in decorators:
        placed = placed[1:]
    return Function(
        module,
        f"{owner}.{node.name}" if owner else node.name,
        tuple(placed),
        frozenset(named),
        is_property=bool(decorators & _PROPERTIES),
        is_async=isinstance(node, ast.AsyncFunctionDef),
    )


def _local(tree: ast.AST) -> frozenset[int]:
    """Where names of a function's own stand, whatever the module means by them; by the identity of the nodes."""
    result: set[int] = set()
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        inside = list(ast.walk(function))
        names = [node for node in inside if isinstance(node, ast.Name)]
        bound = {node.id for node in names if isinstance(node.ctx, ast.Store)}
        bound |= {node.arg for node in inside if isinstance(node, ast.arg)}
        bound |= {node.name or "" for node in inside if isinstance(node, ast.ExceptHandler)}
        result |= {id(node) for node in names if node.id in bound}
    return frozenset(result)


def _imports(tree: ast.AST, sources: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """By the name here: module and name there; the name is empty for modules."""
    result: dict[str, tuple[str, str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for one in node.names:
                whole = _source(f"{node.module}.{one.name}")
                result[one.asname or one.name] = (whole, "") if whole in sources else (_source(node.module), one.name)
        elif isinstance(node, ast.Import):
            result |= {one.asname: (_source(one.name), "") for one in node.names if one.asname}
    return result


def _source(dotted: str | None) -> str:
    return (dotted or "").removeprefix(_PACKAGE).replace(".", "/")
