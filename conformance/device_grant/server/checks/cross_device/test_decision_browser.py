"""The question as a browser lays it out: the two ways to answer, and what a hasty key does, RFC 10027 section 6.1.14.

Without Playwright and Chromium these checks are untestable and say what to install.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from device_grant.browser.prominence import DESKTOP, LARGEST_PICTURE, PHONE, PICTURE
from device_grant.browser.words import ALLOW, AWAY, DENY, GO_BACK, GO_ON, plain
from device_grant.judging import Inconclusive, Untestable, check
from device_grant.server.checks.cross_device.reading import CLAIM, WARNS, read_sentences, warns
from device_grant.server.pages.visitor import Visitor
from device_grant.server.pages.wording import DEVICE, unread
from device_grant.server.session.device import ENDED

if TYPE_CHECKING:
    import re

    from device_grant.browser.page import Page
    from device_grant.browser.prominence import ControlLook
    from device_grant.judging import Verify
    from device_grant.protocol import Exchange
    from device_grant.server.pages.window import Window
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device, Grant

_LIVE = "what a real browser does with the pages no recording shows"
PROMINENT, ENTER = "rfc10027-6.1.14-decline-is-prominent", "rfc10027-6.1.14-enter-does-not-grant"
_AREA, _FONT, _CONTRAST = 0.5, 0.75, 3.0
"""How much of the other control's area and font, and how much contrast, refusing has at least."""
_MISSED = 2
"""Of the four measures, those that are missed where refusing is less prominent; one alone is taste."""


@check(PROMINENT, faults=("decline_is_fine_print",), live=_LIVE)
def test_refusing_is_as_prominent(device: Device, verify: Verify) -> None:
    """Both ways to answer in a window of a phone and of a desk. Accepted: refusing has the focus, or is about as large.

    Area at least half, font at least three quarters, contrast at least 3:1, on the same screen: one may be missed.
    """
    with window_of(device.case) as window:
        grant = device.start()
        question(window, device, grant)
        worst: tuple[int, dict[str, float]] = (-1, {})
        for size in (PHONE, DESKTOP):
            controls = window.controls(size)
            if _hides_refusing(controls):
                verify.that(PROMINENT, False, "the control that refuses is there, and nobody sees it")  # noqa: FBT003 - the judgement itself
                return
            yes, no = _pair(controls)
            missed = 0 if no.focused else sum(_missed(yes, no))
            worst = max(worst, (missed, _measured(yes, no)), key=lambda one: one[0])
        device.case.exposed["decline"] = worst[1]
        _keep_picture(window, grant, [yes.label, no.label])
    problem = "refusing is a good deal less prominent than allowing: smaller, paler, or off the screen"
    verify.that(PROMINENT, worst[0] < _MISSED, problem, measured=worst[1], got=_in_words(worst[1]))


@check(ENTER, faults=("approve_has_focus",), live=_LIVE, timed=True)
def test_hasty_keys(device: Device, verify: Verify) -> None:
    """The question, freshly loaded; Enter, then Space, without a look; poll. Reported: a token."""
    with window_of(device.case) as window:
        question(window, device, device.start())
        grant = device.start()
        question(window, device, grant)
        window.press("Enter", "Space")
    exchange = grant.poll(label="poll after Enter and Space were pressed")
    require_a_code_that_lived(exchange)
    problem = "whoever presses Enter at the question, without a look, has allowed"
    verify.that(ENTER, not exchange.outcome.ok, problem, exchange)


@check(WARNS, faults=("no_unrequested_warning",), live=_LIVE)
def test_warning_in_a_browser(device: Device, verify: Verify) -> None:
    """What can be read in a browser of the pages up to the question. Accepted: to refuse what one did not start."""
    if device.case.run.claims(CLAIM):
        raise Inconclusive(f"target.toml claims {CLAIM}, which its owner has read: words are not judged here")
    with window_of(device.case) as window:
        grant = device.start()
        pages = [window.open(grant.verification_uri)]
        read = [window.text()]
        pages.append(question(window, device, grant))
        read.append(window.text())
    said = [warns(read_sentences(text)) for text in read]
    if True not in said:
        reason = next(filter(None, (unread(page.markup, "a page", DEVICE) for page in pages)), "")
        if reason or None in said:
            raise Inconclusive(reason or f"words of caution are on the pages: read them, and claim {CLAIM}")
        require_a_page(pages[0])
        require_a_code_that_lived(grant.poll(label="control: poll of the code that was shown"))
    verify.that(WARNS, True in said, "no page before the decision says to refuse what one did not start")


def require_a_page(page: Page) -> None:
    """Raise Inconclusive where a refusal came instead, as where pages limit the rate of requests."""
    if not page.shown:
        raise Inconclusive(f"the window did not come to the question: {page.place} answered {page.status}")


def require_a_code_that_lived(poll: Exchange) -> None:
    """Raise Inconclusive where the code of the question is over: the page may have said that, and asked nothing."""
    if poll.code in ENDED:
        raise Inconclusive(f"the window may not have come to the question: the code was over ({poll.describe()})")


def window_of(case: ServerCase) -> Window:
    """A window of a real browser; what drives one is imported only where it is opened."""
    from device_grant.server.pages.window import Window

    return Window(case)


def question(window: Window, device: Device, grant: Grant) -> Page:
    """The page of the decision, signed in; raises Inconclusive where the window does not come to one."""
    with Visitor(device.case) as person:
        if not person.sign_in(device):
            raise Untestable("no browser could be signed in: write sign_in(http) in the user module")
        window.take_cookies(person)
    if grant.verification_uri_complete:
        page = window.open(grant.verification_uri_complete)
    else:
        page = window.open(grant.verification_uri)
        page = window.enter(grant.user_code) or page
    require_a_page(page)
    if page.markup.asks_password:
        raise Inconclusive(f"the session of the user does not reach the browser: it is at {page.place}")
    return page


def _keep_picture(window: Window, grant: Grant, labels: list[str]) -> None:
    """Keep what a phone shows of the question, without its code and whoever is signed in.

    Where nobody here knows who that is, no words stay but those of the two ways to answer.
    """
    case = grant.device.case
    if case.run.target.sampler is not None:
        return
    login = case.run.target.config.user.login.partition(":")[0]
    words = [grant.user_code, *(one for one in (login, login.partition("@")[0]) if one)]
    picture = window.picture(words, PICTURE, None if login else labels)
    if len(picture) <= LARGEST_PICTURE:
        case.exposed["picture"] = f"data:image/jpeg;base64,{b64encode(picture).decode()}"


def _pair(controls: list[ControlLook]) -> tuple[ControlLook, ControlLook]:
    """What allows and what refuses, by their words; raises Inconclusive where they do not tell."""
    shown = [one for one in controls if one.shown and not AWAY.search(_words(one))]
    no = _first(shown, DENY) or _first(shown, GO_BACK)
    yes = _first([one for one in shown if one is not no], ALLOW) or _first(
        [one for one in shown if one is not no], GO_ON
    )
    if yes is None or no is None:
        labels = ", ".join(repr(one.label.strip()[:40]) for one in shown[:6])
        raise Inconclusive(f"which controls allow and refuse their words do not tell: {labels or 'there are none'}")
    return yes, no


def _hides_refusing(controls: list[ControlLook]) -> bool:
    """Whether all that a person sees allows, and what refuses is not shown."""
    shown = [one for one in controls if one.shown and not AWAY.search(_words(one))]
    hidden = [one for one in controls if not one.shown]
    allows = [one for one in shown if ALLOW.search(_words(one)) and not DENY.search(_words(one))]
    return bool(allows) and len(allows) == len(shown) and _first(hidden, DENY) is not None


def _first(controls: list[ControlLook], words: re.Pattern[str]) -> ControlLook | None:
    return next((one for one in controls if words.search(_words(one))), None)


def _words(control: ControlLook) -> str:
    return plain(control.label) or plain(f"{control.name} {control.value}")


def _missed(yes: ControlLook, no: ControlLook) -> list[bool]:
    pale = no.contrast is not None and no.contrast < min(_CONTRAST, yes.contrast or _CONTRAST)
    return [no.area < _AREA * yes.area, no.font < _FONT * yes.font, pale, yes.near and not no.near]


def _measured(yes: ControlLook, no: ControlLook) -> dict[str, float]:
    return {
        "area": round(no.area / max(yes.area, 1.0), 2),
        "font": round(no.font / max(yes.font, 1.0), 2),
        "contrast": round(no.contrast or 0.0, 1),
        "seen": float(no.near),
        "turn": float(no.turn),
    }


def _in_words(measured: dict[str, float]) -> str:
    return (
        f"{measured['area']:g} of the area, {measured['font']:g} of the font, contrast {measured['contrast']:g}:1, "
        f"{'on' if measured['seen'] else 'off'} the screen"
    )
