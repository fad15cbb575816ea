"""Refresh tokens that are bound to the key of a proof: RFC 9449 section 5."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import NotApplicable, Untestable, check
from device_grant.server.session.device import GONE
from device_grant.server.session.possession.proving import (
    OF_PROOFS,
    ProvingDevice,
    is_dpop,
    key_for,
    key_in,
    no_proof,
    proving_device,
)

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Exchange
    from device_grant.server.session.case import ServerCase

NEEDS = ("dpop", "refresh_token")
SAME_KEY = "rfc9449-5-refresh-bound-public"
PROOF = "rfc9449-5-refresh-needs-proof"
STAYS = "rfc9449-5-refresh-stays-bound"
CONFIDENTIAL = "rfc9449-5-confidential-refresh-not-bound"
REFUSALS = (*OF_PROOFS, *GONE, "invalid_request")


@check(SAME_KEY, faults=("dpop_refresh_unbound",), needs=NEEDS, timed=True)
def test_refresh_by_another_key(case: ServerCase, verify: Verify) -> None:
    """A public client refreshes with a right proof of another key, then with its own. Accepted: refused, then served.

    A server may end the grant at the first of these: then the refresh token of a new grant has to be served.
    """
    device = _public(case)
    token = _bound(device).get("refresh_token")
    exchange = device.with_key(key_for(case, 2), lambda: device.refresh(token, label="refresh by another key"))
    if not exchange.outcome.ok:
        device.require_refreshing(token)
    problem = "a refresh token of a public client is taken from another key"
    verify.that(SAME_KEY, not exchange.outcome.ok, problem, exchange, accepted=REFUSALS)


@check(PROOF, faults=("dpop_refresh_downgrades",), needs=NEEDS, timed=True)
def test_refresh_without_a_proof(case: ServerCase, verify: Verify) -> None:
    """A public client refreshes without a proof, then with one. Accepted: refused, then served."""
    device = _public(case)
    token = _bound(device).get("refresh_token")
    exchange = device.refresh_with(token, no_proof, "refresh without a proof")
    if not exchange.outcome.ok:
        device.require_refreshing(token)
    problem = "a bound refresh token of a public client is taken without a proof"
    verify.that(PROOF, not exchange.outcome.ok, problem, exchange, accepted=REFUSALS)


@check(STAYS, faults=("dpop_rotation_drops_key",), needs=NEEDS, timed=True)
def test_refreshed_tokens(case: ServerCase, verify: Verify) -> None:
    """A public client refreshes, and another key tries the refresh token that came of it.

    Accepted: token_type DPoP and, where it can be seen, the same key; then a refusal.
    """
    device = _public(case)
    token = _bound(device).get("refresh_token")
    second = device.refresh(token, label="refresh with a right proof")
    if not second.outcome.ok:
        raise Untestable(f"a refresh with a right proof was answered {second.describe()}")
    verify.that(STAYS, is_dpop(second), "the token of a refresh is not called DPoP any more", second)
    said = key_in(second)
    if said:
        verify.that(STAYS, said == device.key.thumbprint, "the token of a refresh is bound to another key", second)
    newest = second.get("refresh_token")
    newest = newest if isinstance(newest, str) else token
    exchange = device.with_key(key_for(case, 2), lambda: device.refresh(newest, label="refresh by another key"))
    if not exchange.outcome.ok:
        device.require_refreshing(newest)
    problem = "the refresh token that came of a refresh is taken from another key"
    verify.that(STAYS, not exchange.outcome.ok, problem, exchange, accepted=REFUSALS)


@check(CONFIDENTIAL, faults=("dpop_binds_confidential_refresh",), needs=NEEDS, timed=True)
def test_refresh_of_a_confidential_client(case: ServerCase, verify: Verify) -> None:
    """A client that authenticates refreshes with a proof of another key. Accepted: either; a refusal is reported."""
    device = proving_device(case, "confidential")
    token = _bound(device).get("refresh_token")
    exchange = device.with_key(key_for(case, 2), lambda: device.refresh(token, label="refresh by another key"))
    if not exchange.outcome.ok:
        device.require_refreshing(token)
    problem = "a client that authenticates cannot refresh by another key than the first"
    verify.that(CONFIDENTIAL, exchange.outcome.ok, problem, exchange)


def _public(case: ServerCase) -> ProvingDevice:
    """A public client that sends proofs; raises NotApplicable where all clients authenticate."""
    device = proving_device(case)
    if device.client.secret is not None or device.client.authentication != "none":
        raise NotApplicable("all clients authenticate, and their refresh tokens need no binding")
    return device


def _bound(device: ProvingDevice) -> Exchange:
    """A token response with a refresh token to a right proof; raises NotApplicable where its token is not bound."""
    tokens = device.refreshable_tokens()
    if not is_dpop(tokens):
        raise NotApplicable("tokens are bearer tokens in spite of a proof, which is allowed: nothing is bound")
    return tokens
