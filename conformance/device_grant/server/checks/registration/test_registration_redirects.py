"""Registration of clients of redirect flows: what a server that takes them owes them (RFC 7591 sections 2, 2.1, 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import Inconclusive, NotApplicable, check
from device_grant.server.session.registering import attempt, redirecting, refused, strings

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Exchange
    from device_grant.server.session.case import ServerCase

NEEDS = ("registration",)
RESPONSE_TYPES = frozenset({"code", "token", "id_token", "none"})
"""Registered response types; combinations are made of these words."""
IN_CLEAR = "http://client.example.org/callback"
UNSAFE = (IN_CLEAR, "javascript:alert(1)", "data:text/html,x")
"""Neither https, nor loopback, nor a scheme that an application can claim."""


def _redirecting_client(case: ServerCase) -> Exchange:
    exchange = attempt(case, "register for the authorization code flow", **redirecting(case))
    if exchange.outcome.ok:
        return exchange
    if exchange.status != 400:
        raise refused(exchange)
    raise NotApplicable(f"no clients of redirect flows are registered: {exchange.describe()}")


@check("rfc7591-2-server-supports-redirect-uris", needs=NEEDS, faults=("redirect_uris_altered",))
def test_redirect_uris_are_kept(case: ServerCase, verify: Verify) -> None:
    """Register for the authorization code flow. Accepted: redirect_uris come back unchanged."""
    exchange = _redirecting_client(case)
    if exchange.get("redirect_uris") is None:
        raise Inconclusive("the response does not say which redirect_uris were registered")
    same = exchange.get("redirect_uris") == redirecting(case)["redirect_uris"]
    problem = "redirect_uris did not come back unchanged"
    verify.that("rfc7591-2-server-supports-redirect-uris", same, problem, exchange)


@check("rfc7591-5-redirect-uri-forms", needs=NEEDS, faults=("redirect_uri_unchecked",))
def test_unsafe_redirect_uris(case: ServerCase, verify: Verify) -> None:
    """Register http on a public host, javascript: and data: as redirect URI. Accepted: a refusal, or another URI."""
    registered = _redirecting_client(case)
    if case.run.dialect.registration_is_echoed and registered.get("redirect_uris") is None:
        raise Inconclusive("the response does not say which redirect_uris were registered")
    for uri in UNSAFE:
        exchange = attempt(case, f"redirect URI {uri}", **redirecting(case, redirect_uris=[uri]))
        returned = strings(exchange, "redirect_uris")
        kept = exchange.outcome.ok and (returned is None or uri in returned)
        problem = f"the redirect URI {uri} was registered"
        # OpenID Connect Core 3.1.2.1 lets a server allow http to confidential clients, which this one is.
        lenient = uri == IN_CLEAR and not case.run.dialect.public_clients_have_secrets
        verify.that("rfc7591-5-redirect-uri-forms", not kept, problem, exchange, tolerated=lenient)


@check("rfc7591-2-response-types-match", needs=NEEDS, faults=("registration_types_unchecked",))
def test_unknown_response_type(case: ServerCase, verify: Verify) -> None:
    """Register with a response type that nobody defined. Accepted: a refusal, or a response without it."""
    first = _redirecting_client(case)
    members = redirecting(case, response_types=["impossible"])
    second = attempt(case, "register with an unknown response type", **members)
    for exchange in (first, second):
        types = strings(exchange, "response_types") or () if exchange.outcome.ok else ()
        unknown = [name for name in types if not set(name.split()) <= RESPONSE_TYPES]
        # A list that is kept but never used by the device grant hurts nobody yet.
        verify.that(
            "rfc7591-2-response-types-match",
            not unknown,
            "a response type that nobody defined was registered",
            exchange,
            tolerated=True,
        )


@check(
    "rfc7591-2.1-consistent-grants-responses",
    needs=NEEDS,
    faults=("registration_types_unchecked",),
)
def test_contradicting_types(case: ServerCase, verify: Verify) -> None:
    """Register authorization_code with token, alone and beside code. Accepted: a refusal, or lists that agree."""
    _redirecting_client(case)
    for types in (["token"], ["code", "token"]):
        label = f"register authorization_code with response types {' and '.join(types)}"
        exchange = attempt(case, label, **redirecting(case, response_types=types))
        problem = "grant_types and response_types that contradict each other were registered"
        verify.that("rfc7591-2.1-consistent-grants-responses", _consistent(exchange), problem, exchange)


def _consistent(exchange: Exchange) -> bool:
    """Whether what was registered agrees; a refusal does. Raises Inconclusive where the response does not say it."""
    if not exchange.outcome.ok:
        return True
    grants, types = strings(exchange, "grant_types"), strings(exchange, "response_types")
    if grants is None and types is None:
        raise Inconclusive("the response says neither which grant_types nor which response_types were registered")
    # What is left out of a response is as section 2 has it by default.
    by_code = "authorization_code" in (grants or ("authorization_code",))
    given = {word for name in types or ("code",) for word in name.split()}
    return by_code == ("code" in given) and ("implicit" in (grants or ())) == ("token" in given)


@check("rfc7591-5-uri-host-check", needs=NEEDS, faults=("page_hosts_unchecked",))
def test_pages_on_another_host(case: ServerCase, verify: Verify) -> None:
    """Register a logo on another host than the redirect URI. Accepted: a refusal, or a response without the logo."""
    _redirecting_client(case)
    logo = "https://another.example.net/logo.png"
    exchange = attempt(case, "register a logo of another host", **redirecting(case, logo_uri=logo))
    kept = exchange.outcome.ok and exchange.get("logo_uri") == logo
    problem = "a logo of another host than the redirect URI was registered"
    verify.that("rfc7591-5-uri-host-check", not kept, problem, exchange)
