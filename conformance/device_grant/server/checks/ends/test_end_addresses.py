"""Where revocation and introspection endpoints are said to be: RFC 7009 section 2, RFC 7662 section 2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.browser.page import split
from device_grant.judging import NotApplicable, check
from device_grant.protocol import Purpose, Request
from device_grant.protocol.dialects import json_object
from device_grant.server.sockets.transport import plain_http_allowed, require_tls_matters

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Exchange
    from device_grant.server.session.case import ServerCase

HTTPS = "rfc7009-2-https"
PUBLISHED = "rfc7009-2-http-service-not-published"
FRAGMENT = "rfc7009-2-url-without-fragment"
TLS = "rfc7662-2-tls"


@check(
    FRAGMENT,
    HTTPS,
    PUBLISHED,
    faults=("revocation_endpoint_fragment", "revocation_endpoint_http"),
    needs=("revocation",),
)
def test_revocation_endpoint(case: ServerCase, verify: Verify) -> None:
    """revocation_endpoint. Accepted: an absolute https URL without fragment; http on a test rig says nothing."""
    exchange, url = _advertised(case, "revocation_endpoint")
    right = split(url).scheme in ("http", "https") and bool(split(url).netloc) and "#" not in url
    problem = "revocation_endpoint is no absolute URL without fragment"
    verify.that(FRAGMENT, right, problem, exchange, got=url)
    if not url.startswith("https:"):
        require_tls_matters(case, url)
    for requirement in (HTTPS, PUBLISHED):
        verify.that(requirement, plain_http_allowed(url), "revocation_endpoint is no https URL", exchange, got=url)


@check(TLS, faults=("introspection_endpoint_http",), needs=("introspection",))
def test_introspection_endpoint(case: ServerCase, verify: Verify) -> None:
    """introspection_endpoint. Accepted: an https URL; http on a test rig says nothing."""
    exchange, url = _advertised(case, "introspection_endpoint")
    if not url.startswith("https:"):
        require_tls_matters(case, url)
    verify.that(TLS, plain_http_allowed(url), "introspection_endpoint is no https URL", exchange, got=url)


def _advertised(case: ServerCase, member: str) -> tuple[Exchange, str]:
    """A URL of the metadata; raises NotApplicable where it has none."""
    if not case.run.endpoints.metadata:
        raise NotApplicable("the target publishes no metadata")
    request = Request("GET", case.run.endpoints.metadata, (("Accept", "application/json"),))
    exchange = case.send(request, "metadata", purpose=Purpose.METADATA)
    url = ((json_object(exchange.response) if exchange.response else None) or {}).get(member)
    if not isinstance(url, str) or not url:
        raise NotApplicable(f"the metadata has no {member}")
    return exchange, url
