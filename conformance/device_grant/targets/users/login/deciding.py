"""Which button allows, refuses or goes on: by its words, over all forms of a page, and never a refusal by position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from device_grant.browser.words import SIGN_IN, SURE
from device_grant.targets.ports import UserError
from device_grant.targets.users.login.controls import choice as radio
from device_grant.targets.users.login.outline import outline

if TYPE_CHECKING:
    from collections.abc import Iterable

    from device_grant.targets.users.login.controls import ShownButton, ShownForm
    from device_grant.targets.users.login.reading import Shown

ALLOWS, REFUSES = 1, -1
"""Ways to decide."""
_Pair: TypeAlias = "tuple[ShownForm | None, ShownButton]"


@dataclass(frozen=True)
class Choice:
    """What to press."""

    form: ShownForm | None
    """None: a link."""
    button: ShownButton | None
    """None: Enter, or script submits the form."""
    asks: bool
    """Whether this is the decision, and not only a step on the way."""

    @property
    def outline(self) -> str:
        """For messages."""
        return self.button.outline if self.button is not None else "a form without a button"


def main_button(form: ShownForm) -> ShownButton | None:
    """The button that goes on: by its words, else the first one that does not go back, as Enter does."""
    named = [button for button in form.buttons if button.role == "submit"]
    usable = [button for button in form.buttons if _works(form, button) and button.leaning >= 0 and not button.away]
    said = [button for button in usable if SIGN_IN.search(button.text) or button.leaning > 0]
    # Outside of forms no button is the first one that Enter would press.
    return next(iter(named or said or ([] if form.loose else usable)), None)


def takes_decision(form: ShownForm) -> bool:
    """Whether a form that takes something typed is also the one that decides: one of its buttons refuses."""
    firm = any(button.firm for button in form.buttons)
    return _by_radio([form]) is not None or (firm and any(button.leaning < 0 for button in form.buttons))


def decision_in(page: Shown, form: ShownForm, way: int) -> Choice:
    """What to press in a form that decides; raises UserError where it has no way to refuse."""
    by_radio = _by_radio([form])
    if by_radio is not None:
        return by_radio
    usable = [button for button in form.buttons if _works(form, button)]
    best = max(usable, key=lambda button: button.leaning * way, default=None)
    if way == ALLOWS:
        return Choice(form, best if best is not None and best.leaning > 0 else main_button(form), asks=True)
    if best is None or best.leaning >= 0:
        raise no_refusal(page)
    return Choice(form, best, asks=True)


def decision(page: Shown, forms: list[ShownForm], way: int, *, decided: bool, done: bool = False) -> Choice | None:
    """What to press on a page with nothing to type; None if there is nothing.

    `decided` says that the decision was pressed before, `done` that the page says that all is well. Raises UserError
    where the page asks and has no way to refuse.
    """
    ready = [form for form in forms if not form.empty or any(button.firm for button in form.buttons)]
    pairs: list[_Pair] = [(f, b) for f in ready for b in f.buttons if _works(f, b) and not b.away]
    links: list[_Pair] = [(None, link) for link in page.links if link.leaning and not link.away]
    if decided:
        result = _afterwards(page, pairs, links, way, done=done)
    else:
        result = _by_radio(ready) or (_allowed(pairs, links) if way == ALLOWS else _refused(page, pairs, links))
    if result is None and page.submits_itself and not page.live:
        silent = next((form for form in forms if form.silent), None)
        result = Choice(silent, None, asks=False) if silent is not None else None
    return result


def no_refusal(page: Shown) -> UserError:
    """Where a page has a button to allow and none to refuse."""
    return UserError(f"no button to refuse was found; name deny in [user.pages] if there is one. {outline(page)}")


def _allowed(pairs: list[_Pair], links: list[_Pair]) -> Choice | None:
    best = _most(pairs, ALLOWS)
    if best is None and _are_opposites(links):
        pairs, best = links, _most(links, ALLOWS)
    if best is None:
        # A page on the way, or words of no language known here: by position, and never one that refuses.
        best = _by_position(pairs)
    return Choice(*best, _ask(pairs + [link for link in links if link[1].role])) if best is not None else None


def _refused(page: Shown, pairs: list[_Pair], links: list[_Pair]) -> Choice | None:
    if _ask(pairs) and (best := _most(pairs, REFUSES)) is not None:
        return Choice(*best, asks=True)
    named = [link for link in links if link[1].role == "deny"]
    asked = any(button.firm and button.leaning > 0 for _, button in pairs)
    if (asked or named or _are_opposites(links)) and (best := _most(named or links, REFUSES)) is not None:
        return Choice(*best, asks=True)
    if asked:
        raise no_refusal(page)
    best = _most(pairs, ALLOWS) or _by_position(pairs)
    return Choice(*best, asks=False) if best is not None else None


def _afterwards(page: Shown, pairs: list[_Pair], links: list[_Pair], way: int, *, done: bool) -> Choice | None:
    """A further step: a consent after a confirmation, or whether the person is sure."""
    usable = pairs or (links if _are_opposites(links) else [])
    firm = [pair for pair in usable if pair[1].firm]
    best = _most(firm, way)
    if best is None and not done and (way == ALLOWS or SURE.search(page.text.lower())):
        best = _most(usable, ALLOWS) if way == ALLOWS or not firm else None
    return Choice(*best, asks=False) if best is not None else None


def _most(pairs: Iterable[_Pair], way: int) -> _Pair | None:
    best = max(pairs, key=lambda pair: pair[1].leaning * way, default=None)
    return best if best is not None and best[1].leaning * way > 0 else None


def _by_position(pairs: list[_Pair]) -> _Pair | None:
    return next((pair for pair in pairs if pair[1].leaning == 0 and pair[0] is not None and not pair[0].loose), None)


def _ask(pairs: list[_Pair]) -> bool:
    """Whether buttons are a decision: one of them says so, or they are several and one goes back."""
    return any(b.firm for _, b in pairs) or (len(pairs) > 1 and any(b.leaning < 0 for _, b in pairs))


def _are_opposites(links: list[_Pair]) -> bool:
    """Whether links are a decision: a menu may have one that sounds like it, but no pair."""
    firm = any(link.firm for _, link in links)
    return firm and {link.leaning > 0 for _, link in links} == {True, False}


def _works(form: ShownForm, button: ShownButton) -> bool:
    return button.submits or form.loose or "submit" in button.script or bool(button.role)


def _by_radio(forms: list[ShownForm]) -> Choice | None:
    """A form whose radio buttons say the decision, with the button that sends it."""
    for form in forms:
        if any(radio(group, ALLOWS) is not None and radio(group, REFUSES) is not None for group in form.choices()):
            return Choice(form, main_button(form), asks=True)
    return None
