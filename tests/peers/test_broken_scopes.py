"""Servers that look like an honest peer and mix up what was asked for, approved and registered."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from odd_rules import ScopeOmitted
from peer_rfc import Honest
from peer_verdicts import verdicts
from peer_wire import Answer, json_answer

from device_grant.catalogue import Verdict


class ScopeOfTheTokenRequest(Honest):
    """Takes the scope of the token request for what was approved."""

    def redeem(self, form, client):
        grant = self.grants.get(form.get("device_code", ""))
        if grant and "scope" in form:
            grant.scope = form["scope"]
        return super().redeem(form, client)


class WidenedUntold(ScopeOfTheTokenRequest):
    """The same, and the response names no scope: only the refresh token shows it."""

    def redeem(self, form, client):
        answer = super().redeem(form, client)
        members = json.loads(answer.body)
        members.pop("scope", None)
        return json_answer(answer.status, members, *answer.headers[1:])


class NewestScope(Honest):
    """Keeps one scope for each client, that of the newest start."""

    def start(self, request):
        answer = super().start(request)
        newest = self.grants[json.loads(answer.body)["device_code"]]
        for grant in self.grants.values():
            if grant.client is newest.client and grant.state != "redeemed":
                grant.scope = newest.scope
        return answer


class FirstScope(Honest):
    """Keeps one scope for each client while a grant is open, that of the oldest start."""

    def start(self, request):
        answer = super().start(request)
        newest = self.grants[json.loads(answer.body)["device_code"]]
        own = [grant for grant in self.grants.values() if grant.client is newest.client]
        if len(own) > 1 and own[-2].state != "redeemed":
            newest.scope = own[-2].scope
        return answer


class CharsetTakenForNoForm(Honest):
    """Reads the scope only where the Content-Type is that of a form to the letter."""

    def start(self, request):
        if request.headers.get("content-type") == "application/x-www-form-urlencoded":
            return super().start(request)
        words = [word for word in request.body.decode().split("&") if not word.startswith("scope=")]
        return super().start(replace(request, body="&".join(words).encode()))


class ManyScopesBreak(Honest):
    """Breaks where a token is to have all three scopes."""

    def redeem(self, form, client):
        answer = super().redeem(form, client)
        if len(json.loads(answer.body).get("scope", "").split()) > 2:
            return Answer(500, b"Internal Server Error", [("Content-Type", "text/plain")])
        return answer


class ScopeComparedWithNothing(ScopeOmitted):
    """Leaves scope out of the response, and then knows none in a refresh."""

    def refresh(self, form, client):
        if "scope" in form:
            return json_answer(400, {"error": "invalid_scope"}, ("Cache-Control", "no-store"))
        return super().refresh(form, client)


class RegisteredForNothing(Honest):
    """Repeats the scope of a registration and grants whatever exists."""

    def scope(self, asked, client):
        return super().scope(asked, replace(client, scope=" ".join(self.scopes)))


TWO_GRANTS = "scope_of_grants::test_scopes_of_two_grants"
WIDENED, OWN = "rfc8628-3.4-token-scope-widens-nothing", "rfc8628-3.5-scope-of-its-own-grant"
BROKEN = [
    (ScopeOfTheTokenRequest, TWO_GRANTS, WIDENED, Verdict.FAIL),
    (WidenedUntold, TWO_GRANTS, WIDENED, Verdict.FAIL),
    (NewestScope, TWO_GRANTS, OWN, Verdict.FAIL),
    (FirstScope, TWO_GRANTS, OWN, Verdict.FAIL),
    (
        CharsetTakenForNoForm,
        "scope_of_grants::test_scope_beside_a_charset",
        "rfc8628-3.1-charset-parameter-tolerated",
        Verdict.FAIL,
    ),
    (
        ManyScopesBreak,
        "scope_of_grants::test_all_scopes_at_once",
        "rfc9110-15.6-no-5xx-on-client-error",
        Verdict.FAIL,
    ),
    (
        ScopeComparedWithNothing,
        "scope_of_grants::test_refresh_for_the_granted_scope",
        "rfc6749-6-granted-scope-refreshable",
        Verdict.FAIL,
    ),
    (
        RegisteredForNothing,
        "scope_of_grants::test_scope_beyond_the_registration",
        "rfc7591-2-scope-bounds-requests",
        Verdict.WARN,
    ),
]


@pytest.mark.parametrize(("peer", "check", "requirement", "verdict"), BROKEN)
def test_broken_peer_is_caught(peer, check, requirement, verdict, tmp_path):
    assert verdicts(peer, check, tmp_path)[requirement] is verdict
