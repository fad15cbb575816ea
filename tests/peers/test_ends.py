"""Revocation and introspection: no odd server is accused, and what a broken one does wrong is seen."""

from __future__ import annotations

import json
from typing import ClassVar

import odd_ends
import pytest
from odd_ends import KEY, OTHER, ClientsWithSecrets, Ending, OneRefreshToken, SelfContained
from peer_records import Refused
from peer_room import of
from peer_verdicts import verdicts
from peer_wire import Answer, json_answer
from support.proof import judges

from device_grant.catalogue import Verdict

CHECKS = sorted(name for name, check in judges()[0].items() if ".checks.ends." in check.function.__module__)
ODD = of(odd_ends)
NO_STRANGER = ("OneClientWithASecret", "rfc7009-2.1-foreign-token-survives")
"""What cannot be tried where one client alone may revoke."""
UNCLEAR = (Verdict.INCONCLUSIVE, Verdict.UNTESTABLE)


@pytest.mark.parametrize("name", ODD)
def test_no_odd_server_is_accused(name, tmp_path):
    peer = ODD[name]
    confessed = set()
    for check in CHECKS:
        for requirement, verdict in verdicts(peer, check, tmp_path).items():
            if requirement in peer.deviations and verdict > Verdict.UNTESTABLE:
                confessed.add(requirement)
                assert verdict <= Verdict.WARN, (check, requirement)
                continue
            assert verdict <= Verdict.UNTESTABLE, (check, requirement, verdict)
            # What does not apply says so; only a token that carries all in itself leaves anything open.
            open_question = peer is SelfContained or (name, requirement) == NO_STRANGER
            assert verdict not in UNCLEAR or open_question, (check, requirement, verdict)
    assert confessed == set(peer.deviations)


def test_honest_server_passes_all(tmp_path):
    seen = {}
    for check in CHECKS:
        seen |= {one: verdict for one, verdict in verdicts(Ending, check, tmp_path).items() if one not in seen}
    https = {"rfc7009-2-https", "rfc7009-2-http-service-not-published", "rfc7662-2-tls"}
    jwts, of_refresh_tokens = {"rfc7662-4-signature-checked"}, {"rfc7662-4-replaced-refresh-token-is-inactive"}
    silent = {one for one, verdict in seen.items() if verdict is not Verdict.PASS}
    assert silent == https | jwts | of_refresh_tokens


class LeavesOlderAccessTokens(Ending):
    """Ends the newest access token of a grant with the refresh token, and none before it."""

    def end_grant(self, family):
        for held in [held for held in self.issued.values() if held.family == family][:-1]:
            held.family = ""
        super().end_grant(family)


class SignedAndRevokedForNothing(SelfContained):
    """Introspects tokens that carry all in themselves by their signatures alone, revoked or not."""

    introspection_path = "/introspect"
    target = Ending.target

    def end_access(self, token):
        """Nothing is noted."""

    def said(self, token, caller):
        import jwt

        try:
            claims = jwt.decode(token, KEY, ["HS256"])
        except jwt.PyJWTError:
            return {"active": False}
        return {"active": True, "sub": claims["sub"], "aud": "api"}


class OneTokenOfGrant(Ending):
    """Ends the refresh token that it is given, and not its predecessor, which works for a while longer."""

    def refresh(self, form, client):
        known = self.refreshes.get(form.get("refresh_token", ""))
        if known is not None:
            known.used = False
        return super().refresh(form, client)

    def end(self, token, hint, client):
        self.refreshes.pop(token, None)


class CodesAsOftenAsOneLikes(Ending):
    """Redeems a device code again and again."""

    def redeem(self, form, client):
        answer = super().redeem(form, client)
        self.grants[form["device_code"]].state = "approved"
        return answer


class CodeComesBack(Ending):
    """Redeems a device code again when its tokens were revoked."""

    def end_grant(self, family):
        super().end_grant(family)
        for grant in self.grants.values():
            if grant.handle == family:
                grant.state = "approved"


class StrangersToTheirTokens(Ending):
    """Takes nobody for the client to which an access token was issued."""

    def end_access(self, token):
        raise Refused("invalid_client", "the token was not issued for this client", 401)


class HintsOfItsOwn(Ending):
    """Refuses hints that it does not know."""

    def end(self, token, hint, client):
        if hint not in ("", "access_token", "refresh_token"):
            raise Refused("unsupported_token_type", "unknown hint")
        super().end(token, hint, client)


class HintDecides(Ending):
    """Looks at the kind alone that the hint names."""

    def end(self, token, hint, client):
        if token in {"access_token": self.refreshes, "refresh_token": self.issued}.get(hint, {}):
            return
        super().end(token, hint, client)


class JsonAlone(Ending):
    """Reads JSON at the revocation endpoint and takes a form for nothing."""

    def revocation(self, request):
        try:
            json.loads(request.body)
        except ValueError:
            return json_answer(415, {"error": "invalid_request"})
        return super().revocation(request)


class AnyClient(Ending):
    """Ends every token for every client."""

    def end(self, token, hint, client):
        known = self.refreshes.get(token) or self.issued.get(token)
        super().end(token, hint, known.client if known else client)


class AnyClientWithASecret(ClientsWithSecrets, AnyClient):
    """Ends every token for every client that has a secret, and lets no other one revoke."""


class TokenTwiceUnknown(OneRefreshToken):
    """Forgets revoked tokens, and takes them for an error then."""

    def end(self, token, hint, client):
        known = self.refreshes.get(token)
        if known is None or self.over(known.family):
            raise Refused("invalid_request", "no such token")
        super().end(token, hint, client)


class RefusesInHtml(Ending):
    """Refuses at the revocation endpoint by a page."""

    def revocation(self, request):
        try:
            return super().revocation(request)
        except Refused:
            return Answer(400, b"<p>No.", [("Content-Type", "text/html")])


class ActiveAsNumber(Ending):
    """Says 1 and 0."""

    def introspected(self, request, members):
        return super().introspected(request, members | {"active": int(members["active"])})


class TellsOfTheDead(Ending):
    """Says whose a dead token was."""

    def said(self, token, caller):
        held = self.issued.get(token)
        if held is None or caller == OTHER["client_id"]:
            return super().said(token, caller)
        return self.described(held) | {"active": self.good(held)}


class SomebodyElse(Ending):
    """Says another person's name to resource servers, whoever has approved."""

    target: ClassVar[dict] = Ending.target | {"user": {"second": "person_second.py"}}

    def routes(self):
        return super().routes() | {"/userinfo": (("GET",), lambda _: json_answer(200, {"sub": "ann"}))}

    def metadata_members(self):
        return super().metadata_members() | {"userinfo_endpoint": self.url("/userinfo")}

    def described(self, held):
        return super().described(held) | {"sub": "bea"}


class LifetimeForExp(Ending):
    """Says the lifetime in place of a moment."""

    def described(self, held):
        return super().described(held) | {"exp": self.token_lifetime}


class NotFound(Ending):
    """Answers 400 for what it does not know, and for dead tokens."""

    def introspected(self, request, members):
        if not members["active"]:
            return json_answer(400, {"error": "invalid_token"})
        return super().introspected(request, members)


class Everyone(Ending):
    """Asks nobody who they are."""

    def caller(self, request, form):
        return "api"


class AnyRegisteredClient(Ending):
    """Answers every client that authenticates."""

    def caller(self, request, form):
        try:
            return super().caller(request, form)
        except Refused:
            return self.client(request, form).id


class BothResourceServers(Ending):
    """Says to one resource server what a token of the other is."""

    def said(self, token, caller):
        return super().said(token, "api")


class UserCodesAreActive(Ending):
    """Takes the user code of an approved grant for a token."""

    def said(self, token, caller):
        if any(grant.user_code == token and grant.state == "approved" for grant in self.grants.values()):
            return {"active": True}
        return super().said(token, caller)


class ReplacedIsActive(Ending):
    """Introspects refresh tokens and does not see that one was replaced."""

    def said(self, token, caller):
        known = self.refreshes.get(token)
        if known is None:
            return super().said(token, caller)
        return {"active": not self.over(known.family)}


END, REQUEST, STRANGER = "revoked_tokens::test_", "revocation_requests::test_", "revocation_strangers::test_"
SAID, DEAD, CALLER = "introspection::test_", "introspected_ends::test_", "introspection_callers::test_"
FAIL, WARN, INCONCLUSIVE = Verdict.FAIL, Verdict.WARN, Verdict.INCONCLUSIVE
BROKEN = [
    (LeavesOlderAccessTokens, f"{END}revoked_refresh_token", "rfc7009-2.1-refresh-revocation-ends-access", WARN),
    (SignedAndRevokedForNothing, f"{END}revoked_access_token", "rfc7009-2.2.1-unsupported-token-type", FAIL),
    (SignedAndRevokedForNothing, f"{END}revoked_access_token", "rfc7009-2-access-tokens-revocable", WARN),
    (SignedAndRevokedForNothing, f"{DEAD}introspected_when_revoked", "rfc7662-4-revoked-is-inactive", FAIL),
    (OneTokenOfGrant, f"{END}revoked_refresh_token", "rfc7009-2.1-replaced-token-stays-dead", FAIL),
    (CodesAsOftenAsOneLikes, f"{END}revoked_refresh_token", "rfc7009-2.1-device-code-stays-spent", INCONCLUSIVE),
    (CodeComesBack, f"{END}revoked_refresh_token", "rfc7009-2.1-device-code-stays-spent", FAIL),
    (StrangersToTheirTokens, f"{END}revoked_access_token", "rfc7009-2.2-status-200", FAIL),
    (StrangersToTheirTokens, f"{END}revoked_access_token", "rfc7009-2.2.1-unsupported-token-type", INCONCLUSIVE),
    (HintsOfItsOwn, f"{END}token_type_hints", "rfc7009-2.2-unknown-hint-ignored", FAIL),
    (HintDecides, f"{END}token_type_hints", "rfc7009-2.1-wrong-hint-extends-search", FAIL),
    (JsonAlone, f"{END}revoked_refresh_token", "rfc7009-2.2-status-200", FAIL),
    (JsonAlone, f"{END}revoked_refresh_token", "rfc7009-2-refresh-tokens-revocable", FAIL),
    (JsonAlone, f"{REQUEST}token_in_its_place", "rfc7009-2.1-form-post", FAIL),
    (AnyClient, f"{STRANGER}revocation_by_another_client", "rfc7009-2.1-foreign-token-survives", FAIL),
    (AnyClientWithASecret, f"{STRANGER}revocation_by_another_client", "rfc7009-2.1-foreign-token-survives", FAIL),
    (TokenTwiceUnknown, f"{END}revoked_refresh_token", "rfc7009-2.2-twice-is-200", FAIL),
    (TokenTwiceUnknown, f"{REQUEST}revocation_of_what_is_no_token", "rfc7009-2.2-invalid-token-is-200", FAIL),
    (RefusesInHtml, f"{REQUEST}revocation_of_what_is_no_token", "rfc7009-2.2.1-error-format", FAIL),
    (ActiveAsNumber, f"{SAID}introspected_access_token", "rfc7662-2.2-active", FAIL),
    (TellsOfTheDead, f"{DEAD}introspected_when_expired", "rfc7662-2.2-nothing-more-about-inactive", WARN),
    (TellsOfTheDead, f"{DEAD}introspected_when_revoked", "rfc7662-2.2-nothing-more-about-inactive", WARN),
    (SomebodyElse, f"{SAID}introspected_access_token", "rfc7662-2.2-user-agrees", FAIL),
    (LifetimeForExp, f"{SAID}introspected_access_token", "rfc7662-2.2-exp-agrees", WARN),
    (NotFound, f"{SAID}introspection_of_nothing", "rfc7662-2.2-unknown-is-inactive", FAIL),
    (Everyone, f"{CALLER}introspection_by_strangers", "rfc7662-2.1-authorization-required", FAIL),
    (Everyone, f"{CALLER}introspection_by_strangers", "rfc7662-2.3-bad-credentials", INCONCLUSIVE),
    (AnyRegisteredClient, f"{CALLER}introspection_by_a_mere_client", "rfc7662-4-caller-authorized", WARN),
    (BothResourceServers, f"{CALLER}introspection_by_another_resource_server", "rfc7662-4-audience-checked", FAIL),
    (UserCodesAreActive, f"{DEAD}introspected_codes", "rfc7662-2.2-device-code-is-no-token", FAIL),
    (ReplacedIsActive, f"{DEAD}introspected_when_replaced", "rfc7662-4-replaced-refresh-token-is-inactive", FAIL),
]


@pytest.mark.parametrize(("peer", "check", "requirement", "verdict"), BROKEN)
def test_broken_server_is_seen(peer, check, requirement, verdict, tmp_path):
    assert verdicts(peer, check, tmp_path)[requirement] is verdict


OBJECTS = [
    b"[]",
    b"",
    b"<p>no",
    b'{"active": true, "exp": 1e999, "sub": 5, "scope": 7, "aud": [3], "client_id": "\\ud800"}',
]


@pytest.mark.parametrize("body", OBJECTS)
@pytest.mark.parametrize("status", [200, 204, 302, 400, 503])
def test_nothing_that_is_answered_breaks_a_check(body, status, tmp_path):
    class Garbage(Ending):
        def answer_of_nobody(self, request):
            return Answer(status, body, [("Content-Type", "application/json")])

        revocation = introspection = answer_of_nobody

    for check in CHECKS:
        verdicts(Garbage, check, tmp_path)


def test_tokens_that_no_url_can_hold_break_no_check(tmp_path):
    class Surrogates(Ending):
        def tokens_for(self, client, scope, original, family):
            members = super().tokens_for(client, scope, original, family)
            return members | {"access_token": "\ud800 \n", "refresh_token": "\udfff\r\n"}

    for check in CHECKS:
        verdicts(Surrogates, check, tmp_path)
