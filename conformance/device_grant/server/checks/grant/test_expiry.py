"""Lifetimes: codes end when they say and not before, RFC 8628 sections 3.2 and 3.5."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import check
from device_grant.protocol.exchange import REFUSED

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.server.session.device import Device


@check(
    "rfc8628-3.5-expired-token",
    "rfc8628-3.5-no-pending-after-expiry",
    "rfc8628-3.2-codes-time-limited",
    "aws-token-expired-device-code",
    faults=("expired_still_pending",),
    timed=True,
)
def test_expiry(device: Device, verify: Verify) -> None:
    """Start, poll, wait past expires_in, poll. Accepted: expired_token; invalid_grant with a warning."""
    grant = device.start()
    grant.require_expiry()
    grant.poll()
    grant.expire()
    exchange = grant.poll(wait=False, label="poll after expiry")
    over = ["expired_token", "invalid_grant"]
    verify("rfc8628-3.5-expired-token", exchange, accepted=["expired_token"], tolerated=["invalid_grant"])
    verify("aws-token-expired-device-code", exchange, accepted=over)
    pending = exchange.code == "authorization_pending"
    verify.that("rfc8628-3.5-no-pending-after-expiry", not pending, "still pending after expires_in", exchange)
    verify("rfc8628-3.2-codes-time-limited", exchange, accepted=[*over, "access_denied", "invalid_request"])


@check("rfc8628-3.5-no-early-expiry", faults=("expires_early",), timed=True)
def test_code_lives_as_long_as_promised(device: Device, verify: Verify) -> None:
    """Wait for nine tenths of expires_in, poll. Accepted: authorization_pending or slow_down."""
    grant = device.start()
    grant.require_expiry()
    grant.grow_old(0.9)
    exchange = grant.poll(wait=False, label="poll shortly before expiry")
    verify("rfc8628-3.5-no-early-expiry", exchange, accepted=["authorization_pending", "slow_down"])


@check("rfc8628-3.5-no-early-expiry", faults=("approval_ends_early",), timed=True)
def test_approval_lives_as_long_as_the_code(device: Device, verify: Verify) -> None:
    """Approve at once, wait for eight tenths of expires_in, poll. Accepted: a token."""
    grant = device.start()
    grant.require_expiry()
    device.user.approve(grant)
    grant.grow_old(0.8)
    verify("rfc8628-3.5-no-early-expiry", grant.poll(label="redeem late"), accepted=["ok"])


@check("rfc8628-3.5-approved-then-expired", faults=("expired_code_redeemable",), timed=True)
def test_approved_code_expires_too(device: Device, verify: Verify) -> None:
    """Approve, wait past expires_in, poll. Accepted: a code that is gone."""
    grant = device.start()
    grant.require_expiry()
    device.user.approve(grant)
    grant.expire()
    exchange = grant.poll(wait=False, label="redeem after expiry")
    verify(
        "rfc8628-3.5-approved-then-expired",
        exchange,
        accepted=["expired_token", "invalid_grant"],
        tolerated=[REFUSED],
    )


@check("rfc8628-3.2-expires-in-covers-both-codes", faults=("expired_code_approvable",), timed=True)
def test_expired_user_code_cannot_be_approved(device: Device, verify: Verify) -> None:
    """Wait past expires_in, let the user try to approve, poll. Accepted: no token."""
    grant = device.start()
    grant.require_expiry()
    grant.expire()
    device.user.try_to("approve", grant)
    exchange = grant.poll(wait=False, label="poll after a late approval")
    issued = exchange.get("access_token") is not None
    verify.that(
        "rfc8628-3.2-expires-in-covers-both-codes", not issued, "an expired code was approved and redeemed", exchange
    )
