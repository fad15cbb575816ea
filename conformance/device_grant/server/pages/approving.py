"""The button of a confirmation that approves, and approvals that a foreign site would send in its place."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlunsplit

from device_grant.browser.page import split
from device_grant.browser.words import DENY, GO_BACK, plain
from device_grant.judging import Inconclusive, Untestable, UserModuleBroke
from device_grant.server.pages.resending import (
    Place,
    deciding_link,
    deciding_request,
    form_of,
    hold,
    passwords,
    personal,
)
from device_grant.server.pages.visitor import Visitor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from device_grant.browser.markup import Button, Form, Input
    from device_grant.browser.page import Page
    from device_grant.server.session.device import Device, Grant

_MOST_BUTTONS = 4
_SECRET = 40.0
"""Bits from which on a value is a secret: a foreign page has one try for each visit, and nobody guesses so much."""
_ALPHABETS = ((re.compile(r"\d*"), 10), (re.compile(r"[\da-f]*"), 16), (re.compile(r"[\da-z]*"), 36))
"""Letters of a value, and how many such there are; 64 otherwise."""
UNBOUND = "the decision is not bound to the browser: whoever has the form that a signed-in person was given can send it"


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
    """An approval that another site sends through the browser of a victim, who is at the same confirmation."""

    grant: Grant
    victim: Visitor
    page: Page
    form: Form
    button: Button | None
    by_anybody: Callable[[], bool]
    """Sends the same from a browser without cookies, for a grant of its own; whether it approves.

    Then the form itself shows that somebody signed in, the attacker: nothing is done in the name of the victim.
    """


def approval_or_place(device: Device) -> Approval | Place:
    """The single form that approves; else the place of the request by which the user module does.

    Raises as `find_approval` does where there is neither. Where nothing is asked after the code, it is the form of the
    code that approves, and no page can be shown at which the user would decide.
    """
    try:
        return find_approval(device)
    except UserModuleBroke:
        raise
    except (Inconclusive, Untestable):
        place = deciding_request(device) or deciding_link(device)
        if place is None:
            raise
        return place


def approving_form(browser: Visitor, grant: Grant, approval: Approval | Place) -> tuple[Page, Form, Button | None]:
    """What approves in that browser: the page, its form with a whole address, and the button.

    Where no single form approves it is the last request of the user module, without the passwords in it. Raises
    Inconclusive where the page has no such form, and as the user module does.
    """
    if isinstance(approval, Place):
        form = form_of(hold(browser, grant, approval))
        unknown = passwords(browser.last) | personal(form.values)
        return browser.last, replace(form, inputs=tuple(one for one in form.inputs if one.name not in unknown)), None
    page = browser.confirmation(grant)
    shown = approval.form(page)
    if shown is None:
        raise Inconclusive("the confirmation looks different in every session")
    return page, replace(shown, action=str(page.url.join(shown.action) if shown.action else page.url)), approval.button


def forgeries(device: Device) -> Iterator[Forgery]:
    """Forged approvals of fresh grants, with the form that the attacker's own session was given.

    As it is; without all in which it differs from the victim's, fields and address, for that may bind it to a session;
    and, where they differ by more than one value, with the victim's short ones, which can be guessed, beside the
    attacker's long ones, which are secrets. Raises as `approval_or_place` does, and Inconclusive if the victim's
    confirmation has no such form.
    """
    approval = approval_or_place(device)

    def by_anybody() -> bool:
        grant = device.start(label="control: start")
        with Visitor(device.case) as attacker, Visitor(device.case) as nobody:
            nobody.forge(*approving_form(attacker, grant, approval))
        return grant.poll(label="control: poll after a browser without cookies sent the same").outcome.ok

    for forged in (_as_it_is, common, _mixed):
        grant = device.start()
        with Visitor(device.case) as attacker, Visitor(device.case) as victim:
            page, form, button = approving_form(attacker, grant, approval)
            _, own, _ = approving_form(victim, grant, approval)
            sent = forged(form, own)
            control = by_anybody if forged is _as_it_is else lambda: False
            yield Forgery(grant, victim, page, sent, button, control)
        if forged is common and not _can_be_mixed(form, own):
            return


def _as_it_is(form: Form, _: Form) -> Form:
    return form


def common(form: Form, other: Form) -> Form:
    """What two sessions were given alike, in fields and address: it holds the secret of neither."""
    theirs, query = other.values, _query(other)
    return _with(
        form,
        tuple(one for one in form.inputs if theirs.get(one.name) == one.value),
        {name: value for name, value in _query(form).items() if query.get(name) == value},
    )


def with_values(form: Form, own: Mapping[str, str]) -> Form:
    """The form with other values for fields and parameters of its address that have these names."""
    inputs = tuple(replace(one, value=own.get(one.name, one.value)) for one in form.inputs)
    return _with(form, inputs, {name: own.get(name, value) for name, value in _query(form).items()})


def _mixed(form: Form, other: Form) -> Form:
    """The form with the other's short values in place of its own, and its own long ones."""
    short = {name: theirs for name, mine, theirs in differing(form, other) if _guessable(mine)}
    return with_values(form, short)


def _can_be_mixed(form: Form, other: Form) -> bool:
    """Whether two sessions differ in short values and in long ones."""
    return len({_guessable(mine) for _, mine, _ in differing(form, other)}) > 1


def _guessable(value: str) -> bool:
    letters = next((number for form, number in _ALPHABETS if form.fullmatch(value)), 64)
    return len(value) * math.log2(letters) < _SECRET


def differing(form: Form, other: Form) -> list[tuple[str, str, str]]:
    """Names of fields and parameters that two sessions were given with other values: the one's and the other's."""
    theirs = _query(other) | other.values
    return [
        (name, value, theirs[name])
        for name, value in (_query(form) | form.values).items()
        if theirs.get(name, value) != value
    ]


def _query(form: Form) -> dict[str, str]:
    return dict(parse_qsl(split(form.action).query, keep_blank_values=True))


def _with(form: Form, inputs: tuple[Input, ...], query: dict[str, str]) -> Form:
    """The form with other fields, and another query where that is not what it has."""
    action = form.action
    if query != _query(form):
        action = urlunsplit(split(action)._replace(query=urlencode(query)))
    return replace(form, inputs=inputs, action=action)


def likeliest(form: Form) -> Button | None:
    """The button by which people approve, as far as its words tell; None where the form has none."""
    return min(form.buttons, key=_refuses, default=None)


def _refuses(button: Button | None) -> bool:
    text = plain(f"{button.name} {button.value} {button.label}") if button else ""
    return bool(DENY.search(text) or GO_BACK.search(text))
