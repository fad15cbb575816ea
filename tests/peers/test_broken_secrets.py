"""Servers that look like an honest peer and take secrets, codes or scopes that they must not take."""

from __future__ import annotations

import hmac
import itertools
import json
import secrets
import time
from dataclasses import replace
from urllib.parse import parse_qsl

import pytest
from odd_secrets import BasicAlone
from peer_aws import HonestAws
from peer_records import DEVICE, Grant, Refused
from peer_rfc import Honest
from peer_verdicts import verdicts, verdicts_of_invariants

from device_grant.catalogue import Verdict


class LongSecrets(Honest):
    """Compares the first 72 octets of a secret, as a hash of passwords does; its secrets have more."""

    def new_secret(self):
        return secrets.token_hex(48)

    def proves(self, client, secret, method):
        return bool(client.secret) and hmac.compare_digest(client.secret[:72].encode(), secret[:72].encode())


class CaseOfSecretsIgnored(Honest):
    """Looks a secret up in a database that knows no case."""

    def proves(self, client, secret, method):
        return client.secret.lower() == secret.lower()


class SecretOfAnybody(HonestAws):
    """Looks whether there is such a secret, and not whose it is."""

    def proves(self, client, secret, method):
        return any(one.secret == secret for one in self.clients.values())


class IdBesideBasicCounts(BasicAlone):
    """Proves one client by HTTP Basic and goes on with another."""

    def client(self, request, form):
        named = form.get("client_id")
        client = super().client(request, form)
        return self.clients.get(named, client)


class SpentByWrongSecret(Honest):
    """Forgets the code that came with a wrong secret."""

    def client(self, request, form):
        try:
            return super().client(request, form)
        except Refused:
            self.grants.pop(form.get("device_code"), None)
            raise


class CountedCodes(Honest):
    """Numbers its user codes, lowest letter first."""

    alphabet = "BCDFGHJKLMNPQRSTVWXZ"

    def __init__(self):
        super().__init__()
        self.numbers = itertools.count(secrets.randbelow(100_000))

    def new_user_code(self):
        number, letters = next(self.numbers), ""
        for _ in range(8):
            number, digit = divmod(number, len(self.alphabet))
            letters += self.alphabet[digit]
        return f"{letters[:4]}-{letters[4:]}"


class NewestCode(Honest):
    """Takes a client's newest code where a poll names none."""

    def redeem(self, form, client):
        own = [code for code, grant in self.grants.items() if grant.client is client]
        return super().redeem({"device_code": own[-1] if own else "", "grant_type": DEVICE} | form, client)


class QueryAndBody(Honest):
    """Merges the query and the form, as some frameworks do."""

    def parameters(self, request):
        return dict(parse_qsl(request.query)) | super().parameters(request)


class HeadAsPost(Honest):
    """Serves HEAD as POST, with the query for a form; nobody sees the answer."""

    def answer(self, request):
        if request.method != "HEAD" or request.path != self.token_path:
            return super().answer(request)
        headers = request.headers | {"content-type": "application/x-www-form-urlencoded"}
        posted = replace(request, method="POST", body=request.query.encode(), query="", headers=headers)
        return replace(super().answer(posted), body=b"")


class GrantTypeUnread(Honest):
    """Goes by the parameters that are there, whatever the grant type says."""

    def token(self, request):
        form = self.parameters(request)
        return self.redeem(form, self.client(request, form)) if "device_code" in form else super().token(request)


class OneTable(Honest):
    """Keeps codes and tokens in one table, and asks it for what is approved."""

    def tokens_for(self, client, scope, original, family):
        members = super().tokens_for(client, scope, original, family)
        kept = Grant(client, scope, "", time.time() + 600, 5, "approved")
        return members | {"access_token": self.keep(members["access_token"], kept)}

    def keep(self, token, grant):
        self.grants[token] = grant
        return token


class SpentBySpelling(Honest):
    """Notes the text of each code that was redeemed, and looks codes up without the spaces around them."""

    def __init__(self):
        super().__init__()
        self.spent = set()

    def redeem(self, form, client):
        text = form.get("device_code", "")
        grant = self.grants.get(text.strip())
        if grant and grant.state == "redeemed" and text not in self.spent:
            grant.state = "approved"
        answer = super().redeem(form | {"device_code": text.strip()}, client)
        self.spent.add(text)
        return answer


class RightSecretNamed(Honest):
    """Helps developers: says which secret it had wanted."""

    def client(self, request, form):
        try:
            return super().client(request, form)
        except Refused as refused:
            known = self.clients.get(form.get("client_id") or self.basic(request.headers.get("authorization", ""))[0])
            refused.why += f" (wanted {known.secret if known else 'a client'})"
            raise


class SuccessorNamed(Honest):
    """Says in the refusal of a refresh token that was used which one has replaced it."""

    def refresh(self, form, client):
        try:
            return super().refresh(form, client)
        except Refused as refused:
            refused.why += f"; the newest is {list(self.refreshes)[-1] if self.refreshes else 'none'}"
            raise

    def revoke(self, family):
        """Revokes nothing."""


class CookieOfTheCode(Honest):
    """Remembers the device by a cookie that is its code."""

    def start(self, request):
        answer = super().start(request)
        answer.headers.append(("Set-Cookie", f"device={json.loads(answer.body)['device_code']}; HttpOnly"))
        return answer


NEAR_AT_START = ("near_secrets::test_near_secrets_at_start", "rfc8628-3.1-bad-secret-rejected")
NEAR_AT_TOKEN = ("near_secrets::test_near_secrets_redeem_nothing", "rfc8628-3.4-credentialed-client-enforced")
NEAR_AT_REFRESH = ("near_secrets::test_near_secrets_refresh_nothing", "rfc6749-6-server-requires-auth")
OTHERS_ID = (
    "near_secrets::test_basic_of_one_client_and_id_of_another",
    "rfc6749-3.2.1-authenticated-client-counts",
)
SPENDS_NOTHING = (
    "client_authentication::test_approved_code_needs_the_secret",
    "rfc8628-3.4-wrong-secret-spends-nothing",
)
COUNTED = ("entropy::test_user_codes_suit_people", "rfc8628-5.1-user-code-not-counted")
NO_CODE = ("polling::test_missing_device_code", "rfc8628-3.4-nothing-without-device-code")
OUT_OF_PLACE = "misplaced_codes::test_approved_code_out_of_place"
IN_EACH_OTHERS_PLACE = "misplaced_codes::test_codes_and_tokens_in_each_others_place"
BROKEN = [
    (LongSecrets, *NEAR_AT_START, Verdict.FAIL),
    (LongSecrets, *NEAR_AT_TOKEN, Verdict.FAIL),
    (LongSecrets, *NEAR_AT_REFRESH, Verdict.FAIL),
    (CaseOfSecretsIgnored, *NEAR_AT_START, Verdict.FAIL),
    (SecretOfAnybody, *NEAR_AT_START, Verdict.FAIL),
    (SecretOfAnybody, *NEAR_AT_TOKEN, Verdict.FAIL),
    (IdBesideBasicCounts, *OTHERS_ID, Verdict.FAIL),
    (SpentByWrongSecret, *SPENDS_NOTHING, Verdict.WARN),
    (CountedCodes, *COUNTED, Verdict.FAIL),
    (NewestCode, *NO_CODE, Verdict.FAIL),
    (QueryAndBody, OUT_OF_PLACE, "rfc8628-3.4-code-counts-in-its-place", Verdict.WARN),
    (HeadAsPost, OUT_OF_PLACE, "rfc8628-3.4-head-redeems-nothing", Verdict.FAIL),
    (GrantTypeUnread, IN_EACH_OTHERS_PLACE, "rfc8628-3.4-code-of-its-grant-type", Verdict.FAIL),
    (OneTable, IN_EACH_OTHERS_PLACE, "rfc8628-3.4-token-is-not-a-device-code", Verdict.FAIL),
    (SpentBySpelling, IN_EACH_OTHERS_PLACE, "rfc8628-3.5-device-code-single-use", Verdict.FAIL),
]


CLEARTEXT = "rfc6749-10.8-no-cleartext-secrets"
DISCLOSED = [
    (RightSecretNamed, NEAR_AT_START[0], CLEARTEXT, Verdict.FAIL),
    (SuccessorNamed, "refresh::test_replayed_refresh_token", CLEARTEXT, Verdict.FAIL),
    (CookieOfTheCode, "user_decision::test_approval", "rfc6749-5.1-secrets-in-no-header", Verdict.WARN),
    (Honest, NEAR_AT_START[0], CLEARTEXT, Verdict.PASS),
    (Honest, "refresh::test_replayed_refresh_token", CLEARTEXT, Verdict.PASS),
    (Honest, "user_decision::test_approval", "rfc6749-5.1-secrets-in-no-header", Verdict.PASS),
]


@pytest.mark.parametrize(("peer", "check", "requirement", "verdict"), DISCLOSED)
def test_what_answers_disclose_is_seen(peer, check, requirement, verdict, tmp_path):
    assert verdicts_of_invariants(peer, check, tmp_path)[requirement] is verdict


@pytest.mark.parametrize(("peer", "check", "requirement", "verdict"), BROKEN)
def test_broken_peer_is_caught(peer, check, requirement, verdict, tmp_path):
    assert verdicts(peer, check, tmp_path)[requirement] is verdict
