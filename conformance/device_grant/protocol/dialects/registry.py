"""The one registry of dialects: those that come with the suite, and those that its users add."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.errors import UsageError, one_of
from device_grant.protocol.dialects.aws_sso_oidc import AwsSsoOidcDialect
from device_grant.protocol.dialects.field import field_dialects
from device_grant.protocol.dialects.rfc8628 import Rfc8628Dialect

if TYPE_CHECKING:
    from device_grant.protocol.dialects.base import Dialect

_DIALECTS: dict[str, Dialect] = {}


def register(dialect: Dialect) -> Dialect:
    """Make a dialect known under its name; raises UsageError if another one has the name."""
    taken = _DIALECTS.get(dialect.name)
    if taken is not None and type(taken) is not type(dialect):
        raise UsageError(f"dialect {dialect.name!r} is registered twice: give one of them another name")
    return _DIALECTS.setdefault(dialect.name, dialect)


def dialect(name: str) -> Dialect:
    """The dialect of that name; raises UsageError with the list of names for an unknown one."""
    try:
        return _DIALECTS[name]
    except KeyError:
        raise UsageError(f"unknown dialect {name!r}: {one_of(name, _DIALECTS)}") from None


def any_dialect(name: str) -> Dialect:
    """The dialect of that name, be it one of the field; raises UsageError with the list of names for an unknown one."""
    known = {**_DIALECTS, **field_dialects()}
    if name not in known:
        raise UsageError(f"unknown dialect {name!r}: {one_of(name, known)}")
    return known[name]


def spoken(name: str) -> Dialect:
    """The dialect of that name, be it one of the field; where it is unknown, as in results from elsewhere, the default.

    Never raises.
    """
    return _DIALECTS.get(name) or field_dialects().get(name) or default_dialect()


def known_dialects() -> tuple[Dialect, ...]:
    """Every registered dialect, in the order of the suite: the default comes first."""
    return tuple(_DIALECTS.values())


def default_dialect() -> Dialect:
    """The dialect of a target or client that says nothing of it."""
    return known_dialects()[0]


register(Rfc8628Dialect())
register(AwsSsoOidcDialect())
