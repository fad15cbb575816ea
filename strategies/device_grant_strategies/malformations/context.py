"""The valid request that a malformation starts from, and what is known about its members."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hypothesis.errors import InvalidArgument

from device_grant.protocol import service_model
from device_grant.protocol.exchange import Operation
from device_grant_strategies import aws, oauth
from device_grant_strategies.malformations.fair import Fair, RestJsonFair

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_grant.protocol import Dialect
    from device_grant.protocol.dialects.bodies import Encoding

_CREDENTIALS = ("client_id", "client_secret")


@dataclass(frozen=True)
class Context:
    """A valid request and its members."""

    dialect: Dialect
    operation: Operation
    members: Mapping[str, Any]
    """Wire names to values."""
    types: Mapping[str, str]
    """Known members, present or not: `string` or `list`."""
    required: tuple[str, ...]
    """Present members without which the request must be refused."""
    absent: tuple[str, ...]
    """Optional members that the operation defines and the request does not have."""
    known: bool
    """Whether the target knows the values: the caller gave the base."""
    fair: Fair
    """What a fair judge makes of this request's malformations."""

    @property
    def encoding(self) -> Encoding:
        """How the operation's request is encoded in this dialect."""
        return self.dialect.encoding(self.operation)

    @property
    def content_type(self) -> str:
        """The right Content-Type."""
        return self.dialect.media_type(self.operation)

    @property
    def pairs(self) -> list[tuple[str, Any]]:
        """The members in order."""
        return list(self.members.items())

    def of_type(self, kind: str) -> tuple[str, ...]:
        """List the known members of a type, present ones first."""
        names = [name for name, member_type in self.types.items() if member_type == kind]
        return tuple(sorted(names, key=lambda name: name not in self.members))

    def changed(self, member: str, value: object) -> list[tuple[str, Any]]:
        """Replace or add one value."""
        return list({**self.members, member: value}.items())


def modelled(dialect: Dialect, operation: Operation, members: Mapping[str, Any], *, known: bool) -> Context:
    """Look at a request by the service model; raises InvalidArgument if it is not a valid one."""
    shape = service_model.operation(service_model.OPERATIONS[operation])
    types = {member.name: member.type for member in shape.input}
    absent = tuple(name for name in types if name not in members and name not in shape.required)
    required = list(shape.required)
    if operation is Operation.TOKEN:
        required += _grant_member(members, "grantType", aws.GRANT_MEMBERS)
        # Members of other grants are not part of this request: a value in them would change what is tested.
        foreign = {*aws.GRANT_MEMBERS.values(), "redirectUri", "codeVerifier"} - set(members)
        types = {name: member_type for name, member_type in types.items() if name not in foreign}
    _check(f"base of {shape.name}", members, required, types)
    return Context(
        dialect, operation, members, types, tuple(required), absent, known, RestJsonFair(operation, tuple(required))
    )


def parametrised(dialect: Dialect, operation: Operation, members: Mapping[str, Any], *, known: bool) -> Context:
    """Look at a request by the RFCs; raises InvalidArgument if it is not a valid one."""
    if operation is Operation.REGISTRATION:
        # RFC 7591 section 2 requires no member at all.
        absent = tuple(name for name in oauth.REGISTRATION_TYPES if name not in members)
        return Context(dialect, operation, members, oauth.REGISTRATION_TYPES, (), absent, known, Fair(operation, ()))
    required = [name for name in _CREDENTIALS if name in members]
    if operation is Operation.TOKEN:
        required = ["grant_type", *_grant_member(members, "grant_type", oauth.GRANT_PARAMETERS), *required]
    types = dict.fromkeys(members, "string")
    if operation is Operation.DEVICE_AUTHORIZATION:
        types["scope"] = "string"
    _check(f"base of {operation}", members, required, None)
    return Context(dialect, operation, members, types, tuple(required), (), known, Fair(operation, tuple(required)))


def _grant_member(members: Mapping[str, Any], name: str, needed: Mapping[str, str]) -> list[str]:
    grant = members.get(name)
    return [needed[grant]] if isinstance(grant, str) and grant in needed else []


def _check(what: str, members: Mapping[str, Any], required: list[str], known: Mapping[str, str] | None) -> None:
    missing = [name for name in required if members.get(name) in (None, "")]
    if missing:
        raise InvalidArgument(f"{what} must be a valid request: give it {', '.join(missing)}")
    unknown = [] if known is None else [name for name in members if name not in known]
    if unknown:
        raise InvalidArgument(f"{what} must be a valid request: the service model has no {', '.join(unknown)}")
