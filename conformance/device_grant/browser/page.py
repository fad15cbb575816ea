"""A page as it came, what leads on from it, and how its forms are sent, free of any check and any target."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from device_grant.browser.markup import Button, Form, Markup, read_markup
from device_grant.judging import Untestable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from http.cookiejar import Cookie

    import httpx

HOOK = "conformanceProbe"
"""Function that every page of a real browser has; script that was injected calls it with its own name."""
FOREIGN_HOST = "attacker.example"
"""A host that no target has business with; the name is reserved (RFC 2606), so that nothing reaches it either."""
FOREIGN_SITE = f"https://{FOREIGN_HOST}"
"""Where forged requests say that they come from, and forged redirects lead to."""
THROTTLED = (429, 503)
"""Statuses of a server that is on its guard against guesses."""
_SAME_SITE = ("SameSite", "samesite", "Samesite", "sameSite", "SAMESITE")


def _no_headers() -> httpx.Headers:
    import httpx

    return httpx.Headers()


@dataclass(frozen=True)
class Page:
    """A page that came."""

    url: httpx.URL
    status: int
    headers: httpx.Headers = field(default_factory=_no_headers)
    html: str = ""
    """The text, empty if it is no HTML."""
    data: str = ""
    """What came instead of HTML for script to show, such as JSON; empty if it is HTML or no text."""

    @cached_property
    def markup(self) -> Markup:
        """What is in it."""
        return read_markup(self.html)

    @property
    def shown(self) -> bool:
        """Whether it is an HTML page that came with success."""
        return self.status // 100 == 2 and bool(self.html)  # noqa: PLR2004 - the class of 2xx

    @property
    def words(self) -> str:
        """What a person is told: the text of HTML, or all of the data that script may show."""
        return self.markup.text if self.html else self.data

    @property
    def informs(self) -> bool:
        """Whether it came with success and says something."""
        return self.status // 100 == 2 and bool(self.html or self.data)  # noqa: PLR2004 - the class of 2xx

    def link(self, reference: str) -> httpx.URL | None:
        """A link of the page as an absolute URL; None if it is none."""
        from device_grant.browser.unreadable import UNREADABLE, address

        try:
            return address(str(self.url.join(reference)))
        except UNREADABLE:
            return None

    def redirects_to(self, host: str) -> bool:
        """Whether its Location leads to that host."""
        target = self.link(self.headers.get("location", ""))
        return "location" in self.headers and target is not None and target.host == host

    @property
    def place(self) -> str:
        """Its address without user information, query and fragment, where secrets stand."""
        return str(self.url.copy_with(userinfo=b"", query=None, fragment=None))

    @property
    def absent(self) -> bool:
        """Whether nothing is there, or nothing that takes what was sent: a page that goes on asking is there."""
        return self.status in (404, 405) and not self.markup.forms

    @property
    def form(self) -> Form | None:
        """The form that decides or goes on: the first one that posts and asks for no password."""
        return next((form for form in self.markup.forms if form.method == "post" and not form.asks_password), None)


def page_of(response: httpx.Response) -> Page:
    """The page that a response is; without HTML where it says that it is something else."""
    kind = response.headers.get("content-type", "text/html").partition(";")[0].strip().lower()
    html = response.text if kind in ("text/html", "application/xhtml+xml") else ""
    data = _data(response.text) if not html and kind.endswith(("/json", "+json")) else ""
    return Page(response.url, response.status_code, response.headers, html, data)


def _data(text: str) -> str:
    """JSON with its escapes undone, as script would show it; the text itself where it is none."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def data_of(values: Mapping[str, str], button: Button | None) -> dict[str, str]:
    """The fields that a form sends with these values when that button is pressed."""
    return dict(values) | ({button.name: button.value} if button is not None and button.name else {})


def send_form(http: httpx.Client, page: Page, form: Form, data: dict[str, str]) -> Page:
    """Send a form of a page with these fields and follow where that leads; raises Untestable as `answering` does."""
    with answering():
        target = page.url.join(form.action) if form.action else page.url
        if form.json:
            # As plain text: so may a page of another site have it sent without asking first.
            members = {name: json.loads(value) for name, value in data.items()}
            text = {"Content-Type": "text/plain"}
            return page_of(http.post(target, content=json.dumps(members), headers=text, follow_redirects=True))
        if form.method == "post":
            return page_of(http.post(target, data=data, follow_redirects=True))
        return page_of(http.get(target, params=data, follow_redirects=True))


@contextmanager
def answering() -> Iterator[None]:
    """Within: raise Untestable where nothing answers, or the redirects have no end."""
    from device_grant.browser.unreadable import UNREADABLE

    try:
        yield
    except UNREADABLE as error:
        raise Untestable(f"a page could not be loaded: {type(error).__name__}") from None


def split(url: str) -> SplitResult:
    """The parts of a URL that a target sent; all empty if it is none."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def same_host(one: str, other: str) -> bool:
    """Whether two URLs have scheme, host and port in common."""
    return split(one)[:2] == split(other)[:2]


def same_site_of(cookie: Cookie) -> str:
    """The SameSite attribute in lower case; empty if it has none."""
    values = [cookie.get_nonstandard_attr(name) for name in _SAME_SITE if cookie.has_nonstandard_attr(name)]
    return str(values[0]).lower() if values else ""
