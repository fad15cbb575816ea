"""Metadata (RFC 8414; RFC 8628 section 4)."""

from __future__ import annotations

from collections import Counter
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from device_grant.judging import Inconclusive, NotApplicable, Untestable, check
from device_grant.protocol import Purpose

if TYPE_CHECKING:
    from device_grant.client.session.attempt import Attempt
    from device_grant.client.session.case import ClientUnderTest
    from device_grant.judging import Verify
    from device_grant.protocol import Exchange

OTHER_ALIASES = "rfc8705-5-client-ignores-other-aliases"
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
    """Metadata with endpoints at unusual paths, with a query. Accepted: they are used as they are.

    A client may add to a query. One that cannot do with any metadata of ours shows nothing.
    """
    login = client.login(discover=True, moved=MOVED)
    _must_have_looked(login)
    verify.by_rules(login, "rfc8414-3.1-get")
    if not login.starts:
        _must_work(client.login("metadata with endpoints at the usual paths", discover=True))
    as_said = login.starts != [] and all(_goes_to(entry, MOVED["start"]) for entry in login.starts)
    problem = "does not use the device authorization endpoint of the metadata as it is"
    if login.going_on or login.exchanges:
        verify.that("rfc8628-4-client-uses-metadata-endpoint", as_said, problem, login)
    if not login.polls:
        raise Untestable("the client never got to its token request")
    kept = all(_goes_to(entry, MOVED["token"]) for entry in login.polls)
    problem = "drops the query of the token endpoint"
    verify.that("rfc6749-3.2-token-uri-query-retained", kept, problem, login)


@check(
    "rfc8414-3.1-inserted",
    "rfc8414-3.1-strip-trailing-slash",
    faults=("issuer_slash_kept", "well_known_appended"),
    needs=("flow", "metadata"),
)
def test_issuer_with_a_slash(client: ClientUnderTest, verify: Verify) -> None:
    """An issuer whose path ends in a slash. Accepted: the metadata's path does not, and begins with /.well-known/."""
    login = client.login(discover=True, issuer_path="/tenant/a/", metadata_at=_places_of_rfc_8414("/tenant/a"))
    _must_know_rfc_8414(login)
    verify.by_rules(login, "rfc8414-3.1-inserted", "rfc8414-3.1-strip-trailing-slash")


@check("rfc8414-5-lookup-order", faults=("openid_location_first",), needs=("flow", "metadata"))
def test_order_of_places(client: ClientUnderTest, verify: Verify) -> None:
    """An issuer with a path, metadata at the places of RFC 8414 alone. Accepted: the client begins there.

    One that looks at the place of OpenID Connect Discovery alone does what that specification says.
    """
    login = client.login(discover=True, issuer_path="/tenant", metadata_at=_places_of_rfc_8414("/tenant"))
    _must_know_rfc_8414(login)
    verify.by_rules(login, "rfc8414-5-lookup-order")


@check(
    "rfc8414-3.3-client-rejects-mismatch",
    "rfc8414-6.2-exact-issuer",
    faults=("issuer_unchecked",),
    needs=("flow", "metadata"),
)
def test_metadata_of_another_issuer(client: ClientUnderTest, verify: Verify) -> None:
    """The metadata's issuer is another one, or has a slash more. Accepted: nothing in it is used.

    With metadata of the right issuer the login works: what never begins has refused nothing.
    """
    _must_work(client.login("metadata of the issuer", discover=True))
    other = client.login("another issuer", discover=True, documents={"issuer": "{base}/another"})
    _must_have_read(other)
    problem = "uses metadata of another issuer"
    verify.that("rfc8414-3.3-client-rejects-mismatch", not other.starts, problem, other)
    _must_work(client.login("metadata of an issuer with a path", discover=True, issuer_path="/tenant"))
    slash = client.login("a slash more", discover=True, issuer_path="/tenant", documents={"issuer": "{base}/tenant/"})
    _must_have_read(slash)
    problem = "uses metadata whose issuer differs by a slash"
    verify.that("rfc8414-6.2-exact-issuer", not slash.starts, problem, slash)


@check(OTHER_ALIASES, faults=("client_chokes_on_aliases",), needs=("flow", "metadata"))
def test_aliases_of_other_endpoints(client: ClientUnderTest, verify: Verify) -> None:
    """Aliases of the authorization endpoint, and of one that nobody knows. Accepted: a login as without them.

    One that cannot do with any metadata of ours shows nothing.
    """
    aliases = {name: f"https://mtls.example.com/{name}" for name in ("authorization_endpoint", "example_endpoint")}
    login = client.login("aliases of other endpoints", discover=True, documents={"mtls_endpoint_aliases": aliases})
    _must_have_read(login)
    if not login.succeeded:
        _must_work(client.login("metadata without aliases", discover=True))
    problem = "does not sign in where the metadata has aliases of endpoints that it does not need"
    verify.that(OTHER_ALIASES, login.succeeded, problem, login)


def _must_have_looked(login: Attempt) -> None:
    if not any("/.well-known/" in entry.request.url for entry in login.exchanges):
        raise Untestable(f"the client never asked for metadata: it {login.how}")


def _places_of_rfc_8414(path: str) -> tuple[str, ...]:
    return tuple(f"/.well-known/{name}{path}" for name in ("oauth-authorization-server", "openid-configuration"))


def _must_know_rfc_8414(login: Attempt) -> None:
    _must_have_looked(login)
    lookups = [urlsplit(entry.request.url).path for entry in login.exchanges if "/.well-known/" in entry.request.url]
    if all(place.endswith("/.well-known/openid-configuration") for place in lookups):
        raise NotApplicable("the client looks at the place of OpenID Connect Discovery alone")


def _must_work(login: Attempt) -> None:
    if login.succeeded is None:
        raise Inconclusive(f"a plain login by metadata was not over in time: the client {login.how}")
    if not login.succeeded:
        raise Untestable(
            f"a plain login by metadata does not work: the client {login.how}; "
            "members that it wants besides belong under [response] metadata in client.toml"
        )


def _must_have_read(login: Attempt) -> None:
    if not any(entry.status == HTTPStatus.OK for entry in login.of(Purpose.METADATA)):
        raise Untestable("the client never got the document: it asked at no place where it is")


def _goes_to(entry: Exchange, endpoint: str) -> bool:
    """Whether a request went to the endpoint: its path, and all of its query, to which a client may add."""
    sent, issued = urlsplit(entry.request.url), urlsplit(endpoint)
    missing = Counter(parse_qsl(issued.query)) - Counter(parse_qsl(sent.query, keep_blank_values=True))
    return sent.path == issued.path and not missing
