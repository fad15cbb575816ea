"""From httpx to an ASGI application and back, synchronously, on a private event loop."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

import httpx
from asgi_lifespan import LifespanManager, LifespanNotSupported

from device_grant.targets.transports.limits import whole
from device_grant.targets.transports.shown import certificate_of, tls_extension

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, MutableMapping, Sequence

    from device_grant.targets.dispatch import Dispatch, Meanwhile

    Message = MutableMapping[str, Any]
    App = Callable[[Any, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]

_SHUTDOWN_TIMEOUT = 5.0
_GRACE = 0.05
"""Real seconds that a cancelled application gets to clean up."""


class BadApplicationError(Exception):
    """The callable is not an ASGI application."""


class AsgiBridge(httpx.BaseTransport):
    """Calls the application on a loop that lives from `start` to `stop`.

    The loop's clock is `time.monotonic`, which keeps ticking while time is frozen, so a request that hangs ends in a
    `ReadTimeout` after real seconds. An application that blocks its loop cannot be interrupted.
    """

    def __init__(self, app: App, failed: Callable[[BaseException], None], most: int) -> None:
        """`most`: octets of the content of an answer that are taken."""
        self._app: App = app
        self._most = most
        self._failed = failed
        self._loop = asyncio.new_event_loop()
        self._lifespan: LifespanManager | None = None
        self._turn = threading.Lock()
        """On a real clock checks wait side by side, in threads, and a loop runs in one of them at a time."""

    def start(self, timeout: float) -> None:
        """Run the application's startup; raises what it raises, TimeoutError, or BadApplicationError."""
        try:
            self._lifespan = self._loop.run_until_complete(self._startup(timeout))
        except BaseException:
            self._close_loop()
            raise

    def stop(self) -> None:
        """Run the application's shutdown, cancel what it left behind, close the loop."""
        try:
            if self._lifespan is not None:
                self._loop.run_until_complete(self._lifespan.__aexit__(None, None, None))
        except Exception as error:  # noqa: BLE001 - whatever a shutdown raises must not keep the suite from ending
            self._failed(error)
        finally:
            self._lifespan = None
            self._close_loop()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request; raises httpx.ReadTimeout or httpx.RemoteProtocolError where a network would."""
        content = request.read()
        timeout = request.extensions.get("timeout", {}).get("read")
        with self._turn:
            return self._loop.run_until_complete(self._exchange(request, content, timeout))

    def overlap(self, dispatches: Sequence[Dispatch], timeout: float, meanwhile: Meanwhile | None = None) -> None:
        """All requests as concurrent tasks; `timeout` in real seconds for each."""

        async def one(dispatch: Dispatch) -> None:
            content = dispatch.request.read()
            if dispatch.delay:
                await asyncio.sleep(dispatch.delay)
            dispatch.begin()
            try:
                answer = await self._exchange(dispatch.request, content, timeout, dropped=dispatch.dropped)
                dispatch.end(whole(answer, dispatch.request, self._most))
            except Exception as error:  # noqa: BLE001 - the caller judges each outcome
                dispatch.end(error)

        async def aside(meanwhile: Meanwhile) -> None:
            await asyncio.sleep(meanwhile.delay)
            meanwhile.action()

        async def gather() -> None:
            tasks = [one(dispatch) for dispatch in dispatches]
            await asyncio.gather(*tasks, *([aside(meanwhile)] if meanwhile is not None else []))

        with self._turn:
            self._loop.run_until_complete(gather())

    async def _startup(self, limit: float) -> LifespanManager | None:
        if not callable(self._app):
            raise BadApplicationError("the application cannot be called")
        manager = LifespanManager(_Lifespan(self._app), startup_timeout=limit, shutdown_timeout=_SHUTDOWN_TIMEOUT)
        try:
            await manager.__aenter__()
        except LifespanNotSupported as error:
            if isinstance(error.__cause__, TypeError) and "positional argument" in str(error.__cause__):
                raise BadApplicationError(
                    "this is no ASGI application (it does not take scope, receive, send); a WSGI one is wsgi:module:app"
                ) from error
            return None
        except TimeoutError:
            raise TimeoutError(f"its lifespan startup took longer than {limit:g} s") from None
        self._app = manager.app
        return manager

    async def _exchange(
        self, request: httpx.Request, content: bytes, limit: float | None, *, dropped: bool = False
    ) -> httpx.Response:
        call = _Call(request, content, self._most)
        if dropped:
            call.hang_up()
        task = asyncio.ensure_future(_awaited(self._app(call.scope, call.receive, call.send)))
        call.give_up = task.cancel
        done, _ = await asyncio.wait((task,), timeout=limit)
        if not done:
            task.cancel()
            await asyncio.wait((task,), timeout=_GRACE)
            if not (call.complete or call.overflowed):
                raise httpx.ReadTimeout(f"the application did not answer within {limit:g} s", request=request)
        elif not task.cancelled() and (error := task.exception()) is not None:
            self._failed(error)
            if not (call.complete or call.overflowed):
                return call.broken(f"the application raised {type(error).__name__} inside its response")
        if not (call.complete or call.overflowed):
            self._failed(RuntimeError("the application returned without completing its response"))
            return call.broken("the application returned without completing its response")
        return call.response()

    def _close_loop(self) -> None:
        async def settle() -> None:
            left = asyncio.all_tasks(self._loop) - {asyncio.current_task(self._loop)}
            for task in left:
                task.cancel()
            if left:
                await asyncio.wait(left, timeout=_GRACE)

        try:
            self._loop.run_until_complete(settle())
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
        finally:
            self._loop.close()


class _Call:
    """The two ends that the application sees of one request."""

    def __init__(self, request: httpx.Request, content: bytes, most: int) -> None:
        url = request.url
        path, _, query = url.raw_path.partition(b"?")
        self.scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": url.scheme,
            "path": unquote_to_bytes(path).decode("utf-8", errors="surrogateescape"),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "client": ("127.0.0.1", 50000),
            "server": (url.host, url.port or (443 if url.scheme == "https" else 80)),
        }
        shown = certificate_of(request)
        if shown is not None:
            self.scope["extensions"] = {"tls": tls_extension(shown)}
        self.complete = False
        self._request = request
        self._content = content
        self._sent = False
        self._ended = asyncio.Event()
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._body = bytearray()
        self._most = most
        self.overflowed = False
        """Whether the content is longer than what is taken: nobody waits for its end."""
        self.give_up: Callable[[], object] = lambda: None
        """Ends the application's work on this request."""

    def hang_up(self) -> None:
        """Be gone as soon as the request is sent."""
        self._ended.set()

    async def receive(self) -> dict[str, Any]:
        """The whole body at once, then the disconnect, once the response is complete."""
        if not self._sent:
            self._sent = True
            return {"type": "http.request", "body": self._content, "more_body": False}
        await self._ended.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Collect the response."""
        if message["type"] == "http.response.start":
            if self._status:
                raise RuntimeError("the response was started twice")
            self._headers = [(bytes(name), bytes(value)) for name, value in message.get("headers", ())]
            self._status = int(message["status"])
        elif message["type"] == "http.response.body":
            if not self._status:
                raise RuntimeError("the body was sent before the response was started")
            if not (self.complete or self.overflowed):
                # One octet more, by which whoever reads it sees that there is more.
                self._body += message.get("body", b"")[: self._most + 1 - len(self._body)]
                if len(self._body) > self._most:
                    self.overflowed = True
                    self._ended.set()
                    self.give_up()
                elif not message.get("more_body", False):
                    self.complete = True
                    self._ended.set()
                    return
            # An application that sends without end comes nowhere else to the loop, which has the deadline.
            await asyncio.sleep(0)

    def response(self) -> httpx.Response:
        """The complete response; a stream keeps httpx from adding headers that the application did not send."""
        body = b"" if self._request.method == "HEAD" else bytes(self._body)
        return httpx.Response(self._status, headers=self._headers, stream=httpx.ByteStream(body))

    def broken(self, reason: str) -> httpx.Response:
        """As a server in front of the application would: 500 before the start, a cut connection after it."""
        if self._status:
            raise httpx.RemoteProtocolError(reason, request=self._request)
        return internal_server_error()


class _Lifespan:
    """The application with a lifespan that always comes to an end.

    An application that ignores the lifespan protocol by returning at once is as good as one that completed it.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        scope.setdefault("asgi", {"version": "3.0", "spec_version": "2.0"})
        received = 0
        answered = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += 1
            return message

        async def watched(message: Message) -> None:
            nonlocal answered
            if message["type"].endswith(".failed"):
                raise RuntimeError(message.get("message") or f"it reported {message['type']}")
            await send(message)
            answered += 1

        await self._app(scope, counted, watched)
        for step, event in enumerate(("startup", "shutdown"), start=1):
            if received < step:
                await counted()
            if answered < step:
                await watched({"type": f"lifespan.{event}.complete"})


def internal_server_error() -> httpx.Response:
    """What every server answers when its application raised."""
    return httpx.Response(
        500,
        headers=[(b"content-type", b"text/plain; charset=utf-8")],
        stream=httpx.ByteStream(b"Internal Server Error"),
    )


def _awaited(value: Awaitable[None]) -> Coroutine[Any, Any, None]:
    async def call() -> None:
        await value

    return call()
