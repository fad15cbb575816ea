"""ID tokens that come by a refresh: OpenID Connect Core 12.2 and 3.1.3.6."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from device_grant.judging import NotApplicable, Untestable, check
from device_grant.protocol.numbers import number
from device_grant.server.checks.issued.identified import OPENID, hash_fits, id_token_of, require_openid
from device_grant.server.session.scopes import with_defaults

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.server.session.device import Device

SAME, LATER, SIGN_IN = "oidc-core-12.2-same-identity", "oidc-core-12.2-new-iat", "oidc-core-12.2-old-auth-time"
NO_NONCE, HASH = "oidc-core-12.2-no-nonce", "oidc-core-3.1.3.6-at-hash-after-refresh"
REPLACED = "a recording has other hashes in place of the true ones"
APART = 3.0
"""Seconds between the sign-in and the refresh: claims count whole ones."""


@check(
    SAME,
    LATER,
    SIGN_IN,
    NO_NONCE,
    HASH,
    faults=(
        "refresh_id_token_other_aud",
        "refresh_id_token_old_iat",
        "refresh_id_token_new_auth_time",
        "refresh_id_token_new_nonce",
        "at_hash_stale",
    ),
    needs=(OPENID, "refresh_token"),
    timed=True,
    live={HASH: REPLACED},
)
def test_id_token_of_a_refresh(device: Device, verify: Verify) -> None:
    """Refresh some seconds after the redemption; compare both ID tokens.

    Accepted: none comes, or one of the same issuer, person, audience and sign-in, which is issued now.
    """
    tokens = device.refreshable_tokens(scope=with_defaults(device, OPENID))
    require_openid(tokens)
    first = id_token_of(tokens).claims
    device.case.wait(APART)
    refreshed = device.refresh(tokens.get("refresh_token"))
    if not refreshed.outcome.ok:
        raise Untestable(f"the refresh was answered {refreshed.describe()}")
    if refreshed.get("id_token") is None:
        raise NotApplicable("a refresh brings no ID token; none is owed")
    token = id_token_of(refreshed)
    again = token.claims
    same = all(_whole(first.get(name)) == _whole(again.get(name)) for name in ("iss", "sub", "aud"))
    verify.that(SAME, same, "the ID token of a refresh has another iss, sub or aud", tokens, refreshed)
    before, after = number(first.get("iat")), number(again.get("iat"))
    later = before is not None and after is not None and after > before
    verify.that(LATER, later, "iat of the ID token of a refresh is not the time of the refresh", tokens, refreshed)
    signed_in = again.get("auth_time") in (None, first.get("auth_time")) or "auth_time" not in first
    problem = "auth_time of the ID token of a refresh is not that of the sign-in"
    verify.that(SIGN_IN, signed_in, problem, tokens, refreshed)
    problem = "the ID token of a refresh has a nonce that the first one does not have"
    verify.that(NO_NONCE, again.get("nonce") in (None, first.get("nonce")), problem, tokens, refreshed)
    # One that is null is there, and is no hash: clients that compare it refuse the token.
    right = "at_hash" not in again or hash_fits(token.algorithm, again["at_hash"], refreshed.get("access_token"))
    verify.that(HASH, right, "at_hash of the ID token of a refresh is not that of its access token", refreshed)


def _whole(value: Any) -> Any:
    """A claim as it is compared: aud is a set, whether it is one text or an array."""
    return {str(one) for one in (value if isinstance(value, list) else [value])}
