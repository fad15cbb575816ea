"""Reaching a target over the network: clients that share one TLS context, and requests released together."""

from __future__ import annotations

import ssl
import threading
import time
from typing import TYPE_CHECKING

import httpx

from device_grant.targets.addresses import is_loopback
from device_grant.targets.certificates import client_context
from device_grant.targets.transports.limits import Silence, limited

if TYPE_CHECKING:
    from collections.abc import Sequence

    from device_grant.protocol.certificates import ClientCertificate
    from device_grant.targets.config import LimitsSection
    from device_grant.targets.dispatch import Dispatch, Meanwhile

_TOGETHER_TIMEOUT = 15.0
_FAREWELL = 5.0


class Network:
    """Clients for one base URL.

    Building a TLS context with the system's authorities takes tens of milliseconds, so it is made once; for plain
    HTTP an empty one is enough.
    """

    def __init__(self, base: str, bounds: LimitsSection, *, keep_alive: bool = True, authority: str = "") -> None:
        """`keep_alive=False` gives every request of a client a connection of its own.

        `authority` is a certificate in PEM of one more authority that is believed.
        """
        self.base = base
        self._authority = authority
        self._bounds = bounds
        self._silence = Silence(bounds.silence)
        self._limits = httpx.Limits(max_keepalive_connections=None if keep_alive else 0)
        # Proxies of the environment are for the world outside this machine.
        self._trust_env = not is_loopback(base)
        if base.startswith("https:"):
            self._context = self._believing()
        else:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            # An advertised https URL of a plain-http target must fail, not be believed: no authority is trusted but
            # the one that the server was given.
            if authority:
                self._context.load_verify_locations(cadata=authority)

    def client(self, *, timeout: float = 10.0, certificate: ClientCertificate | None = None) -> httpx.Client:
        """A new client with its own cookies and connections; redirects are not followed.

        It shows the certificate to whatever server asks for one, and believes the authorities of the machine even where
        the base is plain HTTP: endpoints for certificates are elsewhere.
        """
        if certificate is None:
            return self._client(timeout, self._limits)
        return self._client(timeout, self._limits, client_context(self._believing(), certificate))

    def _believing(self) -> ssl.SSLContext:
        context = httpx.create_ssl_context()  # with the authorities of SSL_CERT_FILE
        if self._authority:
            context.load_verify_locations(cadata=self._authority)
        return context

    def _client(self, timeout: float, limits: httpx.Limits, context: ssl.SSLContext | None = None) -> httpx.Client:
        client = httpx.Client(
            base_url=self.base,
            timeout=timeout,
            limits=limits,
            follow_redirects=False,
            trust_env=self._trust_env,
            verify=context or self._context,
        )
        return limited(client, self._bounds, self._silence)

    def overlap(self, dispatches: Sequence[Dispatch], meanwhile: Meanwhile | None = None) -> None:
        """Send the requests side by side, each from a thread whose connection is already warm.

        An HTTP client reads the answer to what it has sent: here no connection is dropped before.
        """
        gate = threading.Barrier(len(dispatches) + (meanwhile is not None)) if dispatches else None

        def send(dispatch: Dispatch) -> None:
            dispatch.dropped = False
            with self._client(_TOGETHER_TIMEOUT, httpx.Limits()) as client:
                _warm(client, dispatch.request.url)
                try:
                    if gate is not None:
                        gate.wait(_TOGETHER_TIMEOUT)
                    time.sleep(dispatch.delay)
                    dispatch.begin()
                    dispatch.end(client.send(dispatch.request))
                except (httpx.HTTPError, threading.BrokenBarrierError) as error:
                    dispatch.end(error)

        threads = [
            threading.Thread(target=send, args=(one,), daemon=True, name=f"overlap-{number}")
            for number, one in enumerate(dispatches)
        ]
        for thread in threads:
            thread.start()
        if gate is not None and meanwhile is not None:
            gate.wait(3 * _TOGETHER_TIMEOUT)
            time.sleep(meanwhile.delay)
            meanwhile.action()
        for thread in threads:
            thread.join(3 * _TOGETHER_TIMEOUT + _FAREWELL)


def _warm(client: httpx.Client, url: httpx.URL) -> None:
    # Any answer opens the connection and leaves it in the pool. A failure is not ours to report: the request itself
    # will meet it and say so.
    try:
        client.get(url.copy_with(raw_path=b"/"))
    except httpx.HTTPError:
        return
