"""One check against one target, by its name."""

from __future__ import annotations

import pytest

from device_grant.catalogue import Verdict, load
from device_grant.client.drivers.embedded import EmbeddedDriver
from device_grant.client.session.run import ClientRun
from device_grant.engine import run_check
from device_grant.errors import TargetUnreachableError, UsageError
from device_grant.protocol import RFC8628, dialect
from device_grant.reference.embedded import embedded
from device_grant.server.session.run import new_run

DENIAL = "user_decision::test_denial_is_final"
DENIED = "rfc8628-3.5-access-denied"
SCENARIO = "waiting::test_pending_until_approved"


def test_what_a_check_says_of_an_honest_server():
    said = run_check("embedded:rfc8628", DENIAL)
    assert said.verdicts[DENIED] is Verdict.PASS
    assert not said.broken
    assert not said.broken_invariants
    assert said.worst is Verdict.PASS
    assert said.stop is None
    assert said.transcript.exchanges


def test_a_fault_is_found_and_shown():
    said = run_check("embedded:rfc8628", DENIAL, faults=["denial_ignored"])
    assert DENIED in said.broken
    assert said.worst is Verdict.FAIL
    assert said.claims[DENIED].message
    assert said.claims[DENIED].exchanges


def test_what_the_exchanges_show_beside_it():
    said = run_check("embedded:rfc8628", "user_decision::test_approval", faults=["token_type_missing"])
    assert said.broken_invariants
    assert set(said.broken_invariants) <= set(said.invariants)


def test_targets_and_drivers_that_run_already():
    with embedded(RFC8628) as target:
        assert run_check(target, DENIAL).worst is Verdict.PASS
        run = new_run(target, RFC8628, load())
        clients = {run_check(run, DENIAL).transcript.exchanges[0].request.content for _ in range(2)}
        run.close()
    assert len(clients) == 1
    driver = EmbeddedDriver(RFC8628)
    assert run_check(driver, SCENARIO).worst is Verdict.PASS
    assert run_check(ClientRun(driver, dialect(RFC8628), load()), SCENARIO).worst is Verdict.PASS


def test_scenarios_for_clients_by_name():
    assert run_check("honest:rfc8628", SCENARIO).worst is Verdict.PASS
    assert run_check("honest:rfc8628", SCENARIO, faults=["interval_halved"]).worst is Verdict.FAIL


def test_what_cannot_be_run():
    with pytest.raises(UsageError, match="no check is called 'polling::test_nothing'"):
        run_check("embedded:rfc8628", "polling::test_nothing")
    with pytest.raises(UsageError, match="only the faults of its own"):
        run_check("http://127.0.0.1:1", DENIAL, faults=["denial_ignored"])
    with pytest.raises(TargetUnreachableError):
        run_check("http://127.0.0.1:1", DENIAL)
    with embedded(RFC8628) as target, pytest.raises(UsageError, match="a started one has its own"):
        run_check(target, DENIAL, faults=["denial_ignored"])
