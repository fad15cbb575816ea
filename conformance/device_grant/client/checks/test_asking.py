"""The form of a plain login's requests, and the credentials in them (RFC 8628 sections 3.1 and 3.4, RFC 6749)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.client.scripted.steps import pending
from device_grant.judging import Untestable, check
from device_grant.protocol import Purpose
from device_grant.protocol.reading import value_of

if TYPE_CHECKING:
    from device_grant.client.session.case import ClientUnderTest
    from device_grant.judging import Verify

GIVEN = {"CLIENT_ID": "device grant+client", "CLIENT_SECRET": "a secret+with%reserved/characters"}
"""Identifier and secret that differ once they are form-encoded."""


@check("aws-client-endpoint-override", faults=("endpoint_ignored",), needs=("endpoint",))
def test_endpoint_is_taken(client: ClientUnderTest, verify: Verify) -> None:
    """A plain login at an endpoint that the client is told. Accepted: its requests arrive there."""
    login = client.redeem()
    verify.that(
        "aws-client-endpoint-override", bool(login.exchanges), "does not use the endpoint that it is told", login
    )


@check(
    "rfc8628-3.1-scope-optional",
    faults=("scope_always_sent",),
    when=lambda dialect: "scope" not in dialect.demands,
)
def test_no_scope(client: ClientUnderTest, verify: Verify) -> None:
    """No scope is asked for. Accepted: no parameter scope; a scope of the client's own is noted."""
    login = client.redeem(scope=False)
    entry = login.need(Purpose.START)
    absent = value_of(entry.request, "scope") is None
    verify.that("rfc8628-3.1-scope-optional", absent, "sends a scope that nobody asked for", login)


@check("rfc8628-3.1-client-utf8", "rfc6749-B-utf8-encode", faults=("form_in_latin_1",))
def test_beyond_ascii(client: ClientUnderTest, verify: Verify) -> None:
    """A client identifier with a letter beyond ASCII. Accepted: it comes as UTF-8, or not at all."""
    login = client.redeem(given={"CLIENT_ID": "gerät-8628"})
    if not login.polls:
        raise Untestable("the client does not sign in with an identifier beyond ASCII")
    verify.by_rules(login, "rfc8628-3.1-client-utf8", "rfc6749-B-utf8-encode", default=True)


@check(
    "rfc8628-3.1-confidential-client-authenticates",
    "rfc8628-3.4-credentialed-client-authenticates",
    "rfc6749-3.2.1-credentialed-must-authenticate",
    faults=("secret_withheld_at_start", "secret_withheld_in_polls"),
    needs=("confidential",),
    timed=True,
)
def test_credentials(client: ClientUnderTest, verify: Verify) -> None:
    """A client that is given a secret with reserved characters. Accepted: each of its requests authenticates."""
    login = client.redeem(token=[pending()] if client.flows else (), confidential=True, given=GIVEN)
    login.need(Purpose.POLL)
    verify.by_rules(
        login,
        "rfc8628-3.1-confidential-client-authenticates",
        "rfc8628-3.4-credentialed-client-authenticates",
        "rfc6749-3.2.1-credentialed-must-authenticate",
    )
