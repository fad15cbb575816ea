"""How a person gets from page to page without script: requests as a browser makes them, redirects, forms."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from device_grant.targets.ports import UserError
from device_grant.targets.users.login.account import origin
from device_grant.targets.users.login.reading import Shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from device_grant.targets.users.login.filling import Press

_MOST_REDIRECTS = 15
_NAVIGATION = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) device-grant",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-User": "?1",
}
"""Beside what every page is asked for with (Fetch Metadata)."""
_MOVED = (301, 302, 303)
_SAME = (307, 308)


class Requests:
    """The pages of a server over HTTP. The password goes to the given origins alone."""

    def __init__(self, http: httpx.Client, selectors: Mapping[str, str], trusted: frozenset[str]) -> None:
        self._http = http
        self._selectors = selectors
        self._trusted = trusted

    def open(self, url: httpx.URL | str, before: Shown | None = None) -> Shown:
        """Go to a page, from another one if there is any."""
        return self._go("GET", self._http.base_url.join(str(url)), before)

    def press(self, page: Shown, step: Press) -> Shown:
        """Send a form, or follow a link; raises UserError rather than send the password elsewhere."""
        if step.form is None:
            there = page.join(step.button.href if step.button is not None else "")
            return self.open(there or page.url, page)
        action, method = step.form.action, step.form.method
        if step.button is not None:
            there = page.join(step.button.action) if step.button.action else None
            action, method = str(there or action), step.button.method or method
        url = page.join(action) or page.url
        if method != "post":
            # The query of the action is replaced (HTML, form submission: mutate action URL).
            self._guard(url, secret=step.secret)
            return self._go("GET", url.copy_with(query=urlencode(step.data()).encode()), page)
        return self._go("POST", url, page, step)

    def _go(self, method: str, url: httpx.URL, before: Shown | None, step: Press | None = None) -> Shown:
        for _ in range(_MOST_REDIRECTS):
            self._guard(url, secret=step is not None and step.secret)
            answer = self._http.send(self._request(method, url, before, step), follow_redirects=False)
            place = answer.headers.get("location", "")
            if answer.status_code not in _MOVED + _SAME or not place:
                break
            there = answer.url.join(place)
            if there.scheme not in ("http", "https"):
                break  # an address of an application
            url = there
            if answer.status_code in _MOVED:
                method, step = "GET", None
        else:
            raise UserError(f"the pages redirect more than {_MOST_REDIRECTS} times in a row, last to {url.path}")
        return Shown(answer, self._selectors)

    def _request(self, method: str, url: httpx.URL, before: Shown | None, step: Press | None) -> httpx.Request:
        headers = dict(_NAVIGATION)
        if before is None:
            headers["Sec-Fetch-Site"] = "none"
        else:
            own = origin(before.url) == origin(url)
            here = f"{before.url.scheme}://{before.url.netloc.decode()}"
            headers["Sec-Fetch-Site"] = "same-origin" if own else "cross-site"
            headers["Referer"] = str(before.url).partition("#")[0] if own else f"{here}/"
            if method == "POST":
                headers["Origin"] = here
        if step is None or step.form is None:
            return self._http.build_request(method, url, headers=headers)
        if step.form.multipart:
            files = [(name, (None, value)) for name, value in step.data()]
            return self._http.build_request(method, url, headers=headers, files=files)
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        return self._http.build_request(method, url, headers=headers, content=urlencode(step.data()).encode())

    def _guard(self, url: httpx.URL, *, secret: bool) -> None:
        if secret and origin(url) not in self._trusted:
            raise elsewhere(url, self._trusted)


def elsewhere(url: httpx.URL, trusted: frozenset[str]) -> UserError:
    """Why the password was not sent to a URL."""
    return UserError(
        f"the password was not sent: the page wants it at {origin(url)}, which is none of the pages' own "
        f"({', '.join(sorted(trusted))}); name it in [user] origins if it is right"
    )
