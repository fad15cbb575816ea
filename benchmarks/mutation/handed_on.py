"""What stands for the faults where something that is not folded still asks for them: an object with all faults off.

It stands in constants of the module, which mutmut does not mutate; arguments are starred, since it would put None for
a plain one.
"""

from __future__ import annotations

import libcst as cst
from libcst.metadata import ExpressionContext, ExpressionContextProvider, MetadataWrapper

FAULTS = "faults"
"""What the faults are called everywhere: names, members and parameters."""
_PACKAGE = "device_grant.reference.server.faults"
_OFF = "_NO_FAULTS"
_PLACED = f"{_OFF}_PLACED"
_NAMED = f"{_OFF}_AS_"


def is_faults(value: cst.CSTNode) -> bool:
    """Whether this is the faults, by its name."""
    if isinstance(value, cst.Attribute):
        return value.attr.value == FAULTS
    return isinstance(value, cst.Name) and value.value == FAULTS


def with_no_faults(module: cst.Module, holders: list[str]) -> cst.Module:
    """The module with an object without faults wherever it still asks for them.

    `holders` are classes whose instances had them as a member, which others may look at.
    """
    wrapper = MetadataWrapper(module)
    handing = _HandOn()
    changed = wrapper.visit(handing)
    if not (handing.used or holders):
        return module
    constants = [f"from {_PACKAGE} import Faults as _Faults", f"{_OFF} = _Faults()"]
    constants += [f"{_PLACED} = ({_OFF},)"] if handing.placed else []
    constants += [f"{_NAMED}{keyword} = {{{keyword!r}: {_OFF}}}" for keyword in sorted(handing.keywords)]
    constants += [f"{holder}.{FAULTS} = {_OFF}" for holder in holders]
    return changed.with_changes(body=[*changed.body, *map(cst.parse_statement, constants)])


class _HandOn(cst.CSTTransformer):
    METADATA_DEPENDENCIES = (ExpressionContextProvider,)

    def __init__(self) -> None:
        super().__init__()
        self.used = False
        self.placed = False
        self.keywords: set[str] = set()

    def visit_Import(self, node: cst.Import) -> bool:
        return False

    def visit_ImportFrom(self, node: cst.ImportFrom) -> bool:
        return False

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.BaseExpression:
        return self._off(original_node, updated_node)

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.BaseExpression:
        return self._off(original_node, updated_node)

    def leave_Arg(self, original_node: cst.Arg, updated_node: cst.Arg) -> cst.Arg:
        if original_node.star or not self._is_asked_for(original_node.value):
            return updated_node
        if original_node.keyword is None:
            self.placed = True
            return updated_node.with_changes(value=cst.Name(_PLACED), star="*")
        keyword = original_node.keyword.value
        self.keywords.add(keyword)
        return cst.Arg(value=cst.Name(f"{_NAMED}{keyword}"), star="**", comma=updated_node.comma)

    def _off(self, before: cst.BaseExpression, after: cst.BaseExpression) -> cst.BaseExpression:
        if not self._is_asked_for(before):
            return after
        self.used = True
        return cst.Name(_OFF, lpar=after.lpar, rpar=after.rpar)

    def _is_asked_for(self, node: cst.BaseExpression) -> bool:
        context = self.get_metadata(ExpressionContextProvider, node, None)
        return is_faults(node) and context is ExpressionContext.LOAD
