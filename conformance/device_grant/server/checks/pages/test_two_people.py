"""Two people at the pages: each token is for the person who approved its code (RFC 8628 3.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import Inconclusive, Untestable, check
from device_grant.protocol.exchange import REFUSED
from device_grant.server.pages.resending import HELD, hold, place_of, resend
from device_grant.server.pages.visitor import Visitor
from device_grant.server.session.subject import same_subject, subjects_of
from device_grant.targets.ports import UserError

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.server.session.device import Device, Grant
    from device_grant.targets.ports import User


@check("rfc8628-3.3-token-for-its-user", faults=("token_of_the_last_user",), timed=True)
def test_tokens_of_two_people(device: Device, verify: Verify) -> None:
    """One person approves a code, another one a second code, then both are redeemed. Accepted: each has their token.

    The control: the first person's next token says the same of whose it is as their first, when nobody came between.
    """
    second, mine, theirs, again = _second(device), device.start(), device.start(), device.start()
    device.user.approve(again)
    known = _subjects(again)
    device.user.approve(mine)
    _approve_as(second, theirs)
    one, other = _subjects(mine), _subjects(theirs)
    if same_subject(other, known):
        raise Inconclusive("what is said of two people's tokens is the same: nothing shows whose they are")
    problem = "a token is for another person than the one who approved its code"
    verify.that("rfc8628-3.3-token-for-its-user", same_subject(one, known), problem, mine.exchange)


@check("rfc8628-3.3-token-for-its-user", faults=("refresh_for_the_last_user",), needs=("refresh_token",), timed=True)
def test_refresh_after_another_person(device: Device, verify: Verify) -> None:
    """Another person approves a code of their own before the first one's token is refreshed. Accepted: it is theirs."""
    second, theirs = _second(device), device.start()
    tokens = device.refreshable_tokens()
    known = subjects_of(device, tokens)
    _approve_as(second, theirs)
    if same_subject(_subjects(theirs), known):
        raise Inconclusive("what is said of two people's tokens is the same: nothing shows whose they are")
    renewed = device.refresh(tokens.get("refresh_token"))
    if not renewed.outcome.ok:
        raise Untestable(f"the refresh was answered {renewed.describe()}")
    problem = "a refreshed token is for another person than the one who approved the code"
    verify.that("rfc8628-3.3-token-for-its-user", same_subject(subjects_of(device, renewed), known), problem, renewed)


@check("rfc8628-3.3-token-for-its-user", faults=("open_page_decides_again",), timed=True, live=HELD)
def test_second_decider(device: Device, verify: Verify) -> None:
    """Two people at the question of one code, who approve it one after the other. Accepted: the first one's token."""
    second, mine, shared = _second(device), device.start(), device.start()
    device.user.approve(mine)
    known = _subjects(mine)
    place = place_of(device, person=second)
    with Visitor(device.case, person=second) as late:
        request = hold(late, shared, place)
        device.user.approve(shared)
        resend(late, request, frozenset(), by_the_person=True)
    problem = "a person who approves a code that another one has approved gets the device's token"
    verify.that("rfc8628-3.3-token-for-its-user", same_subject(_subjects(shared), known), problem, shared.exchange)


# Last: a lock that is not taken back leaves the account useless.
@check("rfc8628-3.3-locked-user-gets-no-token", faults=("locked_person_redeems",), timed=True, order="last")
def test_locked_person(device: Device, verify: Verify) -> None:
    """The second person approves, their account is locked, the code is redeemed. Accepted: a refusal of any kind."""
    person, lock = _second(device), device.case.run.target.lock_second
    if lock is None:
        raise Untestable("nobody says how an account is locked: [user.second] lock and unlock in target.toml")
    grant = device.start()
    _approve_as(person, grant)
    device.case.note("the second account is locked")
    try:
        try:
            lock("lock")
            exchange = grant.poll(label="poll while the account is locked")
        finally:
            lock("unlock")
    except UserError as refused:
        raise Untestable(f"the account could not be locked and unlocked: {refused}") from None
    verify("rfc8628-3.3-locked-user-gets-no-token", exchange, accepted=["access_denied", "invalid_grant", REFUSED])


def _second(device: Device) -> User:
    second = device.case.run.target.second
    if second is None:
        raise Untestable("there is one person only: name another account as [user.second] in target.toml")
    if device.case.decider is None:
        raise Untestable("nobody decides for the first account")
    return second


def _approve_as(person: User, grant: Grant) -> None:
    with Visitor(grant.device.case, person=person) as browser:
        refused = browser.decide_on(grant, "approve")
    if refused:
        raise Untestable(f"the second person could not approve: {refused}")


def _subjects(grant: Grant) -> dict[str, str]:
    exchange = grant.poll(label="redeem")
    if not exchange.outcome.ok:
        raise Untestable(f"the approved code was answered {exchange.describe()}")
    return subjects_of(grant.device, exchange)
