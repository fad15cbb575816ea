"""A visitor of the target's pages: opens, signs in and submits forms as a person or as an attacker would.

What a visitor loads becomes events of the case, without bodies and cookies: passwords and sessions belong in no report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from device_grant.browser.page import FOREIGN_SITE, Page, answering, data_of, page_of, same_site_of, send_form
from device_grant.judging import Untestable
from device_grant.protocol.events import Decided, DecisionRefused
from device_grant.server.session.browsing import browser_at
from device_grant.server.session.person import page_loaded
from device_grant.targets.ports import GrantView, Nobody, NotAsked, UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx

    from device_grant.browser.markup import Button, Form
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device, Grant
    from device_grant.targets.ports import User
    from device_grant.targets.users.browser import Browser


class Visitor:
    """Somebody at the pages with cookies of their own and without script. A context manager."""

    def __init__(self, case: ServerCase, *, patient: bool = True, person: User | None = None) -> None:
        """What throttles a `patient` visitor is waited out, so that the checks before this one do not tell.

        `person` is another one than the user who decides for the check.
        """
        self.case = case
        self.user = person or case.decider
        """Who decides in this browser; None where nobody does."""
        self._patient = patient
        self._came: list[httpx.Response] = []

    def __enter__(self) -> Self:
        self.http = self._browser()
        return self

    def _browser(self) -> Browser:
        result = browser_at(self.case.run, patient=self._patient)
        result.saw, result.watched = self._saw, True
        return result

    def __exit__(self, *_: object) -> None:
        self.http.close()

    @property
    def seen(self) -> list[httpx.Response]:
        """Every response that came whole, redirects included, oldest first."""
        return [response for response in self._came if _whole(response)]

    def _saw(self, response: httpx.Response) -> None:
        self._came.append(response)
        self.case.transcript.append(page_loaded(self.case.now(), response))

    @property
    def last(self) -> Page:
        """What came last; an empty page with status 0 before anything did."""
        import httpx

        return page_of(self.seen[-1]) if self.seen else Page(httpx.URL(), 0)

    def pages(self) -> list[Page]:
        """The HTML pages that came with success, oldest first."""
        return [page for page in map(page_of, self.seen) if page.shown]

    def informing(self) -> list[Page]:
        """What came with success and says something to a person, by HTML or as data for script, oldest first."""
        return [page for page in map(page_of, self.seen) if page.informs]

    # Steps.

    def open(self, url: str, *, headers: Mapping[str, str] | None = None, follow: bool = True) -> Page:
        """GET a page; raises Untestable if nothing answers or the redirects have no end."""
        with answering():
            return page_of(self.http.get(url, headers=dict(headers or {}), follow_redirects=follow))

    def submit(self, page: Page, form: Form, button: Button | None = None, **changes: str) -> Page:
        """Press a button of a form; `changes` replace what is in its fields."""
        with self.case.with_user():
            return send_form(self.http, page, form, data_of(form.values | changes, button))

    def forge(
        self, page: Page, form: Form, button: Button | None = None, *, without: frozenset[str] = frozenset()
    ) -> Page:
        """Send a form as a foreign site would have a browser send it: with the cookies and headers of such a request.

        Cookies that are `SameSite=Strict` do not go with it, and those that are `Lax` only with a form that is sent by
        GET, as in every current browser. `without` names fields that the foreign site cannot know.
        """
        values = {name: value for name, value in form.values.items() if name not in without}
        kept = ("strict",) if form.method == "get" else ("lax", "strict")
        with self._browser() as http:
            http.headers.update(
                {
                    "Origin": FOREIGN_SITE,
                    "Referer": f"{FOREIGN_SITE}/",
                    "Sec-Fetch-Site": "cross-site",
                    "Sec-Fetch-Mode": "navigate",
                }
            )
            for cookie in self.http.cookies.jar:
                if same_site_of(cookie) not in kept:
                    http.cookies.jar.set_cookie(cookie)
            with self.case.with_user():
                return send_form(http, page, form, data_of(values, button))

    # What the user module knows.

    def sign_in(self, device: Device) -> bool:
        """Sign in as the user module says, else by approving another request first; whether it could be done."""
        user = self.user
        if user is None or user.pages is None:
            return False
        if user.pages.sign_in is None:
            return not self.decide("approve", device.start().view)
        try:
            user.pages.sign_in(self.http)
        except NotAsked:
            return not self.decide("approve", device.start().view)
        except UserError as refused:
            raise Untestable(f"sign_in: {refused}") from None
        return True

    def confirmation(self, grant: Grant) -> Page:
        """The page with the decision; raises Untestable if the user module cannot show it."""
        return page_of(self._step("confirmation", "confirmation(http, grant)")(self.http, grant.view))

    def enter(self, user_code: str, verification_uri: str) -> Page:
        """What the page says to a code; raises Untestable if the user module cannot type one."""
        step = self._step("enter", "enter(http, user_code, verification_uri)")
        return page_of(step(self.http, user_code, verification_uri))

    def decide(self, action: str, view: GrantView) -> str:
        """Approve or deny in this browser; the page's complaint, empty if it went through."""
        user = self.user or self.case.require_decider()
        self.case.transcript.append(Decided(self.case.now(), action))
        try:
            with self.case.with_user():
                (user.approve if action == "approve" else user.deny)(self.http, view)
        except Nobody as reason:
            raise Untestable(str(reason)) from None
        except UserError as refused:
            self.case.transcript.append(DecisionRefused(self.case.now(), action, str(refused)))
            return str(refused)
        return ""

    def decide_on(self, grant: Grant, action: str, view: GrantView | None = None) -> str:
        """The same for a grant that is polled afterwards, which takes note of it; `view`: what else the user sees."""
        complaint = self.decide(action, view or grant.view)
        if complaint:
            grant.missed()
        else:
            grant.took(action)
        return complaint

    def _step(self, name: str, signature: str) -> Callable[..., Any]:
        user = self.user
        if user is None:
            raise Untestable("nobody is at the verification page: target.toml has no [user]")
        result: Callable[..., Any] | None = getattr(user.pages, name, None)
        if result is None:
            raise Untestable(f"the user module has no {signature}: write it, and the pages can be judged")

        def step(*arguments: object) -> Any:
            try:
                return result(*arguments)
            except UserError as refused:
                raise Untestable(f"{name}: {refused}") from None

        return step


def _whole(response: httpx.Response) -> bool:
    """Whether its content was read: not where the connection broke, nor where a user module had no use for it."""
    import httpx

    try:
        _ = response.content
    except httpx.ResponseNotRead:
        return False
    return True
