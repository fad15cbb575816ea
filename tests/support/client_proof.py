"""Runs scenarios against the reference client with a fault, on simulated time, without pytest in between."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from device_grant.catalogue import Catalogue, Verdict, load
from device_grant.client.drivers.embedded import EmbeddedDriver
from device_grant.client.rules import every_rule
from device_grant.client.session.run import ClientRun
from device_grant.engine import BROKEN, run_check
from device_grant.judging import all_checks
from device_grant.judging import applies as has_something_to_judge
from device_grant.judging.loading import import_checks
from device_grant.protocol import dialect
from device_grant.reference.client.faults import ClientFaults

if TYPE_CHECKING:
    from device_grant.judging import Check, Rule

EXERCISES = (
    "waiting::test_pending_until_approved",
    "asking::test_credentials",
    "asking::test_no_scope",
    "asking::test_beyond_ascii",
    "refreshing::test_refresh",
    "refreshing::test_refresh_with_credentials",
    "registering::test_registered_otherwise",
    "waiting::test_slow_down_at_first",
)
"""Scenarios in which most rules find what they judge; tried first."""


@dataclass(frozen=True)
class Outcome:
    """What one scenario said of a client."""

    verdicts: dict[str, Verdict]
    rules: dict[str, frozenset[str]]
    """Requirements found broken, by the rule that settled them."""

    @property
    def broken(self) -> frozenset[str]:
        return frozenset(requirement for requirement, verdict in self.verdicts.items() if verdict in BROKEN)


@cache
def scenarios() -> dict[str, Check]:
    import_checks("client")
    return {entry.name: entry for entry in all_checks() if entry.party == "client"}


@cache
def rules() -> dict[str, Rule]:
    return {entry.name: entry for entry in every_rule()}


@cache
def faults() -> dict[str, tuple[str, ...]]:
    return {name: tuple(dialects) for name, dialects, _ in ClientFaults.catalogue()}


@cache
def catalogue() -> Catalogue:
    return load()


def applies(check: Check, dialect_name: str) -> bool:
    return has_something_to_judge(check, dialect(dialect_name), catalogue().get)


@cache
def run_scenario(dialect_name: str, fault: str, name: str, kind: str = "flow") -> Outcome:
    """Run one scenario against the reference client with one fault, or none."""
    driver = EmbeddedDriver(dialect_name, [fault] if fault else [], kind=kind)
    run = ClientRun(driver, dialect(dialect_name), catalogue())
    said = run_check(run, scenarios()[name])
    return Outcome(said.verdicts, said.broken_invariants)
