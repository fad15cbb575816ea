"""Honest clients that are odd, which no scenario may accuse, and broken ones, which each has to catch."""

from __future__ import annotations

import json

import pytest
from support.small_client import BASE, GiveUp, SmallClient, said_of, verdicts_of

from device_grant.protocol import Purpose

ENDPOINTS = "discovering::test_endpoints_of_the_metadata"
ISSUERS = "discovering::test_metadata_of_another_issuer"
MISMATCH, EXACT = "rfc8414-3.3-client-rejects-mismatch", "rfc8414-6.2-exact-issuer"
START_URI, QUERY = "rfc8628-4-client-uses-metadata-endpoint", "rfc6749-3.2-token-uri-query-retained"
INSERTED, SLASH, ORDER = "rfc8414-3.1-inserted", "rfc8414-3.1-strip-trailing-slash", "rfc8414-5-lookup-order"


class Adds(SmallClient):
    """Telemetry in the query of each endpoint, behind or before what is there."""

    def ask(self, method, url, members=None):
        if method == "POST":
            path, _, query = url.partition("?")
            url = f"{path}?x=1&{query}" if "token" in path else f"{url}{'&' if query else '?'}client-request-id=7"
        return super().ask(method, url, members)


class DropsQuery(SmallClient):
    def ask(self, method, url, members=None):
        return super().ask(method, url.partition("?")[0], members)


class OtherTenant(SmallClient):
    def ask(self, method, url, members=None):
        return super().ask(method, url.replace("tenant=1", "tenant=11"), members)


def test_a_query_is_kept_and_may_be_extended():
    assert verdicts_of(SmallClient(), ENDPOINTS)[QUERY] == "pass"
    said = verdicts_of(Adds(), ENDPOINTS)
    assert (said[START_URI], said[QUERY]) == ("pass", "pass")
    for broken in (DropsQuery(), OtherTenant()):
        said = verdicts_of(broken, ENDPOINTS)
        assert (said[START_URI], said[QUERY]) == ("fail", "fail")


class StartsAtTheTokenEndpoint(SmallClient):
    """Guesses, from an endpoint that it does not know, that both are one; then does as it should."""

    def start(self):
        self.ask("POST", self.given["TOKEN_ENDPOINT"], {"scope": "openid"})
        return super().start()


class FallsBackToTheCodeGrant(SmallClient):
    def poll(self, said):
        del said
        self.ask("POST", self.given["TOKEN_ENDPOINT"], {"grant_type": "authorization_code", "code": "zzzz"})
        raise GiveUp("no device flow here")


@pytest.mark.parametrize("client", [StartsAtTheTokenEndpoint(), FallsBackToTheCodeGrant()])
def test_what_is_no_poll_is_not_judged_as_one(client):
    said = said_of(client, ENDPOINTS)
    assert not {"requests::grant_type_is_the_urn", "requests::device_code_is_unchanged"} & {
        name.partition("rules::")[2] for name in said.broken_invariants
    }
    requests = [one for one in said.transcript.exchanges if one.request.url.startswith(f"{BASE}/t/o/k")]
    assert requests[0].purpose is Purpose.TOKEN_REQUEST


class ShortGrantType(SmallClient):
    def poll_members(self, said):
        return {"grant_type": "device_code", "code": said["device_code"]}


def test_a_misspelt_poll_is_a_poll():
    said = said_of(ShortGrantType(), ENDPOINTS)
    assert {"rfc8628-3.4-grant-type-value", "rfc8628-3.4-device-code-sent"} <= set().union(
        *said.broken_invariants.values()
    )


class NeverDiscovers(SmallClient):
    """Asks for metadata, and cannot do with any."""

    def read_metadata(self, _answer):
        raise GiveUp("a document without what only this client wants")


class BelievesAnyIssuer(SmallClient):
    def read_metadata(self, answer):
        document = json.loads(answer.response.content)
        for name in ("device_authorization_endpoint", "token_endpoint"):
            self.given[name.upper()] = document[name]


class Appends(SmallClient):
    """RFC 8414's part behind the issuer's path, as one library does."""

    def places(self):
        return [self.given["ISSUER"].removeprefix(BASE).rstrip("/") + "/.well-known/oauth-authorization-server"]


class OpenIdAlone(SmallClient):
    def places(self):
        return [super().places()[1]]


class OpenIdFirst(SmallClient):
    def places(self):
        return list(reversed(super().places()))


class EveryPlace(SmallClient):
    """The right place first, and then what others have been seen to serve."""

    def places(self):
        first, second = super().places()
        return [first, *Appends.places(self), second]


def test_nothing_that_never_works_is_refused():
    assert verdicts_of(SmallClient(), ISSUERS) == {MISMATCH: "pass", EXACT: "pass"}
    assert verdicts_of(BelievesAnyIssuer(), ISSUERS) == {MISMATCH: "fail", EXACT: "fail"}
    assert set(verdicts_of(NeverDiscovers(), ENDPOINTS).values()) == {"pass", "untestable"}
    assert verdicts_of(NeverDiscovers(), ISSUERS) == {MISMATCH: "untestable", EXACT: "untestable"}
    # It finds the root's document, whose issuer is wrong in one scenario, and never finds that of a tenant.
    assert verdicts_of(Appends(), ISSUERS) == {MISMATCH: "pass", EXACT: "untestable"}


@pytest.mark.parametrize(
    ("client", "inserted", "slash", "order"),
    [
        (SmallClient(), "pass", "pass", "pass"),
        (EveryPlace(), "pass", "pass", "pass"),
        (Appends(), "fail", "inconclusive", "inconclusive"),
        (OpenIdAlone(), "inconclusive", "inconclusive", "inconclusive"),
        (OpenIdFirst(), "inconclusive", "inconclusive", "warn"),
    ],
)
def test_where_metadata_is_looked_for(client, inserted, slash, order):
    said = verdicts_of(client, "discovering::test_issuer_with_a_slash")
    assert (said[INSERTED], said[SLASH]) == (inserted, slash)
    assert verdicts_of(client, "discovering::test_order_of_places")[ORDER] == order
