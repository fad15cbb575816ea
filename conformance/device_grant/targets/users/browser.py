"""The HTTP client that user modules are given: what a person's browser does beyond what an HTTP library does.

It asks for pages as a browser does, and sends cookies with Secure back to this machine over plain http too, and to what
runs in our own process. What it loads is seen below its public hooks, so that a module may set those as it likes.
"""

from __future__ import annotations

import urllib.request
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING

import httpx

from device_grant.targets.addresses import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from device_grant.browser.chromium import Chromium

NAVIGATION = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
"""The Accept of a browser that goes to a page (Fetch Standard, 4.6): what script asks for is sent with `*/*`."""
_LANGUAGES = "en-US,en;q=0.9"
_ANY = "*/*"


class Browser(httpx.Client):
    """A person's browser without script: own cookies, own connections; redirects are not followed unless asked to."""

    def __init__(
        self, way: httpx.BaseTransport | httpx.Client, *, base: str, timeout: float, in_process: bool = False
    ) -> None:
        """`way` is how requests reach the target, `timeout` in seconds; `in_process`: none of them leaves us."""
        self.private = in_process
        self.saw: Callable[[httpx.Response], None] | None = None
        """Called with each response, redirects included, before it is read."""
        self.about_to_send: Callable[[httpx.Request], None] | None = None
        """Called with each request before it is sent; what it raises ends the request."""
        self.chromium: Chromium | None = None
        """The real browser, for users who need one."""
        self.watched = False
        """Whether somebody looks at the pages themselves, and not only at what becomes of them."""
        through = _Through(way) if isinstance(way, httpx.Client) else way
        super().__init__(
            transport=_AsABrowser(self, through),
            base_url=base,
            timeout=timeout,
            trust_env=False,
            headers={"Accept": NAVIGATION, "Accept-Language": _LANGUAGES},
        )


class _AsABrowser(httpx.BaseTransport):
    def __init__(self, browser: Browser, way: httpx.BaseTransport) -> None:
        self._browser = browser
        self._way = way

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.headers.get("content-type", "").startswith("application/json"):
            # Nothing but script sends JSON, and does not ask for pages.
            request.headers["Accept"] = _asked_by_script(request.headers.get("accept", _ANY))
        if request.url.scheme == "http" and (self._browser.private or is_loopback(str(request.url))):
            _add_secure_cookies(request, self._browser.cookies.jar)
        if self._browser.about_to_send is not None:
            self._browser.about_to_send(request)
        response = self._way.handle_request(request)
        response.request = request
        if self._browser.saw is not None:
            self._browser.saw(response)
        return response

    def close(self) -> None:
        self._way.close()


class _Through(httpx.BaseTransport):
    """Sends through another client, which has no part in cookies, redirects and authentication."""

    def __init__(self, inner: httpx.Client) -> None:
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._inner.send(request, stream=True, follow_redirects=False)
        assert isinstance(answer.stream, httpx.SyncByteStream)  # noqa: S101 - of a client that is none of asyncio's
        stream = _Raw(answer, answer.stream)
        response = httpx.Response(
            answer.status_code, headers=answer.headers.raw, stream=stream, extensions=answer.extensions
        )
        stream.response = response
        return response

    def close(self) -> None:
        self._inner.close()


class _Raw(httpx.SyncByteStream):
    """The octets of a response as they come, and how long they took there."""

    response: httpx.Response

    def __init__(self, answer: httpx.Response, octets: httpx.SyncByteStream) -> None:
        self._answer = answer
        self._octets = octets

    def __iter__(self) -> Iterator[bytes]:
        yield from self._octets

    def close(self) -> None:
        self._octets.close()
        # A replayed answer took as long as when it was recorded.
        self.response.elapsed = self._answer.elapsed


def _asked_by_script(accept: str) -> str:
    return _ANY if accept == NAVIGATION else accept


def _add_secure_cookies(request: httpx.Request, jar: CookieJar) -> None:
    """Send cookies with Secure too: browsers hold this machine for trustworthy (Secure Contexts, 3.1).

    A Cookie field that the module has written by itself stays.
    """
    if not any(cookie.secure for cookie in jar):
        return
    lenient = CookieJar(DefaultCookiePolicy(secure_protocols=("http", "https")))
    for cookie in jar:
        lenient.set_cookie(cookie)
    if request.headers.get("cookie", "") == _field(request, jar):
        value = _field(request, lenient)
        if value:
            request.headers["Cookie"] = value


def _field(request: httpx.Request, jar: CookieJar) -> str:
    """The Cookie field that a jar has for a request."""
    asked = urllib.request.Request(str(request.url))  # noqa: S310 - it is never opened: a jar takes no other
    jar.add_cookie_header(asked)
    return asked.get_header("Cookie", "")
