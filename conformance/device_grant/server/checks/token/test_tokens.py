"""How tokens are asked for and what else the token endpoint takes: CreateToken, RFC 6749 sections 10.1, 10.6 and 10.7.

What is in a token response is judged by the invariants; whether tokens can be guessed by `test_entropy`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from device_grant.browser.page import FOREIGN_SITE
from device_grant.judging import NotApplicable, Untestable, check
from device_grant.protocol import DEVICE_CODE_GRANT, Operation, Request
from device_grant.server.session.device import NEVER_ISSUED, PENDING

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Exchange
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device

INJECTIONS = ("' OR '1'='1", "x' OR 1=1 --", "'; SELECT 1; --", "x') OR ('1'='1")
"""Where a value is pasted into a query, these find every record or break the query."""
NO_SUCH_CODE = ("invalid_grant", "expired_token", "invalid_request", "access_denied")
NOBODY = "client-that-does-not-exist-4b71"
NO_SUCH_CLIENT = ("invalid_client", "unauthorized_client", "invalid_request", "invalid_grant")


@check("rfc6749-10.1-validate-identity-otherwise", faults=("approval_for_all_devices",), timed=True)
def test_each_login_asks_the_user(device: Device, verify: Verify) -> None:
    """Approve one device, then start another with the same client and poll. Accepted: it is pending."""
    first = device.start()
    device.user.approve(first)
    tokens = first.poll(label="redeem")
    if not tokens.outcome.ok:
        raise Untestable(f"the approved code was answered {tokens.describe()}")
    exchange = device.start().poll(label="poll of the second device")
    verify("rfc6749-10.1-validate-identity-otherwise", exchange, accepted=PENDING)


@check("rfc6749-10.7-minimize-ropc", faults=("password_grant_offered",))
def test_password_grant(device: Device, verify: Verify) -> None:
    """grant_type password with a made-up account. Accepted: a refusal of the grant type, or of its parameters."""
    exchange = device.token(
        grant_type="password",
        username="nobody-4f1d",
        password="made-up-4f1d",  # noqa: S106 - made up to be wrong
        label="password grant",
    )
    offered = exchange.outcome.ok or exchange.code in ("invalid_grant", "access_denied")
    problem = "the password grant is offered: the account was looked at"
    verify.that("rfc6749-10.7-minimize-ropc", not offered, problem, exchange)


@check("rfc6819-5.1.4.1.2-sql-injection", faults=("quote_in_code_500",))
def test_injected_queries(device: Device, verify: Verify) -> None:
    """Fragments of queries as device code and as client id, a code being live. Accepted: as any unknown value."""
    device.start()
    for value in INJECTIONS:
        for send, harmless, accepted in ((_poll_of, NEVER_ISSUED, NO_SUCH_CODE), (_start_of, NOBODY, NO_SUCH_CLIENT)):
            exchange = send(device, value)
            right = not exchange.outcome.names.isdisjoint((*accepted, "http-4xx")) and exchange.code not in PENDING
            control = None if right else send(device, harmless)
            if control is not None and (control.status, control.code) == (exchange.status, exchange.code):
                problem = "an unknown value without a quote is answered alike: nothing shows what a query was made of"
                verify.unclear("rfc6819-5.1.4.1.2-sql-injection", problem, exchange, control)
                continue
            verify("rfc6819-5.1.4.1.2-sql-injection", exchange, accepted=accepted, tolerated=["http-4xx"])


def _poll_of(device: Device, code: str) -> Exchange:
    return device.token(grant_type=DEVICE_CODE_GRANT, device_code=code, label=f"device code {code}")


def _start_of(device: Device, client_id: str) -> Exchange:
    stranger = replace(device.client, id=client_id, authentication="none")
    return device.request(client=stranger, label=f"client id {client_id}")


@check("aws-token-scope-no-effect", faults=("token_scope_refused",), timed=True)
def test_scope_of_create_token(device: Device, verify: Verify) -> None:
    """CreateToken with a scope list that was never registered. Accepted: a token, as without it."""
    grant = device.start()
    device.user.approve(grant)
    exchange = grant.poll(scope=["no-such-scope-4f1d"], label="redeem with a scope")
    verify("aws-token-scope-no-effect", exchange, accepted=["ok"])


@check("aws-token-auth-code", faults=("unknown_grant_type_accepted",))
def test_made_up_authorization_code(device: Device, verify: Verify) -> None:
    """CreateToken for an authorization code that was never issued. Accepted: invalid_grant, unauthorized_client."""
    exchange = device.token(
        grant_type="authorization_code",
        code="never-issued-0123456789abcdef",
        redirect_uri="http://127.0.0.1/oauth/callback",
        code_verifier="never-used-0123456789abcdef0123456789abcdef0123",
        label="made-up authorization code",
    )
    if exchange.code == "unsupported_grant_type":
        raise NotApplicable("the target does not have the authorization code grant")
    verify("aws-token-auth-code", exchange, accepted=["invalid_grant", "unauthorized_client"])


@check("aws-token-iam-separate", faults=("iam_query_ignored",), timed=True)
def test_create_token_with_iam_is_another_operation(case: ServerCase, device: Device, verify: Verify) -> None:
    """A poll of a live code with the query aws_iam=t, unsigned. Accepted: a refusal that does not look at the code."""
    grant = device.start()
    members = {"grant_type": DEVICE_CODE_GRANT, "device_code": grant.device_code}
    request = case.run.dialect.encode(Operation.TOKEN, case.run.url(Operation.TOKEN), members, device.client)
    exchange = case.send(replace(request, url=f"{request.url}?aws_iam=t"), "unsigned CreateTokenWithIAM")
    served = exchange.outcome.ok or exchange.code in PENDING
    verify.that("aws-token-iam-separate", not served, "the query aws_iam=t was served as CreateToken", exchange)


@check(
    "rfc6749-10.6-validate-redirect",
    "rfc6749-10.6-public-clients-register-redirect",
    faults=("authorization_redirects_anywhere",),
    when=lambda dialect: dialect.redirect_clients_exist,
)
def test_unregistered_redirect_uri(device: Device, verify: Verify) -> None:
    """The authorization endpoint with a public client and a redirect_uri it never registered. Accepted: no redirect."""
    exchange = _authorize(device)
    problem = "a redirect_uri that was never registered is followed"
    for requirement in ("rfc6749-10.6-validate-redirect", "rfc6749-10.6-public-clients-register-redirect"):
        verify.that(requirement, not _leads_away(exchange), problem, exchange)


@check(
    "rfc6749-10.6-confidential-clients-register-redirect",
    faults=("authorization_redirects_anywhere",),
)
def test_unregistered_redirect_uri_of_a_confidential_client(confidential: Device, verify: Verify) -> None:
    """The same with a client that has a secret. Accepted: no redirect to the unregistered address."""
    exchange = _authorize(confidential)
    problem = "a redirect_uri that was never registered is followed"
    verify.that("rfc6749-10.6-confidential-clients-register-redirect", not _leads_away(exchange), problem, exchange)


def _authorize(device: Device) -> Exchange:
    address = device.case.run.endpoints.authorization
    if not address:
        raise NotApplicable("the server has no authorization endpoint")
    query = urlencode({"response_type": "code", "client_id": device.client.id, "redirect_uri": f"{FOREIGN_SITE}/back"})
    url = address + ("&" if urlsplit(address).query else "?") + query
    return device.case.send(Request("GET", url), "authorization request with an unregistered redirect_uri")


def _leads_away(exchange: Exchange) -> bool:
    location = exchange.response.header("location") if exchange.response else None
    return (location or "").startswith(FOREIGN_SITE)


@check("aws-token-slow-down", faults=("error_type_disagrees",), needs=("slow_down",), timed=True)
def test_slow_down_of_create_token(device: Device, verify: Verify) -> None:
    """Polls without a wait, then a polite one. Accepted: SlowDownException with 400 in all places, then pending."""
    grant = device.start()
    hasty = [grant.poll(wait=False, label="hasty poll") for _ in range(3)]
    slowed = [exchange for exchange in hasty if "slow_down" in exchange.outcome.names]
    slowed += [exchange for exchange in hasty if exchange.outcome.error_type == "SlowDownException"]
    if not slowed:
        raise NotApplicable("the server did not answer slow_down to three polls at once; it need not")
    for exchange in slowed:
        agree = (exchange.status, exchange.outcome.error_type, exchange.get("error"))
        problem = "status, exception name and error of SlowDownException do not agree"
        verify.that("aws-token-slow-down", agree == (400, "SlowDownException", "slow_down"), problem, exchange)
    verify("aws-token-slow-down", grant.poll(label="polite poll"), accepted=PENDING)
