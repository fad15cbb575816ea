"""Authorization server metadata, member by member: RFC 8414 sections 2 and 3.2, RFC 8628 section 4."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from device_grant.judging import NotApplicable, check
from device_grant.protocol import DEVICE_CODE_GRANT
from device_grant.server.checks.metadata.published import fetch_metadata, is_absolute, listed, metadata_of
from device_grant.server.session.device import Device
from device_grant.server.session.scopes import has_no_scopes
from device_grant.server.sockets.transport import plain_http_allowed

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.server.session.case import ServerCase

NEEDS = ("metadata",)
REDIRECT_GRANTS = frozenset({"authorization_code", "implicit"})
"""Grants that use the authorization endpoint, and what an omitted grant_types_supported means."""
JWT_METHODS = frozenset({"private_key_jwt", "client_secret_jwt"})
PLURAL = ("_supported", "_algs")


@check("rfc8414-3.2-status-and-type", needs=NEEDS, faults=("json_as_html",))
def test_metadata_document(case: ServerCase, verify: Verify) -> None:
    """GET the metadata. Accepted: 200 with a JSON object labelled application/json."""
    exchange, document = fetch_metadata(case)
    labelled = exchange.response is not None and exchange.response.media_type == "application/json"
    right = exchange.status == 200 and document is not None and labelled
    problem = "the metadata is no 200 with an application/json object"
    verify.that("rfc8414-3.2-status-and-type", right, problem, exchange)


@check(
    "rfc8628-4-metadata-agree",
    "rfc8628-4-grant-types-supported",
    "rfc8628-7.4-metadata-name",
    "rfc8414-2-grant-types-default",
    needs=NEEDS,
    faults=(
        "metadata_lacks_device_endpoint",
        "metadata_lacks_grant",
        "metadata_sparse",
        "metadata_device_endpoint_misnamed",
    ),
)
def test_metadata_announces_the_device_grant(case: ServerCase, verify: Verify) -> None:
    """The metadata of a server that serves the grant. Accepted: endpoint and grant type are both announced."""
    exchange, document = metadata_of(case)
    endpoint = document.get("device_authorization_endpoint")
    announced = DEVICE_CODE_GRANT in listed(document, "grant_types_supported")
    problem = "only one of device_authorization_endpoint and the grant type is announced"
    verify.that("rfc8628-4-metadata-agree", bool(endpoint) == announced, problem, exchange)
    problem = "grant_types_supported does not list the device grant"
    verify.that("rfc8628-4-grant-types-supported", announced, problem, exchange)
    omitted = document.get("grant_types_supported") is None
    problem = "grant_types_supported is omitted, which means that the device grant is not supported"
    verify.that("rfc8414-2-grant-types-default", not (endpoint and omitted), problem, exchange)
    misnamed = sorted(name for name in document if "device" in name and name.endswith(("_endpoint", "_uri", "_url")))
    if not misnamed:
        raise NotApplicable("the metadata names no endpoint for devices")
    problem = f"the endpoint for devices is called {', '.join(misnamed)}"
    verify.that("rfc8628-7.4-metadata-name", isinstance(endpoint, str), problem, exchange)


@check(
    "rfc8414-2-issuer",
    "rfc8414-2-token-endpoint",
    needs=NEEDS,
    faults=("metadata_issuer_query", "metadata_urls_relative"),
)
def test_metadata_required_members(case: ServerCase, verify: Verify) -> None:
    """Issuer without query and fragment, token_endpoint. Accepted: absolute URLs; http is no fault of a test rig."""
    exchange, document = metadata_of(case)
    issuer = document.get("issuer")
    right = is_absolute(issuer) and plain_http_allowed(str(issuer)) and not {"?", "#"} & set(str(issuer))
    problem = "issuer is missing, no https URL, or has a query or fragment"
    verify.that("rfc8414-2-issuer", right, problem, exchange)
    # A server whose only grant is implicit needs none, but then it serves no device.
    problem = "token_endpoint is missing or no absolute URL"
    verify.that("rfc8414-2-token-endpoint", is_absolute(document.get("token_endpoint")), problem, exchange)


@check(
    "rfc8414-2-scopes-supported",
    "rfc8414-2-response-types-supported",
    needs=NEEDS,
    faults=("metadata_sparse",),
)
def test_metadata_lists_that_clients_look_for(case: ServerCase, verify: Verify) -> None:
    """scopes_supported and response_types_supported. Accepted: arrays; none where there is nothing to list."""
    exchange, document = metadata_of(case)
    scopes = isinstance(document.get("scopes_supported"), list)
    if "scopes_supported" not in document:
        client = case.run.client("primary")
        scopes = client is not None and has_no_scopes(Device(case, client))
    verify.that("rfc8414-2-scopes-supported", scopes, "scopes_supported is missing or no array", exchange)
    types = isinstance(document.get("response_types_supported"), list)
    if "response_types_supported" not in document:
        types = _has_no_response_types(document)
    problem = "response_types_supported is missing or no array"
    verify.that("rfc8414-2-response-types-supported", types, problem, exchange, tolerated=True)


@check(
    "rfc8414-3.2-arrays",
    "rfc8414-3.2-no-empty-arrays",
    needs=NEEDS,
    faults=("metadata_pkce_as_string", "metadata_empty_array"),
)
def test_metadata_lists(case: ServerCase, verify: Verify) -> None:
    """Members that hold several values. Accepted: JSON arrays, none of them empty."""
    exchange, document = metadata_of(case)
    lists = {n: v for n, v in document.items() if n.endswith(PLURAL) and not isinstance(v, bool) and v is not None}
    wrong = sorted(name for name, value in lists.items() if not isinstance(value, list))
    verify.that("rfc8414-3.2-arrays", not wrong, f"not an array: {', '.join(wrong)}", exchange)
    empty = sorted(name for name, value in lists.items() if value == [])
    if _has_no_response_types(document):
        empty = [name for name in empty if name != "response_types_supported"]
    problem = f"an empty array: {', '.join(empty)}"
    verify.that("rfc8414-3.2-no-empty-arrays", not empty, problem, exchange)


def _has_no_response_types(document: dict[str, Any]) -> bool:
    """Whether the server says that nothing of it answers with a response type.

    Section 2 requires it to name some, and 3.2 forbids it to name none: it may do either.
    """
    grants = set(listed(document, "grant_types_supported", tuple(REDIRECT_GRANTS)))
    return document.get("authorization_endpoint") is None and not grants & REDIRECT_GRANTS


@check(
    "rfc8414-2-authorization-endpoint",
    needs=NEEDS,
    faults=("metadata_code_without_endpoint",),
)
def test_authorization_endpoint(case: ServerCase, verify: Verify) -> None:
    """The grants that are listed. Accepted: an authorization_endpoint if one of them uses it."""
    exchange, document = metadata_of(case)
    grants = set(listed(document, "grant_types_supported", tuple(REDIRECT_GRANTS)))
    if not grants & REDIRECT_GRANTS:
        raise NotApplicable("no grant that the metadata lists uses an authorization endpoint")
    verify.that(
        "rfc8414-2-authorization-endpoint",
        is_absolute(document.get("authorization_endpoint")),
        "a grant that uses authorization_endpoint is supported, and the member is missing or no absolute URL",
        exchange,
        # An omitted list means these grants by default only: the omission is judged by a rule of its own.
        tolerated=document.get("grant_types_supported") is None,
    )


@check(
    "rfc9700-2.1.1-server-supports-pkce",
    "rfc8414-2-pkce-methods",
    needs=NEEDS,
    faults=("metadata_code_without_pkce", "metadata_pkce_as_string"),
)
def test_pkce_is_announced(case: ServerCase, verify: Verify) -> None:
    """code_challenge_methods_supported. Accepted: an array if present; S256 or plain if there is a code grant."""
    exchange, document = metadata_of(case)
    methods = document.get("code_challenge_methods_supported")
    texts = isinstance(methods, list) and all(isinstance(method, str) for method in methods)
    problem = "code_challenge_methods_supported is no array of strings"
    verify.that("rfc8414-2-pkce-methods", methods is None or texts, problem, exchange)
    grants = listed(document, "grant_types_supported", tuple(REDIRECT_GRANTS))
    if not document.get("authorization_endpoint") or "authorization_code" not in grants:
        raise NotApplicable("the server announces no authorization endpoint with the code grant")
    supported = bool({"S256", "plain"} & set(listed(document, "code_challenge_methods_supported")))
    problem = "code_challenge_methods_supported names no method, which means that PKCE is not supported"
    # The member is optional in practice: a server may support PKCE and not say so.
    verify.that("rfc9700-2.1.1-server-supports-pkce", supported, problem, exchange, tolerated=True)


@check("rfc8414-2-signing-algs", needs=NEEDS, faults=("metadata_jwt_unsigned",))
def test_signing_algorithms(case: ServerCase, verify: Verify) -> None:
    """Signing algorithms of JWT client authentication. Accepted: listed where it is offered, never the word none."""
    exchange, document = metadata_of(case)
    offered = JWT_METHODS & set(listed(document, "token_endpoint_auth_methods_supported"))
    algorithms = listed(document, "token_endpoint_auth_signing_alg_values_supported")
    if not offered and not algorithms:
        raise NotApplicable("no JWT client authentication is offered")
    named = bool(algorithms) or not offered
    problem = "JWT client authentication is offered without signing algorithms, or with none"
    verify.that("rfc8414-2-signing-algs", named and "none" not in algorithms, problem, exchange)


@check("rfc8414-2-jwks-uri-https", needs=NEEDS, faults=("metadata_jwks_http",))
def test_jwks_uri(case: ServerCase, verify: Verify) -> None:
    """jwks_uri. Accepted: https; http on a test rig says nothing."""
    exchange, document = metadata_of(case)
    uri = document.get("jwks_uri")
    if uri is None:
        raise NotApplicable("the metadata has no jwks_uri")
    absolute = is_absolute(uri)
    if absolute and urlsplit(uri).scheme == "http" and plain_http_allowed(uri):
        raise NotApplicable("tested over http on loopback or under a reserved name: no TLS to judge")
    right = absolute and urlsplit(uri).scheme == "https"
    verify.that("rfc8414-2-jwks-uri-https", right, "jwks_uri is no https URL", exchange)


@check("rfc8414-2.1-signed-metadata", needs=NEEDS, faults=("metadata_signature_missing",))
def test_signed_metadata(case: ServerCase, verify: Verify) -> None:
    """signed_metadata. Accepted: a JWT with a signature, an algorithm other than none, and iss."""
    exchange, document = metadata_of(case)
    signed = document.get("signed_metadata")
    if signed is None:
        raise NotApplicable("the metadata has no signed_metadata")
    header, claims, signature = _jwt(signed)
    signed_by = bool(signature) and str(header.get("alg") or "none").lower() != "none"
    right = signed_by and isinstance(claims.get("iss"), str)
    verify.that("rfc8414-2.1-signed-metadata", right, "signed_metadata is no signed JWT with iss", exchange)


def _jwt(token: object) -> tuple[dict[str, Any], dict[str, Any], str]:
    parts = token.split(".") if isinstance(token, str) else []
    if len(parts) != 3:
        return {}, {}, ""
    return _segment(parts[0]), _segment(parts[1]), parts[2]


def _segment(text: str) -> dict[str, Any]:
    try:
        value = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
