"""A device code yields one token: RFC 8628 section 3.5, RFC 6749 section 10.5."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import Untestable, check
from device_grant.protocol.exchange import REFUSED
from device_grant.server.session.device import GONE

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.server.session.device import Device


@check(
    "rfc8628-3.5-device-code-single-use",
    "rfc6749-10.5-codes-short-lived-single-use",
    faults=("code_reusable",),
    timed=True,
)
def test_replay(device: Device, verify: Verify) -> None:
    """Approve, redeem, redeem again twice. Accepted: a token, then a code that is gone."""
    grant = device.start()
    device.user.approve(grant)
    first = grant.poll(label="redeem")
    if not first.outcome.ok:
        raise Untestable(f"the approved code was answered {first.describe()}")
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
