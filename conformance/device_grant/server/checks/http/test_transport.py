"""TLS where secrets travel: RFC 6749 sections 2.3.1, 3.2, 10.3, 10.4, 10.8 and 10.9, RFC 8628 section 3.1.

Hosts that no network leads to (loopback, private addresses, names reserved by RFC 6761) are let be, as the RFCs do.
"""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from device_grant.judging import NotApplicable, check
from device_grant.protocol import DEVICE_CODE_GRANT, Client, Operation

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.server.session.case import ServerCase

RESERVED = ("localhost", "test", "example", "invalid", "local", "internal")
"""Top-level names that never lead to a host on the Internet (RFC 6761, RFC 6762)."""


def is_public(url: SplitResult) -> bool:
    """Whether requests to the URL can cross a network that others read."""
    host = (url.hostname or "").rstrip(".")
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and host.rpartition(".")[2] not in RESERVED


def endpoints(case: ServerCase) -> list[SplitResult]:
    """The public ones of the endpoints in use and of those that the metadata names; NotApplicable without any."""
    from device_grant.targets.discovery import is_sendable  # what lists checks needs no HTTP client

    run = case.run
    advertised = [value for name, value in run.endpoints.document.items() if name.endswith("_endpoint")]
    used = [run.endpoints.url(operation) for operation in Operation]
    collected = {url for url in (*used, *advertised) if isinstance(url, str) and is_sendable(url)}
    public = [parts for parts in map(urlsplit, sorted(filter(None, collected))) if is_public(parts)]
    if not public:
        raise NotApplicable("the endpoints are on loopback or reserved hosts, where no TLS is owed")
    return public


@check(
    "rfc6749-10.3-token-tls-only",
    "rfc6749-10.4-refresh-tls",
    "rfc6749-10.9-tls-server-auth",
    faults=("public_http",),
)
def test_endpoints_are_https(case: ServerCase, verify: Verify) -> None:
    """Where the endpoints are, by metadata and in use. Accepted: https, unless the host is not public.

    Certificates are validated with every request: a server whose chain or name is wrong is not even reached.
    """
    clear = [url for url in endpoints(case) if url.scheme != "https"]
    for requirement in ("rfc6749-10.3-token-tls-only", "rfc6749-10.4-refresh-tls", "rfc6749-10.9-tls-server-auth"):
        verify.that(requirement, not clear, "an endpoint on a public host is not https")


@check(
    "rfc6749-3.2-tls-required",
    "rfc6749-2.3.1-tls-for-passwords",
    faults=("public_http",),
)
def test_endpoints_refuse_cleartext(case: ServerCase, verify: Verify) -> None:
    """A token request with made-up credentials to the same endpoint by http. Accepted: no connection, no OAuth answer.

    Redirects and refusals that do not look at the request are accepted, whatever their status.
    """
    run = case.run
    in_use = urlsplit(run.url(Operation.TOKEN))
    # Advertised hosts that are not in use may be somebody else's: asked in process only, where no network is.
    collected = [url for url in endpoints(case) if url == in_use or (run.target.in_process and url.path == in_use.path)]
    if run.target.in_process:
        collected = [url for url in collected if url.scheme == "http"]
    if not collected:
        raise NotApplicable("the token endpoint is in process, or on a host that is not public: no TLS is owed")
    port = "" if collected[0].port in (None, 443) else f":{collected[0].port}"
    clear = f"http://{collected[0].hostname}{port}{collected[0].path}"
    client = Client("made-up-client", "made-up-secret-4f1d", "client_secret_post")
    members = {"grant_type": DEVICE_CODE_GRANT, "device_code": "made-up-device-code-4f1d"}
    request = run.dialect.encode(Operation.TOKEN, clear, members, client)
    exchange = case.send(replace(request, operation=Operation.OTHER), "token request without TLS")
    processed = isinstance(exchange.get("error"), str) or exchange.get("access_token") is not None
    for requirement in ("rfc6749-3.2-tls-required", "rfc6749-2.3.1-tls-for-passwords"):
        problem = "a token request without TLS was processed"
        verify.that(requirement, not processed, problem, exchange)
