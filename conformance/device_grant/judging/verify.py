"""`verify`, by which a check says what it found: it makes a judgement of it, and the ledger a verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from device_grant.judging.judgement import Evidence, Judgement
from device_grant.judging.ledger import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from device_grant.judging.ledger import Ledger
    from device_grant.protocol import Exchange


UNDECIDED = "it cannot be told whether this is so"
"""Before a problem that may be one: what nobody knows is no finding, and has to be read as none."""


class RuleEvidence(Evidence, Protocol):
    """A run of a client, of which the rules have something to say."""

    @property
    def how(self) -> str:
        """How it ended, behind `the client`."""

    @property
    def seen(self) -> str:
        """What it did instead of what would have shown more, in words; empty where that is nothing in particular."""

    def judgements(self, requirements: Iterable[str]) -> list[Judgement]:
        """What the rules say of these requirements in it."""


class Verify:
    """The judge of one case: `verify(requirement, exchange, accepted=[…])`, or `verify.that(…)` of what is no outcome.

    A check says whether a requirement holds. It never says how bad that is: the requirement's level does.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def __call__(
        self,
        requirement: str,
        exchange: Exchange,
        *,
        accepted: Iterable[str],
        tolerated: Iterable[str] = (),
    ) -> None:
        """Say that the outcome is one of `accepted`; one of `tolerated` is a warning at most.

        Names are those of `Outcome.names`. Where the connection was lost and neither list names `no-response`, nothing
        can be told.
        """
        accepted, tolerated = tuple(accepted), tuple(tolerated)
        names = exchange.outcome.names
        holds: bool | None = not names.isdisjoint(accepted)
        lenient = not holds and not names.isdisjoint(tolerated)
        if exchange.unanswered and not (holds or lenient):
            holds = None
        got = exchange.describe(holds)
        due = " or ".join(accepted)
        self._ledger.settle(
            Judgement(
                requirement,
                holds,
                f"no answer that could be judged, where {due} was due"
                if holds is None
                else f"answered {got} instead of {due}",
                exchange.entries,
                got,
                tolerated=lenient,
                accepted=accepted + tuple(f"{name} (with a warning)" for name in tolerated),
            )
        )

    def that(  # noqa: PLR0913 - a judgement has that many parts, most of them optional
        self,
        requirement: str,
        holds: bool | None,  # noqa: FBT001 - the judgement itself
        problem: str,
        *evidence: Evidence,
        accepted: Iterable[str] = (),
        got: str = "",
        tolerated: bool = False,
        measured: Mapping[str, float] | None = None,
    ) -> None:
        """Say whether something holds that is no outcome; `problem` is stable text that says what is wrong if not.

        `got` is what was found, in words: by default what the last of the evidence says of itself. If that was never
        answered nothing can be told, unless `accepted` names `no-response`.
        """
        accepted = tuple(accepted)
        if evidence and evidence[-1].unanswered and "no-response" not in accepted:
            holds = None
        self._ledger.settle(
            Judgement(
                requirement,
                holds,
                f"{UNDECIDED}: {problem}" if holds is None else problem,
                tuple(entry for one in evidence for entry in one.entries),
                got or (evidence[-1].describe(holds) if evidence else ""),
                tolerated,
                accepted,
                measured or {},
            )
        )

    def unclear(self, requirement: str, reason: str, *evidence: Evidence) -> None:
        """Say that nothing can be told of a requirement, and why."""
        entries = tuple(entry for one in evidence for entry in one.entries)
        self._ledger.settle(Judgement(requirement, None, reason, entries, evidence[-1].describe() if evidence else ""))

    def by_rules(self, session: RuleEvidence, *requirements: str, default: bool | None = None) -> None:
        """Say of these requirements what the rules say of them in this run of a client.

        Where they have nothing to say the judgement is `default`; without one nothing in the run showed it, and the
        check ends: raises Inconclusive, which says what the run did show.
        """
        said = session.judgements(requirements)
        silent = []
        for requirement in requirements:
            own = [judgement for judgement in said if judgement.requirement == requirement]
            for judgement in own:
                self._ledger.settle(judgement)
            if not own and default is not None:
                self._ledger.settle(Judgement(requirement, default))
            elif not own and self._ledger.applicable(requirement):
                silent.append(requirement)
        if silent:
            seen = f": {session.seen}" if session.seen else ""
            raise Inconclusive(f"the client {session.how}, and nothing in its run showed this{seen}")
