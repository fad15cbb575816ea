"""The button of a confirmation that approves, and approvals that a foreign site would send in its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_grant.judging import Inconclusive
from device_grant.server.pages.resending import deciding_request, form_of, hold, passwords
from device_grant.server.pages.visitor import Visitor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from device_grant.browser.markup import Button, Form
    from device_grant.browser.page import Page
    from device_grant.server.session.device import Device, Grant

_MOST_BUTTONS = 4
_REFUSING = ("deny", "denied", "cancel", "abort", "reject", "refuse", "decline", "no")


@dataclass(frozen=True)
class Approval:
    """The button of the confirmation that approves; only pressing it shows which one it is."""

    place: int
    """Which form of the page."""
    button: Button | None

    def form(self, page: Page) -> Form | None:
        """That form on another confirmation; None if there is none."""
        forms = page.markup.forms
        if self.place >= len(forms):
            return None
        form = forms[self.place]
        return form if self.button is None or self.button in form.buttons else None

    def on(self, page: Page) -> Form | None:
        """Any form of a page that has the button."""
        return next(
            (form for form in page.markup.forms if self.button is not None and self.button in form.buttons), None
        )


def find_approval(device: Device) -> Approval:
    """Press one button after the other, each for a grant of its own, until a token comes.

    Raises Untestable if the user module cannot show the confirmation, Inconclusive if no single form approves.
    """
    case = device.case
    with Visitor(case) as browser:
        first = browser.confirmation(device.start())
    choices = [
        Approval(place, button)
        for place, form in enumerate(first.markup.forms)
        if form.method == "post" and not form.asks_password
        for button in form.buttons or (None,)
    ]
    choices.sort(key=lambda choice: _refuses(choice.button))
    for choice in choices[:_MOST_BUTTONS]:
        grant = device.start()
        with Visitor(case) as browser:
            page = browser.confirmation(grant)
            form = choice.form(page)
            if form is not None:
                browser.submit(page, form, choice.button)
        if grant.poll(label="poll after a button was pressed").outcome.ok:
            return choice
    raise Inconclusive("no single form of the confirmation approves: it cannot be sent again")


@dataclass(frozen=True)
class Forgery:
    """The approving form as the attacker's own session was given it, for a victim at the same confirmation."""

    grant: Grant
    victim: Visitor
    page: Page
    form: Form
    button: Button | None
    without: frozenset[str]
    """Fields that are left out of it."""


def approval_or_place(device: Device) -> Approval | int:
    """The single form that approves; else the place of the request by which the user module does, as counted there.

    Raises as `find_approval` does where there is neither.
    """
    try:
        return find_approval(device)
    except Inconclusive:
        place = deciding_request(device)
        if place is None:
            raise
        return place


def forgeries(device: Device) -> Iterator[Forgery]:
    """Two forged approvals of fresh grants: with what binds the form to the attacker's session, and without it.

    Where no single form approves, the last request of the user module stands for it. Raises as `find_approval` does,
    and Inconclusive if the victim's confirmation has no such form.
    """
    approval = approval_or_place(device)
    if isinstance(approval, int):
        yield from _forgeries_of_a_request(device, approval)
        return
    for token_kept in (True, False):
        grant = device.start()
        with Visitor(device.case) as attacker, Visitor(device.case) as victim:
            theirs, own = attacker.confirmation(grant), victim.confirmation(grant)
            form, mine = approval.form(theirs), approval.form(own)
            if form is None or mine is None:
                raise Inconclusive("the confirmation looks different in every session")
            bound = frozenset(name for name, value in form.values.items() if mine.values.get(name) != value)
            without = frozenset[str]() if token_kept else bound
            yield Forgery(grant, victim, theirs, form, approval.button, without)


def _forgeries_of_a_request(device: Device, place: int) -> Iterator[Forgery]:
    for token_kept in (True, False):
        grant = device.start()
        with Visitor(device.case) as attacker, Visitor(device.case) as victim:
            form, mine = (form_of(hold(one, grant, place)) for one in (attacker, victim))
            unknown = passwords(attacker.last)
            bound = frozenset(name for name, value in form.values.items() if mine.values.get(name) != value)
            yield Forgery(grant, victim, attacker.last, form, None, unknown if token_kept else unknown | bound)


def _refuses(button: Button | None) -> bool:
    words = f"{button.name} {button.value} {button.label}".lower().split() if button else []
    return any(word in _REFUSING for word in words)
