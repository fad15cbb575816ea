"""The refresh token that a device grant may come with: RFC 6749 section 6."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.judging import NotApplicable, Untestable, check
from conformance.server.device import describe

if TYPE_CHECKING:
    from conformance.protocol import Exchange
    from conformance.server.case import Verify
    from conformance.server.device import Device

NEEDS = ("refresh_token",)


def _tokens(device: Device) -> Exchange:
    grant = device.start()
    device.user.approve(grant)
    exchange = grant.poll(label="redeem")
    if not exchange.outcome.ok:
        raise Untestable(f"the approved code was answered {describe(exchange)}")
    if not exchange.get("refresh_token"):
        if device.case.run.claims("refresh_token"):
            raise Untestable("the target claims refresh_token but sent none")
        raise NotApplicable("no refresh token was issued; none is owed")
    return exchange


@check("aws-token-refresh", "rfc6749-6-server-validates", needs=NEEDS, timed=True)
def test_refresh(device: Device, verify: Verify) -> None:
    """Refresh with the token received, then with a made-up one. Accepted: a new token, then invalid_grant."""
    tokens = _tokens(device)
    refreshed = device.refresh(tokens.get("refresh_token"))
    verify("aws-token-refresh", refreshed, accepted=["ok"])
    bogus = device.refresh("made-up-refresh-token-5b1e")
    verify("rfc6749-6-server-validates", bogus, accepted=["invalid_grant"], tolerated=["invalid_request"])


@check("rfc6749-6-missing-refresh-token", needs=NEEDS, timed=True)
def test_refresh_without_token(device: Device, verify: Verify) -> None:
    """A refresh without refresh_token. Accepted: invalid_request."""
    _tokens(device)
    exchange = device.token(grant_type="refresh_token", label="refresh without a token")
    verify("rfc6749-6-missing-refresh-token", exchange, accepted=["invalid_request"], tolerated=["invalid_grant"])


@check("rfc6749-6-server-checks-binding", "rfc6749-10.4-refresh-binding-kept", needs=NEEDS, timed=True)
def test_refresh_by_another_client(device: Device, other: Device, verify: Verify) -> None:
    """Another client presents the refresh token. Accepted: invalid_grant."""
    tokens = _tokens(device)
    exchange = device.refresh(tokens.get("refresh_token"), client=other.client)
    for requirement in ("rfc6749-6-server-checks-binding", "rfc6749-10.4-refresh-binding-kept"):
        verify(
            requirement,
            exchange,
            accepted=["invalid_grant"],
            tolerated=["invalid_client", "unauthorized_client", "invalid_request"],
        )
