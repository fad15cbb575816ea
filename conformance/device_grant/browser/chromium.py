"""A real browser for the checks that need one: Chromium, driven by Playwright, which the extra `browser` brings.

One process for a run, started when a check first asks for it. Playwright's own event loop lives in a thread of its
own, so that the checks stay synchronous and may come from several threads.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from device_grant.browser.weight import LARGEST_HEAP
from device_grant.judging import Untestable
from device_grant.processes import kept_no_more, marked_environment, removed_with_us

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from concurrent.futures import Future

    from playwright.async_api import Browser, Playwright

T = TypeVar("T")

VARIABLE = "DEVICE_GRANT_CHROMIUM"
"""Environment variable that names the executable."""
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""What distributions call it, in the order in which they are tried."""
PATIENCE = 60.0
"""Real seconds for one step of a browser, its start included."""
FAREWELL = 10.0
"""Real seconds in which it has to end."""
_LONGEST_PLACE = 45
"""Characters of the folder for what is temporary; the browser adds as many, and a socket on macOS has 104."""
_INSTALL = "pip install 'device-grant-conformance[browser]'"


def candidates() -> Iterator[str | None]:
    """Executables to try in this order; None is the one that Playwright may have downloaded itself.

    Raises Untestable where the environment variable names no executable file.
    """
    named = os.environ.get(VARIABLE)
    if named:
        result = shutil.which(named)
        if result is None:
            raise Untestable(f"{VARIABLE} is {named!r}, which is no executable file")
        yield result
        return
    for name in NAMES:
        result = shutil.which(name)
        if result is not None:
            yield result
    yield None


def has_playwright() -> bool:
    """Whether Playwright can be imported."""
    try:
        import playwright.async_api  # noqa: F401 - asked for its presence
    except ImportError:
        return False
    return True


def _arguments(base: str) -> list[str]:
    # Pages of a target that is reached by plain http get what browsers keep for secure contexts, as they would behind
    # the TLS of their real place.
    plain = [f"--unsafely-treat-insecure-origin-as-secure={base}"] if base.startswith("http:") else []
    # Frames of other sites stay in the process of their page: interception sees what they load, and fewer processes
    # have to be started. The rules for cookies and frames are the same.
    together = ("--disable-site-isolation-trials", "--renderer-process-limit=1")
    # Else a foreign page could not even frame a target on this machine or in a private network.
    public = "--ip-address-space-overrides=0.0.0.0/0=public,[::]/0=public"
    heap = f"--js-flags=--max-old-space-size={LARGEST_HEAP}"
    return ["--disable-gpu", *together, public, heap, *plain]


class Chromium:
    """The browser process of a run, or why there is none. Close it; closing one that never started does nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None
        self._missing = ""
        self._folder: Path | None = None

    def browser(self, base: str) -> Browser:
        """The running browser, started for a target at `base`; only to be used inside of `submit`.

        Raises Untestable, which says what to install, where there is none: the first time and ever after.
        """
        with self._lock:
            if self._browser is None and not self._missing:
                try:
                    self._start(base)
                except Untestable as reason:
                    self._missing = str(reason)
                    self._stop()
            if self._browser is None:
                raise Untestable(self._missing)
            return self._browser

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine on the browser's loop; raises Untestable where there is none any more."""
        if self._loop is None:
            work.close()
            raise Untestable("the browser has been closed")
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def close(self) -> None:
        """End the process, if it was started; takes at most ten seconds."""
        with self._lock:
            self._stop()

    def _start(self, base: str) -> None:
        if not has_playwright():
            raise Untestable(f"needs a browser: Playwright is not installed ({_INSTALL})")
        executables = list(candidates())
        self._folder = _short_folder()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=_live, args=(self._loop,), daemon=True, name="chromium")
        self._thread.start()
        starting = self.submit(self._launched(executables, base))
        try:
            self._browser = starting.result(PATIENCE)
        except TimeoutError:
            starting.cancel()
            raise Untestable(f"needs a browser: Chromium did not start within {PATIENCE:g} s") from None

    async def _launched(self, executables: list[str | None], base: str) -> Browser:
        from playwright.async_api import Error, async_playwright

        assert self._folder is not None  # noqa: S101 - the caller has made it
        # The driver makes folders where its own environment says, and leaves them behind where no browser starts.
        with _temporary(self._folder):
            self._playwright = await async_playwright().start()
        reason = ""
        for executable in executables:
            try:
                return await self._playwright.chromium.launch(
                    executable_path=executable,
                    # As root Chromium runs without its sandbox or not at all; anyone else keeps it.
                    chromium_sandbox=os.geteuid() != 0,
                    args=_arguments(base),
                    env={**marked_environment(), "TMPDIR": str(self._folder)},
                    timeout=PATIENCE * 1000 / 2,
                )
            except Error as error:
                reason = reason or (f": {Path(executable).name} does not start, {_why(error)}" if executable else "")
        description = reason or f": install Chromium (Debian: apt-get install chromium) or name one in {VARIABLE}"
        raise Untestable(f"needs a browser, and none can be started{description}")

    def _stop(self) -> None:
        self._end()
        folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
            kept_no_more(folder)

    def _end(self) -> None:
        loop, self._loop = self._loop, None
        if loop is None:
            return
        ending = asyncio.run_coroutine_threadsafe(self._ended(), loop)
        # Whatever goes wrong here, the driver ends when its pipe closes, and takes the browser with it.
        with suppress(Exception):
            ending.result(FAREWELL)
        loop.call_soon_threadsafe(loop.stop)
        if self._thread is not None:
            self._thread.join(FAREWELL)

    async def _ended(self) -> None:
        browser, self._browser = self._browser, None
        playwright, self._playwright = self._playwright, None
        if browser is not None:
            with suppress(Exception):
                await browser.close()
        if playwright is not None:
            await playwright.stop()


def _short_folder() -> Path:
    """A fresh folder for the browser and its driver, removed with us if we are killed."""
    usual = tempfile.gettempdir()
    # Below it stands a socket, whose path may have a hundred characters and no more.
    where = usual if len(usual) <= _LONGEST_PLACE or not os.access("/tmp", os.W_OK) else "/tmp"  # noqa: S108 - made for us alone
    folder = Path(tempfile.mkdtemp(prefix="dg-", dir=where))
    removed_with_us(folder)
    return folder


@contextmanager
def _temporary(folder: Path) -> Iterator[None]:
    """Within: programs that are started have this folder for what is temporary."""
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = before


def _live(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    # When an interrupt has ended the driver too, nobody asks for the answers that it still owed to Playwright.
    loop.set_exception_handler(lambda _loop, _context: None)
    try:
        loop.run_forever()
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    finally:
        loop.close()


def _why(error: Exception) -> str:
    text = str(error)
    if "No usable sandbox" in text:
        return "no sandbox can be made for it here"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0][:200] if lines else type(error).__name__
