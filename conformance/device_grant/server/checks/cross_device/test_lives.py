"""How long codes and tokens of a cross-device flow are good for, RFC 10027 sections 6.1.2, 6.1.4 and 6.1.10."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.browser.markup import squeezed
from device_grant.judging import Inconclusive, Untestable, check
from device_grant.judging.statistics import sample_of
from device_grant.protocol.numbers import number
from device_grant.server.checks.cross_device.pressing import complete_address, press_through

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.server.session.device import Device

LONGEST_CODES = 1_800
"""Seconds that codes of large providers live at most."""
LONGEST_TOKEN = 3_600
LONGEST_TOKEN_OF_REGISTERED = 28_800
"""Seconds, where every client registers itself, as at AWS, whose tokens live for a working day."""
STARTS = 12
"""Each before and after the codes have ended; fewer than a check of entropy sends."""


@check("rfc10027-6.1.2-codes-are-short-lived", faults=("codes_live_two_hours",))
def test_codes_are_short_lived(device: Device, verify: Verify) -> None:
    """expires_in of a start. Reported: more than 30 minutes."""
    grant = device.start()
    grant.require_promise()
    device.case.exposed["code_life"] = grant.promised
    short = grant.promised <= LONGEST_CODES
    problem = "codes live for more than 30 minutes, in which many people can be sent them"
    measured = {"seconds": grant.promised}
    verify.that("rfc10027-6.1.2-codes-are-short-lived", short, problem, grant.exchange, measured=measured)


@check("rfc10027-6.1.2-link-dies-with-code", faults=("expired_link_approves",), timed=True)
def test_expired_link(device: Device, verify: Verify) -> None:
    """Wait past expires_in, open verification_uri_complete signed in, press what approves, poll. Accepted: no token.

    The control: the same presses, before the end, for another code.
    """
    grant = device.start()
    address = complete_address(grant)
    grant.require_expiry()
    control = device.start()
    press_through(device, complete_address(control))
    if not control.poll(label="control: poll after the link was followed in time").outcome.ok:
        raise Inconclusive("the link does not lead to an approval in time either, as far as forms tell")
    grant.expire()
    press_through(device, address)
    exchange = grant.poll(wait=False, label="poll after the link was followed too late")
    problem = "the link of a code that has expired still leads to an approval"
    verify.that("rfc10027-6.1.2-link-dies-with-code", not exchange.outcome.ok, problem, exchange)


@check(
    "rfc10027-6.1.4-codes-are-not-recycled",
    faults=("user_codes_recycled",),
    live="a recording holds pseudonyms, from which nothing tells how many codes there are",
    timed=True,
    alone=True,
)
def test_codes_are_not_recycled(device: Device, verify: Verify) -> None:
    """Two dozen starts, half of them after the codes of the others ended. Reported: a user code that comes twice."""
    before = [device.start() for _ in range(STARTS)]
    if device.case.run.target.clock.kind != "real":
        before[-1].expire()
    grants = [*before, *(device.start() for _ in range(STARTS))]
    codes = [squeezed(grant.user_code) for grant in grants]
    if not all(codes):
        raise Untestable("a device authorization response lacks user_code")
    # Of so few numbers that two dozen meet by chance, a repetition says nothing.
    pairs = len(codes) * (len(codes) - 1) / 2
    by_chance = pairs / 2 ** sample_of(list(dict.fromkeys(codes))).bits
    repeated = len(codes) - len(set(codes))
    fresh = not repeated or (None if repeated <= 1 and by_chance > 0.01 else False)
    problem = "a user code is given out again within a few starts"
    measured = {"starts": float(len(codes)), "repeated": float(repeated)}
    verify.that("rfc10027-6.1.4-codes-are-not-recycled", fresh, problem, grants[-1].exchange, measured=measured)


@check("rfc10027-6.1.10-access-token-lifetime", faults=("access_token_lives_a_day",), timed=True)
def test_access_token_lifetime(device: Device, verify: Verify) -> None:
    """expires_in of the token response of a device grant. Reported: more than an hour, at AWS more than eight."""
    exchange = device.start().redeemed()
    stated = number(exchange.get("expires_in"))
    usual = device.case.run.target.config.request.scope
    device.case.exposed["scopes"] = [one[:200] for one in str(exchange.get("scope") or usual).split()[:100]]
    if stated is None:
        raise Inconclusive("the token response does not say how long the token lives")
    device.case.exposed["access_life"] = float(stated)
    longest = LONGEST_TOKEN_OF_REGISTERED if device.case.run.dialect.clients_register else LONGEST_TOKEN
    problem = "access tokens of the device grant live long: what was obtained by fraud goes on working"
    measured = {"seconds": float(stated)}
    verify.that("rfc10027-6.1.10-access-token-lifetime", stated <= longest, problem, exchange, measured=measured)
