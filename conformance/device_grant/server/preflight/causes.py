"""What is broken on the main path, and what that blocks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from device_grant.judging import Untestable
from device_grant.protocol import Operation

if TYPE_CHECKING:
    from device_grant.protocol import Exchange

Blocking = Literal["clients", "starts", "token-requests", "polls", "approved-polls"]
"""What cannot be done: register or name a client, start a grant, ask for tokens at all, poll politely, redeem."""
_OF_OPERATION: dict[Operation, Blocking] = {
    Operation.DEVICE_AUTHORIZATION: "starts",
    Operation.TOKEN: "token-requests",
}


@dataclass(frozen=True)
class Cause:
    """One thing that is wrong on the main path."""

    name: str
    """Of the finding: `start`, `pending`, `token` …; what is blocked by it names it."""
    title: str
    """What is wrong, in one sentence, in stable words."""
    advice: str = ""
    """What to do about it: TOML to add to target.toml, or a sentence."""
    exchange: Exchange | None = None
    """The smallest request that shows it; None where nothing could be sent."""
    blocks: frozenset[Blocking] = frozenset()
    same: tuple[str, ...] = ()
    """Requirements that other checks may find broken by it."""
    security: bool = False
    """Whether it says of a server what must not be published of somebody else's."""


class Blocked(Untestable):
    """What the check needs does not work on the main path, so that its answers would say nothing."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(f"blocked by: {cause.title}")
        self.cause = cause.name


@dataclass(frozen=True)
class Stage:
    """One step of the main path and how it went."""

    name: str
    """In the words of a person: `a device authorization`."""
    went: Literal["well", "wrong", "untried"]
    remark: str = ""
    """What was answered, or why it was not tried."""


@dataclass
class Preflight:
    """What is known of the main path; empty where nobody has walked it."""

    stages: list[Stage] = field(default_factory=list)
    causes: list[Cause] = field(default_factory=list)

    def require(self, blocking: Blocking) -> None:
        """Raise Blocked where that cannot be done."""
        for cause in self.causes:
            if blocking in cause.blocks:
                raise Blocked(cause)

    def require_operation(self, operation: Operation) -> None:
        """Raise Blocked where requests of that operation lead nowhere."""
        blocking = _OF_OPERATION.get(operation)
        if blocking is not None:
            self.require(blocking)
