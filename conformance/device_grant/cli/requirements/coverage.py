"""What is tested and by what: the catalogue joined with the checks, invariants and rules that judge it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, TypeAlias

from device_grant.catalogue import Party, Status, load
from device_grant.client.rules import every_rule
from device_grant.judging import Check, Invariant, all_checks, all_invariants, all_rules
from device_grant.judging.loading import import_checks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from device_grant.catalogue import Catalogue, Requirement
    from device_grant.judging import Rule

AUDIENCES = {
    "server": (Party.AUTHORIZATION_SERVER, Party.USER_INTERACTION, Party.BOTH),
    "client": (Party.CLIENT,),
    "all": tuple(Party),
}
"""Whom one can ask about, and the parties whose requirements that takes in."""


Judge: TypeAlias = "Check | Invariant | Rule"


@dataclass(frozen=True)
class Coverage:
    """The catalogue and its judges."""

    catalogue: Catalogue
    judges: dict[str, tuple[Judge, ...]]
    """Checks, then invariants, then rules, by the requirement that they judge."""

    def of(self, requirement: Requirement) -> tuple[Judge, ...]:
        """What judges the requirement."""
        return self.judges.get(requirement.id, ())

    def status(self, requirement: Requirement) -> Status:
        """Tested, excluded or open."""
        return self.catalogue.status(requirement, self.judges)

    def binding(self, audience: str) -> list[Requirement]:
        """The requirements that bind `server`, `client` or `all`, in the catalogue's order."""
        return [entry for entry in self.catalogue.requirements if entry.party in AUDIENCES[audience]]

    @cached_property
    def untested_of_clients(self) -> int:
        """How many requirements bind clients only and are open."""
        return sum(self.status(entry) is Status.OPEN for entry in self.binding("client"))


def coverage() -> Coverage:
    """Import every check and join them with the catalogue."""
    import_checks("server", "client")
    every_rule()
    collected: dict[str, tuple[Judge, ...]] = {}
    # By name: the registries are in the order in which modules happened to be imported.
    everyone: list[Judge] = [
        *sorted(all_checks(), key=attrgetter("name")),
        *sorted(all_invariants(), key=attrgetter("name")),
        *sorted(all_rules(), key=attrgetter("name")),
    ]
    for judge in everyone:
        for requirement in judge.requirements:
            collected[requirement] = (*collected.get(requirement, ()), judge)
    return Coverage(load(), collected)


def counted(judges: Sequence[Judge]) -> str:
    """`2 checks and 1 invariant`, for people; empty without any."""
    checks = sum(isinstance(judge, Check) for judge in judges)
    invariants = sum(isinstance(judge, Invariant) for judge in judges)
    parts = [
        f"{number} {noun}{'' if number == 1 else 's'}"
        for number, noun in ((checks, "check"), (invariants, "invariant"), (len(judges) - checks - invariants, "rule"))
        if number
    ]
    return " and ".join(parts)
