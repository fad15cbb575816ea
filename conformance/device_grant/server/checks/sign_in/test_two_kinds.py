"""Both grants side by side: devices and sign-ins by a browser of one client, in any order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_grant.judging import Untestable, check
from device_grant.protocol import DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT, Operation
from device_grant.server.session.device import PENDING, Device
from device_grant.server.session.registering import attempt
from device_grant.server.session.sign_in import AUTHORIZATION_CODE, CLAIM, code_client, signing_in

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Client, Exchange
    from device_grant.server.generation.fuzz import Fuzz
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Grant
    from device_grant.server.session.sign_in import AskedSignIn, SignIns

IN_A_BROWSER = "what a browser is shown and where it is sent no recording of a sign-in keeps"
PENDING_YET, APPROVED = "rfc8628-3.5-no-token-before-approval", "rfc8628-3.5-success-after-approval"
STILL_PENDING = "rfc8628-3.5-authorization-pending"
DEVICE_ONCE, CODE_ONCE = "rfc8628-3.5-device-code-single-use", "aws-token-code-single-use"
CODE_WORKS, APART = "aws-token-code-success", "aws-token-code-is-no-device-code"
ACTIONS = ("start", "approve", "approve", "poll", "poll", "sign in", "sign in", "redeem", "redeem", "cross")
SHORTEST, LONGEST = 8, 14
"""Steps of a story."""
SHARE = 0.3
"""Of the profile's examples: each is some dozen requests."""
YOUNG = 30.0
"""Seconds for which any authorization code lives."""
LATEST = 2
"""Grants of a kind that are met again: with more of them the same one rarely is."""


@check(
    PENDING_YET,
    STILL_PENDING,
    APPROVED,
    DEVICE_ONCE,
    CODE_ONCE,
    CODE_WORKS,
    APART,
    faults=(
        "token_before_approval",
        "pending_as_invalid_grant",
        "sign_in_ends_device_grants",
        "approved_device_blocks_codes",
        "code_reusable",
        "code_works_twice",
        "code_as_device_code",
    ),
    needs=(CLAIM,),
    timed=True,
    sampled=True,
    live=IN_A_BROWSER,
)
def test_grants_of_both_kinds(case: ServerCase, device: Device, fuzz: Fuzz, verify: Verify) -> None:
    """Devices that start, are approved and poll, and sign-ins whose codes are redeemed, interleaved by Hypothesis.

    They are of one client where it can be registered for both, else of two. Accepted: each grant goes its own way.
    """
    from hypothesis import strategies as st

    if case.run.target.clock.kind == "real":
        raise Untestable("interleaved grants need a clock that can jump: run in process or under libfaketime")
    case.require_decider()
    with signing_in(case) as browser:
        kinds = [DEVICE_CODE_GRANT, AUTHORIZATION_CODE, REFRESH_TOKEN_GRANT]
        both = attempt(case, "register for both grants", **code_client(case, grant_types=kinds))
        client = case.run.client_of(both) if both.outcome.ok else browser.client()
        own = Device(case, client) if both.outcome.ok else device
        _require_each(browser, client, own)
        steps = st.tuples(st.sampled_from(ACTIONS), st.integers(0, 3))

        def tell(story: list[tuple[str, int]]) -> None:
            order = Interleaving(case, browser, client, own, verify)
            for action, number in story:
                order.take(action, number)

        fuzz(st.lists(steps, min_size=SHORTEST, max_size=LONGEST), tell, share=SHARE, batch="two kinds")


def _require_each(browser: SignIns, client: Client, device: Device) -> None:
    """The controls: each grant works by itself; raises Untestable where one does not."""
    asked, code = browser.code(client)
    exchange = browser.redeem(asked, code, label="control: CreateToken as it is meant")
    grant = device.start()
    device.user.approve(grant)
    for one in (exchange, grant.poll(label="control: poll of an approved code")):
        if not one.outcome.ok:
            raise Untestable(f"{one.label} was answered {one.describe()}")


@dataclass
class Begun:
    """A device authorization and what has become of it."""

    grant: Grant
    at: float
    approved: bool = False
    redeemed: bool = False
    abused: bool = False
    """Whether it was sent where it does not belong: a server may withdraw it then."""


@dataclass
class Signed:
    """A code of a sign-in."""

    asked: AskedSignIn
    code: str
    at: float
    redeemed: bool = False
    abused: bool = False
    """As of a device code; or it was refused for its age."""


class Interleaving:
    """One story."""

    def __init__(self, case: ServerCase, browser: SignIns, client: Client, device: Device, verify: Verify) -> None:
        self._case, self._browser, self._client, self._device, self._verify = case, browser, client, device, verify
        self._begun: list[Begun] = []
        self._signed: list[Signed] = []

    def take(self, action: str, number: int) -> None:
        """One step with one of the latest grants; what has nothing to act on begins something."""
        begun, signed = self._begun[-LATEST:], self._signed[-LATEST:]
        latest = begun[-1 if number else 0] if begun else None
        if action == "start" or (action in ("approve", "poll") and latest is None):
            self._begun.append(Begun(self._device.start(), self._case.now()))
        elif action == "approve" and latest is not None:
            self._approve(latest)
        elif action == "poll" and latest is not None:
            self._poll(latest)
        elif action == "sign in" or not signed:
            self._signed.append(Signed(*self._browser.code(self._client), self._case.now()))
        elif action == "redeem":
            self._redeem(signed[number % len(signed)])
        elif latest is not None:
            self._cross(signed[number % len(signed)], latest)

    def _approve(self, one: Begun) -> None:
        if one.approved or one.redeemed:
            return
        try:
            self._device.user.approve(one.grant)
        except Untestable:
            # Pages may have had enough of this person for a while: what comes of this one shows nothing.
            one.abused = True
        else:
            one.approved = True

    def _poll(self, one: Begun) -> None:
        exchange = one.grant.poll(label="poll beside sign-ins")
        if exchange.code in PENDING and one.approved:
            exchange = one.grant.poll(label="poll beside sign-ins, again")
        ok = exchange.outcome.ok
        if one.redeemed:
            self._say(DEVICE_ONCE, not ok, "a device code yields tokens more than once beside sign-ins", exchange)
        elif not one.approved:
            self._say(PENDING_YET, not ok, "a device gets a token that nobody approved, beside sign-ins", exchange)
            if not (ok or one.abused or self._aged(one)):
                pending = exchange.code in PENDING
                self._say(STILL_PENDING, pending, "a sign-in of its client ends a pending device grant", exchange)
        elif ok or not (one.abused or self._aged(one)):
            self._say(APPROVED, ok, "an approved device gets no token after a sign-in of its client", exchange)
        one.redeemed = one.redeemed or ok

    def _aged(self, one: Begun) -> bool:
        return self._case.now() - one.at > one.grant.expires_in / 2

    def _redeem(self, one: Signed) -> None:
        exchange = self._browser.redeem(one.asked, one.code, label="redeem beside devices")
        ok = exchange.outcome.ok
        if one.redeemed:
            self._say(CODE_ONCE, not ok, "an authorization code yields tokens more than once beside devices", exchange)
        elif ok or not (one.abused or self._case.now() - one.at > YOUNG):
            self._say(CODE_WORKS, ok, "an authorization code is refused beside device grants of its client", exchange)
        one.redeemed, one.abused = one.redeemed or ok, one.abused or not ok

    def _cross(self, signed: Signed, begun: Begun) -> None:
        members = {"grant_type": DEVICE_CODE_GRANT, "device_code": signed.code}
        as_device = self._case.call(Operation.TOKEN, members, self._client, "a code as deviceCode, beside devices")
        as_code = self._browser.redeem(
            signed.asked, begun.grant.device_code, label="a deviceCode as code, beside sign-ins"
        )
        problem = "a code of one grant yields tokens in the other, side by side"
        for exchange in (as_device, as_code):
            self._say(APART, not exchange.outcome.ok, problem, exchange)
        signed.abused = begun.abused = True

    def _say(self, requirement: str, holds: bool, problem: str, exchange: Exchange) -> None:  # noqa: FBT001 - the judgement itself
        self._verify.that(requirement, holds, problem, exchange)
