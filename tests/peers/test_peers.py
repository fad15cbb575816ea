"""Honest but odd servers are not accused: no check fails, none warns, but for what a peer says of itself."""

import os
import zlib

import pytest
from peer_room import FOLDER, PEERS, target_toml
from support.proof import judged, judges

from device_grant.catalogue import Verdict
from device_grant.targets.load import read_target
from device_grant.targets.transports.in_process import AsgiTarget
from device_grant.targets.users import ModuleUser

ALL = "DEVICE_GRANT_ALL_PEERS"
"""Set: every peer meets every check. Otherwise a third of them do, and no check that generates requests."""
COSTLY = (
    "state::",
    "schemathesis::",
    "malformed_input::",
    "page_browser::",
    "decision_browser::",
    "races::",
    "histories::",
)


def chosen():
    return [name for name in PEERS if os.environ.get(ALL) or zlib.crc32(name.encode()) % 3 == 0]


def judge(name, folder, examples=10):
    file = folder / "target.toml"
    file.write_text(target_toml(PEERS[name]))
    located = read_target(file)
    user = ModuleUser(FOLDER / located.config.user.module)
    checks, _ = judges()
    names = [check for check in checks if os.environ.get(ALL) or not check.startswith(COSTLY)]
    collected = {}
    with AsgiTarget(located, user, app=PEERS[name]()) as target:
        for outcome in judged(target, names, examples):
            trial = outcome.trial
            for ledger in (trial.ledger, *trial.invariants.values()):
                for requirement, tally in ledger.tallies.items():
                    if tally.verdict in (Verdict.WARN, Verdict.FAIL):
                        said = f"{tally.verdict.label} {trial.check.name}: {tally.worst.message}"
                        collected.setdefault(requirement, said)
        assert not target.app_errors
    return collected


@pytest.mark.parametrize("name", chosen())
def test_peer_is_not_accused(name, tmp_path):
    result = judge(name, tmp_path)
    expected = PEERS[name].deviations
    assert {requirement: said for requirement, said in result.items() if requirement not in expected} == {}
    assert set(expected) <= set(result), "a deviation that the peer confesses was not found"


AFTER_MONTHS = (
    "registration::test_expired_registration_is_refused",
    "client_authentication::test_basic_authentication",
    "client_authentication::test_public_client",
    "grant_names::test_scope_that_does_not_exist",
    "scope::test_omitted_scope",
    "user_decision::test_approval",
    "user_decision::test_denial_is_final",
)


def test_clients_that_die_leave_no_more_untestable_than_clients_that_live(tmp_path):
    untestable = {}
    for name in ("Honest", "ShortRegistrations"):
        file = tmp_path / "target.toml"
        file.write_text(target_toml(PEERS[name]))
        located = read_target(file)
        with AsgiTarget(located, ModuleUser(FOLDER / located.config.user.module), app=PEERS[name]()) as target:
            untestable[name] = {
                (outcome.trial.check.name, requirement)
                for outcome in judged(target, AFTER_MONTHS, 5)
                for requirement, verdict in outcome.verdicts.items()
                if verdict is Verdict.UNTESTABLE
            }
    assert untestable["ShortRegistrations"] <= untestable["Honest"]
    assert "registration::test_expired_registration_is_refused" not in dict(untestable["ShortRegistrations"])
