"""A device code yields one token: RFC 8628 section 3.5, RFC 6749 section 10.5."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import Untestable, check
from device_grant.protocol import DEVICE_CODE_GRANT
from device_grant.protocol.exchange import REFUSED
from device_grant.server.session.device import GONE, NEVER_ISSUED

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Exchange
    from device_grant.server.session.device import Device

MISNAMED = "rfc8628-3.5-denied-means-denied"


@check(
    "rfc8628-3.5-device-code-single-use",
    "rfc6749-10.5-codes-short-lived-single-use",
    "rfc8628-3.5-denied-means-denied",
    faults=("code_reusable", "redeemed_says_denied"),
    timed=True,
)
def test_replay(device: Device, verify: Verify) -> None:
    """Approve, redeem, redeem again twice. Accepted: a token, then a code that is gone."""
    grant = device.start()
    device.user.approve(grant)
    first = grant.poll(label="redeem")
    if not first.outcome.ok:
        raise Untestable(f"the approved code was answered {first.describe()}")
    answers = []
    for number in (1, 2):
        again = grant.poll(label=f"replay {number}")
        same = again.outcome.ok and again.get("access_token") == first.get("access_token")
        for requirement in ("rfc8628-3.5-device-code-single-use", "rfc6749-10.5-codes-short-lived-single-use"):
            # The same token again, within a grace period, hurts nobody: a warning.
            verify(
                requirement,
                again,
                accepted=[*GONE, "invalid_request"],
                tolerated=["ok", REFUSED] if same else [REFUSED],
            )
        answers.append(again)
    _not_misnamed(device, answers, verify)


def _not_misnamed(device: Device, answers: list[Exchange], verify: Verify) -> None:
    misnamed = [exchange for exchange in answers if exchange.code in ("access_denied", "expired_token")]
    if misnamed:
        control = device.token(grant_type=DEVICE_CODE_GRANT, device_code=NEVER_ISSUED, label="control: code of nobody")
        if control.code == misnamed[0].code:
            # It may have forgotten the code, and then cannot know better.
            verify.that(MISNAMED, None, f"a code that nobody was given is answered {control.code} too", control)
            return
    problem = f"a redeemed code is answered {misnamed[0].code}" if misnamed else ""
    verify.that(MISNAMED, not misnamed, problem, *(misnamed or answers))
