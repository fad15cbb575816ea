"""Authorization server metadata: RFC 8414 and RFC 8628 section 4."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from conformance.judging import NotApplicable, check
from conformance.protocol import DEVICE_CODE_GRANT, RFC8628, Request
from conformance.protocol.dialects import json_object

if TYPE_CHECKING:
    from conformance.protocol import Exchange
    from conformance.server.case import Case, Verify

NEEDS = ("metadata",)


def _metadata(case: Case) -> tuple[Exchange, dict[str, Any]]:
    if not case.run.endpoints.metadata:
        raise NotApplicable("the target publishes no metadata")
    exchange = case.send(Request("GET", case.run.endpoints.metadata), "metadata")
    body = json_object(exchange.response) if exchange.response else None
    return exchange, body or {}


@check("rfc8414-3.2-status-and-type", needs=NEEDS, dialects=(RFC8628,))
def test_metadata_document(case: Case, verify: Verify) -> None:
    """GET the metadata. Accepted: 200 with a JSON object labelled application/json."""
    exchange, body = _metadata(case)
    right = exchange.status == 200 and bool(body) and exchange.response is not None
    right = right and exchange.response is not None and exchange.response.media_type == "application/json"
    verify.that(
        "rfc8414-3.2-status-and-type", right, "the metadata is no 200 with an application/json object", exchange
    )


@check(
    "rfc8628-4-metadata-agree",
    "rfc8628-4-grant-types-supported",
    "rfc8628-7.4-metadata-name",
    needs=NEEDS,
    dialects=(RFC8628,),
)
def test_metadata_announces_the_device_grant(case: Case, verify: Verify) -> None:
    """The metadata of a server that serves the grant. Accepted: endpoint and grant type are both announced."""
    exchange, body = _metadata(case)
    endpoint = body.get("device_authorization_endpoint")
    grants = body.get("grant_types_supported")
    listed = isinstance(grants, list) and DEVICE_CODE_GRANT in grants
    verify.that(
        "rfc8628-4-metadata-agree",
        bool(endpoint) == listed,
        "only one of device_authorization_endpoint and the grant type is announced",
        exchange,
    )
    verify.that(
        "rfc8628-4-grant-types-supported", listed, "grant_types_supported does not list the device grant", exchange
    )
    named = isinstance(endpoint, str) and urlsplit(endpoint).scheme in ("http", "https")
    verify.that("rfc8628-7.4-metadata-name", named, "device_authorization_endpoint is missing or no URL", exchange)


@check("rfc8414-2-issuer", "rfc8414-2-token-endpoint", needs=NEEDS, dialects=(RFC8628,))
def test_metadata_members(case: Case, verify: Verify) -> None:
    """Issuer without query and fragment, token_endpoint. A http issuer on a test rig is no fault of the server."""
    exchange, body = _metadata(case)
    issuer = body.get("issuer")
    parts = urlsplit(issuer) if isinstance(issuer, str) else None
    right = parts is not None and parts.scheme in ("https", "http") and not parts.query and not parts.fragment
    verify.that("rfc8414-2-issuer", right, "issuer is missing, no URL, or has a query or fragment", exchange)
    token = body.get("token_endpoint")
    named = isinstance(token, str) and urlsplit(token).scheme in ("http", "https")
    verify.that("rfc8414-2-token-endpoint", named, "token_endpoint is missing or no URL", exchange)


@check("rfc8414-3.2-arrays", "rfc8414-3.2-no-empty-arrays", needs=NEEDS, dialects=(RFC8628,))
def test_metadata_lists(case: Case, verify: Verify) -> None:
    """Members that hold several values. Accepted: JSON arrays, none of them empty."""
    exchange, body = _metadata(case)
    plural = {name: value for name, value in body.items() if name.endswith(("_supported", "_algs"))}
    lists = {name: value for name, value in plural.items() if not isinstance(value, bool)}
    wrong = sorted(name for name, value in lists.items() if not isinstance(value, list))
    verify.that("rfc8414-3.2-arrays", not wrong, f"not an array: {', '.join(wrong)}", exchange)
    empty = sorted(name for name, value in lists.items() if value == [])
    verify.that("rfc8414-3.2-no-empty-arrays", not empty, f"an empty array: {', '.join(empty)}", exchange)
