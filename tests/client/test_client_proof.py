"""Every scenario and every rule is able to fail, every client fault is caught, the honest client is never accused."""

from __future__ import annotations

import pytest
from support.client_proof import EXERCISES, applies, catalogue, faults, rules, run_scenario, scenarios

from device_grant.catalogue import Verdict
from device_grant.protocol import AWS_SSO_OIDC, RFC8628

pytestmark = pytest.mark.long

DIALECTS = (RFC8628, AWS_SSO_OIDC)
SCENARIOS, RULES = scenarios(), rules()
IN_ORDER = (*EXERCISES, *sorted(SCENARIOS.keys() - set(EXERCISES)))


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_each_scenario_fails_on_its_faults(name):
    scenario = SCENARIOS[name]
    assert scenario.faults, f"{name} names no fault that proves it"
    falsified = set()
    for fault in scenario.faults:
        collected = set()
        for dialect in faults()[fault]:
            if applies(scenario, dialect):
                collected |= run_scenario(dialect, fault, name).broken
        assert collected, f"{name} does not notice {fault}"
        falsified |= collected
    unproved = set(scenario.requirements) - falsified
    assert not unproved, f"{name}: none of its faults breaks {', '.join(sorted(unproved))}"


@pytest.mark.parametrize("name", sorted(RULES))
def test_each_rule_fails_on_its_faults(name):
    rule = RULES[name]
    assert rule.faults, f"{name} names no fault that proves it"
    falsified = set()
    for fault in rule.faults:
        result = _found_by(name, fault)
        assert result, f"{name} does not notice {fault}"
        falsified |= result
    unproved = set(rule.requirements) - falsified
    assert not unproved, f"{name}: none of its faults breaks {', '.join(sorted(unproved))}"


def _found_by(rule, fault):
    """Requirements that the rule finds broken in the first scenario, of each dialect, in which it finds any."""
    collected = set()
    for dialect in faults()[fault]:
        for name in IN_ORDER:
            if applies(SCENARIOS[name], dialect):
                seen = run_scenario(dialect, fault, name).rules.get(rule, frozenset())
                collected |= seen
                if seen:
                    break
        if set(RULES[rule].requirements) <= collected:
            break
    return collected


@pytest.mark.parametrize(
    ("fault", "dialect"), [(fault, dialect) for fault in sorted(faults()) for dialect in faults()[fault]]
)
def test_each_fault_is_caught(fault, dialect):
    naming = [one for one in SCENARIOS.values() if fault in one.faults and applies(one, dialect)]
    if any(run_scenario(dialect, fault, scenario.name).broken for scenario in naming):
        return
    watching = [name for name, rule in RULES.items() if fault in rule.faults]
    assert naming or watching, f"no scenario and no rule names {fault}"
    caught = any(
        not run_scenario(dialect, fault, name).rules.keys().isdisjoint(watching)
        for name in IN_ORDER
        if watching and applies(SCENARIOS[name], dialect)
    )
    assert caught, f"{fault} goes unnoticed in {dialect}"


@pytest.mark.parametrize("kind", ["flow", "operations", "refresh", "code"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_honest_client_is_never_accused(dialect, kind):
    judged, accused = set(), {}
    for name, scenario in SCENARIOS.items():
        if applies(scenario, dialect):
            outcome = run_scenario(dialect, "", name, kind)
            if outcome.broken or outcome.rules:
                accused[name] = outcome
            judged |= {requirement for requirement, verdict in outcome.verdicts.items() if verdict is Verdict.PASS}
    assert not accused
    if kind == "flow":
        named = {entry for one in SCENARIOS.values() for entry in one.requirements if applies(one, dialect)}
        assert judged == {entry for entry in named if dialect in catalogue().get(entry).dialects}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("fault", "scenario"),
    [
        ("certificates_unchecked", "certificates::test_certificates"),
        ("redirects_followed", "network::test_redirects"),
        ("redirects_followed", "network::test_no_downgrade"),
        ("truncated_answer_used", "network::test_truncated_answers"),
        ("token_type_spelling", "answers::test_token_type_spelling"),
        ("refused_refresh_ignored", "refreshing::test_refused_refresh"),
        ("refresh_token_forgotten", "refreshing::test_refresh_token_that_stays"),
        ("files_for_everyone", "keeping::test_files"),
    ],
)
def test_what_only_refreshes_is_caught_at_that(dialect, fault, scenario):
    assert run_scenario(dialect, fault, scenario, "refresh").broken


def test_requirements_named_exist_and_bind_clients():
    catalogue().check_references({name: entry.requirements for name, entry in {**SCENARIOS, **RULES}.items()})


def test_faults_named_exist():
    named = {fault for entry in (*SCENARIOS.values(), *RULES.values()) for fault in entry.faults}
    assert named <= set(faults())
