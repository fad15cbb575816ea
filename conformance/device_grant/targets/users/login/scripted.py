"""The way through pages that script makes: a tab of Chromium, whose requests are the person's own."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import quote, quote_plus

import httpx

from device_grant.browser.chromium import FAREWELL, PATIENCE
from device_grant.browser.devtools import as_set
from device_grant.browser.hands import FilledIn, Hands
from device_grant.browser.steps import Steps, answered
from device_grant.browser.tab import Asked, Loaded
from device_grant.browser.unreadable import address
from device_grant.judging import Untestable
from device_grant.targets.ports import UserError
from device_grant.targets.users.login.account import origin
from device_grant.targets.users.login.going import elsewhere
from device_grant.targets.users.login.reading import Shown

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from device_grant.browser.chromium import Chromium
    from device_grant.browser.page import Page
    from device_grant.targets.users.login.account import Account
    from device_grant.targets.users.login.filling import Press

T = TypeVar("T")

_EVERY_PAGE = ("Script", "Stylesheet", "Image", "Font")
"""What a person's browser would have in its cache."""


class Scripted:
    """Pages in a real browser. A context manager; raises UserError where there is none.

    The password goes to the given origins alone, whoever sends it.
    """

    def __init__(  # noqa: PLR0913 - how pages are reached, who is there, and three things that outlast one way
        self,
        http: httpx.Client,
        chromium: Chromium,
        account: Account,
        *,
        selectors: Mapping[str, str],
        trusted: frozenset[str],
        kept: dict[str, httpx.Response],
    ) -> None:
        """`kept` has what every page loads again, by URL, and takes more of it."""
        self._http = http
        self._chromium = chromium
        self._selectors = selectors
        self._trusted = trusted
        self._kept = kept
        self._secrets = _forms(account.password)
        self._refused: UserError | None = None
        self._steps = Steps(chromium, self._take)
        self._hands: Hands | None = None

    def __enter__(self) -> Self:
        base = str(self._http.base_url).rstrip("/")
        try:
            browser = self._chromium.browser(base)
        except Untestable as reason:
            raise UserError(f"the pages are made by script: {reason}") from None
        self._hands = self._do(Hands.opened(browser, self._steps.outbox, in_process=True, timers=False))
        self._do(self._hands.set_cookies([as_set(cookie, base) for cookie in self._http.cookies.jar]))
        return self

    def __exit__(self, *_: object) -> None:
        if self._hands is not None:
            with suppress(Untestable):
                self._steps.do(self._hands.close(), FAREWELL, last=True)

    def open(self, url: httpx.URL | str, before: Shown | None = None) -> Shown:  # noqa: ARG002 - the browser knows
        """Go to a page."""
        return self._shown(self._do(self._tab.look_at(str(self._http.base_url.join(str(url))))))

    def press(self, page: Shown, step: Press) -> Shown:  # noqa: ARG002 - the browser is there
        """Fill in and press; raises UserError rather than send the password elsewhere."""
        on = step.chosen()
        fields = step.form.fields if step.form is not None else []
        act = FilledIn(
            typed={each.mark: text for each, text in step.typed.items() if each.mark},
            switched={each.mark: True for each in fields if each.mark and each in on and not each.checked},
            pressed=step.button.mark if step.button is not None else "",
        )
        return self._shown(self._do(self._tab.act(act)))

    @property
    def _tab(self) -> Hands:
        assert self._hands is not None, "enter it first"  # noqa: S101 - of a context manager
        return self._hands

    def _do(self, work: Coroutine[Any, Any, T], patience: float = PATIENCE) -> T:
        try:
            result = self._steps.do(work, patience)
        except Untestable as reason:
            raise self._refused or UserError(str(reason)) from None
        if self._refused is not None:
            raise self._refused
        return result

    def _shown(self, page: Page) -> Shown:
        request = httpx.Request("GET", page.url)
        response = httpx.Response(page.status or 200, html=page.html, request=request)
        return Shown(response, self._selectors, html=page.html, url=page.url)

    def _take(self, item: Asked | Loaded) -> None:
        if not isinstance(item, Asked):
            return
        there = address(item.url)
        text = item.url + item.content.decode("utf-8", errors="replace")
        if there is not None and origin(there) not in self._trusted and any(form in text for form in self._secrets):
            self._refused = elsewhere(there, self._trusted)
            item.settle(httpx.ConnectError("refused"))
            return
        if item.method != "GET" or item.kind not in _EVERY_PAGE:
            item.settle(answered(self._http, item))
            return
        answer = self._kept.get(item.url) or answered(self._http, item)
        if isinstance(answer, httpx.Response) and answer.is_success:
            self._kept[item.url] = answer
        item.settle(answer)


def _forms(password: str) -> frozenset[str]:
    """How a password stands in what is sent."""
    escaped = {quote(password), quote(password, safe=""), quote_plus(password), json.dumps(password)[1:-1]}
    return frozenset({password} | escaped)
