"""Client registration: RFC 7591, and RegisterClient of AWS SSO OIDC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.judging import Untestable, check
from conformance.protocol import AWS_SSO_OIDC, RFC8628, Operation
from conformance.server.device import describe

if TYPE_CHECKING:
    from conformance.server.case import Case, Verify

REFUSALS = ("invalid_request", "invalid_client_metadata", "http-400")


def _endpoint_is_known(case: Case) -> None:
    if not case.run.endpoints.registration:
        raise Untestable("no registration endpoint is known: none in target.toml, none in the metadata")


@check(
    "rfc7591-3-post-json",
    "rfc7591-3.2.1-client-id",
    "rfc7591-3.2.1-secret-expires-at",
    needs=("registration",),
)
def test_register_a_client(case: Case, verify: Verify) -> None:
    """Register a client by a JSON POST. Accepted: success with client_id, and the secret's expiry if there is one."""
    _endpoint_is_known(case)
    exchange = case.send(case.run.registration_request(), "register")
    verify("rfc7591-3-post-json", exchange, accepted=["ok"])
    if not exchange.outcome.ok:
        raise Untestable(f"registration was refused with {describe(exchange)}")
    named = isinstance(exchange.get("client_id"), str) and bool(exchange.get("client_id"))
    verify.that("rfc7591-3.2.1-client-id", named, "client_id is missing or no string", exchange)
    has_secret = exchange.get("client_secret") is not None
    expiry = exchange.get("client_secret_expires_at")
    dated = isinstance(expiry, int) and not isinstance(expiry, bool) and expiry >= 0
    verify.that(
        "rfc7591-3.2.1-secret-expires-at",
        dated or not has_secret,
        "a secret was issued without client_secret_expires_at",
        exchange,
    )


@check(
    "rfc7591-3.2.1-client-id-not-shared",
    "rfc6749-2.2-client-id-unique",
    needs=("registration",),
)
def test_registrations_are_distinct(case: Case, verify: Verify) -> None:
    """Register twice with the same metadata. Accepted: two different client ids."""
    _endpoint_is_known(case)
    first = case.send(case.run.registration_request(), "register")
    second = case.send(case.run.registration_request(), "register again")
    if not (first.outcome.ok and second.outcome.ok):
        raise Untestable(f"registration was refused with {describe(second)}")
    different = first.get("client_id") != second.get("client_id")
    for requirement in ("rfc7591-3.2.1-client-id-not-shared", "rfc6749-2.2-client-id-unique"):
        verify.that(requirement, different, "two registrations got the same client_id", first, second)


@check("rfc7591-2-ignore-unknown-metadata", needs=("registration",))
def test_unknown_metadata_is_ignored(case: Case, verify: Verify) -> None:
    """Register with a member that no specification defines. Accepted: success."""
    _endpoint_is_known(case)
    plain = case.send(case.run.registration_request(), "register")
    if not plain.outcome.ok:
        raise Untestable(f"registration was refused with {describe(plain)}")
    exchange = case.send(case.run.registration_request(x_conformance_probe="ignored"), "register with unknown member")
    verify("rfc7591-2-ignore-unknown-metadata", exchange, accepted=["ok"])


@check("rfc7591-2-auth-method-none", needs=("registration",), dialects=(RFC8628,))
def test_public_client_gets_no_secret(case: Case, verify: Verify) -> None:
    """Register with token_endpoint_auth_method none. Accepted: success without client_secret."""
    _endpoint_is_known(case)
    exchange = case.send(case.run.registration_request(token_endpoint_auth_method="none"), "register a public client")
    if not exchange.outcome.ok:
        raise Untestable(f"a public client was refused with {describe(exchange)}")
    secretless = exchange.get("client_secret") is None
    verify.that("rfc7591-2-auth-method-none", secretless, "a client secret was issued to a public client", exchange)


@check("aws-register-response-members", dialects=(AWS_SSO_OIDC,))
def test_register_client_members(case: Case, verify: Verify) -> None:
    """RegisterClient. Accepted: clientId, clientSecret and both timestamps as integers in epoch seconds."""
    exchange = case.send(case.run.registration_request(), "RegisterClient")
    if not exchange.outcome.ok:
        raise Untestable(f"RegisterClient was refused with {describe(exchange)}")
    strings = all(isinstance(exchange.get(name), str) for name in ("client_id", "client_secret"))
    issued, expires = exchange.get("client_id_issued_at"), exchange.get("client_secret_expires_at")
    dated = isinstance(issued, int) and isinstance(expires, int) and (expires == 0 or expires > issued)
    # Milliseconds instead of seconds would lie far in the future.
    seconds = isinstance(issued, int) and issued < 10**11
    verify.that(
        "aws-register-response-members",
        strings and dated and seconds,
        "clientId, clientSecret, clientIdIssuedAt or clientSecretExpiresAt is missing or of the wrong form",
        exchange,
    )


@check("aws-register-required", dialects=(AWS_SSO_OIDC,))
def test_register_client_requires_name_and_type(case: Case, verify: Verify) -> None:
    """RegisterClient without clientName, then without clientType. Accepted: any modelled 400."""
    for name in ("client_name", "client_type"):
        exchange = case.send(case.run.registration_request(**{name: None}), f"RegisterClient without {name}")
        verify("aws-register-required", exchange, accepted=["invalid_request", "invalid_client_metadata", "http-400"])


@check("aws-register-client-type-public", dialects=(AWS_SSO_OIDC,))
def test_register_client_type(case: Case, verify: Verify) -> None:
    """RegisterClient with clientType confidential. Accepted: any modelled 400."""
    exchange = case.send(case.run.registration_request(client_type="confidential"), "clientType confidential")
    verify("aws-register-client-type-public", exchange, accepted=REFUSALS)


@check("aws-register-grant-types", dialects=(AWS_SSO_OIDC,))
def test_register_client_grant_types(case: Case, verify: Verify) -> None:
    """RegisterClient for a grant that the API does not have. Accepted: unsupported_grant_type, or another 400."""
    exchange = case.send(case.run.registration_request(grant_types=["password"]), "grantTypes password")
    verify(
        "aws-register-grant-types",
        exchange,
        accepted=["unsupported_grant_type"],
        tolerated=["invalid_request", "invalid_client_metadata", "http-400"],
    )


@check("aws-register-path", "aws-start-path", "aws-token-path", dialects=(AWS_SSO_OIDC,))
def test_operations_are_unsigned_posts(case: Case, verify: Verify) -> None:
    """The three operations at their modelled paths, unsigned. Accepted: answers of the operations, no 403, no 404."""
    registered = case.send(case.run.registration_request(), "RegisterClient")
    verify("aws-register-path", registered, accepted=["ok"])
    if not registered.outcome.ok:
        raise Untestable(f"RegisterClient was refused with {describe(registered)}")
    device = case.device
    started = device.request()
    verify("aws-start-path", started, accepted=["ok"])
    token = device.token(grant_type="urn:ietf:params:oauth:grant-type:device_code", device_code="no-such-code")
    refused = token.status in (400, 401) and token.request.operation is Operation.TOKEN
    verify.that("aws-token-path", refused, f"CreateToken answered {describe(token)}", token)


@check("rfc7591-3.2.1-secret-expiry-enforced", timed=True, needs=("registration",))
def test_expired_registration_is_refused(case: Case, verify: Verify) -> None:
    """Register a client with a secret, wait past client_secret_expires_at, start. Accepted: invalid_client."""
    _endpoint_is_known(case)
    client = case.register("confidential")
    issued = client.registered.get("client_id_issued_at") or 0
    expires = client.registered.get("client_secret_expires_at") or 0
    if not expires:
        raise Untestable("the secret that was issued never expires")
    lifetime = expires - issued if issued else expires - case.run.target.clock.now()
    if case.run.target.clock.kind == "real":
        raise Untestable(f"the secret lives {lifetime:.0f} s, too long for a real clock")
    case.wait(lifetime + 5)
    members = {"start_url": case.run.target.config.request.start_url} if case.run.aws else {}
    exchange = case.call(Operation.DEVICE_AUTHORIZATION, members, client, "start with an expired secret")
    verify("rfc7591-3.2.1-secret-expiry-enforced", exchange, accepted=["invalid_client"])
