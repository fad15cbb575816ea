"""A device code yields one token: RFC 8628 section 3.5, RFC 6749 section 10.5."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.judging import Inconclusive, Untestable, check
from conformance.protocol import DEVICE_CODE_GRANT, Operation
from conformance.server.device import GONE, describe

if TYPE_CHECKING:
    from conformance.server.case import Case, Verify
    from conformance.server.device import Device

SIMULTANEOUS = 6


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
        raise Untestable(f"the approved code was answered {describe(first)}")
    for number in (1, 2):
        again = grant.poll(label=f"replay {number}")
        same = again.outcome.ok and again.get("access_token") == first.get("access_token")
        for requirement in ("rfc8628-3.5-device-code-single-use", "rfc6749-10.5-codes-short-lived-single-use"):
            # The same token again, within a grace period, hurts nobody: a warning.
            verify(requirement, again, accepted=[*GONE, "invalid_request"], tolerated=["ok"] if same else [])


@check("rfc8628-3.5-concurrent-redemption", faults=("redemption_race",), timed=True)
def test_simultaneous_redemption(case: Case, device: Device, verify: Verify) -> None:
    """Approve, then six polls at the same moment, several rounds. Accepted: at most one token set a round."""
    run = case.run
    successes = 0
    for number in range(1, run.profile.race_rounds + 1):
        grant = device.start()
        device.user.approve(grant)
        case.wait(grant.interval + 1)
        members = {"grant_type": DEVICE_CODE_GRANT, "device_code": grant.device_code}
        request = run.dialect.encode(Operation.TOKEN, run.url(Operation.TOKEN), members, device.client)
        answers = run.target.together([run.build(request) for _ in range(SIMULTANEOUS)])
        exchanges = [
            case.take(run.read(request, answer, case.began, f"round {number}, simultaneous poll")) for answer in answers
        ]
        tokens = [exchange for exchange in exchanges if exchange.outcome.ok]
        problem = "one code, redeemed by simultaneous polls, yielded more than one token set"
        if tokens:
            verify.that("rfc8628-3.5-concurrent-redemption", len(tokens) == 1, problem, *tokens)
        if len(tokens) > 1:
            return
        successes += len(tokens)
    if not successes:
        raise Inconclusive("no simultaneous poll was answered with a token")
