"""Servers that look like an honest peer and are broken: what is let pass of the peer does not cover them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from odd_pages import ApiPages, NotFoundForWrongCode, Selects, TwoSteps
from odd_rules import ScopeReplaced, WaitingRoom
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


class CodeToBeTyped(WaitingRoom):
    """Brings nobody further by verification_uri_complete: the code has to be typed."""

    def code_page(self, request):
        return super().code_page(replace(request, query=""))


class NothingThere(Honest):
    """Shows a page without anything at verification_uri_complete, however long one waits."""

    def code_page(self, request):
        if request.asked("user_code"):
            return self.page(200, "Welcome", "<p>Welcome.</p>")
        return super().code_page(request)


class GuessesUnthrottled(NotFoundForWrongCode):
    """Answers any number of wrong codes by 404 with the form."""

    wrong_codes_allowed = 10_000


class GuessesUnthrottledByScript(ApiPages):
    """The same by JSON."""

    wrong_codes_allowed = 10_000


class StepsUnchecked(TwoSteps):
    """Takes the last of several forms from any site."""

    def forged(self, request, form):
        return False

    def cookie(self, sid):
        return f"sid={sid}; Path=/; HttpOnly"


class ListUnchecked(Selects):
    """The same with a list to choose from."""

    forged = StepsUnchecked.forged
    cookie = StepsUnchecked.cookie


class ScriptOfAnybody(ApiPages):
    """Takes JSON from any site, however it is labelled."""

    cookie = StepsUnchecked.cookie

    def api(self, step, *, signed_in=True):
        handle = super().api(step, signed_in=signed_in)

        def unguarded(request):
            request.headers.update({"content-type": "application/json", "x-peer": "1"})
            return handle(request)

        return unguarded


class StepsOfAnybody(TwoSteps):
    """Takes the last of several forms from people who have not signed in."""

    def decide(self, request):
        form = self.page_form(request) or {}
        return self.guarded(request, form.get("user_code", ""), lambda grant: self.decided(request, grant, form))


class ScriptWithoutSession(ApiPages):
    """The same by JSON."""

    def api(self, step, *, signed_in=True):
        return super().api(step, signed_in=False)


FORGED = ("page_security::test_forged_approval", "rfc6749-10.12-csrf-on-consent")
UNKNOWN_PERSON = ("page_security::test_approval_without_signing_in", "rfc8628-3.3-user-must-authenticate")
BROKEN = [
    (StepsUnchecked, *FORGED),
    (ListUnchecked, *FORGED),
    (ScriptOfAnybody, *FORGED),
    (StepsOfAnybody, *UNKNOWN_PERSON),
    (ScriptWithoutSession, *UNKNOWN_PERSON),
    (MalformedScopeGranted, "scope::test_malformed_scope", "rfc6749-5.2-invalid-scope"),
    (ReplacedScopeUntold, "scope::test_malformed_scope", "rfc6749-5.2-invalid-scope"),
    (ScopeCaseIgnored, "scope::test_case_of_scopes", "rfc6749-3.3-scope-case-sensitive"),
    (CodeToBeTyped, "verification_page::test_complete_address_brings_the_code", "rfc8628-3.3.1-no-typing-needed"),
    (NothingThere, "verification_page::test_complete_address_brings_the_code", "rfc8628-3.3.1-no-typing-needed"),
    (GuessesUnthrottled, "verification_page::test_wrong_codes_are_slowed_down", "rfc8628-5.1-rate-limit-user-code"),
    (
        GuessesUnthrottledByScript,
        "verification_page::test_wrong_codes_are_slowed_down",
        "rfc8628-5.1-rate-limit-user-code",
    ),
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
