"""The way of a person through the pages: signs in, types the code, decides, and knows where to stop."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from device_grant.browser.words import BUSY, DONE, UNDONE, WRONG
from device_grant.targets.ports import NotAsked, UserError
from device_grant.targets.users.login.deciding import (
    ALLOWS,
    REFUSES,
    decision,
    decision_in,
    main_button,
    takes_decision,
)
from device_grant.targets.users.login.filling import Press, code_in, credentials
from device_grant.targets.users.login.outline import outline, place, said

if TYPE_CHECKING:
    import httpx

    from device_grant.targets.ports import GrantView
    from device_grant.targets.users.login.account import Account
    from device_grant.targets.users.login.controls import ShownForm
    from device_grant.targets.users.login.reading import Shown

_MOST_PAGES = 16
_MOST_SIGN_INS = 3
_THROTTLED = (429, 503)


class Goal(Enum):
    """How far a person goes."""

    APPROVE = "approve"
    DENY = "refuse"
    SIGNED_IN = "sign in"
    ENTERED = "type the code"
    QUESTION = "reach the decision"


class Way(Protocol):
    """How a person gets from page to page."""

    def open(self, url: httpx.URL | str, before: Shown | None = None) -> Shown:
        """Go to a page."""

    def press(self, page: Shown, step: Press) -> Shown:
        """Fill in and press."""


class NeedsScript(UserError):  # noqa: N818 - says what is the case
    """The page has nothing to use until its script has run."""


@dataclass
class Walk:
    """One way through the pages."""

    way: Way
    account: Account
    grant: GrantView
    goal: Goal
    signed_in: int = 0
    """How often name and password were sent."""
    just_signed_in: bool = False
    """Whether nothing else was done since, so that a success which a page tells of may be that of signing in."""
    typed: int = 0
    """How often the code was."""
    decided: bool = False
    retype: bool = False
    """Whether signing in may have lost the code that was typed before."""
    before: Shown | None = None
    """The page on which something was done last."""
    _seen: set[str] = field(default_factory=set)

    def go(self) -> Shown:
        """To the goal; returns the page there. Raises UserError, which says what could not be found."""
        complete = self.grant.verification_uri_complete
        page = self.way.open(self.grant.verification_uri)
        for _ in range(_MOST_PAGES):
            step = self._next(page)
            if step is None and complete and self._lost(page):
                # Nothing at verification_uri takes a code: the address that has it in itself is left.
                page, complete = self.way.open(complete), None
                continue
            if step is None:
                return self._arrived(page)
            if isinstance(step, Press):
                self.before = page
                page = self.way.press(page, step)
            else:
                page = self.way.open(step, page)
        raise UserError(f"more than {_MOST_PAGES} pages and no end; the last: {outline(page)}")

    def _lost(self, page: Shown) -> bool:
        if self.decided or self.typed or page.needs_script or self.goal in (Goal.ENTERED, Goal.SIGNED_IN):
            return False
        return not DONE.search(page.statements(None))

    def _next(self, page: Shown) -> Press | httpx.URL | None:
        """What to do on a page, in the order in which kinds of pages are told apart; None: this is the end."""
        if page.refresh is not None and self._new(f"refresh {page.refresh}"):
            return page.refresh
        forms = [form for form in page.forms if not form.away]
        sign_in = next((form for form in forms if form.secret is not None), None)
        if sign_in is not None:
            return self._at_sign_in(page, sign_in)
        if self.goal is Goal.SIGNED_IN and self.signed_in:
            return None
        code = next((form for form in forms if form.code), None)
        if code is None and not self.typed and self.grant.user_code:
            code = next((form for form in forms if form.lone is not None), None)
        if code is not None and not self.decided:
            return self._at_code(page, code)
        account = next((form for form in forms if form.account), None)
        if account is not None and not self.decided:
            if not self._new(f"name {page.url.path}"):
                raise UserError(f"the name {self.account.name} was not accepted: {said(page, self.before)}")
            return Press(account, main_button(account), credentials(account, self.account))
        return self._at_question(page, [form for form in forms if not form.code])

    def _at_sign_in(self, page: Shown, form: ShownForm) -> Press | None:
        everything = form.code
        if everything and self.goal is Goal.ENTERED and self.typed:
            return None
        again = not self._new(f"password {urlsplit(form.action).path} {self.decided}")
        if again and self.typed and self.goal is Goal.ENTERED:
            return None  # some pages answer a wrong code so
        if again or self.signed_in == _MOST_SIGN_INS:
            what = "the code, the name or the password" if everything else f"signing in as {self.account.name}"
            raise UserError(f"{what} was not accepted at {place(page)}: {said(page, self.before)}")
        values = credentials(form, self.account)
        question = not self.decided and (everything or takes_decision(form))
        if question and self.goal in (Goal.QUESTION, Goal.SIGNED_IN):
            kind = NotAsked if self.goal is Goal.SIGNED_IN else UserError
            raise kind(f"one form takes the password and the decision together: {outline(page)}")
        self.signed_in, self.just_signed_in = self.signed_in + 1, True
        self.retype = bool(self.typed)
        if not question:
            return Press(form, main_button(form), values)
        choice = decision_in(page, form, self._direction)
        self.decided, self.typed = True, self.typed + everything
        return Press(form, choice.button, values | code_in(form, self.grant.user_code), way=self._direction)

    def _at_code(self, page: Shown, form: ShownForm) -> Press | None:
        if self.typed and not self.retype:
            if self.goal is Goal.ENTERED:
                return None
            raise UserError(f"the code was not accepted at {place(page)}: {said(page, self.before)}")
        if self.goal is Goal.SIGNED_IN:
            raise NotAsked(f"nobody is asked to sign in before a code was typed: {outline(page)}")
        question = takes_decision(form)
        if question and self.goal is Goal.QUESTION:
            return None
        self.typed, self.retype, self.just_signed_in = self.typed + 1, False, False
        values = code_in(form, self.grant.user_code)
        if not question:
            return Press(form, main_button(form), values)
        choice = decision_in(page, form, self._direction)
        self.decided = True
        return Press(form, choice.button, values, way=self._direction)

    def _at_question(self, page: Shown, forms: list[ShownForm]) -> Press | None:
        if self.goal is Goal.ENTERED and (self.typed or page.response.status_code in _THROTTLED):
            return None
        done = DONE.search(page.statements(self.before)) is not None
        choice = decision(page, forms, self._direction, decided=self.decided, done=done)
        if choice is None or (choice.asks and self.goal is Goal.QUESTION):
            return None
        if done and self.typed and not choice.asks and not self.decided and not self.just_signed_in:
            return None  # the code was the decision, or what led on was
        if choice.asks and self.goal is Goal.SIGNED_IN:
            raise NotAsked(f"nobody is asked to sign in before the decision: {outline(page)}")
        if not self._new(f"{page.url.path} {choice.outline}"):
            raise UserError(
                f"the same page came again after {choice.outline} at {place(page)}: {said(page, self.before)}"
            )
        self.decided |= choice.asks
        self.just_signed_in = False
        return Press(choice.form, choice.button, way=self._direction if choice.asks or self._direction > 0 else 0)

    @property
    def _direction(self) -> int:
        return REFUSES if self.goal is Goal.DENY else ALLOWS

    def _new(self, mark: str) -> bool:
        known = mark in self._seen
        self._seen.add(mark)
        return not known

    # The end.

    def _arrived(self, page: Shown) -> Shown:
        match self.goal:
            case Goal.ENTERED:
                if not self.typed and page.response.status_code not in _THROTTLED:
                    raise self._nothing("no field for the user code was found", page, "code")
            case Goal.QUESTION:
                if not self._asks(page):
                    raise self._nothing("no buttons to allow or refuse were found", page, "approve and deny")
            case Goal.SIGNED_IN:
                if page.needs_script:
                    raise NeedsScript(f"{place(page)} is made by script: {said(page)}")
                if not self.signed_in:
                    raise NotAsked(f"nobody is asked to sign in: {outline(page)}")
            case Goal.APPROVE:
                self._approved(page)
            case Goal.DENY:
                self._denied(page)
        return page

    def _asks(self, page: Shown) -> bool:
        forms = [form for form in page.forms if not form.away]
        if any(form.code and takes_decision(form) for form in forms):
            return True
        choice = decision(page, forms, ALLOWS, decided=False)
        return choice is not None and choice.asks

    def _approved(self, page: Shown) -> None:
        news = page.statements(self.before)
        well = DONE.search(UNDONE.sub("", news)) is not None and not UNDONE.search(news)
        failed = page.response.is_error or UNDONE.search(news) or (WRONG.search(news) and not well)
        if not self.decided and not self.typed and not well:
            if page.response.is_error:
                raise UserError(f"the page could not be used: {outline(page)}: {said(page)}")
            raise self._nothing("no field for the user code was found", page, "code")
        self._refuse_to_hurry(page)
        if not self.decided and page.response.is_error:
            raise UserError(f"the code was not accepted at {place(page)}: {said(page, self.before)}")
        if not self.decided and not well:
            raise self._nothing("no button to allow was found", page, "approve")
        going_on = page.live or any(form.buttons for form in page.forms if not form.away)
        if going_on and not well and not failed:
            # Script, or a form that is not understood, may ask further: what nobody is told has not happened.
            raise UserError(f"nothing says that the decision was taken: {outline(page)}: {said(page, self.before)}")
        if failed:
            raise UserError(f"the decision was not accepted at {place(page)}: {said(page, self.before)}")

    def _denied(self, page: Shown) -> None:
        # A refusal may be answered by a page of any status: the device code shows what has become of it.
        if not self.decided:
            raise self._nothing("no button to refuse was found", page, "deny")
        self._refuse_to_hurry(page)
        asks = any(button.firm for form in page.forms if not form.away and not form.code for button in form.buttons)
        if asks and not WRONG.search(page.statements(self.before)):
            raise UserError(f"the page asks again after the refusal: {outline(page)}: {said(page, self.before)}")

    def _refuse_to_hurry(self, page: Shown) -> None:
        if page.response.status_code in _THROTTLED or BUSY.search(page.statements(self.before)):
            raise UserError(f"the pages want the person to wait: {place(page)}: {said(page, self.before)}")

    def _nothing(self, what: str, page: Shown, keys: str) -> UserError:
        if page.needs_script and not self.decided:
            return NeedsScript(f"{place(page)} is made by script: {said(page)}")
        after = f" after signing in as {self.account.name}" if self.signed_in else ""
        return UserError(
            f"{what}{after}; name {keys} in [user.pages] if there is one. The page: {outline(page)}: "
            f"{said(page, self.before)}"
        )
