"""The strategy of malformed requests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from hypothesis import reject
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument

from device_grant.protocol import AWS_SSO_OIDC, any_dialect, field_dialects, known_dialects, service_model
from device_grant_strategies.fixing import Members, reject_unknown
from device_grant_strategies.malformations.families import family
from device_grant_strategies.malformations.model import Malformed
from device_grant_strategies.malformations.registry import ENTRIES, OPERATIONS, Entry

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

    from device_grant_strategies.malformations.context import Context

T = TypeVar("T")

_NAMES = {str(operation): operation for operation in OPERATIONS} | {
    name: operation for operation, name in service_model.OPERATIONS.items()
}


def malformed(
    operation: str,
    *,
    dialect: str = AWS_SSO_OIDC,
    base: Mapping[str, Any] | None = None,
    kinds: Collection[str] | None = None,
    members: Collection[str] | None = None,
) -> SearchStrategy[Malformed]:
    """Draw requests that are wrong in one way, or unusual in a harmless way.

    `operation` has the service model's name (`CreateToken`) or the canonical one (`token`). `base` holds the members
    of a request that is valid for the target, in wire names, the client's identification included; nothing but the
    malformed member is changed in it. Without it a valid request is drawn, whose made-up client the target does not
    know: that answer is then accepted too. `kinds` are keys of MALFORMATIONS. With `members` nothing but these members
    is malformed, and no request as a whole. A client that authenticates by HTTP Basic is left out of `base`, and its
    header added by the caller to each request: the credentials are then not attacked.

    Raises InvalidArgument for an unknown operation, dialect, kind or member, for a base that is not valid, and where
    nothing is left to draw.
    """
    reject_unknown("malformed: operation", [operation], _NAMES)
    # Of providers those that take forms: what is wrong with a form is known, and nothing of JSON under the RFC's names.
    taking_forms = (one.name for one in field_dialects().values() if one.sends_forms)
    reject_unknown("malformed: dialect", [dialect], [*(one.name for one in known_dialects()), *taking_forms])
    reject_unknown("malformed: kinds", kinds or (), ENTRIES)
    wanted, spoken = _NAMES[operation], any_dialect(dialect)
    entries = [
        entry
        for kind, entry in ENTRIES.items()
        if (kinds is None or kind in kinds) and entry.malformation.where(spoken, wanted)
    ]
    if not entries:
        possible = ", ".join(sorted(kind for kind in ENTRIES if ENTRIES[kind].malformation.where(spoken, wanted)))
        raise InvalidArgument(f"malformed: none of the kinds applies to {wanted} in {dialect}; these do: {possible}")

    own = family(spoken)

    def look(request: Mapping[str, Any]) -> tuple[Context, list[Choice]]:
        ctx = own.look(spoken, wanted, request, known=base is not None)
        return ctx, _choices(ctx, entries, members)

    if base is None:
        return _from_drawn(own.valid(wanted), look)
    ctx, choices = look(dict(base))
    if not choices:
        names = ", ".join(entry.malformation.kind for entry in entries)
        raise InvalidArgument(f"malformed: the base has no member to which {names} can be done")
    return _from_base(ctx, choices)


Choice = tuple[Entry, Sequence[str]]


@st.composite
def _from_base(draw: DrawFn, ctx: Context, choices: Sequence[Choice]) -> Malformed:
    return _make(draw, ctx, choices)


@st.composite
def _from_drawn(
    draw: DrawFn, valid: SearchStrategy[Members], look: Callable[[Members], tuple[Context, list[Choice]]]
) -> Malformed:
    ctx, choices = look(draw(valid))
    if not choices:
        reject()
    return _make(draw, ctx, choices)


def _choices(ctx: Context, entries: Sequence[Entry], members: Collection[str] | None) -> list[Choice]:
    collected: list[Choice] = []
    for entry in entries:
        applicable = entry.applicable(ctx)
        if members is not None:
            applicable = tuple(name for name in applicable if name in members)
        if applicable:
            collected.append((entry, applicable))
    return collected


def _make(draw: DrawFn, ctx: Context, choices: Sequence[Choice]) -> Malformed:
    entry, applicable = _one_of(draw, choices)
    member = _one_of(draw, applicable)
    draft = entry.make(draw, ctx, member)
    fair = draft.answers if ctx.known else draft.answers.accepting(*ctx.fair.unknown_client())
    fair = fair.normalised()
    return Malformed(
        operation=ctx.operation,
        dialect=ctx.dialect.name,
        kind=entry.malformation.kind,
        member=member,
        description=draft.description,
        content_type=ctx.content_type if draft.content_type == "" else draft.content_type,
        body=draft.body,
        accepted=fair.accepted,
        tolerated=fair.tolerated,
        requirement=draft.requirement,
    )


def _one_of(draw: DrawFn, options: Sequence[T]) -> T:
    # A draw without a choice would cost as much as any other, and tempt Hypothesis to mutate it.
    return options[draw(st.integers(0, len(options) - 1)) if len(options) > 1 else 0]
