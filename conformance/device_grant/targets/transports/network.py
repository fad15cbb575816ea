"""Reaching a target over the network: clients that share one TLS context, and requests released together."""

from __future__ import annotations

import ssl
import threading
from typing import TYPE_CHECKING

import httpx

from device_grant.targets.addresses import is_loopback
from device_grant.targets.transports.limits import Silence, limited

if TYPE_CHECKING:
    from collections.abc import Sequence

    from device_grant.targets.config import LimitsSection

_TOGETHER_TIMEOUT = 15.0
_FAREWELL = 5.0


class Network:
    """Clients for one base URL.

    Building a TLS context with the system's authorities takes tens of milliseconds, so it is made once; for plain
    HTTP an empty one is enough.
    """

    def __init__(self, base: str, bounds: LimitsSection, *, keep_alive: bool = True) -> None:
        """`keep_alive=False` gives every request of a client a connection of its own."""
        self.base = base
        self._bounds = bounds
        self._silence = Silence(bounds.silence)
        self._limits = httpx.Limits(max_keepalive_connections=None if keep_alive else 0)
        # Proxies of the environment are for the world outside this machine.
        self._trust_env = not is_loopback(base)
        if base.startswith("https:"):
            self._context = httpx.create_ssl_context()  # with the authorities of SSL_CERT_FILE
        else:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            # An advertised https URL of a plain-http target must fail, not be believed: no authority is trusted.

    def client(self, *, timeout: float = 10.0) -> httpx.Client:
        """A new client with its own cookies and connections; redirects are not followed."""
        return self._client(timeout, self._limits)

    def _client(self, timeout: float, limits: httpx.Limits) -> httpx.Client:
        client = httpx.Client(
            base_url=self.base,
            timeout=timeout,
            limits=limits,
            follow_redirects=False,
            trust_env=self._trust_env,
            verify=self._context,
        )
        return limited(client, self._bounds, self._silence)

    def together(self, requests: Sequence[httpx.Request]) -> list[httpx.Response | Exception]:
        """Send the requests at the same moment, each from a thread whose connection is already warm."""
        results: list[httpx.Response | Exception] = [TimeoutError("the request was never released")] * len(requests)
        gate = threading.Barrier(len(requests)) if requests else None

        def send(index: int, request: httpx.Request) -> None:
            with self._client(_TOGETHER_TIMEOUT, httpx.Limits()) as client:
                _warm(client, request.url)
                try:
                    if gate is not None:
                        gate.wait(_TOGETHER_TIMEOUT)
                    results[index] = client.send(request)
                except (httpx.HTTPError, threading.BrokenBarrierError) as error:
                    results[index] = error

        threads = [
            threading.Thread(target=send, args=pair, daemon=True, name=f"together-{pair[0]}")
            for pair in enumerate(requests)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(3 * _TOGETHER_TIMEOUT + _FAREWELL)
        return list(results)


def _warm(client: httpx.Client, url: httpx.URL) -> None:
    # Any answer opens the connection and leaves it in the pool. A failure is not ours to report: the request itself
    # will meet it and say so.
    try:
        client.get(url.copy_with(raw_path=b"/"))
    except httpx.HTTPError:
        return
