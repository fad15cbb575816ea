"""Servers that look like an honest peer and are broken: what is let pass of the peer does not cover them."""

from __future__ import annotations

import json

import pytest
from odd_rules import ScopeReplaced
from peer_rfc import Honest
from peer_room import FOLDER, target_toml
from peer_wire import json_answer
from support.proof import judged

from device_grant.catalogue import Verdict
from device_grant.targets.load import read_target
from device_grant.targets.transports.in_process import AsgiTarget
from device_grant.targets.users import ModuleUser


class MalformedScopeGranted(Honest):
    """Grants whatever scope is asked for, malformed ones too."""

    def scope(self, asked, client):
        return asked or self.default_scope


class ReplacedScopeUntold(ScopeReplaced):
    """Ignores scopes that it does not know, and tells nobody."""

    def redeem(self, form, client):
        answer = super().redeem(form, client)
        members = json.loads(answer.body)
        del members["scope"]
        return json_answer(200, members, *answer.headers[1:])


class ScopeCaseIgnored(Honest):
    """Takes scopes in any case for the known ones, and refuses unknown ones."""

    def scope(self, asked, client):
        return super().scope(asked.lower(), client)


BROKEN = [
    (MalformedScopeGranted, "scope::test_malformed_scope", "rfc6749-5.2-invalid-scope"),
    (ReplacedScopeUntold, "scope::test_malformed_scope", "rfc6749-5.2-invalid-scope"),
    (ScopeCaseIgnored, "scope::test_case_of_scopes", "rfc6749-3.3-scope-case-sensitive"),
]


def verdicts(peer, check, folder):
    file = folder / "target.toml"
    file.write_text(target_toml(peer))
    located = read_target(file)
    with AsgiTarget(located, ModuleUser(FOLDER / located.config.user.module), app=peer()) as target:
        (outcome,) = judged(target, [check], 10)
        return outcome.verdicts


@pytest.mark.parametrize(("peer", "check", "requirement"), BROKEN)
def test_broken_peer_is_caught(peer, check, requirement, tmp_path):
    assert verdicts(peer, check, tmp_path)[requirement] in (Verdict.WARN, Verdict.FAIL)
