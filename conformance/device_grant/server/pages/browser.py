"""A browser at the target's pages: it opens, signs in and submits forms as a person or as an attacker would.

What it loads becomes events of the case, without bodies and cookies: passwords and sessions belong in no report.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import SplitResult, urlsplit

from device_grant.browser.markup import Button, Form, Markup, read_markup
from device_grant.judging import Inconclusive, Untestable
from device_grant.protocol.events import Decided, DecisionRefused, PageLoaded
from device_grant.targets.ports import GrantView, UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from http.cookiejar import Cookie

    import httpx

    from device_grant.server.session.case import Case
    from device_grant.server.session.device import Device, Grant

HOOK = "conformanceProbe"
"""Function that every page of a real browser has; script that was injected calls it with its own name."""
FOREIGN_HOST = "attacker.example"
"""A host that no target has business with; the name is reserved (RFC 2606), so that nothing reaches it either."""
FOREIGN_SITE = f"https://{FOREIGN_HOST}"
"""Where forged requests say that they come from, and forged redirects lead to."""
THROTTLED = (429, 503)
"""Statuses of a server that is on its guard against guesses."""
_MOST_BUTTONS = 4
_SAME_SITE = ("SameSite", "samesite", "Samesite", "sameSite", "SAMESITE")
_REFUSING = ("deny", "denied", "cancel", "abort", "reject", "refuse", "decline", "no")


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

    @cached_property
    def markup(self) -> Markup:
        """What is in it."""
        return read_markup(self.html)

    @property
    def shown(self) -> bool:
        """Whether it is an HTML page that came with success."""
        return 200 <= self.status < 300 and bool(self.html)

    def link(self, reference: str) -> httpx.URL | None:
        """A link of the page as an absolute URL; None if it is none."""
        import httpx

        try:
            return self.url.join(reference)
        except httpx.InvalidURL:
            return None

    def redirects_to(self, host: str) -> bool:
        """Whether its Location leads to that host."""
        target = self.link(self.headers.get("location", ""))
        return "location" in self.headers and target is not None and target.host == host

    @property
    def absent(self) -> bool:
        """Whether nothing is there, or nothing that takes what was sent."""
        return self.status in (404, 405)

    @property
    def form(self) -> Form | None:
        """The form that decides or goes on: the first one that posts and asks for no password."""
        return next((form for form in self.markup.forms if form.method == "post" and not form.asks_password), None)


class Browser:
    """One browser with cookies of its own. A context manager."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.seen: list[httpx.Response] = []
        """Every response, redirects included, oldest first."""

    def __enter__(self) -> Self:
        self.http = self.case.run.target.http(timeout=30.0)
        self.http.event_hooks = {"response": [self._saw]}
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def _saw(self, response: httpx.Response) -> None:
        response.read()
        self.seen.append(response)
        url = response.request.url
        address = f"{url.scheme}://{url.host}{url.path}"
        loaded = PageLoaded(self.case.now(), response.request.method, address, response.status_code)
        self.case.transcript.append(loaded)

    @property
    def last(self) -> Page:
        """What came last; an empty page with status 0 before anything did."""
        import httpx

        return _page(self.seen[-1]) if self.seen else Page(httpx.URL(), 0)

    def pages(self) -> list[Page]:
        """The HTML pages that came with success, oldest first."""
        return [page for page in map(_page, self.seen) if page.shown]

    # Steps.

    def open(self, url: str, *, headers: Mapping[str, str] | None = None, follow: bool = True) -> Page:
        """GET a page; raises Untestable if nothing answers or the redirects have no end."""
        with _answering():
            return _page(self.http.get(url, headers=dict(headers or {}), follow_redirects=follow))

    def submit(self, page: Page, form: Form, button: Button | None = None, **changes: str) -> Page:
        """Press a button of a form; `changes` replace what is in its fields."""
        return _sent(self.http, page, form, _data(form.values | changes, button))

    def forge(
        self, page: Page, form: Form, button: Button | None = None, *, without: frozenset[str] = frozenset()
    ) -> Page:
        """The same as a foreign site would have this browser send it: with the cookies and headers of such a request.

        Cookies that are `SameSite=Lax` or `Strict` do not go with it, as in every current browser. `without` names
        fields that the foreign site cannot know.
        """
        values = {name: value for name, value in form.values.items() if name not in without}
        with self.case.run.target.http(timeout=30.0) as http:
            http.event_hooks = {"response": [self._saw]}
            http.headers.update(
                {
                    "Origin": FOREIGN_SITE,
                    "Referer": f"{FOREIGN_SITE}/",
                    "Sec-Fetch-Site": "cross-site",
                    "Sec-Fetch-Mode": "navigate",
                }
            )
            for cookie in self.http.cookies.jar:
                if same_site_of(cookie) not in ("lax", "strict"):
                    http.cookies.jar.set_cookie(cookie)
            return _sent(http, page, form, _data(values, button))

    # What the user module knows.

    def sign_in(self, device: Device) -> bool:
        """Sign in as the user module says, else by approving another request first; whether it could be done."""
        user = self.case.run.target.user
        if user is None or user.pages is None:
            return False
        if user.pages.sign_in is None:
            return not self.decide("approve", device.start().view)
        self._step("sign_in", "sign_in(http)")(self.http)
        return True

    def confirmation(self, grant: Grant) -> Page:
        """The page with the decision; raises Untestable if the user module cannot show it."""
        return _page(self._step("confirmation", "confirmation(http, grant)")(self.http, grant.view))

    def enter(self, user_code: str, verification_uri: str) -> Page:
        """What the page says to a code; raises Untestable if the user module cannot type one."""
        step = self._step("enter", "enter(http, user_code, verification_uri)")
        return _page(step(self.http, user_code, verification_uri))

    def decide(self, action: str, view: GrantView) -> str:
        """Approve or deny in this browser; the page's complaint, empty if it went through."""
        user = self.case.run.target.user
        if user is None:
            raise Untestable("nobody can approve or deny: target.toml has no [user]")
        self.case.transcript.append(Decided(self.case.now(), action))
        try:
            (user.approve if action == "approve" else user.deny)(self.http, view)
        except UserError as refused:
            self.case.transcript.append(DecisionRefused(self.case.now(), action, str(refused)))
            return str(refused)
        return ""

    def _step(self, name: str, signature: str) -> Callable[..., Any]:
        user = self.case.run.target.user
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


@dataclass(frozen=True)
class Approval:
    """The button of the confirmation that approves, found by pressing."""

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
    with Browser(case) as browser:
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
        with Browser(case) as browser:
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
    victim: Browser
    page: Page
    form: Form
    button: Button | None
    without: frozenset[str]
    """Fields that are left out of it."""


def forgeries(device: Device) -> Iterator[Forgery]:
    """Two forged approvals of fresh grants: with what binds the form to the attacker's session, and without it.

    Raises as `find_approval` does, and Inconclusive if the victim's confirmation has no such form.
    """
    approval = find_approval(device)
    for token_kept in (True, False):
        grant = device.start()
        with Browser(device.case) as attacker, Browser(device.case) as victim:
            theirs, own = attacker.confirmation(grant), victim.confirmation(grant)
            form, mine = approval.form(theirs), approval.form(own)
            if form is None or mine is None:
                raise Inconclusive("the confirmation looks different in every session")
            bound = frozenset(name for name, value in form.values.items() if mine.values.get(name) != value)
            without = frozenset[str]() if token_kept else bound
            yield Forgery(grant, victim, theirs, form, approval.button, without)


def split(url: str) -> SplitResult:
    """The parts of a URL that a target sent; all empty if it is none."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def same_host(one: str, other: str) -> bool:
    """Whether two URLs have scheme, host and port in common."""
    return split(one)[:2] == split(other)[:2]


def _refuses(button: Button | None) -> bool:
    words = f"{button.name} {button.value} {button.label}".lower().split() if button else []
    return any(word in _REFUSING for word in words)


def same_site_of(cookie: Cookie) -> str:
    """The SameSite attribute in lower case; empty if it has none."""
    values = [cookie.get_nonstandard_attr(name) for name in _SAME_SITE if cookie.has_nonstandard_attr(name)]
    return str(values[0]).lower() if values else ""


def _page(response: httpx.Response) -> Page:
    kind = response.headers.get("content-type", "text/html").partition(";")[0].strip().lower()
    html = response.text if kind in ("text/html", "application/xhtml+xml") else ""
    return Page(response.url, response.status_code, response.headers, html)


def _data(values: Mapping[str, str], button: Button | None) -> dict[str, str]:
    return dict(values) | ({button.name: button.value} if button is not None and button.name else {})


def _sent(http: httpx.Client, page: Page, form: Form, data: dict[str, str]) -> Page:
    with _answering():
        target = page.url.join(form.action) if form.action else page.url
        if form.method == "post":
            return _page(http.post(target, data=data, follow_redirects=True))
        return _page(http.get(target, params=data, follow_redirects=True))


@contextmanager
def _answering() -> Iterator[None]:
    import httpx

    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Untestable(f"a page could not be loaded: {type(error).__name__}") from None
