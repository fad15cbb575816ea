"""From httpx to a WSGI application and back, on a worker thread."""

from __future__ import annotations

import io
import queue
import sys
import threading
import time
from concurrent.futures import Future, InvalidStateError, wait
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote_to_bytes

import httpx

from device_grant.targets.transports.asgi import internal_server_error
from device_grant.targets.transports.limits import whole
from device_grant.targets.transports.shown import certificate_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from device_grant.targets.dispatch import Dispatch, Meanwhile

_T = TypeVar("_T")

_CERTIFICATE = "SSL_CLIENT_CERT"
"""Where an application looks for the certificate of the connection, as mod_ssl of Apache httpd has it."""


class WsgiBridge(httpx.BaseTransport):
    """Calls the application on a thread that lives from `start` to `stop`.

    The thread makes a time limit possible (a synchronous call cannot be interrupted otherwise) and gives applications
    that keep per-thread state, such as SQLite connections, the one thread that they were imported on.
    """

    def __init__(self, load: Callable[[], Any], failed: Callable[[BaseException], None], most: int) -> None:
        """`most`: octets of the content of an answer that are taken."""
        self._most = most
        self._load = load
        self._failed = failed
        self._app: Any = None
        self._worker = _Worker()

    def start(self) -> None:
        """Import the application; raises what importing raises."""
        self._app = self._worker.submit(self._load).result()

    def stop(self) -> None:
        """End the thread."""
        self._worker.stop()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request; raises httpx.ReadTimeout or httpx.RemoteProtocolError where a network would."""
        content = request.read()
        timeout = request.extensions.get("timeout", {}).get("read")
        given_up = threading.Event()
        future = self._worker.submit(lambda: self._call(request, content, given_up))
        try:
            return future.result(timeout)
        except TimeoutError:
            if future.done():
                raise
            given_up.set()
            # The thread is lost to the call that hangs in it; the next request gets another.
            self._worker.stop()
            self._worker = _Worker()
            raise httpx.ReadTimeout(f"the application did not answer within {timeout:g} s", request=request) from None

    def overlap(self, dispatches: Sequence[Dispatch], timeout: float, meanwhile: Meanwhile | None = None) -> None:
        """A thread for each request, released together; `timeout` in real seconds for each."""
        given_up = threading.Event()

        def serve(dispatch: Dispatch, content: bytes) -> None:
            dispatch.begin()
            try:
                answer = self._call(dispatch.request, content, given_up)
                # Where nobody waits any more, this comes too late.
                if not given_up.is_set():
                    dispatch.end(whole(answer, dispatch.request, self._most))
            except Exception as error:  # noqa: BLE001 - the caller judges each outcome
                dispatch.end(error)

        jobs: list[tuple[float, Callable[[], None]]] = [
            (one.delay, partial(serve, one, one.request.read())) for one in dispatches
        ]
        if meanwhile is not None:
            jobs.append((meanwhile.delay, meanwhile.action))
        gate = threading.Barrier(max(1, len(jobs)))

        def released(delay: float, action: Callable[[], None]) -> None:
            gate.wait(timeout)
            time.sleep(delay)
            action()

        workers = [_Worker() for _ in jobs]
        futures = [worker.submit(partial(released, *job)) for worker, job in zip(workers, jobs, strict=True)]
        wait(futures, timeout)
        given_up.set()
        for dispatch in (one for one in dispatches if one.answer is None):
            dispatch.end(httpx.ReadTimeout(f"no answer within {timeout:g} s", request=dispatch.request))
        for worker in workers:
            worker.stop()
        for future in (one for one in futures if one.done()):
            future.result()

    def _call(self, request: httpx.Request, content: bytes, given_up: threading.Event) -> httpx.Response:
        started: list[tuple[int, list[tuple[str, str]]]] = []
        written: list[bytes] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], exc_info: object = None
        ) -> Callable[[bytes], None]:
            if started and exc_info is None:
                raise AssertionError("start_response was called twice without exc_info (PEP 3333)")
            started[:] = [(int(status.split(" ", 1)[0]), headers)]
            return written.append

        try:
            result: Iterable[bytes] = self._app(_environ(request, content), start_response)
            try:
                size = 0
                for block in result:
                    if block:
                        written.append(block)
                        size += len(block)
                    # An application may send without end, and nothing else stops its thread.
                    if size > self._most or given_up.is_set():
                        break
            finally:
                close = getattr(result, "close", None)
                if close is not None:
                    close()
            status, headers = _first(started)
            raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
            body = b"" if request.method == "HEAD" else b"".join(written)
        except Exception as error:  # noqa: BLE001 - as any server in front of it, answer 500 and carry on
            self._failed(error)
            return internal_server_error()
        return httpx.Response(status, headers=raw, stream=httpx.ByteStream(body))


def _first(started: list[tuple[int, list[tuple[str, str]]]]) -> tuple[int, list[tuple[str, str]]]:
    if not started:
        raise RuntimeError("the application returned without calling start_response")
    return started[0]


class _Worker:
    """One daemon thread: a call that never returns must not keep the interpreter from ending."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = queue.SimpleQueue()
        threading.Thread(target=self._run, daemon=True, name="wsgi-target").start()

    def submit(self, job: Callable[[], _T]) -> Future[_T]:
        future: Future[_T] = Future()
        self._jobs.put((job, future))
        return future

    def stop(self) -> None:
        self._jobs.put(None)

    def _run(self) -> None:
        while (item := self._jobs.get()) is not None:
            job, future = item
            try:
                future.set_result(job())
            except InvalidStateError:
                continue
            except BaseException as error:  # noqa: BLE001 - it travels to the caller through the future
                future.set_exception(error)


def _environ(request: httpx.Request, content: bytes) -> dict[str, Any]:
    url = request.url
    path, _, query = url.raw_path.partition(b"?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query.decode("latin-1"),
        "SERVER_NAME": url.host,
        "SERVER_PORT": str(url.port or (443 if url.scheme == "https" else 80)),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": url.scheme,
        "wsgi.input": io.BytesIO(content),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        # The body is whole already; without this mark some frameworks read nothing when Content-Length is absent.
        "wsgi.input_terminated": True,
    }
    for raw_name, raw_value in request.headers.raw:
        key = raw_name.decode("latin-1").upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        value = raw_value.decode("latin-1")
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    shown = certificate_of(request)
    if shown is not None:
        environ[_CERTIFICATE] = shown.first.strip() + "\n"
    return environ
