"""Steps in the thread of a browser, awaited in the thread that asks for them, which stands for the network."""

from __future__ import annotations

import queue
import time
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from device_grant.browser.chromium import PATIENCE
from device_grant.browser.tab import Asked, Loaded, Outbox, brief
from device_grant.browser.unreadable import UNREADABLE
from device_grant.browser.weight import end_large_pages
from device_grant.judging import Untestable

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from device_grant.browser.chromium import Chromium

T = TypeVar("T")

_LOOK = 0.3
"""Real seconds between two looks at how large the pages have become."""


class Steps:
    """The steps of one tab, and what it puts into its outbox meanwhile."""

    def __init__(self, chromium: Chromium, take: Callable[[Asked | Loaded], None]) -> None:
        """`take` is given what the tab asks for and what it has loaded, in the thread that takes the step."""
        self.outbox: Outbox = queue.SimpleQueue()
        self._chromium = chromium
        self._take = take
        self._given_up = ""
        """Why the tab is not used any more: what hung once hangs again."""

    def do(self, work: Coroutine[Any, Any, T], patience: float = PATIENCE, *, last: bool = False) -> T:
        """Take a step; raises Untestable where the browser cannot, or takes longer than `patience` in real seconds.

        After that it takes none but the `last`, which closes the tab.
        """
        if self._given_up and not last:
            work.close()
            raise Untestable(self._given_up)
        future = self._chromium.submit(work)
        future.add_done_callback(lambda _: self.outbox.put(None))
        end = time.perf_counter() + patience
        look = time.perf_counter() + _LOOK
        # The end counts also where there is always something to take: a page may go on for ever.
        while not future.done() and (now := time.perf_counter()) < end:
            if now >= look:
                look = now + _LOOK
                end_large_pages()
            with suppress(queue.Empty):
                self._took(self.outbox.get(timeout=max(0.01, min(look, end) - now)))
        if not future.done():
            future.cancel()
            self._given_up = f"the browser did not come to rest within {patience:g} s"
            raise Untestable(self._given_up)
        while not self.outbox.empty():
            self._took(self.outbox.get())
        try:
            return future.result()
        except CancelledError:
            raise Untestable("the browser has been closed") from None
        except Exception as error:
            if type(error).__module__.partition(".")[0] == "playwright":
                raise Untestable(f"the browser could not go on: {brief(error)}") from None
            raise

    def _took(self, item: Asked | Loaded | None) -> None:
        if item is not None:
            self._take(item)


def answered(http: httpx.Client, asked: Asked) -> httpx.Response | httpx.HTTPError:
    """What a client gets for a request of a page, or why it gets nothing."""
    headers = list(asked.headers.items())
    try:
        return http.send(http.build_request(asked.method, asked.url, headers=headers, content=asked.content))
    except httpx.HTTPError as error:
        return error
    except UNREADABLE as error:
        return httpx.UnsupportedProtocol(str(error))
