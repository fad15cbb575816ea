"""RegisterClient for a sign-in by a browser: what is registered, and which client may use which grant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import Untestable, check
from device_grant.protocol import DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT, Operation
from device_grant.server.session.device import Device
from device_grant.server.session.registering import attempt, register
from device_grant.server.session.sign_in import (
    AUTHORIZATION_CODE,
    CALLBACK,
    CLAIM,
    code_client,
    require_offer,
    signing_in,
)

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.server.session.case import ServerCase

IN_A_BROWSER = "what a browser is shown and where it is sent no recording of a sign-in keeps"
REFUSALS = ("invalid_redirect_uri", "invalid_request", "invalid_client_metadata", "invalid_scope", "http-400")
FOREIGN = (
    "http://example.com/oauth/callback",
    "javascript:alert(1)",
    "http://127.0.0.1/oauth/callback#here",
)
"""Redirect URIs that lead to others, run as script, or cannot carry an answer (RFC 6749 section 3.1.2)."""
_BOTH = [DEVICE_CODE_GRANT, AUTHORIZATION_CODE, REFRESH_TOKEN_GRANT]
MADE_UP = "made-up-authorization-code-51c7"
UNKNOWN_APPLICATION = "arn:aws:sso::111122223333:application/ssoins-0000000000000000/apl-0000000000000000"
NO_TEXT = ("SerializationException", "ValidationException", "invalid_request", "invalid_client_metadata", "http-400")


@check(
    "aws-register-code-client",
    "aws-register-code-loopback-without-port",
    faults=("code_registration_refused", "loopback_needs_port"),
    needs=(CLAIM,),
)
def test_registration_of_the_command_line(case: ServerCase, verify: Verify) -> None:
    """RegisterClient as AWS CLI sends it for a sign-in by a browser. Accepted: 200 with a client id and a secret.

    The control, where it is refused: the same with a port in the redirect URI.
    """
    require_offer(case)
    exchange = attempt(case, "RegisterClient of the command line", **code_client(case))
    usable = all(isinstance(exchange.get(name), str) for name in ("client_id", "client_secret"))
    problem = "the registration that AWS CLI sends for a sign-in by a browser is not served"
    verify.that("aws-register-code-client", exchange.outcome.ok and usable, problem, exchange)
    requirement = "aws-register-code-loopback-without-port"
    if exchange.outcome.ok:
        verify.that(requirement, exchange.outcome.ok, "", exchange)
        attempt(case, "redirect URI without port and path", **code_client(case, redirect_uris=["http://127.0.0.1"]))
        return
    control = attempt(case, "control: with a port", **code_client(case, redirect_uris=[CALLBACK]))
    if control.outcome.ok:
        problem = "a loopback redirect URI is refused without a port, and accepted with one"
        verify.that(requirement, exchange.outcome.ok, problem, exchange, control)
    else:
        verify.unclear(requirement, "a registration for authorization_code is refused with a port too", control)


@check("aws-register-code-bad-redirect", faults=("redirect_uri_unchecked",), needs=(CLAIM,))
def test_foreign_redirect_uris(case: ServerCase, verify: Verify) -> None:
    """RegisterClient with http on a foreign host, a script, a fragment. Accepted: any modelled 400.

    The control: the redirect URI of AWS CLI is registered.
    """
    require_offer(case)
    register(case, "control: RegisterClient of the command line", **code_client(case))
    for uri in FOREIGN:
        exchange = attempt(case, f"redirectUris {uri}", **code_client(case, redirect_uris=[uri]))
        verify("aws-register-code-bad-redirect", exchange, accepted=REFUSALS)


@check(
    "aws-register-code-needs-redirect",
    faults=("unregistered_redirect_used",),
    needs=(CLAIM,),
    live=IN_A_BROWSER,
)
def test_code_grant_without_redirect_uris(case: ServerCase, verify: Verify) -> None:
    """RegisterClient for authorization_code without redirectUris; then a sign-in. Accepted: a refusal of either.

    The control, before the sign-in: one of a client with redirect URIs brings a code.
    """
    requirement, problem = "aws-register-code-needs-redirect", "a client without redirect URIs may use any"
    with signing_in(case) as browser:
        exchange = attempt(case, "no redirectUris", **code_client(case, redirect_uris=None))
        if not exchange.outcome.ok:
            verify(requirement, exchange, accepted=["refused"])
            return
        browser.code(browser.client())
        landing = browser.tempt(browser.ask(case.run.client_of(exchange)))
        given = landing is not None and landing.gives_code
        verify.that(requirement, not given, problem, exchange, got=landing.words if landing else "no redirect")


@check("aws-register-code-and-device", faults=("both_grants_500",), needs=(CLAIM,))
def test_both_grants_in_one_registration(case: ServerCase, verify: Verify) -> None:
    """RegisterClient for device grant and code grant at once. Accepted: 200, or a modelled 400."""
    require_offer(case)
    exchange = attempt(case, "both grants", **code_client(case, grant_types=_BOTH))
    accepted = ("ok", "http-400", "invalid_scope", "invalid_request", "unsupported_grant_type")
    verify("aws-register-code-and-device", exchange, accepted=accepted)


@check("aws-register-code-client-cannot-start-device", faults=("grant_not_checked",), needs=(CLAIM,))
def test_code_client_at_the_device_grant(case: ServerCase, device: Device, verify: Verify) -> None:
    """StartDeviceAuthorization by a client that is registered for authorization_code. Accepted: unauthorized_client.

    Other refusals warn. The control: a client of the device grant is served.
    """
    require_offer(case)
    device.start()
    client = case.run.client_of(register(case, "RegisterClient of the command line", **code_client(case)))
    exchange = Device(case, client).request(client=client, label="start by a client of the code grant")
    verify(
        "aws-register-code-client-cannot-start-device",
        exchange,
        accepted=["unauthorized_client"],
        tolerated=["refused"],
    )


@check("aws-register-device-client-cannot-use-code", faults=("code_grant_for_all",), needs=(CLAIM,), live=IN_A_BROWSER)
def test_device_client_at_the_code_grant(case: ServerCase, device: Device, verify: Verify) -> None:
    """A sign-in by a browser, then CreateToken with authorization_code, for a client of the device grant alone.

    Accepted: no code, and no token. The control: a client of the code grant gets a code.
    """
    requirement = "aws-register-device-client-cannot-use-code"
    with signing_in(case) as browser:
        browser.code(browser.client())
        asked = browser.ask(device.client)
        landing = browser.tempt(asked)
        exchange = browser.redeem(asked, MADE_UP, label="CreateToken by a client of the device grant")
        given = landing is not None and landing.gives_code
        problem = "a client that is registered for the device grant alone gets an authorization code"
        verify.that(requirement, not given, problem, exchange, got=landing.words if landing else "no redirect")
        verify(requirement, exchange, accepted=["unauthorized_client", "invalid_grant"], tolerated=["refused"])


@check("aws-register-issuer-url", faults=("issuer_url_ignored",), needs=(CLAIM,))
def test_issuer_urls(case: ServerCase, verify: Verify) -> None:
    """RegisterClient with the target's issuerUrl, none, somebody else's. Accepted: the last refused."""
    require_offer(case)
    register(case, "issuerUrl of the target", **code_client(case))
    attempt(case, "no issuerUrl", **code_client(case, issuer_url=None))
    exchange = attempt(case, "foreign issuerUrl", **code_client(case, issuer_url="https://example.com"))
    problem = "an issuerUrl that belongs to no instance is accepted"
    verify.that("aws-register-issuer-url", not exchange.outcome.ok, problem, exchange)


@check("aws-register-entitled-application", faults=("types_coerced",))
def test_entitled_application(case: ServerCase, verify: Verify) -> None:
    """RegisterClient with the ARN of an unknown application, then a number. Accepted: any answer but 5xx; then 400."""
    register(case, "RegisterClient")
    known = attempt(case, "an unknown application", entitled_application_arn=UNKNOWN_APPLICATION)
    number = attempt(case, "entitledApplicationArn is a number", entitled_application_arn=7)
    served = known.status < 500
    verify.that("aws-register-entitled-application", served, "an unknown application breaks the registration", known)
    verify("aws-register-entitled-application", number, accepted=NO_TEXT)


@check(
    "aws-token-code-unknown",
    "aws-token-code-missing-code",
    faults=("unknown_authorization_code_500", "missing_authorization_code_pending"),
    needs=(CLAIM,),
)
def test_codes_that_nobody_has(case: ServerCase, verify: Verify) -> None:
    """CreateToken with a made-up code, then with none. Accepted: invalid_grant; invalid_request, or a warning."""
    require_offer(case)
    client = case.run.client_of(register(case, "RegisterClient of the command line", **code_client(case)))
    members = {"grant_type": AUTHORIZATION_CODE, "redirect_uri": CALLBACK, "code_verifier": "v" * 43}
    unknown = case.call(Operation.TOKEN, members | {"code": MADE_UP}, client, "made-up code")
    if unknown.code in ("unsupported_grant_type", "unauthorized_client"):
        raise Untestable(f"authorization_code was answered {unknown.describe()}: the sign-in says more of it")
    missing = case.call(Operation.TOKEN, members, client, "no code")
    verify("aws-token-code-unknown", unknown, accepted=["invalid_grant"])
    accepted = ("invalid_request", "ValidationException", "SerializationException")
    verify("aws-token-code-missing-code", missing, accepted=accepted, tolerated=["invalid_grant"])
