"""Every check is able to fail, every fault is caught, and the honest reference passes everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.needs import needs
from support.proof import (
    EXERCISES,
    SHARED,
    applies,
    catalogue,
    faults,
    judges,
    needs_browser,
    run_checks,
)
from support.raw_proof import raw_faults

from device_grant.catalogue import Verdict
from device_grant.protocol import AWS_SSO_OIDC, RFC8628

pytestmark = pytest.mark.long

if TYPE_CHECKING:
    from device_grant.judging import Check

DIALECTS = (RFC8628, AWS_SSO_OIDC)
CHECKS, INVARIANTS = judges()


@pytest.fixture(scope="module", autouse=True)
def shared_outcomes(tmp_path_factory, worker_id):
    """Test processes side by side share what they have found: the same runs are proof of checks and of faults."""
    if worker_id == "master":
        return
    SHARED.folder = tmp_path_factory.getbasetemp().parent / "proof"
    SHARED.folder.mkdir(exist_ok=True)


def _dialects_of(fault: str) -> tuple[str, ...]:
    return faults()[fault]


def _slow(check: Check) -> bool:
    """Whether it goes through generated examples or starts a browser: one proof of it is enough."""
    return check.sampled or needs_browser(check)


def _quickest(fault: str) -> tuple[str, ...]:
    """The checks that name a fault; the slow proof is taken only where no other check names it."""
    naming = [check for check in CHECKS.values() if fault in check.faults]
    return tuple(check.name for check in naming if not _slow(check)) or tuple(check.name for check in naming)


def _needs(*names: str) -> tuple[pytest.MarkDecorator, ...]:
    """What none of the checks can do without."""
    alone = bool(names) and all(needs_browser(CHECKS[name]) for name in names)
    return (needs("chromium"),) if alone else ()


# Only a wrong HTTP server can break these, which the reference's own is not: test_raw.py proves them.
ON_THE_WIRE = raw_faults()


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=_needs(name)) for name in sorted(CHECKS.keys() - ON_THE_WIRE.keys())]
)
def test_each_check_fails_on_its_faults(name):
    check = CHECKS[name]
    assert check.faults, f"{name} names no fault that proves it"
    falsified: set[str] = set()
    for fault in check.faults:
        collected: set[str] = set()
        for dialect in _dialects_of(fault):
            if not (_slow(check) and collected):
                collected |= run_checks(dialect, fault, (name,)).checks.get(name, frozenset())
        assert collected, f"{name} does not notice {fault}"
        falsified |= collected
    if not check.sampled:
        unproved = [
            requirement
            for requirement in check.requirements
            if requirement not in falsified and any(applies(check, dialect) for dialect in DIALECTS)
        ]
        assert not unproved, f"{name}: none of its faults breaks {', '.join(unproved)}"


@pytest.mark.parametrize("name", sorted(INVARIANTS))
def test_each_invariant_fails_on_its_faults(name):
    invariant = INVARIANTS[name]
    assert invariant.faults, f"{name} names no fault that proves it"
    falsified: set[str] = set()
    for fault in invariant.faults:
        collected: set[str] = set()
        for dialect in _dialects_of(fault):
            collected |= run_checks(dialect, fault, EXERCISES).invariants.get(name, frozenset())
        assert collected, f"{name} does not notice {fault}"
        falsified |= collected
    unproved = set(invariant.requirements) - falsified
    assert not unproved, f"{name}: none of its faults breaks {', '.join(sorted(unproved))}"


@pytest.mark.parametrize(
    ("fault", "dialect"),
    [
        pytest.param(fault, dialect, marks=_needs(*_quickest(fault)))
        for fault in sorted(faults())
        for dialect in faults()[fault]
    ],
)
def test_each_fault_is_caught(fault, dialect):
    names = _quickest(fault)
    rules = [name for name, rule in INVARIANTS.items() if fault in rule.faults]
    assert names or rules, f"no check and no invariant names {fault}"
    # One by one, as above: what was run there need not be run again.
    outcomes = (run_checks(dialect, fault, (name,)) for name in names)
    caught = any(any(one.checks.values()) or not one.invariants.keys().isdisjoint(rules) for one in outcomes)
    if not caught and rules:
        caught = not run_checks(dialect, fault, EXERCISES).invariants.keys().isdisjoint(rules)
    assert caught, f"{fault} goes unnoticed in {dialect}"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_honest_reference_is_never_accused(dialect):
    outcome = run_checks(dialect, "", tuple(CHECKS))
    assert not {name: result for name, result in outcome.checks.items() if result}
    assert not outcome.invariants


def test_requirements_named_by_checks_exist():
    catalogue().check_references({name: entry.requirements for name, entry in {**CHECKS, **INVARIANTS}.items()})


def test_faults_named_by_checks_exist():
    named = {fault for entry in (*CHECKS.values(), *INVARIANTS.values()) for fault in entry.faults}
    assert named <= set(faults())


def test_verdicts_are_ordered_worst_last():
    assert max(Verdict) is Verdict.FAIL
    assert Verdict.PASS < Verdict.OBSERVED < Verdict.WARN < Verdict.FAIL
