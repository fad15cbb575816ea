"""The user of `[user] login`: a name and a password, and no code."""

from __future__ import annotations

import ipaddress
import secrets
from typing import TYPE_CHECKING

from device_grant.browser.unreadable import UNREADABLE
from device_grant.targets.ports import GrantView, NotAsked, Pages, UserError
from device_grant.targets.users.browser import Browser
from device_grant.targets.users.login.account import origin
from device_grant.targets.users.login.going import Requests
from device_grant.targets.users.login.walk import Goal, NeedsScript, Walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import httpx

    from device_grant.targets.users.login.account import Account
    from device_grant.targets.users.login.reading import Shown

_ADDRESS = "{address}"
"""In the value of a header: an address of the browser's own."""
_NEIGHBOURS = ipaddress.ip_network("10.0.0.0/8")


class LoginUser:
    """Somebody with an account, who uses the pages as a person does."""

    def __init__(
        self,
        account: Account,
        *,
        selectors: Mapping[str, str] | None = None,
        origins: Iterable[str] = (),
        headers: Mapping[str, str] | None = None,
        verification: str = "",
    ) -> None:
        """`selectors` name what is guessed wrong, by CSS; `origins` are where else the password may go.

        `headers` go with every request, `verification` is the page for the code where no grant has said so yet.
        """
        self._account = account
        self._selectors = dict(selectors or {})
        self._origins = frozenset(origin(each) for each in origins)
        self._headers = dict(headers or {})
        self._verification = verification
        self._scripted = False
        self._kept: dict[str, httpx.Response] = {}
        self.passwords = (account.password,)
        """What must be written nowhere."""
        self.pages: Pages | None = Pages(sign_in=self._sign_in, confirmation=self._confirmation, enter=self._enter)

    def approve(self, http: httpx.Client, grant: GrantView) -> None:
        """Raises UserError, which says what could not be found or what the pages said."""
        self._walk(http, grant, Goal.APPROVE)

    def deny(self, http: httpx.Client, grant: GrantView) -> None:
        """Raises as approve does."""
        self._walk(http, grant, Goal.DENY)

    def _sign_in(self, http: httpx.Client) -> None:
        if not self._verification:
            raise NotAsked("no page is known yet at which somebody is asked to sign in")
        self._walk(http, GrantView("", self._verification), Goal.SIGNED_IN)

    def _confirmation(self, http: httpx.Client, grant: GrantView) -> httpx.Response:
        return self._walk(http, grant, Goal.QUESTION).response

    def _enter(self, http: httpx.Client, user_code: str, verification_uri: str) -> httpx.Response:
        return self._walk(http, GrantView(user_code, verification_uri), Goal.ENTERED).response

    def _walk(self, http: httpx.Client, grant: GrantView, goal: Goal) -> Shown:
        if grant.user_code:
            self._verification = grant.verification_uri
        for name, value in self._headers.items():
            if name not in http.headers:
                http.headers[name] = value.replace(_ADDRESS, _address())
        try:
            if not self._scripted:
                try:
                    return Walk(self._by_requests(http, grant), self._account, grant, goal).go()
                except NeedsScript as reason:
                    return self._with_script(http, grant, goal, reason)
            return self._with_script(http, grant, goal, NeedsScript("the pages are made by script"))
        except UserError as error:
            raise type(error)(self._account.hidden(str(error))) from None
        except UNREADABLE as error:
            said = self._account.hidden(str(error) or type(error).__name__)
            raise UserError(f"the verification page did not answer: {said}") from error

    def _by_requests(self, http: httpx.Client, grant: GrantView) -> Requests:
        return Requests(http, self._selectors, self._origins | _own_origins(http, grant))

    def _with_script(self, http: httpx.Client, grant: GrantView, goal: Goal, reason: NeedsScript) -> Shown:
        chromium = http.chromium if isinstance(http, Browser) else None
        if chromium is None:
            raise UserError(f"{reason}, and no real browser takes its requests one by one")
        from device_grant.targets.users.login.scripted import Scripted

        trusted = self._origins | _own_origins(http, grant)
        with Scripted(
            http, chromium, self._account, selectors=self._selectors, trusted=trusted, kept=self._kept
        ) as way:
            result = Walk(way, self._account, grant, goal).go()
            # From now on nobody tries without.
            self._scripted = True
            return result


def _own_origins(http: httpx.Client, grant: GrantView) -> frozenset[str]:
    """Where the target is, and where it says that its pages are; each also by TLS at the usual port."""
    places = {str(http.base_url), grant.verification_uri, grant.verification_uri_complete or ""}
    own = {origin(place) for place in places if place}
    return frozenset(own | {origin(f"https://{place.split('://', 1)[1].rpartition(':')[0]}") for place in own})


def _address() -> str:
    return str(_NEIGHBOURS[1 + secrets.randbelow(_NEIGHBOURS.num_addresses - 2)])
