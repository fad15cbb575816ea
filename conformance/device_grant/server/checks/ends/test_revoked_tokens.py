"""What a revocation does to the tokens of a device grant: RFC 7009 sections 2 and 2.1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import NotApplicable, Untestable, check
from device_grant.protocol.exchange import REFUSED
from device_grant.server.checks.ends.chain import DEAD, GRACE, Chain, ended, refusal
from device_grant.server.checks.ends.revoking import (
    UNSEEN,
    UNSUPPORTED,
    Sight,
    revoke,
    revoker,
    sight_of,
    taken,
    verify_200,
)
from device_grant.server.session.device import ENDED

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Exchange
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device

REFRESH = "rfc7009-2-refresh-tokens-revocable"
ACCESS = "rfc7009-2-access-tokens-revocable"
STATUS = "rfc7009-2.2-status-200"
TWICE = "rfc7009-2.2-twice-is-200"
AT_ONCE = "rfc7009-2.1-at-once"
REPLACED = "rfc7009-2.1-replaced-token-stays-dead"
CODE = "rfc7009-2.1-device-code-stays-spent"
WITH_IT = "rfc7009-2.1-refresh-revocation-ends-access"
SAID = "rfc7009-2.2.1-unsupported-token-type"
GRANT_GOES_ON = "rfc7009-2.1-access-revocation-may-end-refresh"
OTHER_KIND = "rfc7009-2.1-wrong-hint-extends-search"
UNKNOWN_HINT = "rfc7009-2.2-unknown-hint-ignored"
BY_ITSELF = (
    "the resource server that shows it reads the token alone, which carries all in itself (RFC 7009 section 3): "
    "nothing says whether it was revoked"
)


@check(
    STATUS,
    REFRESH,
    AT_ONCE,
    REPLACED,
    CODE,
    TWICE,
    WITH_IT,
    faults=(
        "revocation_without_effect",
        "revocation_204",
        "revocation_lags",
        "revocation_spares_predecessor",
        "revocation_reopens_code",
        "revocation_twice_400",
        "revocation_leaves_access_tokens",
    ),
    needs=("revocation", "refresh_token"),
    timed=True,
)
def test_revoked_refresh_token(case: ServerCase, verify: Verify) -> None:
    """Refresh, revoke the newest refresh token; refresh, with the one before too; the device code; revoke again.

    Accepted: 200 twice, refusals of all, and no access token of the grant lives where that can be seen.
    """
    device = revoker(case)
    chain = Chain(device)
    chain.require_refreshing()
    first, newest = chain.refreshes[0], chain.refreshes[-1]
    sight = sight_of(device, chain.access[-1])
    living = [one for one in chain.access if sight and sight.lives(one, "control: the access token lives")]
    revoked = revoke(device, newest, "revoke the refresh token", hint="refresh_token")
    verify_200(verify, STATUS, revoked, "the revocation of a live token")
    seconds, last = chain.refused("refresh with the revoked token")
    verify(REFRESH, last, accepted=DEAD, tolerated=[REFUSED])
    if seconds is None:
        raise Untestable(f"the refresh token lives on {GRACE:g} s after its revocation: the rest cannot be seen")
    problem = "a revoked refresh token lives on for a while"
    verify.that(AT_ONCE, not seconds, problem, last, measured={"seconds": seconds} if seconds else None)
    if first != newest:
        before = device.refresh(first, label="refresh with the token before the revoked one")
        verify(REPLACED, before, accepted=DEAD, tolerated=[REFUSED])
    _verify_spent(verify, chain)
    if taken(revoked):
        repeated = revoke(device, newest, "revoke the same token again", hint="refresh_token")
        verify_200(verify, TWICE, repeated, "the second revocation of a token")
    reasons = [] if first != newest else ["refresh tokens are not replaced here"]
    if sight is None or not living:
        reasons.append(UNSEEN)
    elif not _ends_with_refresh_token(verify, device, sight, living):
        reasons.append("access tokens cannot be revoked here")
    if not taken(revoked):
        raise Untestable(f"the first revocation was answered {revoked.describe()}")
    if reasons:
        raise NotApplicable("; ".join(reasons))


@check(REFRESH, faults=("revocation_misses_a_replica",), needs=("revocation", "refresh_token"), timed=True)
def test_revoked_refresh_token_again_and_again(case: ServerCase, verify: Verify) -> None:
    """Revoke a refresh token; six seconds later refresh with it five times. Accepted: refusals.

    A request may meet one of several processes, which have not all been told.
    """
    device = revoker(case)
    chain = Chain(device)
    chain.require_refreshing()
    token = chain.refreshes[-1]
    revoke(device, token, "revoke the refresh token", hint="refresh_token")
    case.wait(GRACE + 1)
    for _ in range(5):
        again = device.refresh(token, label="refresh with the revoked token")
        verify(REFRESH, again, accepted=DEAD, tolerated=[REFUSED])


def _verify_spent(verify: Verify, chain: Chain) -> None:
    """Judge that the device code is refused; one that is redeemed again anyway says nothing of the revocation."""
    again = chain.grant.poll(label="present the device code again")
    if again.outcome.ok:
        control = Chain(chain.device).grant.poll(label="control: present a code again when nothing was revoked")
        if control.outcome.ok:
            verify.unclear(CODE, "device codes are redeemed again here, revoked or not", again, control)
            return
    verify(CODE, again, accepted=ENDED, tolerated=[REFUSED])


def _ends_with_refresh_token(verify: Verify, device: Device, sight: Sight, living: list[str]) -> bool:
    """Judge whether the access tokens have ended; False where the server cannot end any."""
    alive = [one for one in living if _survives(device, sight, one)]
    if alive and sight.may_outlive(alive[0]):
        verify.unclear(WITH_IT, BY_ITSELF)
        return True
    # Before the next revocation, which may end it.
    shown = sight.look(living[-1] if not alive else alive[0], "look at the access token")[1]
    if alive and revoke(device, alive[0], "revoke an access token by itself", hint="access_token").code == UNSUPPORTED:
        return False
    problem = "access tokens live on after their refresh token was revoked"
    verify.that(WITH_IT, not alive, problem, shown)
    return True


def _survives(device: Device, sight: Sight, token: str) -> bool:
    return ended(device.case, lambda: sight.lives(token, "look at the access token")) is None


@check(
    ACCESS,
    SAID,
    GRANT_GOES_ON,
    STATUS,
    TWICE,
    faults=(
        "access_token_not_revocable",
        "access_revocation_pretended",
        "access_revocation_ends_grant",
        "revocation_204",
        "revocation_twice_400",
    ),
    needs=("revocation",),
    timed=True,
)
def test_revoked_access_token(case: ServerCase, verify: Verify) -> None:
    """Revoke an access token, look whether it lives, revoke it again, refresh.

    Accepted: 200 twice, and it is dead; or unsupported_token_type, with a warning. Whether the grant goes on is open.
    """
    device = revoker(case)
    chain = Chain(device)
    token = chain.access[-1]
    sight = sight_of(device, token)
    revoked = revoke(device, token, "revoke the access token", hint="access_token")
    if revoked.code == UNSUPPORTED:
        verify.that(ACCESS, False, "access tokens cannot be revoked", revoked)  # noqa: FBT003 - the judgement itself
        verify.that(SAID, True, "", revoked)  # noqa: FBT003 - likewise
        raise NotApplicable("access tokens cannot be revoked here")
    verify_200(verify, STATUS, revoked, "the revocation of a live token")
    if sight is not None:
        _verify_dead(verify, device, sight, token, revoked)
    if taken(revoked):
        repeated = revoke(device, token, "revoke the same token again", hint="access_token")
        verify_200(verify, TWICE, repeated, "the second revocation of a token")
    if chain.refreshes:
        after = chain.refresh("refresh when the access token was revoked")
        if refusal(after):
            device.require_refreshing()
        problem = "the revocation of an access token ends the grant"
        verify.that(GRANT_GOES_ON, after.outcome.ok, problem, revoked, after)
    reasons = [] if chain.refreshes else ["no refresh token was issued; none is owed"]
    reasons += [] if sight else [UNSEEN]
    if not taken(revoked):
        raise Untestable(f"the first revocation was answered {revoked.describe()}")
    if reasons:
        raise NotApplicable("; ".join(reasons))


def _verify_dead(verify: Verify, device: Device, sight: Sight, token: str, revoked: Exchange) -> None:
    alive = _survives(device, sight, token)
    if alive and sight.may_outlive(token):
        for requirement in (ACCESS, SAID):
            verify.unclear(requirement, BY_ITSELF, revoked)
        return
    shown = sight.look(token, "look at the access token")[1]
    verify.that(ACCESS, not alive, "an access token lives on after its revocation", revoked, shown)
    if alive and not taken(revoked):
        verify.unclear(SAID, "the revocation of an access token was refused for another reason", revoked)
        return
    problem = f"a revocation without effect is not answered {UNSUPPORTED}"
    verify.that(SAID, not alive, problem, revoked, shown, accepted=[UNSUPPORTED])


@check(
    OTHER_KIND,
    UNKNOWN_HINT,
    faults=("revocation_believes_hint", "revocation_unknown_hint_refused"),
    needs=("revocation",),
    timed=True,
)
def test_token_type_hints(case: ServerCase, verify: Verify) -> None:
    """Revoke a refresh token as an access token, another by a hint that nobody knows; an access token as a refresh one.

    Accepted: as without a hint, which is tried where one did not work.
    """
    device = revoker(case)
    judged = _hint_for_access_token(verify, device)
    judged = _hint_for_refresh_token(verify, device, OTHER_KIND, "access_token") or judged
    judged = _hint_for_refresh_token(verify, device, UNKNOWN_HINT, "banana") and judged
    if not judged:
        raise NotApplicable(f"no refresh token was issued, and {UNSEEN}")


def _hint_for_refresh_token(verify: Verify, device: Device, requirement: str, hint: str) -> bool:
    """Judge one hint for a refresh token; False where there is none to be had."""
    chain = Chain(device)
    if not chain.refreshes:
        return False
    chain.require_refreshing()
    revoked = revoke(device, chain.refreshes[-1], f"revoke the refresh token by the hint {hint}", hint=hint)
    seconds, last = chain.refused("refresh with the revoked token")
    if seconds is None:
        plain = revoke(device, chain.refreshes[-1], "control: revoke without a hint")
        if not taken(plain) or chain.refused("control: refresh with the revoked token")[0] is None:
            raise Untestable("the revocation of a refresh token without a hint has no effect either")
    problem = f"a live refresh token outlives its revocation by the hint {hint}"
    verify.that(requirement, seconds is not None, problem, revoked, last)
    return True


def _hint_for_access_token(verify: Verify, device: Device) -> bool:
    """Judge the hint refresh_token for an access token; False where nothing can be seen of it."""
    chain = Chain(device)
    token = chain.access[-1]
    sight = sight_of(device, token)
    if sight is None or sight.may_outlive(token):
        return False
    revoked = revoke(device, token, "revoke the access token by the hint refresh_token", hint="refresh_token")
    alive = _survives(device, sight, token)
    if alive:
        plain = revoke(device, token, "control: revoke without a hint")
        if not taken(plain) or _survives(device, sight, token):
            # Access tokens cannot be revoked here at all: other checks say what there is to say of it.
            return False
    problem = "a live access token outlives its revocation by the hint refresh_token"
    verify.that(OTHER_KIND, not alive, problem, revoked)
    return True
