"""What the client makes of the access token itself: nothing (RFC 9068 section 6)."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING

from device_grant.client.scripted.steps import change
from device_grant.judging import check
from device_grant.protocol import Purpose

if TYPE_CHECKING:
    from device_grant.client.session.case import ClientUnderTest
    from device_grant.judging import Verify

OPAQUE = "rfc9068-6-client-does-not-look-inside"
HOUR = 3600
ENDED = 1_600_000_000
"""Seconds since the epoch, some day of 2020: the same each time, so that what a client did can be judged again."""
OF_THE_PAST = ".".join(
    urlsafe_b64encode(part).rstrip(b"=").decode()
    for part in (
        json.dumps({"alg": "ES256", "typ": "at+jwt", "kid": "nobody"}).encode(),
        json.dumps(
            {
                "iss": "https://another.example",
                "sub": "somebody",
                "aud": "https://api.example.com",
                "client_id": "another-client",
                "iat": ENDED - HOUR,
                "exp": ENDED,
                "jti": "1",
                "scope": "nothing-that-was-asked-for",
            }
        ).encode(),
        bytes(64),
    )
)
"""An access token by RFC 9068 that ended long ago."""
UNREADABLE = "eyJhbGciOiJFUzI1NiJ9.e30-this-is-no-json-but-base64url.c2lnbmF0dXJl"
"""It looks like a JWT and is none."""


@check(OPAQUE, faults=("access_token_looked_into",))
def test_access_token_is_opaque(client: ClientUnderTest, verify: Verify) -> None:
    """expires_in is an hour, and the access token a JWT that ended long ago; then one that only looks like a JWT.

    Accepted: the client signs in. It is not applicable where client.toml says what access tokens the client wants.
    """
    client.free("token", "access_token", "expires_in")
    for what, token in (("a JWT of the past", OF_THE_PAST), ("something like a JWT", UNREADABLE)):
        login = client.ask(what, change(access_token=token, expires_in=HOUR))
        login.need(Purpose.POLL)
        verify.that(OPAQUE, login.succeeded, "looks into the access token", login)
