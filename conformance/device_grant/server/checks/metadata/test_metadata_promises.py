"""Whether metadata tells the truth: endpoints answer, authentication methods work (RFC 8414 section 2, RFC 8628 4)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from device_grant.judging import NotApplicable, Untestable, check
from device_grant.protocol import DEVICE_CODE_GRANT, Client, Operation
from device_grant.server.checks.metadata.published import is_absolute, listed, metadata_of, reachable
from device_grant.server.session.device import WRONG_SECRET, Device
from device_grant.server.sockets.transport import plain_http_allowed

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Exchange
    from device_grant.server.session.case import ServerCase

NEEDS = ("metadata",)
NOTHING_THERE = frozenset({0, 404, 405, 501})
"""Statuses of a URL at which a POST finds nothing; 0 is no response."""
DEFAULT_METHODS = ("client_secret_basic",)
"""What an omitted token_endpoint_auth_methods_supported means."""


@check("rfc8414-2-registration-endpoint", needs=NEEDS, faults=("metadata_urls_dead",))
def test_advertised_registration_endpoint(case: ServerCase, verify: Verify) -> None:
    """POST to registration_endpoint, if the metadata has one. Accepted: any answer but 404, 405 and 5xx."""
    exchange, document = metadata_of(case)
    url = document.get("registration_endpoint")
    if url is None:
        raise NotApplicable("the metadata has no registration_endpoint")
    absolute = is_absolute(url)
    if not absolute:
        verify.that("rfc8414-2-registration-endpoint", absolute, "registration_endpoint is no absolute URL", exchange)
        return
    request = case.run.dialect.encode(Operation.REGISTRATION, reachable(case, url), {"client_name": "probe"}, None)
    answer = case.send(request, "register at the advertised URL")
    problem = f"the advertised registration_endpoint answered {answer.describe()}"
    verify.that("rfc8414-2-registration-endpoint", _answers(answer), problem, exchange, answer)


@check(
    "rfc8628-4-endpoint-metadata",
    needs=NEEDS,
    faults=("metadata_urls_dead", "metadata_urls_relative"),
)
def test_advertised_device_endpoint(case: ServerCase, verify: Verify) -> None:
    """Start at device_authorization_endpoint. Accepted: an absolute URL without fragment that answers."""
    exchange, document = metadata_of(case)
    url = document.get("device_authorization_endpoint")
    if url is None:
        raise NotApplicable("the metadata has no device_authorization_endpoint")
    usable = is_absolute(url) and not urlsplit(url).fragment and plain_http_allowed(url)
    if not usable:
        problem = "device_authorization_endpoint is no absolute https URL without fragment"
        verify.that("rfc8628-4-endpoint-metadata", usable, problem, exchange)
        return
    device = case.device
    request = case.run.dialect.encode(
        Operation.DEVICE_AUTHORIZATION, reachable(case, url), device.authorization_members(), device.client
    )
    answer = case.send(request, "start at the advertised URL")
    problem = f"the advertised device_authorization_endpoint answered {answer.describe()}"
    verify.that("rfc8628-4-endpoint-metadata", _answers(answer), problem, exchange, answer)


@check("rfc8414-2-auth-methods-default", needs=NEEDS, faults=("metadata_sparse",))
def test_public_clients_are_announced(case: ServerCase, verify: Verify) -> None:
    """A public client that is served. Accepted: token_endpoint_auth_methods_supported lists none."""
    exchange, document = metadata_of(case)
    device = case.device
    if device.client.authentication != "none":
        raise NotApplicable("there is no public client")
    started = device.request()
    if not started.outcome.ok:
        raise Untestable(f"device authorization was refused with {started.describe()}")
    methods = listed(document, "token_endpoint_auth_methods_supported", DEFAULT_METHODS)
    problem = "public clients are served, and token_endpoint_auth_methods_supported does not list none"
    verify.that("rfc8414-2-auth-methods-default", "none" in methods, problem, exchange, started)


@check("rfc8414-2-auth-methods-honoured", needs=NEEDS, faults=("basic_unsupported",))
def test_listed_authentication_methods_work(case: ServerCase, verify: Verify) -> None:
    """Start and poll with Basic and with client_secret in the body. Accepted: a method works if it is listed."""
    exchange, document = metadata_of(case)
    methods = listed(document, "token_endpoint_auth_methods_supported", DEFAULT_METHODS)
    judged = 0
    for method in ("client_secret_basic", "client_secret_post"):
        client = _client_of_method(case, method)
        works = _works(case, client) if client else None
        if works is None:
            continue
        judged += 1
        problem = f"{method} is listed and does not work" if method in methods else f"{method} works unlisted"
        verify.that("rfc8414-2-auth-methods-honoured", works == (method in methods), problem, exchange)
    if not judged:
        raise Untestable(
            "no client with a secret for either method, of which a wrong secret is refused: none in target.toml, none "
            "could be registered"
        )


def _answers(exchange: Exchange) -> bool:
    return exchange.status not in NOTHING_THERE and exchange.status < 500


def _client_of_method(case: ServerCase, method: str) -> Client | None:
    known = case.run.target.config.clients
    for one in known:
        if one.authentication == method and "device_code" in one.grants:
            return Client(one.id, one.secret, method)
    if known or not case.run.endpoints.registration:
        return None
    request = case.run.registration_request("confidential", token_endpoint_auth_method=method)
    exchange = case.send(request, f"register a client for {method}")
    stated = exchange.get("token_endpoint_auth_method") or method
    if not exchange.outcome.ok or stated != method or exchange.get("client_secret") is None:
        return None
    return replace(case.run.client_of(exchange), authentication=method)


def _works(case: ServerCase, client: Client) -> bool | None:
    """Whether the client is authenticated at both endpoints.

    None if it is refused for something else, or would be served with a wrong secret too.
    """
    device = Device(case, client)
    started = device.request()
    if started.outcome.ok:
        poll = {"grant_type": DEVICE_CODE_GRANT, "device_code": started.get("device_code")}
        if device.token(label="poll", **poll).code == "invalid_client":
            return False
        wrong = replace(client, secret=WRONG_SECRET)
        control = device.request(client=wrong, label="control: start with a wrong secret")
        if not control.outcome.ok:
            return True
        control = device.token(client=wrong, label="control: poll with a wrong secret", **poll)
        return True if control.code == "invalid_client" else None
    if started.code == "invalid_client":
        return False
    # A server that does not read the method misses the client_id; that is told from other complaints by a client
    # that the same request suits.
    return False if started.code == "invalid_request" and case.device.request().outcome.ok else None
