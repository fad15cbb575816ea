"""The refresh token that a device grant may come with: RFC 6749 sections 6 and 10.4, RFC 9700 section 4.14."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import NotApplicable, Untestable, check
from device_grant.protocol import Situation
from device_grant.protocol.exchange import REFUSED
from device_grant.protocol.numbers import number
from device_grant.server.session.device import without

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device

NEEDS = ("refresh_token",)
NOT_TAKEN = ("invalid_grant",)
"""What is tolerated beside it protects as well; under which name a server refuses is judged by other checks."""
LATE = 5.0
"""Seconds after its end in which an access token may still be taken for alive."""
GRACE = 65.0
"""Seconds after which no documented grace period for a replaced refresh token lasts."""


@check(
    "aws-token-refresh",
    "rfc6749-6-server-validates",
    faults=("refresh_refused", "refresh_unknown_accepted"),
    needs=NEEDS,
    timed=True,
)
def test_refresh(device: Device, verify: Verify) -> None:
    """Refresh with the token received, then with a made-up one. Accepted: a new token, then invalid_grant."""
    tokens = device.refreshable_tokens()
    refreshed = device.refresh(tokens.get("refresh_token"))
    verify("aws-token-refresh", refreshed, accepted=["ok"])
    verify("rfc6749-6-server-validates", refreshed, accepted=["ok"], tolerated=["unauthorized_client"])
    bogus = device.refresh("made-up-refresh-token-5b1e")
    verify("rfc6749-6-server-validates", bogus, accepted=NOT_TAKEN, tolerated=[REFUSED])


@check("rfc6749-6-refresh-after-expiry", faults=("refresh_ends_with_access_token",), needs=NEEDS, timed=True)
def test_refresh_when_the_access_token_is_over(device: Device, verify: Verify) -> None:
    """Wait until the access token has expired, then refresh. Accepted: a new token."""
    tokens = device.refreshable_tokens()
    lifetime = number(tokens.get("expires_in"))
    if lifetime is None:
        raise Untestable("the token response does not say how long the access token lives")
    if lifetime > device.case.longest_wait:
        raise Untestable(
            f"access tokens live {lifetime:.0f} s on a real clock, longer than {device.case.longest_wait:.0f} s: raise "
            "[clock] longest_wait in target.toml, or run the target in process or under libfaketime"
        )
    device.case.wait(max(0.0, lifetime) + LATE)
    exchange = device.refresh(tokens.get("refresh_token"))
    if not exchange.outcome.ok:
        device.require_refreshing()
    verify("rfc6749-6-refresh-after-expiry", exchange, accepted=["ok"])


@check("rfc6749-6-missing-refresh-token", faults=("missing_refresh_token_500",), needs=NEEDS, timed=True)
def test_refresh_without_token(device: Device, verify: Verify) -> None:
    """A refresh without refresh_token. Accepted: invalid_request."""
    device.refreshable_tokens()
    exchange = device.token(grant_type="refresh_token", label="refresh without a token")
    accepted = device.case.run.dialect.accepts(Situation.MEMBER_MISSING, "invalid_request")
    verify("rfc6749-6-missing-refresh-token", exchange, accepted=accepted, tolerated=["invalid_grant"])


@check(
    "rfc6749-6-server-checks-binding",
    "rfc6749-10.4-refresh-binding-kept",
    "rfc6819-5.2.2.2-refresh-bound",
    "rfc6819-5.1.5.8-bind-token-to-client",
    faults=("refresh_foreign_client",),
    needs=NEEDS,
    timed=True,
)
def test_refresh_by_another_client(device: Device, other: Device, verify: Verify) -> None:
    """Another client presents the refresh token. Accepted: invalid_grant."""
    tokens = device.refreshable_tokens()
    exchange = device.refresh(tokens.get("refresh_token"), client=other.client)
    if not exchange.outcome.ok:
        device.require_refreshing(tokens.get("refresh_token"))
    for requirement in (
        "rfc6749-6-server-checks-binding",
        "rfc6749-10.4-refresh-binding-kept",
        "rfc6819-5.2.2.2-refresh-bound",
        "rfc6819-5.1.5.8-bind-token-to-client",
    ):
        verify(requirement, exchange, accepted=NOT_TAKEN, tolerated=[REFUSED])


@check("rfc6749-10.4-verify-binding", faults=("refresh_foreign_client",), needs=NEEDS, timed=True)
def test_refresh_by_another_authenticated_client(case: ServerCase, confidential: Device, verify: Verify) -> None:
    """A confidential client's refresh token, presented by a second one that authenticates. Accepted: invalid_grant."""
    second = _second_confidential(case, confidential)
    tokens = confidential.refreshable_tokens()
    exchange = confidential.refresh(tokens.get("refresh_token"), client=second.client)
    if not exchange.outcome.ok:
        confidential.require_refreshing(tokens.get("refresh_token"))
    verify("rfc6749-10.4-verify-binding", exchange, accepted=NOT_TAKEN, tolerated=[REFUSED])


def _second_confidential(case: ServerCase, first: Device) -> Device:
    from device_grant.server.session.device import Device as NewDevice

    if not case.run.endpoints.registration or case.run.claims("registration") is False:
        raise Untestable("no second confidential client: none can be registered")
    second = case.register("confidential")
    if second.secret is None:
        raise Untestable("no second confidential client: the registered one was given no secret")
    return NewDevice(first.case, second)


@check(
    "rfc6749-6-server-requires-auth",
    faults=("token_endpoint_skips_secret", "secret_optional"),
    needs=NEEDS,
    timed=True,
)
def test_refresh_needs_the_secret(confidential: Device, verify: Verify) -> None:
    """A confidential client refreshes with a wrong secret, then with client_id alone. Accepted: invalid_client."""
    client = confidential.client
    if client.secret is None:
        raise Untestable("the client has no secret")
    tokens = confidential.refreshable_tokens()
    wrong = without(client, secret="wrong-secret-9c2e")  # noqa: S106 - made up to be wrong
    dialect = confidential.case.run.dialect
    missing = dialect.accepts(
        Situation.MEMBER_MISSING, *dialect.accepts(Situation.CREDENTIALS_REFUSED, "invalid_client")
    )
    exchange = confidential.refresh(tokens.get("refresh_token"), client=wrong)
    if not exchange.outcome.ok and exchange.code != "invalid_client":
        confidential.require_refreshing(tokens.get("refresh_token"))
    verify("rfc6749-6-server-requires-auth", exchange, accepted=["invalid_client"], tolerated=[REFUSED])
    if exchange.outcome.ok:
        return
    bare = without(client, secret=None, authentication="none")
    exchange = confidential.refresh(tokens.get("refresh_token"), client=bare)
    verify("rfc6749-6-server-requires-auth", exchange, accepted=missing, tolerated=[REFUSED])


@check(
    "rfc6749-10.4-refresh-unguessable",
    "rfc9700-4.14-refresh-integrity",
    "rfc6749-10.4-refresh-confidential",
    faults=("refresh_unknown_accepted", "secrets_reflected"),
    needs=NEEDS,
    timed=True,
)
def test_altered_refresh_token(device: Device, verify: Verify) -> None:
    """Refresh tokens with one character changed or the end cut off. Accepted: a refusal that does not repeat them."""
    token = device.refreshable_tokens().get("refresh_token")
    if len(token) < 4:
        raise Untestable("the refresh token is too short to be altered")
    device.require_refreshing()
    # The last character is left alone: in base64 some of its bits mean nothing, and the token stays the same.
    altered = [_changed(token, len(token) // 2), _changed(token, len(token) // 3), token[: -len(token) // 4]]
    for value in altered:
        exchange = device.refresh(value)
        for requirement in ("rfc6749-10.4-refresh-unguessable", "rfc9700-4.14-refresh-integrity"):
            verify(requirement, exchange, accepted=NOT_TAKEN, tolerated=[REFUSED])
        shown = exchange.response.text if exchange.response else ""
        repeated = not exchange.outcome.ok and value in shown
        problem = "the refusal repeats the refresh token that was sent"
        # A warning: an altered token is no longer one, but a genuine one would be repeated alike.
        verify.that("rfc6749-10.4-refresh-confidential", not repeated, problem, exchange, tolerated=True)


def _changed(token: str, place: int) -> str:
    return token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]


@check(
    "rfc9700-2.2.2-refresh-public-protected",
    "rfc9700-4.14-refresh-replay-detection",
    "rfc6819-5.2.2.3-rotation",
    "rfc6749-10.4-detect-abuse",
    faults=("refresh_token_reusable", "refresh_family_survives"),
    needs=NEEDS,
    timed=True,
)
def test_replayed_refresh_token(device: Device, verify: Verify) -> None:
    """A public client refreshes, then presents the first token again, again after 65 s if need be, then the second.

    Accepted: a second token is issued, the first one is refused, and with it the second. Grace periods may pass.
    """
    protected = ("rfc9700-2.2.2-refresh-public-protected", "rfc9700-4.14-refresh-replay-detection")
    if device.case.run.dialect.proves_identity(device.client):
        raise NotApplicable("no public client: the refresh tokens of a client with a secret need no rotation")
    first = device.refreshable_tokens()
    if str(first.get("token_type")).lower() == "dpop":
        raise NotApplicable("the tokens are bound to a key (DPoP): they need no rotation")
    second = device.refresh(first.get("refresh_token"))
    if not second.outcome.ok:
        raise Untestable(f"the refresh was answered {second.describe()}")
    replay = device.refresh(first.get("refresh_token"), label="replay of the first refresh token")
    if replay.outcome.ok:
        device.case.wait(GRACE)
        replay = device.refresh(first.get("refresh_token"), label="replay after any grace period")
    # AWS gives every installation a secret of its own, without which its refresh token is worth nothing.
    bound = device.case.run.dialect.public_clients_have_secrets
    problem = "a refresh token stays valid after it was used"
    for requirement in (*protected, "rfc6819-5.2.2.3-rotation"):
        verify.that(requirement, not replay.outcome.ok, problem, replay, accepted=NOT_TAKEN, tolerated=bound)
    successor = second.get("refresh_token")
    if replay.outcome.ok or not isinstance(successor, str):
        verify.that("rfc6749-10.4-detect-abuse", not replay.outcome.ok, problem, replay, tolerated=bound)
        return
    after = device.refresh(successor, label="the second token after the replay")
    problem = "after a replay the successors of the refresh token stay valid"
    verify.that("rfc6749-10.4-detect-abuse", not after.outcome.ok, problem, replay, after)


@check(
    "rfc8628-3.5-reuse-revokes",
    "rfc6819-5.2.1.1-revoke-on-grant-reuse",
    faults=("reuse_keeps_tokens",),
    needs=NEEDS,
    timed=True,
)
def test_reused_code_revokes(device: Device, verify: Verify) -> None:
    """Redeem, present the device code again, refresh. Accepted: the refresh is refused; nobody owes that."""
    grant = device.start()
    device.user.approve(grant)
    tokens = grant.poll(label="redeem")
    if not tokens.outcome.ok:
        raise Untestable(f"the approved code was answered {tokens.describe()}")
    if not isinstance(tokens.get("refresh_token"), str):
        raise NotApplicable("no refresh token was issued: whether it was revoked cannot be seen")
    again = grant.poll(label="present the redeemed code again")
    if again.outcome.ok:
        raise Untestable("the redeemed code yielded tokens again: reuse was not noticed")
    exchange = device.refresh(tokens.get("refresh_token"))
    if not exchange.outcome.ok:
        device.require_refreshing()
    for requirement in ("rfc8628-3.5-reuse-revokes", "rfc6819-5.2.1.1-revoke-on-grant-reuse"):
        problem = "tokens stay valid after their device code was presented again"
        verify.that(requirement, not exchange.outcome.ok, problem, again, exchange)
