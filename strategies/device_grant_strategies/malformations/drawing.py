"""The strategy of malformed requests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from hypothesis import reject
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument

from device_grant.protocol.exchange import DEVICE_CODE_GRANT, Operation
from device_grant_strategies import aws, oauth
from device_grant_strategies.fixing import Members, reject_unknown
from device_grant_strategies.malformations import answers
from device_grant_strategies.malformations.context import AWS_OPERATIONS, AWS_SSO_OIDC, RFC8628, Context, context
from device_grant_strategies.malformations.model import Malformed
from device_grant_strategies.malformations.registry import ENTRIES, OPERATIONS, Entry

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

T = TypeVar("T")

_NAMES = {str(operation): operation for operation in OPERATIONS} | {
    name: operation for operation, name in AWS_OPERATIONS.items()
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
    reject_unknown("malformed: dialect", [dialect], (AWS_SSO_OIDC, RFC8628))
    reject_unknown("malformed: kinds", kinds or (), ENTRIES)
    wanted = _NAMES[operation]
    entries = [
        entry
        for kind, entry in ENTRIES.items()
        if (kinds is None or kind in kinds) and (dialect, wanted) in entry.malformation.where
    ]
    if not entries:
        possible = ", ".join(sorted(kind for kind in ENTRIES if (dialect, wanted) in ENTRIES[kind].malformation.where))
        raise InvalidArgument(f"malformed: none of the kinds applies to {wanted} in {dialect}; these do: {possible}")

    def look(request: Mapping[str, Any]) -> tuple[Context, list[Choice]]:
        ctx = context(dialect, wanted, request, known=base is not None)
        return ctx, _choices(ctx, entries, members)

    if base is None:
        return _from_drawn(_valid(dialect, wanted), look)
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
    found: list[Choice] = []
    for entry in entries:
        applicable = entry.applicable(ctx)
        if members is not None:
            applicable = tuple(name for name in applicable if name in members)
        if applicable:
            found.append((entry, applicable))
    return found


def _make(draw: DrawFn, ctx: Context, choices: Sequence[Choice]) -> Malformed:
    entry, applicable = _one_of(draw, choices)
    member = _one_of(draw, applicable)
    draft = entry.make(draw, ctx, member)
    fair = draft.answers if ctx.known else draft.answers.accepting(*answers.unknown_client(ctx))
    fair = fair.normalised()
    return Malformed(
        operation=ctx.operation,
        dialect=ctx.dialect,
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


def _valid(dialect: str, operation: Operation) -> SearchStrategy[Members]:
    # Registrations without the members that no malformation is about: they would only cost time.
    if dialect == AWS_SSO_OIDC:
        return {
            Operation.REGISTRATION: aws.register_client_requests(entitledApplicationArn=None, grantTypes=None),
            Operation.DEVICE_AUTHORIZATION: aws.start_device_authorization_requests(),
        }.get(operation, aws.create_token_requests(DEVICE_CODE_GRANT))
    return {
        Operation.REGISTRATION: oauth.client_registration_requests(
            logo_uri=None, tos_uri=None, policy_uri=None, contacts=None, software_version=None, application_type=None
        ),
        Operation.DEVICE_AUTHORIZATION: oauth.device_authorization_requests(),
    }.get(operation, oauth.token_requests(DEVICE_CODE_GRANT))
