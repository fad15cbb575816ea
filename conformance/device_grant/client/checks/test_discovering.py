"""Metadata (RFC 8414; RFC 8628 section 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from device_grant.judging import Untestable, check

if TYPE_CHECKING:
    from device_grant.client.session.attempt import Attempt
    from device_grant.client.session.case import ClientUnderTest
    from device_grant.judging import Verify

MOVED = {"start": "/x/y/zz?tenant=1", "token": "/t/o/k?tenant=1"}
"""Endpoints at paths that nobody guesses, with a query."""


@check(
    "rfc8628-4-client-uses-metadata-endpoint",
    "rfc6749-3.2-token-uri-query-retained",
    "rfc8414-3.1-get",
    faults=("endpoints_guessed", "query_dropped", "metadata_by_post"),
    needs=("flow", "metadata"),
    when=lambda dialect: dialect.has_metadata,
)
def test_endpoints_of_the_metadata(client: ClientUnderTest, verify: Verify) -> None:
    """Metadata with endpoints at unusual paths, with a query. Accepted: they are used as they are."""
    login = client.login(discover=True, moved=MOVED)
    _must_have_looked(login)
    verify.by_rules(login, "rfc8414-3.1-get")
    starts = [_target(entry.request.url) for entry in login.starts]
    as_said = starts != [] and set(starts) == {MOVED["start"]}
    problem = "does not use the device authorization endpoint of the metadata as it is"
    if login.going_on or login.exchanges:
        verify.that("rfc8628-4-client-uses-metadata-endpoint", as_said, problem, login)
    if not login.polls:
        raise Untestable("the client never got to its token request")
    kept = {_target(entry.request.url) for entry in login.polls} == {MOVED["token"]}
    problem = "drops the query of the token endpoint"
    verify.that("rfc6749-3.2-token-uri-query-retained", kept, problem, login)


@check(
    "rfc8414-3.1-strip-trailing-slash",
    faults=("issuer_slash_kept",),
    needs=("flow", "metadata"),
)
def test_issuer_with_a_slash(client: ClientUnderTest, verify: Verify) -> None:
    """An issuer whose path ends in a slash. Accepted: the metadata's path does not."""
    login = client.login(discover=True, issuer_path="/tenant/a/")
    _must_have_looked(login)
    verify.by_rules(login, "rfc8414-3.1-strip-trailing-slash", default=True)


@check("rfc8414-5-lookup-order", faults=("openid_location_first",), needs=("flow", "metadata"))
def test_order_of_places(client: ClientUnderTest, verify: Verify) -> None:
    """An issuer with a path. Accepted: the place of RFC 8414 is tried first, that of OpenID Connect Discovery after."""
    login = client.login(discover=True, issuer_path="/tenant")
    _must_have_looked(login)
    verify.by_rules(login, "rfc8414-5-lookup-order")


@check(
    "rfc8414-3.3-client-rejects-mismatch",
    "rfc8414-6.2-exact-issuer",
    faults=("issuer_unchecked",),
    needs=("flow", "metadata"),
)
def test_metadata_of_another_issuer(client: ClientUnderTest, verify: Verify) -> None:
    """The metadata's issuer is another one, or has a slash more. Accepted: nothing in it is used."""
    other = client.login("another issuer", discover=True, documents={"issuer": "{base}/another"})
    _must_have_looked(other)
    problem = "uses metadata of another issuer"
    verify.that("rfc8414-3.3-client-rejects-mismatch", not other.starts, problem, other)
    slash = client.login("a slash more", discover=True, issuer_path="/tenant", documents={"issuer": "{base}/tenant/"})
    _must_have_looked(slash)
    problem = "uses metadata whose issuer differs by a slash"
    verify.that("rfc8414-6.2-exact-issuer", not slash.starts, problem, slash)


def _must_have_looked(login: Attempt) -> None:
    if not any("/.well-known/" in entry.request.url for entry in login.exchanges):
        raise Untestable(f"the client never asked for metadata: it {login.how}")


def _target(url: str) -> str:
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")
