"""A window of Chromium at the target's pages: what their script does, what cookies go where, what is framed.

The pages of a target in process come from calls to it, all others over the network; a foreign site of ours is at hand
in both. What is loaded becomes events of the case, as with a visitor.
"""

from __future__ import annotations

from contextlib import suppress
from html import escape
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, Self, TypeVar

from device_grant.browser.chromium import FAREWELL, PATIENCE
from device_grant.browser.devtools import as_set
from device_grant.browser.page import FOREIGN_HOST, Page, split
from device_grant.browser.steps import Steps, answered
from device_grant.browser.tab import Asked, Loaded, Tab
from device_grant.judging import Inconclusive, Untestable
from device_grant.protocol.events import PageLoaded

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    import httpx

    from device_grant.browser.markup import Button, Form
    from device_grant.browser.prominence import ControlLook
    from device_grant.server.pages.visitor import Visitor
    from device_grant.server.session.case import ServerCase

T = TypeVar("T")

_REFUSED = ("net::ERR_BLOCKED_BY_RESPONSE", "net::ERR_ABORTED")
"""How the browser calls it when a page refuses its frame, or leaves it by script."""


class Window:
    """A window with a profile of its own. A context manager; raises Untestable where there is no browser."""

    def __init__(self, case: ServerCase, *, timers: bool = False) -> None:
        """`timers` puts the timers of its pages into our hands, for `let_time_pass`."""
        self.case = case
        self._chromium = case.run.chromium
        self._steps = Steps(self._chromium, self._take)
        self._timers = timers
        self._http: httpx.Client | None = None
        self._opened: Tab | None = None

    def __enter__(self) -> Self:
        target = self.case.run.target
        browser = self._chromium.browser(target.base)
        if target.in_process:
            self._http = target.http(timeout=30.0)
            # Cookies are the window's own business, which knows their rules.
            self._http.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        try:
            opening = Tab.opened(browser, self._steps.outbox, in_process=target.in_process, timers=self._timers)
            self._opened = self._do(opening)
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    # What has happened.

    @property
    def ran(self) -> list[str]:
        """Names with which injected script has called the hook, oldest first."""
        return self._tab.ran

    @property
    def methods(self) -> list[str]:
        """Methods of the requests to the target, oldest first."""
        return self._tab.methods

    # What a check does.

    def take_cookies(self, visitor: Visitor) -> None:
        """Go on with the sessions of a visitor."""
        cookies = [as_set(cookie, self.case.run.target.base) for cookie in visitor.http.cookies.jar]
        self._do(self._tab.set_cookies(cookies))

    def open(self, url: str) -> Page:
        """Go to a page and let it come to rest, whatever its script does; raises Untestable if it cannot be loaded."""
        return self._do(self._tab.go_to(url))

    def enter(self, text: str) -> Page | None:
        """Type into the page's field for a code and submit; None if it has none."""
        return self._do(self._tab.enter(text))

    def let_time_pass(self) -> Page:
        """Let the timers of the page run for 15 s, without waiting for them."""
        return self._do(self._tab.move_on())

    def has(self, selector: str) -> bool:
        """Whether the page or one of its frames has such an element, wherever it came from."""
        return self._do(self._tab.has(selector))

    def controls(self, window: tuple[int, int]) -> list[ControlLook]:
        """Buttons and links of the page, as they are laid out in a window of that size in CSS pixels."""
        return self._do(self._tab.controls(window))

    def picture(self, words: Sequence[str], window: tuple[int, int], kept: Sequence[str] | None = None) -> bytes:
        """A JPEG of the page in such a window, these words made unreadable, after which the page is of no use.

        Where `kept` is given everything is made so but the controls with these labels.
        """
        return self._do(self._tab.picture(words, window, kept))

    def text(self) -> str:
        """What can be read on the page, each block on lines of its own."""
        return self._do(self._tab.text())

    def press(self, *keys: str) -> Page:
        """Press keys such as `Enter` in the page as it is."""
        return self._do(self._tab.press(*keys))

    def submit_from_elsewhere(self, page: Page, form: Form, button: Button | None, *, without: frozenset[str]) -> Page:
        """Visit a foreign page whose script submits a form of the target's with everything in it but `without`.

        Raises Inconclusive for what only script of the target's own sends.
        """
        if form.json:
            raise Inconclusive("the decision is sent as JSON, which no form of another site sends")
        fields = {name: value for name, value in form.values.items() if name not in without}
        if button is not None and button.name:
            fields[button.name] = button.value
        inputs = "".join(
            f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in fields.items()
        )
        action = page.url.join(form.action) if form.action else page.url
        # By the prototype: a field may be called submit.
        script = "HTMLFormElement.prototype.submit.call(document.forms[0])"
        html = f'<form method="{form.method}" action="{escape(str(action))}">{inputs}</form><script>{script}</script>'
        return self._visit_foreign(html)

    def frame(self, *urls: str) -> int:
        """Visit a foreign page that frames pages of the target; how many controls of those can be seen and pressed.

        The frames may run script, but not replace the page around them: so it is done against script that leaves
        frames. Raises Inconclusive if a page does not appear for another reason than its own policy.
        """
        unframed = self._tab.unframed
        unframed.clear()
        permissions = "allow-forms allow-same-origin allow-scripts"
        frames = "".join(
            f'<iframe width="900" height="700" sandbox="{permissions}" src="{escape(url)}"></iframe>' for url in urls
        )
        self._visit_foreign(frames)
        controls = self._do(self._tab.framed_controls())
        missing = [reason for reason in unframed if reason not in _REFUSED]
        if missing and not controls:
            raise Inconclusive(f"a page could not be loaded in a frame: {missing[0]}")
        return controls

    def _visit_foreign(self, html: str) -> Page:
        self._tab.foreign = f'<!doctype html><meta charset="utf-8"><title>Elsewhere</title>{html}'
        self.case.note(f"browser: a page of {FOREIGN_HOST} is opened")
        scheme = split(self.case.run.target.base).scheme or "http"
        return self.open(f"{scheme}://{FOREIGN_HOST}/")

    # Wait for the browser, and meanwhile answer what its pages ask of an application in process.

    @property
    def _tab(self) -> Tab:
        assert self._opened is not None, "enter the window first"
        return self._opened

    def _do(self, work: Coroutine[Any, Any, T], patience: float = PATIENCE) -> T:
        return self._steps.do(work, patience)

    def _take(self, item: Asked | Loaded) -> None:
        if isinstance(item, Asked):
            assert self._http is not None, "requests are handed over only by a target in process"
            item.settle(answered(self._http, item))
        else:
            parts = split(item.url)
            address = f"{parts.scheme}://{parts.netloc}{parts.path}"
            self.case.transcript.append(PageLoaded(self.case.now(), item.method, address, item.status, real=True))

    def _close(self) -> None:
        if self._opened is not None:
            with suppress(Untestable):
                self._steps.do(self._opened.close(), FAREWELL, last=True)
        if self._http is not None:
            self._http.close()
