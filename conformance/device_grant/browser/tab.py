"""A tab of Chromium, in the thread where Playwright lives: what it loads, runs and shows.

Every coroutine and listener here belongs to that thread. What the check's thread has to do, to answer a request in
place of a network and to note what was loaded, is put into the tab's outbox.
"""

from __future__ import annotations

import asyncio
import base64
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import httpx

from device_grant.browser.devtools import as_fulfilled
from device_grant.browser.page import FOREIGN_HOST, HOOK, Page, split
from device_grant.browser.prominence import ControlLook, look_at, picture_of
from device_grant.browser.unreadable import UNREADABLE, address
from device_grant.judging import Untestable

if TYPE_CHECKING:
    import queue
    from collections.abc import Coroutine, Sequence

    from playwright.async_api import Browser, BrowserContext, CDPSession, Frame, Request, Response
    from playwright.async_api import Page as PlaywrightPage

LOADING = 20_000.0
"""Real milliseconds for one page."""
_PAUSE = 0.03
"""Real seconds without a request or a navigation after which a page has come to rest."""
_LONGEST_UNREST = 60
"""Pauses after which a page that never rests is taken as it is."""
_MOST_MOVES = 100
"""Requests for pages, and pages, that may follow each other by themselves: after so many none comes to rest."""
_LARGEST_LOAD = 32 * 2**20
"""Octets that a page and what belongs to it may have, decoded: ten times as much as large ones."""
_LARGEST_HTML = 4 * 2**20
"""Characters of what script has made of a page that are looked at."""
_HTML = f"""(() => {{
  const type = document.doctype ? new XMLSerializer().serializeToString(document.doctype) : "";
  const root = document.documentElement;
  return (type + (root ? root.outerHTML : "")).slice(0, {_LARGEST_HTML});
}})()"""
_AHEAD = 15_000
"""Milliseconds by which `move_on` moves the timers of the page."""

_FIELD = """() => {
  const typed = ["text", "search", "tel", "number", "email", "url", ""];
  const able = [...document.querySelectorAll("form input, form textarea")].filter(
    (field) => typed.includes((field.getAttribute("type") || "").toLowerCase())
      && !field.value && !field.form.querySelector("input[type=password]"));
  return able.find((field) => field.name.toLowerCase().includes("code")) || able[0] || null;
}"""
_SUBMIT = """(field) => {
  field.form.noValidate = true;
  const button = field.form.querySelector("button:not([type]), button[type=submit], input[type=submit]");
  field.form.requestSubmit(button || undefined);
}"""
_TEXT = "document.body ? document.body.innerText.slice(0, 100000) : ''"
_CONTROLS = "button:visible, select:visible, textarea:visible, input:visible"


@dataclass
class Asked:
    """A request of a page that the check's thread is to answer."""

    method: str
    url: str
    headers: dict[str, str]
    content: bytes
    kind: str
    """What it is for, as the DevTools Protocol calls it: Document, Script, Stylesheet, Image, Font, Fetch, XHR."""
    _answer: asyncio.Future[httpx.Response]

    def settle(self, result: httpx.Response | httpx.HTTPError) -> None:
        """Hand over the answer, or why there is none; from any thread."""
        self._answer.get_loop().call_soon_threadsafe(self._settle, result)

    def _settle(self, result: httpx.Response | httpx.HTTPError) -> None:
        if self._answer.done():
            return
        if isinstance(result, httpx.Response):
            self._answer.set_result(result)
        else:
            self._answer.set_exception(result)


@dataclass(frozen=True)
class Loaded:
    """A response that reached the tab."""

    method: str
    url: str
    status: int


Outbox: TypeAlias = "queue.SimpleQueue[Asked | Loaded | None]"


class Tab:
    """One tab with a profile of its own; made by `opened`."""

    def __init__(self, context: BrowserContext, page: PlaywrightPage, wire: CDPSession, outbox: Outbox) -> None:
        self.ran: list[str] = []
        """Names with which script has called the hook, oldest first."""
        self.methods: list[str] = []
        """Methods of the requests to the target, oldest first."""
        self.unframed: list[str] = []
        """Why pages did not appear in their frames."""
        self.foreign = ""
        """The HTML at the foreign site."""
        self._context = context
        self._page = page
        self._wire = wire
        self._outbox = outbox
        self._status = 0
        self._navigations = 0
        self._moves = 0
        """Requests for pages, and pages, that have followed each other since somebody did something."""
        self._loaded = 0
        """Octets that came meanwhile."""
        self._trouble = ""
        """Why the page was ended, if it was."""
        self._loading: set[Request] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    async def opened(cls, browser: Browser, outbox: Outbox, *, in_process: bool, timers: bool) -> Self:
        """A new tab; what it asks of any but the foreign site goes over the network unless `in_process`."""
        context = await browser.new_context(service_workers="block", accept_downloads=False)
        if timers:
            await context.clock.install()
        page = await context.new_page()
        tab = cls(context, page, await context.new_cdp_session(page), outbox)
        await tab._begin("*" if in_process else f"*://{FOREIGN_HOST}/*")
        return tab

    async def _begin(self, intercepted: str) -> None:
        page = self._page
        await page.expose_binding(HOOK, lambda _source, name="": self.ran.append(str(name)))
        page.on("request", self._on_request)
        page.on("requestfinished", self._on_answered)
        page.on("requestfailed", self._on_failed)
        page.on("response", self._on_response)
        page.on("framenavigated", self._on_navigation)
        page.on("crash", self._on_crash)
        # Playwright's own routes do not see where redirects lead.
        self._wire.on("Fetch.requestPaused", self._on_paused)
        await self._wire.send("Fetch.enable", {"patterns": [{"urlPattern": intercepted}]})
        self._wire.on("Network.dataReceived", self._on_data)
        await self._wire.send("Network.enable")

    async def close(self) -> None:
        """Drop the profile with everything in it."""
        for task in self._tasks:
            task.cancel()
        await self._context.close()

    # Steps.

    async def set_cookies(self, cookies: list[dict[str, Any]]) -> None:
        """Take cookies as `as_set` made them, but for those that a browser would not have taken from a server."""
        from playwright.async_api import Error

        for cookie in cookies:
            with suppress(Error):
                await self._wire.send("Network.setCookie", cookie)

    async def go_to(self, url: str) -> Page:
        """Load a page and let it come to rest; raises Untestable if it cannot be loaded."""
        from playwright.async_api import Error

        self._begin_step()
        if self._page.url.partition("#")[0] == url.partition("#")[0]:
            # Another fragment alone would not load the page again.
            await self._page.goto("about:blank")
        try:
            await self._page.goto(url, timeout=LOADING)
        except Error as error:
            # Script that goes on elsewhere while the page is still loading.
            if "interrupted by another navigation" not in str(error):
                said = self._trouble or f"a page could not be loaded in the browser: {brief(error)}"
                raise Untestable(said) from None
        return await self._rested()

    async def enter(self, text: str) -> Page | None:
        """Type into the field for a code and submit; None if there is none."""
        from playwright.async_api import Error

        self._begin_step()
        result = (await self._page.evaluate_handle(_FIELD)).as_element()
        if result is None:
            return None
        try:
            await result.fill(text, timeout=LOADING / 4)
        except Error:
            return None  # it takes numbers alone, or is hidden
        with suppress(Error):
            # The page may be gone before the call has come back.
            await result.evaluate(_SUBMIT)
        return await self._rested()

    async def move_on(self) -> Page:
        """Run the timers of the next 15 s."""
        from playwright.async_api import Error

        self._begin_step()
        with suppress(Error):
            # Likewise, if a timer leads elsewhere.
            await self._page.clock.run_for(_AHEAD)
        return await self._rested()

    async def has(self, selector: str) -> bool:
        """Whether the page or one of its frames has such an element."""
        return any([await _count(frame, selector) for frame in self._page.frames])

    async def framed_controls(self) -> int:
        """How many controls can be seen in the frames of the page."""
        return sum([await _count(frame, _CONTROLS) for frame in self._page.frames if frame.parent_frame is not None])

    async def controls(self, window: tuple[int, int]) -> list[ControlLook]:
        """Buttons and links of the page in a window of that size."""
        return await look_at(self._page, window)

    async def picture(self, words: Sequence[str], window: tuple[int, int], kept: Sequence[str] | None) -> bytes:
        """A JPEG without these words, or with what is kept alone, after which the page is no longer what it was."""
        return await picture_of(self._page, words, window, kept)

    async def text(self) -> str:
        """What can be read on the page, as it is rendered."""
        return str(await self._page.evaluate(_TEXT))

    async def press(self, *keys: str) -> Page:
        """Press keys, one after the other, in the page as it is."""
        from playwright.async_api import Error

        self._begin_step()
        with suppress(Error):  # the page may be gone after the first
            for key in keys:
                await self._page.keyboard.press(key)
        return await self._rested()

    def _begin_step(self) -> None:
        self._moves = self._loaded = 0

    async def _rested(self) -> Page:
        """Wait until nothing is loaded any more, also by script, and look at what is there."""
        from playwright.async_api import Error

        html = ""
        for _ in range(_LONGEST_UNREST):
            before = self._navigations
            with suppress(Error):  # the page is on its way elsewhere
                await self._page.wait_for_load_state("load", timeout=LOADING)
                await asyncio.sleep(_PAUSE)
                html = await self._html()
                if not self._loading and self._navigations == before:
                    break
            if self._trouble:
                raise Untestable(self._trouble)
        return Page(_url(self._page.url), self._status, httpx.Headers(), html)

    async def _html(self) -> str:
        """What script has made of the page, and no more of it than is looked at; raises Error of Playwright."""
        # In a world of its own, where script of the page has changed nothing.
        frame = (await self._wire.send("Page.getFrameTree"))["frameTree"]["frame"]["id"]
        world = await self._wire.send("Page.createIsolatedWorld", {"frameId": frame})
        place = {"contextId": world["executionContextId"], "returnByValue": True}
        evaluated = await self._wire.send("Runtime.evaluate", {"expression": _HTML, **place})
        return str(evaluated["result"].get("value", ""))

    # Listeners. An error in one of them would end the connection to the driver.

    def _on_request(self, request: Request) -> None:
        from playwright.async_api import Error

        self._loading.add(request)
        with suppress(Error):  # a frame may be gone already
            # Also those that come to nothing, since the next one is on its way before.
            if request.is_navigation_request() and request.frame == self._page.main_frame:
                self._count_move()
        if split(request.url).hostname != FOREIGN_HOST:
            self.methods.append(request.method)

    def _on_answered(self, request: Request) -> None:
        self._loading.discard(request)

    def _on_failed(self, request: Request) -> None:
        from playwright.async_api import Error

        self._loading.discard(request)
        with suppress(Error):  # likewise
            if request.is_navigation_request() and request.frame != self._page.main_frame:
                self.unframed.append(request.failure or "")

    def _on_navigation(self, frame: Frame) -> None:
        self._navigations += 1
        if frame.parent_frame is None:
            self._count_move()

    def _count_move(self) -> None:
        self._moves += 1
        if self._moves > _MOST_MOVES:
            self._end(f"a page went on to another one {_MOST_MOVES // 2} times by itself")

    def _on_data(self, event: dict[str, Any]) -> None:
        self._loaded += event.get("dataLength", 0)
        if self._loaded > _LARGEST_LOAD:
            self._end(f"a page loads more than {_LARGEST_LOAD // 2**20} MiB")

    def _end(self, trouble: str) -> None:
        if not self._trouble:
            self._trouble = trouble
            self._in_background(self._page.close())

    def _on_response(self, response: Response) -> None:
        from playwright.async_api import Error

        request = response.request
        if split(response.url).hostname != FOREIGN_HOST:
            self._outbox.put(Loaded(request.method, response.url, response.status))
        with suppress(Error):  # likewise
            if request.is_navigation_request() and request.frame == self._page.main_frame:
                self._status = response.status

    def _on_crash(self, _page: PlaywrightPage) -> None:
        self._end("the browser ended a page, which took more memory than a page may have")

    def _on_paused(self, event: dict[str, Any]) -> None:
        self._in_background(self._resume(event))

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # In place of the network.

    async def _resume(self, event: dict[str, Any]) -> None:
        from playwright.async_api import Error

        url = event["request"]["url"]
        try:
            if split(url).hostname == FOREIGN_HOST:
                answer = httpx.Response(200, html=self.foreign)
            elif split(url).path == "/favicon.ico":
                answer = httpx.Response(404)
            else:
                answer = await self._asked(event)
        except UNREADABLE:
            command, members = "Fetch.failRequest", {"errorReason": "Failed"}
        else:
            command, members = "Fetch.fulfillRequest", as_fulfilled(answer)
        with suppress(Error):
            # A page that has gone elsewhere meanwhile takes no answer.
            await self._wire.send(command, {"requestId": event["requestId"]} | members)

    async def _asked(self, event: dict[str, Any]) -> httpx.Response:
        request = event["request"]
        entries = request.get("postDataEntries") or ()
        content = b"".join(base64.b64decode(entry.get("bytes", "")) for entry in entries)
        content = content or str(request.get("postData", "")).encode()
        headers = dict(request["headers"])
        if event["resourceType"] == "Document":
            # Added by the network stack, which such a request never reaches (Fetch Metadata).
            headers |= {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": self._site()}
        answer: asyncio.Future[httpx.Response] = asyncio.get_running_loop().create_future()
        self._outbox.put(Asked(request["method"], request["url"], headers, content, event["resourceType"], answer))
        return await answer

    def _site(self) -> str:
        shown = split(self._page.url)
        if shown.hostname == FOREIGN_HOST:
            return "cross-site"
        return "same-origin" if shown.scheme in ("http", "https") else "none"


def brief(error: Exception) -> str:
    """An error of Playwright in one line, without the address, which may hold a code."""
    return str(error).partition("\n")[0].partition(" at http")[0]


async def _count(frame: Frame, selector: str) -> int:
    from playwright.async_api import Error

    try:
        return await frame.locator(selector).count()
    except Error:
        return 0  # gone meanwhile


def _url(text: str) -> httpx.URL:
    return address(text) or httpx.URL()
