"""Whether a code that somebody has decided on asks the next person for a decision, RFC 10027 section 6.1.3."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from device_grant.judging import Inconclusive, Untestable, UserModuleBroke

if TYPE_CHECKING:
    from device_grant.browser.page import Page
    from device_grant.server.pages.visitor import Visitor
    from device_grant.server.session.device import Device, Grant
    from device_grant.targets.ports import User


def another(device: Device) -> User | None:
    """The second person, if they can be shown a confirmation; None: the same one, in a browser of their own."""
    second = device.case.run.target.second
    shown = None if second is None or second.pages is None else getattr(second.pages, "confirmation", None)
    return second if shown is not None else None


def question_of(browser: Visitor, grant: Grant) -> frozenset[object]:
    """The forms by which this browser is asked for a decision, and no page without a code has."""
    shown = _forms(browser.confirmation(grant))
    general = _forms(browser.open(grant.verification_uri))
    if not shown - general:
        raise Inconclusive("the question has no form of its own by which it is known")
    return shown - general


def asks(browser: Visitor, grant: Grant, question: frozenset[object]) -> bool:
    """Whether the code or the link lead to that question."""
    try:
        pages = [browser.confirmation(grant)]
    except UserModuleBroke:
        raise
    except Untestable:
        pages = []  # the user module was told that there is no such code
    if grant.verification_uri_complete:
        pages.append(browser.open(grant.verification_uri_complete))
    return any(_forms(page) & question for page in pages if page.status < HTTPStatus.BAD_REQUEST)


def _forms(page: Page) -> frozenset[object]:
    """What tells the forms of a page that are to be pressed: names of fields, and buttons."""
    return frozenset(
        (form.method, frozenset(one.name for one in form.inputs), form.buttons)
        for form in page.markup.forms
        if not form.asks_password and not any(one.typed and not one.value for one in form.inputs)
    )
