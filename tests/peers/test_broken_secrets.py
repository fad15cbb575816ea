"""Servers that look like an honest peer and take secrets, codes or scopes that they must not take."""

from __future__ import annotations

import hmac
import itertools
import secrets

import pytest
from odd_secrets import BasicAlone
from peer_aws import HonestAws
from peer_records import DEVICE, Refused
from peer_rfc import Honest
from peer_verdicts import verdicts

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
]


@pytest.mark.parametrize(("peer", "check", "requirement", "verdict"), BROKEN)
def test_broken_peer_is_caught(peer, check, requirement, verdict, tmp_path):
    assert verdicts(peer, check, tmp_path)[requirement] is verdict
