"""Wrong user codes, and what pages answer to them (RFC 8628 section 5.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_grant.browser.page import THROTTLED, Page
from device_grant.judging import Untestable

if TYPE_CHECKING:
    from device_grant.server.pages.visitor import Visitor
    from device_grant.server.session.case import ServerCase

CALM = 61.0
"""Seconds in which servers commonly forget wrong codes."""
_LONG_CALM = 901.0
"""The same where waiting costs nothing: some shut people out for minutes."""
_FEWEST = 4
"""Different characters of a code from which on they serve as an alphabet."""


@dataclass(frozen=True)
class PageAnswer:
    """What came to a code; the text without digits and the code: waiting times count down, but mean the same."""

    status: int
    text: str
    seconds: float

    def differs(self, other: PageAnswer) -> bool:
        """Whether the two say something else."""
        return (self.status, self.text) != (other.status, other.text)


def calm_down(case: ServerCase, why: str) -> None:
    """Wait until a server may have forgotten the wrong codes of checks that came before."""
    case.note(f"{why}: it may remember wrong codes")
    case.wait(CALM if case.run.target.clock.kind == "real" else _LONG_CALM)


def first_answer(browser: Visitor, user_code: str, verification_uri: str) -> PageAnswer:
    """What comes to the first wrong code, on a page that takes codes.

    Where the page is on its guard already it is given time to calm down. Raises Untestable where what comes is no page
    for codes, so that all answers are alike.
    """
    answer = answer_to(browser, wrong(user_code, 1), verification_uri)
    if not _takes_codes(browser.last) and not _known_by_a_right_one(browser, user_code, verification_uri, answer):
        calm_down(browser.case, "the page does not take a code")
        answer = answer_to(browser, wrong(user_code, 1), verification_uri)
        if not _takes_codes(browser.last):
            what = str(browser.last.status) if browser.last.absent else "without a form"
            raise Untestable(f"a wrong code was answered {what}: enter() of the user module does not reach the page")
    return answer


def _known_by_a_right_one(browser: Visitor, user_code: str, verification_uri: str, refusal: PageAnswer) -> bool:
    """Whether a right code is answered otherwise than a wrong one: then what has no form is the answer to a code.

    Data without a page, and pages of errors, say "not found" of a code as of an address.
    """
    return answer_to(browser, user_code, verification_uri).differs(refusal)


def _takes_codes(page: Page) -> bool:
    return not page.absent and (page.status in THROTTLED or bool(page.markup.forms))


def answer_to(browser: Visitor, code: str, verification_uri: str) -> PageAnswer:
    """What comes to a code; raises Untestable where the user module cannot type one at all."""
    try:
        page = browser.enter(code, verification_uri)
    except Untestable as refused:
        if not browser.seen:
            raise
        return PageAnswer(browser.seen[-1].status_code, str(refused), 0.0)
    text = re.sub(r"[0-9]+", "", page.words.replace(code, "").lower())
    return PageAnswer(
        page.status, text, max((response.elapsed.total_seconds() for response in browser.seen[-3:]), default=0.0)
    )


def wrong(code: str, turn: int) -> str:
    """A code in the form and alphabet of a right one; never that one, since no two neighbours move as far."""
    own = sorted({character for character in code if character.isalnum()})
    alphabet = own if len(own) >= _FEWEST else sorted({*own, *("0123456789" if code.isdigit() else "BCDFGHJK")})
    return "".join(
        alphabet[(alphabet.index(character) + turn + place) % len(alphabet)] if character in alphabet else character
        for place, character in enumerate(code)
    )
