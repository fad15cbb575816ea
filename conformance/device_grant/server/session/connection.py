"""The HTTP client by which all checks of a run reach the endpoints."""

from __future__ import annotations

import threading
import time
from functools import lru_cache
from typing import TYPE_CHECKING

import httpx

from device_grant.browser.unreadable import UNREADABLE
from device_grant.errors import TargetUnreachableError
from device_grant.server.session.answers import plain_response

if TYPE_CHECKING:
    from device_grant.protocol import Request, Response
    from device_grant.protocol.certificates import ClientCertificate
    from device_grant.targets import Target

_parsed = lru_cache(maxsize=64)(httpx.URL)
"""The few endpoints are asked again and again, and httpx takes a while to parse a URL."""


class Connection:
    """Sends requests one at a time or from several threads; what a server has left undefined is replaced."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._lock = threading.RLock()
        self._clients: dict[ClientCertificate | None, httpx.Client] = {}
        """By what they show: connections are made with a certificate, or without."""

    def build(self, request: Request) -> httpx.Request:
        """The request for httpx, headers exactly as given but for what HTTP itself needs."""
        http = self._shared_http()
        return http.build_request(
            request.method,
            _parsed(request.url),
            headers=[(name.encode(), value.encode("utf-8", "surrogateescape")) for name, value in request.headers],
            content=request.content,
        )

    def send(self, request: Request) -> tuple[Response | Exception, float]:
        """The answer, or why there is none, and the real seconds that it took.

        Raises TargetUnreachableError if the target is gone.
        """
        tick = time.perf_counter()
        for attempt in (1, 2):
            http = self._shared_http(request.certificate)
            try:
                answer = http.send(self.build(request))
            except httpx.RemoteProtocolError as error:
                self._recycle(http)
                # A kept-alive connection that the server closed meanwhile: it has not seen the request.
                if attempt == 1 and "without sending a response" in str(error):
                    continue
                return error, time.perf_counter() - tick
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                self._recycle(http)
                gone = self._target.gone()
                if gone:
                    raise TargetUnreachableError(gone) from error
                return error, time.perf_counter() - tick
            except UNREADABLE as error:
                self._recycle(http)
                return error, time.perf_counter() - tick
            response = plain_response(answer)
            if response.status >= 400 and response.media_type != "application/json":
                # Servers that refuse without reading the body leave the connection in an undefined state.
                self._recycle(http)
            return response, answer.elapsed.total_seconds()
        error_twice = "the server closed the connection twice without sending a response"
        return httpx.RemoteProtocolError(error_twice), time.perf_counter() - tick

    def close(self) -> None:
        """Drop the connections."""
        for http in self._clients.values():
            http.close()
        self._clients.clear()

    def _shared_http(self, certificate: ClientCertificate | None = None) -> httpx.Client:
        with self._lock:
            http = self._clients.get(certificate)
            if http is None:
                http = self._target.http(certificate=certificate) if certificate else self._target.http()
                # The endpoints are not a browser's business: a cookie of one check must not reach another one.
                http.cookies.extract_cookies = _left_alone  # type: ignore[method-assign, assignment]
                self._clients[certificate] = http
            return http

    def _recycle(self, http: httpx.Client) -> None:
        with self._lock:
            if not self._target.in_process:
                # Not closed here: another thread of a timed check may still be reading from it.
                self._clients = {shown: kept for shown, kept in self._clients.items() if kept is not http}


def _left_alone(_response: httpx.Response) -> None:
    """Take no cookies, without looking for them: that would cost a sixth of what httpx does for a request."""
