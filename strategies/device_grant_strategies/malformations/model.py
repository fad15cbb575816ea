"""What a malformed request is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from device_grant.protocol.exchange import Operation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from device_grant.protocol import Dialect

AS_VALID = "as-valid"
"""In a list of acceptable answers: whatever the same request without the malformation may get."""

PROCESSED = ("ok", "authorization_pending", "slow_down", "access_denied", "expired_token")
"""Answers that show that the request was processed; a wide name such as `http-400` never covers them."""

Acceptability = Literal["accepted", "tolerated", "unacceptable"]


Where = Callable[["Dialect", Operation], bool]


@dataclass(frozen=True)
class Malformation:
    """One entry of the registry."""

    kind: str
    """Stable slug, for example `member-missing`."""
    description: str
    """What is wrong with such a request, one line."""
    where: Where
    """Whether it applies to an operation of a dialect."""


@dataclass(frozen=True, repr=False)
class Malformed:
    """A request that is wrong in one way, or unusual in a harmless way, and what a fair judge accepts.

    `accepted` and `tolerated` hold names as in `device_grant.protocol.exchange.Outcome.names`: `ok`, OAuth error
    codes, AWS framework exceptions, `http-415`, `http-4xx`, `no-response`. They say nothing about a status of 500
    and above, which is never acceptable, nor about the form of an error, which is judged elsewhere.
    """

    operation: Operation
    dialect: str
    kind: str
    """Key of MALFORMATIONS."""
    member: str
    """Wire name of the member that is malformed; empty if the whole request is."""
    description: str
    """One readable line; never holds a value of the base request."""
    content_type: str | None
    """Value of the Content-Type header; None: send none."""
    body: bytes
    accepted: tuple[str, ...]
    tolerated: tuple[str, ...]
    """Acceptable with a warning."""
    requirement: str
    """Id of the catalogue entry that the request serves."""
    method: str = "POST"

    def __repr__(self) -> str:
        return f"<malformed {self.operation} ({self.dialect}): {self.description}; {len(self.body)} bytes>"

    @property
    def harmless(self) -> bool:
        """Whether the answer to the valid request is among the accepted ones."""
        return AS_VALID in self.accepted

    @property
    def refused(self) -> tuple[str, ...]:
        """Answers that are unacceptable even though a wide name (`http-4xx`) would cover them."""
        return tuple(name for name in PROCESSED if name not in self.accepted and name not in self.tolerated)

    def with_valid_answers(self, codes: Iterable[str]) -> Malformed:
        """Replace `as-valid` by the answers that the valid request may get.

        For example `("authorization_pending", "slow_down")` for a poll with a pending code, else `("ok",)`.
        """
        codes = tuple(codes)
        return replace(self, accepted=_substitute(self.accepted, codes), tolerated=_substitute(self.tolerated, codes))

    def judge(self, names: Iterable[str]) -> Acceptability:
        """Judge an answer by its `Outcome.names`; call `with_valid_answers` first.

        A precise name (an error code) decides before a wide one (`http-4xx`); 5xx is never acceptable.
        """
        got = frozenset(names)
        if "http-5xx" in got:
            return "unacceptable"
        precise = {name for name in got if not name.startswith("http-")}
        if precise & set(self.accepted):
            return "accepted"
        if precise & set(self.tolerated):
            return "tolerated"
        if precise & set(self.refused):
            return "unacceptable"
        if got & set(self.accepted):
            return "accepted"
        return "tolerated" if got & set(self.tolerated) else "unacceptable"


def _substitute(names: tuple[str, ...], codes: tuple[str, ...]) -> tuple[str, ...]:
    collected: list[str] = []
    for name in names:
        collected += codes if name == AS_VALID else (name,)
    return tuple(dict.fromkeys(collected))
