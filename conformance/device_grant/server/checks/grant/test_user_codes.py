"""User codes as people type them, RFC 8628 section 6.1, and how long they can be typed, section 3.2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.browser.markup import squeezed
from device_grant.browser.page import THROTTLED
from device_grant.judging import Inconclusive, NotApplicable, Untestable, check
from device_grant.server.pages.visitor import Visitor
from device_grant.targets.ports import GrantView

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Exchange
    from device_grant.server.session.device import Device, Grant

CONFUSABLES = {
    "0": "O",
    "O": "0",
    "1": "I",
    "I": "1",
    "L": "1",
    "5": "S",
    "S": "5",
    "8": "B",
    "B": "8",
    "2": "Z",
    "Z": "2",
}
"""Characters and what they are taken for."""
_STARTS = 24
"""Codes that show the whole alphabet: of 34 characters, 8 a code, one stays unseen in a run out of 300."""


def _typed(grant: Grant, text: str, hint: str = "") -> Exchange:
    """Approve with the code typed in this way, of which `hint` says what is odd, then poll."""
    with Visitor(grant.device.case) as browser:
        refused = browser.decide_on(grant, "approve", GrantView(text, grant.verification_uri, hint=hint))
        if refused and browser.last.status in THROTTLED:
            raise Inconclusive(f"the pages limit the rate of guesses: they answer {browser.last.status}")
        if refused and grant.time_left <= 0:
            raise Inconclusive("expires_in, counted from when the start was sent, had passed when the code was typed")
    return grant.poll(label="poll after the code was typed differently")


def _approvable(device: Device) -> str:
    """A code of the target, typed as it is shown, and approved; raises Untestable if not even that works."""
    grant = device.start()
    if not _typed(grant, grant.user_code).outcome.ok:
        raise Untestable("a code that is typed as it is shown cannot be approved")
    return grant.user_code


def _letters_of_one_case(code: str) -> bool:
    letters = squeezed(code)
    return letters.isalpha() and (code == code.upper() or code == code.lower())


@check("rfc8628-6.1-case-insensitive-entry", faults=("user_code_strict",), timed=True)
def test_code_in_the_other_case(device: Device, verify: Verify) -> None:
    """A code of letters, typed in the other case, approved. Accepted: a token. Codes with digits are not judged."""
    approved = _approvable(device)
    grant = device.start() if _letters_of_one_case(approved) else None
    # Two of them: a code of letters and digits may have no digit by chance.
    if grant is None or not _letters_of_one_case(grant.user_code):
        raise NotApplicable("the codes are not letters of one case")
    exchange = _typed(grant, grant.user_code.swapcase(), "letters in the case shown: pages should take either")
    problem = "a code that was typed in the other case is refused"
    verify.that("rfc8628-6.1-case-insensitive-entry", exchange.outcome.ok, problem, exchange)


@check(
    "rfc8628-6.1-strip-punctuation", faults=("user_code_strict", "user_code_confusable", "user_code_short"), timed=True
)
def test_code_with_other_punctuation(device: Device, verify: Verify) -> None:
    """A code without its punctuation, then with dashes elsewhere, each approved. Accepted: tokens."""
    _approvable(device)
    for name, between in (("without its punctuation", ""), ("with added dashes", "-")):
        grant = device.start()
        characters = [character for character in grant.user_code if character.isalnum()]
        pairs = ["".join(characters[place : place + 2]) for place in range(0, len(characters), 2)]
        exchange = _typed(grant, between.join(pairs), f"{name}: pages should read the letters alone")
        problem = f"a code that was typed {name} is refused"
        verify.that("rfc8628-6.1-strip-punctuation", exchange.outcome.ok, problem, exchange)


@check(
    "rfc8628-6.1-strip-out-of-alphabet",
    faults=("user_code_strict", "user_code_confusable", "user_code_short"),
    timed=True,
)
def test_code_with_stray_characters(device: Device, verify: Verify) -> None:
    """A code between spaces, with a no-break space before and a full stop after it. Accepted: tokens."""
    _approvable(device)
    for name, before, after in (
        ("between spaces", " ", " "),
        ("with a stray no-break space and full stop", "\xa0", "."),
    ):
        grant = device.start()
        exchange = _typed(grant, before + grant.user_code + after, f"{name}, as copying adds: pages should drop it")
        problem = f"a code that was typed {name} is refused"
        verify.that("rfc8628-6.1-strip-out-of-alphabet", exchange.outcome.ok, problem, exchange)


@check("rfc8628-6.1-substitute-confusable", faults=("confusables_refused", "user_code_strict"), timed=True)
def test_code_with_a_look_alike(device: Device, verify: Verify) -> None:
    """A code with one character replaced by a look-alike that no code has, approved. Reported: whether it is taken."""
    _approvable(device)
    grants = [device.start() for _ in range(_STARTS)]
    alphabet = {character for grant in grants for character in squeezed(grant.user_code)}
    # The first of the table that the alphabet has, and not of the codes: a server may know some look-alikes only, and
    # the verdict must not depend on which of them was drawn.
    usable = [(one, other) for one, other in CONFUSABLES.items() if one in alphabet and other not in alphabet]
    if not usable:
        raise NotApplicable("the alphabet has no character with a look-alike outside of it")
    character, other = usable[0]
    grant = next(one for one in grants if character in one.user_code.upper())
    exchange = _typed(
        grant,
        grant.user_code.upper().replace(character, other, 1),
        f"with {other} for {character}, as people misread it: pages may take it",
    )
    problem = "a look-alike of a character is not taken for it"
    verify.that("rfc8628-6.1-substitute-confusable", exchange.outcome.ok, problem, exchange)


@check("rfc8628-5.1-user-code-entropy", faults=("user_code_half_accepted",), timed=True)
def test_half_a_code(device: Device, verify: Verify) -> None:
    """The first half of a code, approved. Accepted: no token, for who has to guess only half of it has guessed it."""
    _approvable(device)
    grant = device.start()
    letters = squeezed(grant.user_code)
    exchange = _typed(grant, letters[: len(letters) // 2], "the second half is missing: pages should refuse it")
    problem = "the first half of a user code is taken for all of it"
    verify.that("rfc8628-5.1-user-code-entropy", not exchange.outcome.ok, problem, exchange)


@check(
    "rfc8628-3.5-no-early-expiry",
    "rfc8628-3.2-expires-in-covers-both-codes",
    faults=("user_code_expires_early", "expires_early"),
    timed=True,
)
def test_code_can_be_typed_until_the_end(device: Device, verify: Verify) -> None:
    """Wait for nine tenths of expires_in, let the user approve, poll. Accepted: a token."""
    _approvable(device)
    grant = device.start()
    grant.require_expiry()
    grant.grow_old(0.9)
    exchange = _typed(grant, grant.user_code)
    problem = "a user code could not be approved shortly before expires_in had passed"
    for requirement in ("rfc8628-3.5-no-early-expiry", "rfc8628-3.2-expires-in-covers-both-codes"):
        verify.that(requirement, exchange.outcome.ok, problem, exchange)
