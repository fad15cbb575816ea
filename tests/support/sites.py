"""Pages of a site that exists for one test: what each address answers, and what was sent to it."""

from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import httpx

from device_grant.targets import GrantView
from device_grant.targets.users.browser import Browser
from device_grant.targets.users.login import Account, LoginUser

HOST = "http://site.test"
CODE = "WDJB-MJHT"
GRANT = GrantView(CODE, f"{HOST}/device")
ACCOUNT = Account("alice", "open sesame")


@dataclass
class Site:
    """Answers by method and path: HTML, `-> /path` for a redirect, or a status before the HTML, `403 <p>…`."""

    pages: dict[str, str]
    sent: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Method and path of each request, with what its form held."""

    def answer(self, request: httpx.Request) -> httpx.Response:
        place = f"{request.method} {request.url.path}"
        kind = request.headers.get("content-type", "")
        text = request.content.decode() if "urlencoded" in kind else request.url.query.decode()
        held = (
            {"raw": request.content.decode()} if "multipart" in kind else dict(parse_qsl(text, keep_blank_values=True))
        )
        if request.url.host != "site.test":
            place = f"{request.method} {request.url.host}"
        self.sent.append((place, held))
        page = self.pages.get(place, "404 <p>Not found</p>")
        if page.startswith("->"):
            return httpx.Response(303, headers={"Location": page[2:].strip()})
        status = int(page[:3]) if page[:3].isdigit() else 200
        return httpx.Response(status, html=page.removeprefix(f"{status} "))

    def browser(self) -> Browser:
        return Browser(httpx.Client(transport=httpx.MockTransport(self.answer)), base=HOST, timeout=5.0)

    def decide(self, action: str, user: LoginUser | None = None, grant: GrantView = GRANT) -> None:
        with self.browser() as http:
            getattr(user or LoginUser(ACCOUNT), action)(http, grant)

    def step(self, name: str, *what: object, user: LoginUser | None = None) -> httpx.Response:
        with self.browser() as http:
            return getattr((user or LoginUser(ACCOUNT)).pages, name)(http, *what)

    @property
    def last(self) -> dict[str, str]:
        """What was sent last in a form."""
        return next(held for _, held in reversed(self.sent) if held)

    @property
    def places(self) -> list[str]:
        return [place for place, _ in self.sent]


def form(action: str, *inside: str, method: str = "post", more: str = "") -> str:
    return f'<form method="{method}" action="{action}" {more}>{"".join(inside)}</form>'


SIGN_IN = form("/login", 'Name <input name="username"> Password <input name="password" type="password"><button>Sign in')
TYPE = form(
    "/code", '<label>Code <input name="user_code"></label><input type="hidden" name="csrf" value="c1"><button>Next'
)
DONE = "<h1>Device connected</h1><p>You may close this page.</p>"


def asking(question: str, *, done: str = DONE, **more: str) -> Site:
    """A site that asks for the code, then with `question`; forms of the question go to /decide."""
    pages = {"GET /device": TYPE, "POST /code": question, "POST /decide": done}
    return Site(pages | {key.replace("_", " /", 1): value for key, value in more.items()})
