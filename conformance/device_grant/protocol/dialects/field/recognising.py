"""Whose servers a request went to: the dialects of the field by hosts and paths."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from device_grant.protocol.dialects.field.registry import field_dialects
from device_grant.protocol.exchange import Operation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from device_grant.protocol.dialects.field.dialect import FieldDialect


@dataclass(frozen=True)
class KnownPlace:
    """An endpoint that a dialect of the field has at an address."""

    dialect: FieldDialect
    operation: Operation
    at_home: bool
    """Whether the host is one of the provider's own."""

    @property
    def suffices(self) -> bool:
        """Whether the address alone shows the dialect; else an answer has to."""
        return self.at_home or self.dialect.description.recognised.elsewhere == "paths"


def places_of(url: str) -> Iterator[KnownPlace]:
    """The endpoints that this may be, those at their provider's own hosts first."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
    except ValueError:
        return
    matching = [one for each in field_dialects().values() for one in _of(each, host, parts.path)]
    yield from sorted(matching, key=lambda one: not one.at_home)


def at_any_host(dialect: FieldDialect, url: str) -> Iterator[KnownPlace]:
    """The endpoints of this dialect that this may be, wherever it is, as if it were the provider's own host."""
    try:
        path = urlsplit(url).path
    except ValueError:
        return
    yield from _at(dialect, path, at_home=True)


def _of(dialect: FieldDialect, host: str, path: str) -> Iterator[KnownPlace]:
    known = dialect.description.recognised
    at_home = _matches(host, known.hosts)
    if at_home or known.elsewhere != "never":
        yield from _at(dialect, path, at_home=at_home)


def _at(dialect: FieldDialect, path: str, *, at_home: bool) -> Iterator[KnownPlace]:
    known = dialect.description.recognised
    if _matches(path, known.device_authorization):
        yield KnownPlace(dialect, Operation.DEVICE_AUTHORIZATION, at_home)
    if _matches(path, known.token):
        yield KnownPlace(dialect, Operation.TOKEN, at_home)


def _matches(text: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns)
