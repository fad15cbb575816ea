"""Clients and the access token itself: who stores it is not blamed, who decodes it is."""

from __future__ import annotations

import jwt
import pytest
from support.judged_clients import Plain, judged, opened
from support.small_client import GiveUp

from device_grant.catalogue import Verdict
from device_grant.client.drivers.config import ResponseSection

CHECK, OPAQUE = "access_tokens::test_access_token_is_opaque", "rfc9068-6-client-does-not-look-inside"


class GoesByExp(Plain):
    """It takes the end from the token, where that is a JWT."""

    def got(self, members):
        try:
            jwt.decode(members["access_token"], options={"verify_signature": False, "verify_exp": True})
        except jwt.ExpiredSignatureError as error:
            raise GiveUp("expired") from error
        except jwt.PyJWTError:
            pass
        super().got(members)


class DecodesWhatLooksLikeOne(Plain):
    def got(self, members):
        if members["access_token"].startswith("ey"):
            try:
                jwt.decode(members["access_token"], options={"verify_signature": False})
            except jwt.PyJWTError as error:
                raise GiveUp("unreadable") from error
        super().got(members)


class WantsItsOwnKind(GoesByExp):
    """client.toml says what its access tokens are: it is the resource server as well."""

    response = ResponseSection(token={"access_token": "an-access-token-that-it-knows"})


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [
        (Plain, Verdict.PASS),
        (GoesByExp, Verdict.FAIL),
        (DecodesWhatLooksLikeOne, Verdict.FAIL),
        (WantsItsOwnKind, Verdict.NOT_APPLICABLE),
    ],
)
def test_who_looks_into_the_access_token(kind, verdict):
    verdicts, _ = judged(opened(kind()), CHECK)
    assert verdicts == {OPAQUE: {verdict}}
