"""Runs scenarios against the reference client with a fault, on simulated time, without pytest in between."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import conformance.client
from conformance.client.case import ClientCase
from conformance.client.embedded import EmbeddedDriver
from conformance.client.rules import every_rule
from conformance.client.run import ClientRun
from conformance.judging import all_checks
from conformance.protocol import dialect
from conformance.reference.client.faults import ClientFaults
from conformance.requirements import Catalogue, Verdict, load

if TYPE_CHECKING:
    from conformance.judging import Check, Rule

BROKEN = (Verdict.OBSERVED, Verdict.WARN, Verdict.FAIL)


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
    for module in pkgutil.iter_modules(conformance.client.__path__, "conformance.client."):
        if module.name.rpartition(".")[2].startswith("test_"):
            importlib.import_module(module.name)
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
    if check.dialects and dialect_name not in check.dialects:
        return False
    return any(dialect_name in catalogue().get(name).dialects for name in check.requirements)


@cache
def run_scenario(dialect_name: str, fault: str, name: str, kind: str = "flow") -> Outcome:
    """Run one scenario against the reference client with one fault, or none."""
    driver = EmbeddedDriver(dialect_name, [fault] if fault else [], kind=kind)
    run = ClientRun(driver, dialect(dialect_name), catalogue())
    case = ClientCase(run, scenarios()[name])
    case.execute()
    return Outcome(
        {requirement: tally.verdict for requirement, tally in case.ledger.tallies.items()},
        {
            ledger.check: frozenset(found)
            for ledger in case.invariants.values()
            if (found := {requirement for requirement, tally in ledger.tallies.items() if tally.verdict in BROKEN})
        },
    )
