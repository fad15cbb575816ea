"""The registry of malformations: one function each, entered by a decorator."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from hypothesis.strategies import DrawFn

from device_grant.protocol.exchange import Operation
from device_grant_strategies.malformations.context import AWS_SSO_OIDC, RFC8628, Context
from device_grant_strategies.malformations.model import Malformation

if TYPE_CHECKING:
    from device_grant_strategies.malformations.answers import Answers

OPERATIONS = (Operation.REGISTRATION, Operation.DEVICE_AUTHORIZATION, Operation.TOKEN)

AWS = frozenset((AWS_SSO_OIDC, operation) for operation in OPERATIONS)
FORMS = frozenset({(RFC8628, Operation.DEVICE_AUTHORIZATION), (RFC8628, Operation.TOKEN)})
JSON = AWS | {(RFC8628, Operation.REGISTRATION)}
EVERYWHERE = JSON | FORMS


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
        if (ctx.dialect, ctx.operation) not in self.malformation.where:
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
    where: frozenset[tuple[str, Operation]] = EVERYWHERE,
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
