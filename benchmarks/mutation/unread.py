"""Names that only faults look at: once the faults are gone, so are these, assignments and parameters alike."""

from __future__ import annotations

import libcst as cst

from benchmarks.mutation.handed_on import is_faults


class _Read(cst.CSTVisitor):
    """Collects names that are looked at, not only assigned."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def visit_Name(self, node: cst.Name) -> None:
        self.names.add(node.value)

    def visit_Arg(self, node: cst.Arg) -> bool:
        node.value.visit(self)
        return False

    def visit_AssignTarget(self, node: cst.AssignTarget) -> bool:
        return not isinstance(node.target, cst.Name)


class WithoutStores(cst.CSTTransformer):
    """Drops assignments to names that nobody looks at any more, and such parameters."""

    def __init__(self, idle: set[str]) -> None:
        super().__init__()
        self._idle = idle

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.BaseStatement | cst.RemovalSentinel:
        """The statement, unless it is such an assignment."""
        statement = updated_node.body[0]
        if isinstance(statement, cst.Assign):
            target = statement.targets[0].target
            if isinstance(target, cst.Name) and target.value in self._idle:
                return cst.RemoveFromParent()
        return updated_node

    def leave_Parameters(self, original_node: cst.Parameters, updated_node: cst.Parameters) -> cst.Parameters:
        """The parameters that are left."""
        return without(updated_node, self._idle)


def without(parameters: cst.Parameters, names: set[str]) -> cst.Parameters:
    """The parameters but those of these names."""
    plain = [one for one in parameters.params if one.name.value not in names]
    kept = [one for one in parameters.kwonly_params if one.name.value not in names]
    star = parameters.star_arg if kept or isinstance(parameters.star_arg, cst.Param) else cst.MaybeSentinel.DEFAULT
    return parameters.with_changes(params=plain, kwonly_params=kept, star_arg=star)


def without_faults(statement: cst.Assign, targets: cst.Tuple, values: cst.Tuple) -> cst.Assign:
    """Of `faults, a = store.faults, b` what is left; for several names it stays as it is."""
    if len(targets.elements) != len(values.elements):
        return statement
    pairs = [
        (target, value)
        for target, value in zip(targets.elements, values.elements, strict=True)
        if not is_faults(target.value)
    ]
    if len(pairs) != 1 or len(targets.elements) == 1 or isinstance(pairs[0][0], cst.StarredElement):
        return statement
    ((target, value),) = pairs
    return statement.with_changes(targets=[statement.targets[0].with_changes(target=target.value)], value=value.value)


def names_read(node: cst.CSTNode) -> set[str]:
    """All names in it but those that are only assigned."""
    result = _Read()
    node.visit(result)
    return result.names
