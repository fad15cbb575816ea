"""What every judge says: one requirement, whether it holds, and what shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec import Struct, field
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_grant.protocol import Event, Exchange


class Judgement(Struct, frozen=True):
    """What a check, an invariant or a rule says of one requirement.

    The requirement's level in the catalogue, and not the judge, makes a verdict of it. Every exchange brings about
    twenty of them, nearly all of which hold: a struct, because a frozen dataclass takes several times as long.
    """

    requirement: str
    """Id in the catalogue; one that the judge's decorator names."""
    holds: bool | None
    """True and False, or None where the evidence is too weak for either."""
    problem: str = ""
    """What is wrong if it does not hold, in stable words, so that a baseline can match them."""
    exchanges: tuple[Exchange | Event, ...] = ()
    """What shows it, in order; the story of a session has events between its exchanges."""
    got: str = ""
    """What was answered or done, in words; may differ from run to run."""
    tolerated: bool = False
    """If it does not hold: whether that is a warning at most, because the requirement's caveat asks for no more."""
    accepted: tuple[str, ...] = ()
    """Outcomes that would have been right, where the judgement is about an outcome."""
    measured: Mapping[str, float] = field(default_factory=dict)
    """What was measured, by name: seconds, or how many of something."""

    def shown_by(self, evidence: Evidence) -> Judgement:
        """The same judgement about this evidence."""
        return replace(self, exchanges=evidence.entries, got=evidence.describe(self.holds))


class Evidence(Protocol):
    """What a judgement can rest on: one exchange with a server, or one run of a client."""

    @property
    def entries(self) -> tuple[Exchange | Event, ...]:
        """What of it a result shows."""

    @property
    def unanswered(self) -> bool:
        """Whether a lost connection leaves nothing to judge."""

    def describe(self, holds: bool | None = None) -> str:  # noqa: FBT001 - the judgement itself
        """What was answered or done, in a few words; more of them where a requirement does not hold."""
