"""RegisterClient of AWS SSO OIDC, and the three operations as the service model binds them to HTTP."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from device_grant.judging import check
from device_grant.protocol import DEVICE_CODE_GRANT, Client, Request
from device_grant.server.session.device import Device
from device_grant.server.session.registering import attempt, epoch, redirecting, register

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.server.session.case import ServerCase

REFUSALS = ("invalid_request", "invalid_client_metadata", "http-400")
NOT_SERVED = frozenset({0, 403, 404, 405, 501})
"""Statuses of a path, a method or an unsigned request that the service does not take; 0 is no response."""


@check(
    "aws-register-response-members",
    faults=(
        "registration_status_wrong",
        "registration_secret_missing",
        "secret_expiry_missing",
        "numbers_as_strings",
        "timestamps_in_milliseconds",
        "client_id_missing",
    ),
)
def test_register_client_members(case: ServerCase, verify: Verify) -> None:
    """RegisterClient. Accepted: 200 with clientId, clientSecret and both timestamps as integers in epoch seconds."""
    exchange = attempt(case, "RegisterClient")
    if exchange.status // 100 != 2:
        register(case, "RegisterClient")
    strings = all(isinstance(exchange.get(name), str) for name in ("client_id", "client_secret"))
    issued, ends = epoch(exchange, "client_id_issued_at"), epoch(exchange, "client_secret_expires_at")
    dated = issued is not None and ends is not None and (ends == 0 or ends > issued)
    # Milliseconds instead of seconds would lie far in the future.
    seconds = issued is not None and issued < 10**11
    verify.that(
        "aws-register-response-members",
        exchange.status == 200 and strings and dated and seconds,
        "no 200, or clientId, clientSecret, clientIdIssuedAt or clientSecretExpiresAt is missing or of the wrong form",
        exchange,
    )


@check("aws-register-required", faults=("required_members_optional",))
def test_register_client_required(case: ServerCase, verify: Verify) -> None:
    """RegisterClient without clientName, then without clientType. Accepted: any modelled 400."""
    register(case, "RegisterClient")
    nameless = attempt(case, "RegisterClient without clientName", client_name=None)
    typeless = attempt(case, "RegisterClient without clientType", client_type=None)
    for exchange in (nameless, typeless):
        verify("aws-register-required", exchange, accepted=REFUSALS)


@check("aws-register-client-type-public", faults=("client_type_ignored",))
def test_register_client_type(case: ServerCase, verify: Verify) -> None:
    """RegisterClient with clientType confidential. Accepted: any modelled 400."""
    register(case, "RegisterClient")
    exchange = attempt(case, "clientType confidential", client_type="confidential")
    verify("aws-register-client-type-public", exchange, accepted=REFUSALS)


@check("aws-register-grant-types", faults=("grant_types_unchecked",))
def test_register_client_grant_types(case: ServerCase, verify: Verify) -> None:
    """RegisterClient for a grant that the API does not have. Accepted: unsupported_grant_type; another 400 warns."""
    register(case, "RegisterClient")
    exchange = attempt(case, "grantTypes password", grant_types=["password"])
    verify("aws-register-grant-types", exchange, accepted=["unsupported_grant_type"], tolerated=REFUSALS)


@check("aws-register-invalid-scope", faults=("unknown_scopes_accepted",))
def test_register_client_scopes(case: ServerCase, verify: Verify) -> None:
    """RegisterClient with a scope that cannot exist. Accepted: invalid_scope."""
    register(case, "RegisterClient")
    exchange = attempt(case, "scopes that do not exist", scopes=["conformance:no-such-scope"])
    verify("aws-register-invalid-scope", exchange, accepted=["invalid_scope"], tolerated=REFUSALS)


@check("aws-register-redirect-uri", faults=("redirect_uri_unchecked",))
def test_register_client_redirect_uris(case: ServerCase, verify: Verify) -> None:
    """RegisterClient for authorization_code with http on a public host. Accepted: invalid_redirect_uri."""
    register(case, "RegisterClient for authorization_code", **redirecting(case))
    members = redirecting(case, redirect_uris=["http://client.example.org/oauth/callback"])
    exchange = attempt(case, "redirectUris on a public host", **members)
    verify("aws-register-redirect-uri", exchange, accepted=["invalid_redirect_uri"], tolerated=REFUSALS)


@check("smithy-restjson1-null-member", faults=("null_refused",))
def test_register_client_null_members(case: ServerCase, verify: Verify) -> None:
    """RegisterClient with optional members that are null. Accepted: success, as without them."""
    plain = case.run.registration_request(grant_types=None, scopes=None)
    register(case, "RegisterClient with required members alone", grant_types=None, scopes=None)
    body = json.loads(plain.content) | {"scopes": None, "redirectUris": None, "issuerUrl": None}
    request = Request(plain.method, plain.url, plain.headers, json.dumps(body).encode(), plain.operation)
    exchange = case.send(request, "RegisterClient with null members")
    verify("smithy-restjson1-null-member", exchange, accepted=["ok"])


@check(
    "aws-register-path",
    "aws-start-path",
    "aws-token-path",
    faults=("signature_required",),
)
def test_operations_are_unsigned_posts(case: ServerCase, verify: Verify) -> None:
    """The three operations at their modelled paths, unsigned. Accepted: answers of the operations, no 403, no 404."""
    registered = attempt(case, "RegisterClient")
    client = Client("no-such-client", "no-such-secret", "client_secret_post")
    device = Device(case, case.run.client_of(registered) if registered.outcome.ok else client)
    started = device.request(label="StartDeviceAuthorization")
    code = started.get("device_code") or "no-such-code"
    token = device.token(grant_type=DEVICE_CODE_GRANT, device_code=code, label="CreateToken")
    answers = {"aws-register-path": registered, "aws-start-path": started, "aws-token-path": token}
    for requirement, exchange in answers.items():
        served = exchange.status not in NOT_SERVED and exchange.status < 500
        problem = f"{exchange.label} was answered {exchange.describe()}"
        verify.that(requirement, served, problem, exchange)
