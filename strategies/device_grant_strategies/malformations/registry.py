"""The registry of malformations: one function each, entered by a decorator."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from hypothesis.strategies import DrawFn

from device_grant.protocol.exchange import Operation
from device_grant_strategies.malformations.context import Context
from device_grant_strategies.malformations.model import Malformation

if TYPE_CHECKING:
    from device_grant.protocol import Dialect
    from device_grant_strategies.malformations.answers import Answers
    from device_grant_strategies.malformations.model import Where

OPERATIONS = (Operation.REGISTRATION, Operation.DEVICE_AUTHORIZATION, Operation.TOKEN)


def everywhere(_dialect: Dialect, _operation: Operation) -> bool:
    """To every request."""
    return True


def forms(dialect: Dialect, operation: Operation) -> bool:
    """To requests that are forms."""
    return dialect.encoding(operation) == "form"


def json_objects(dialect: Dialect, operation: Operation) -> bool:
    """To requests that are JSON objects."""
    return dialect.encoding(operation) == "json"


def with_required_members(dialect: Dialect, operation: Operation) -> bool:
    """To requests that cannot do without some of their members."""
    return operation is not Operation.REGISTRATION or dialect.registration_needs_members


def with_required_json_members(dialect: Dialect, operation: Operation) -> bool:
    """To JSON objects that cannot do without some of their members."""
    return json_objects(dialect, operation) and with_required_members(dialect, operation)


def with_optional_members(dialect: Dialect, operation: Operation) -> bool:
    """To JSON objects with optional members, lists among them: a device authorization in JSON has none."""
    return json_objects(dialect, operation) and operation is not Operation.DEVICE_AUTHORIZATION


@dataclass(frozen=True)
class Draft:
    """What one malformation made of a valid request."""

    description: str
    body: bytes
    answers: Answers
    requirement: str
    content_type: str | None = ""
    """Empty: the right one; None: no header."""


Maker = Callable[[DrawFn, Context, str], Draft]
Chooser = Callable[[Context], Iterable[str]]


@dataclass(frozen=True)
class Entry:
    """A malformation with what it applies to and how it is made."""

    malformation: Malformation
    members: Chooser
    """Names of the members that it can be done to; `("",)` if it is done to the whole request."""
    make: Maker

    def applicable(self, ctx: Context) -> tuple[str, ...]:
        """List the members of this request that it can be done to; empty if to none."""
        if not self.malformation.where(ctx.dialect, ctx.operation):
            return ()
        return tuple(self.members(ctx))


ENTRIES: dict[str, Entry] = {}

_ENTERED: dict[str, Malformation] = {}

MALFORMATIONS: Mapping[str, Malformation] = MappingProxyType(_ENTERED)
"""Every kind with its description and the dialects and operations that it applies to."""


def whole_request(_: Context) -> tuple[str, ...]:
    """Choose no member: for malformations of a whole request."""
    return ("",)


def malformation(
    kind: str,
    description: str,
    where: Where = everywhere,
    members: Chooser = whole_request,
) -> Callable[[Maker], Maker]:
    """Enter a function into the registry."""

    def enter(make: Maker) -> Maker:
        if kind in ENTRIES:
            raise ValueError(f"malformation {kind!r} is entered twice")
        _ENTERED[kind] = Malformation(kind, description, where)
        ENTRIES[kind] = Entry(_ENTERED[kind], members, make)
        return make

    return enter
