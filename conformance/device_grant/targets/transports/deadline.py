"""A moment by which an exchange over the network has to be over, however its octets come.

The timeouts of HTTP libraries bound one read each: a server that sends an octet now and then is waited for without
end. The moment belongs to the thread, as an exchange of httpx does.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpcore
import httpx

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Iterator

_PIECE = 16_384
"""Octets that are sent under one look at the clock."""
_moment = threading.local()


@contextmanager
def until(moment: float) -> Iterator[None]:
    """Within: nothing of this thread waits for the network beyond that moment of `time.perf_counter`."""
    before = getattr(_moment, "end", None)
    _moment.end = moment
    try:
        yield
    finally:
        _moment.end = before


def bounded_network(transport: httpx.BaseTransport) -> httpx.BaseTransport:
    """The transport, which from now on keeps to the moment; one that uses no network has nothing to keep to."""
    if isinstance(transport, httpx.HTTPTransport):
        transport._pool._network_backend = _Backend()  # noqa: SLF001 - httpx hands no backend on to its pool
    return transport


class _Backend(httpcore.NetworkBackend):
    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.connect_tcp(host, port, left, local_address, socket_options))

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.connect_unix_socket(path, _left(timeout, httpcore.ConnectTimeout), socket_options))

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _PIECE):
            self._inner.write(buffer[start : start + _PIECE], _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)


def _left(timeout: float | None, late: type[httpcore.TimeoutException]) -> float | None:
    end = getattr(_moment, "end", None)
    if end is None:
        return timeout
    left: float = end - time.perf_counter()
    if left <= 0:
        raise late("the time for the exchange is over")
    return left if timeout is None else min(timeout, left)
