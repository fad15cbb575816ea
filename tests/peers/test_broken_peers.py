"""Servers that look like an honest peer and are broken: what is let pass of the peer does not cover them."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import replace

import pytest
from odd_pages import (
    ApiPages,
    Checkboxes,
    ErrorPageForWrongCode,
    NotFoundForWrongCode,
    Selects,
    TwoSteps,
)
from odd_rules import ScopeReplaced, WaitingRoom
from odd_sessions import SignedAddresses
from peer_rfc import Honest
from peer_verdicts import verdicts
from peer_wire import json_answer

from device_grant.catalogue import Verdict


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


class GuessesUnthrottledByErrors(ErrorPageForWrongCode):
    """The same by pages of errors, which have no form."""

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


class BoxesUnchecked(Checkboxes):
    """The same with boxes to tick."""

    forged = StepsUnchecked.forged
    cookie = StepsUnchecked.cookie


class SignatureOfAnySession(Honest):
    """Takes the proof of any session for that of any other; its cookie goes with requests of other sites."""

    cookie = StepsUnchecked.cookie

    def forged(self, request, form):
        return form.get("proof") not in {self.proof(sid) for sid in self.sessions}


class NumberedRequests(SignatureOfAnySession):
    """The same with numbers for what is asked, each good in one session alone."""

    def __init__(self):
        super().__init__()
        self.numbers = {}

    def decision_form(self, request, grant):
        number = str(len(self.numbers))
        self.numbers[number] = request.cookies().get("sid")
        field = f'<input type="hidden" name="number" value="{number}">'
        return super().decision_form(request, grant).replace("<button", field + "<button", 1)

    def decided(self, request, grant, form):
        if self.numbers.get(form.get("number", "")) != request.cookies().get("sid"):
            return self.message(403, "forged")
        return super().decided(request, grant, form)


class SignatureUnread(SignedAddresses):
    """Whoever was led to the sign-in may go on past it: what shows a sign-in is not looked at."""

    def shown(self, request, name):
        return name in self.asked and bool(request.asked("hmac"))


class SignInUnchecked(Honest):
    """Asks for the sign-in at the code, and not at the decision, where the proof of any session is enough."""

    def code_page(self, request):
        if self.person(request) or request.method == "POST":
            return super().code_page(request)
        sid = secrets.token_urlsafe(24)
        self.sessions[sid] = ""
        request.headers["cookie"] = f"sid={sid}"
        form = self.code_form(request).replace('name="user_code"', 'name="name"').replace("</label>", PASSWORD, 1)
        return self.page(200, "Sign in", form.replace(self.verification, "/login"), ("Set-Cookie", self.cookie(sid)))

    def decide(self, request):
        form = self.page_form(request) or {}
        if self.forged(request, form):
            return self.message(403, "forged")
        return self.guarded(request, form.get("user_code", ""), lambda grant: self.decided(request, grant, form))


class NothingAsked(Honest):
    """Asks nothing after the code: the form of the code approves, and is bound to its session."""

    target = {"user": {"module": "person_at_once.py"}}

    def question(self, request, grant):
        return self.decided(request, grant, {"decision": "allow"})

    def code_page(self, request):
        return super().code_page(request if request.method == "POST" else replace(request, query=""))


class NothingAskedOfAnybody(NothingAsked):
    """The same, for forms of any site."""

    forged = StepsUnchecked.forged
    cookie = StepsUnchecked.cookie


class PasswordWithDecision(Honest):
    """The app of the one person who decides sends a password with each decision, in a header."""

    target = {"user": {"module": "person_by_header.py"}}

    def page_routes(self):
        return {self.verification: (("POST",), self.decide)}

    def decide(self, request):
        if request.headers.get("x-password") != "correct horse":
            return self.message(401, "sign in")
        form = self.page_form(request) or {}
        return self.guarded(request, form.get("user_code", ""), lambda grant: self.decided(request, grant, form))


class PasswordInForm(PasswordWithDecision):
    """The same in a field of the form."""

    target = {"user": {"module": "person_by_field.py"}}

    def decide(self, request):
        form = self.page_form(request) or {}
        if form.get("passphrase") != "correct horse":
            return self.message(401, "sign in")
        return self.guarded(request, form.get("user_code", ""), lambda grant: self.decided(request, grant, form))


class PasswordUnread(PasswordWithDecision):
    """The same, but nobody looks at the password."""

    def decide(self, request):
        form = self.page_form(request) or {}
        return self.guarded(request, form.get("user_code", ""), lambda grant: self.decided(request, grant, form))


class RefusesWhatMeets(Honest):
    """Refuses approvals for a client that come while the first one is stored, and takes later ones."""

    meeting = range(2, 5)

    def decided(self, request, grant, form):
        self.approvals = getattr(self, "approvals", {})
        number = self.approvals[grant.client.id] = self.approvals.get(grant.client.id, 0) + 1
        return self.message(409, "slower") if number in self.meeting else super().decided(request, grant, form)


class ApprovedOnce(RefusesWhatMeets):
    """Takes one approval for each client, and no other ever."""

    meeting = range(2, 1000)


class BrokenByMeeting(RefusesWhatMeets):
    """The same for clients with four devices or more."""

    meeting = range(4, 1000)


class FourInAWhile(RefusesWhatMeets):
    """Takes four approvals for a client in ten seconds, and more later: pages may limit what is typed."""

    def decided(self, request, grant, form):
        recent = [one for one in self.grants.values() if one.client is grant.client and one.decided]
        recent = [one for one in recent if time.time() - one.decided < 10]
        return self.message(429, "slower") if len(recent) >= 4 else Honest.decided(self, request, grant, form)


PASSWORD = '</label><input type="password" name="password">'
FORGED = ("page_security::test_forged_approval", "rfc6749-10.12-csrf-on-consent")
UNKNOWN_PERSON = ("page_security::test_approval_without_signing_in", "rfc8628-3.3-user-must-authenticate")
BROKEN = [
    (StepsUnchecked, *FORGED),
    (ListUnchecked, *FORGED),
    (ScriptOfAnybody, *FORGED),
    (BoxesUnchecked, *FORGED),
    (SignatureOfAnySession, *FORGED),
    (NumberedRequests, *FORGED),
    (NothingAskedOfAnybody, *FORGED),
    (StepsOfAnybody, *UNKNOWN_PERSON),
    (SignatureUnread, *UNKNOWN_PERSON),
    (SignInUnchecked, *UNKNOWN_PERSON),
    (ScriptWithoutSession, *UNKNOWN_PERSON),
    (PasswordUnread, *UNKNOWN_PERSON),
    (PasswordUnread, *FORGED),
    (MalformedScopeGranted, "scope::test_malformed_scope", "rfc6749-5.2-invalid-scope"),
    (ReplacedScopeUntold, "scope::test_malformed_scope", "rfc6749-5.2-invalid-scope"),
    (ScopeCaseIgnored, "scope::test_case_of_scopes", "rfc6749-3.3-scope-case-sensitive"),
    (CodeToBeTyped, "verification_page::test_complete_address_brings_the_code", "rfc8628-3.3.1-no-typing-needed"),
    (NothingThere, "verification_page::test_complete_address_brings_the_code", "rfc8628-3.3.1-no-typing-needed"),
    (BrokenByMeeting, "races::test_first_approvals", "rfc8628-3.3-approvals-at-once"),
    (GuessesUnthrottled, "verification_page::test_wrong_codes_are_slowed_down", "rfc8628-5.1-rate-limit-user-code"),
    (
        GuessesUnthrottledByErrors,
        "verification_page::test_wrong_codes_are_slowed_down",
        "rfc8628-5.1-rate-limit-user-code",
    ),
    (
        GuessesUnthrottledByScript,
        "verification_page::test_wrong_codes_are_slowed_down",
        "rfc8628-5.1-rate-limit-user-code",
    ),
]


@pytest.mark.parametrize(("peer", "check", "requirement"), BROKEN)
def test_broken_peer_is_caught(peer, check, requirement, tmp_path):
    said = verdicts(peer, check, tmp_path)[requirement]
    # What is done in the name of another person is no matter of taste.
    assert (
        said is Verdict.FAIL
        if (check, requirement) in (FORGED, UNKNOWN_PERSON)
        else said in (Verdict.WARN, Verdict.FAIL)
    )


@pytest.mark.parametrize(("check", "requirement"), [FORGED, UNKNOWN_PERSON])
def test_the_form_of_the_code_may_be_the_one_that_approves(check, requirement, tmp_path):
    assert verdicts(NothingAsked, check, tmp_path)[requirement] is Verdict.PASS


@pytest.mark.parametrize(
    ("peer", "verdict"),
    [
        (RefusesWhatMeets, Verdict.PASS),
        (ApprovedOnce, Verdict.UNTESTABLE),
        (FourInAWhile, Verdict.INCONCLUSIVE),
    ],
)
def test_approvals_that_meet_may_be_refused(peer, verdict, tmp_path):
    """What a server does to an approval that is alone it may do to one that is not."""
    assert verdicts(peer, "races::test_first_approvals", tmp_path)["rfc8628-3.3-approvals-at-once"] is verdict


@pytest.mark.parametrize("peer", [PasswordWithDecision, PasswordInForm])
@pytest.mark.parametrize(("check", "requirement"), [FORGED, UNKNOWN_PERSON])
def test_a_password_may_come_with_the_decision(peer, check, requirement, tmp_path):
    """A request that holds it shows by itself who sends it; without it nobody approves."""
    assert verdicts(peer, check, tmp_path)[requirement] is Verdict.PASS
