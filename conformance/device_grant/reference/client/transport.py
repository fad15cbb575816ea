"""One request of the reference client over one connection, and what can go wrong with it."""

from __future__ import annotations

import http.client
import ssl
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from device_grant.protocol import Request, Response
from device_grant.reference.client.network import ANSWER_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from device_grant.reference.client.faults import ClientFaults
    from device_grant.reference.client.network import Surroundings

_MOST_OPEN = 8
"""Requests that the fault polls_overlap has under way."""
_MOST_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Broken(Exception):  # noqa: N818 - an event of the network; what becomes of it is decided by the caller
    """No whole answer came; `timeout` tells whether the server stayed silent."""

    def __init__(self, reason: str, *, timeout: bool = False) -> None:
        super().__init__(reason)
        self.timeout = timeout


class Untrusted(Exception):  # noqa: N818 - likewise
    """The server's certificate is not good."""


class Transport:
    """Sends requests, each over a connection of its own; redirects are not followed by an honest client."""

    def __init__(self, network: Surroundings, faults: ClientFaults, certificate: tuple[str, str] | None = None) -> None:
        """`certificate`: files with the client's own and with its key, shown to every server that asks for one."""
        self._network = network
        self._faults = faults
        self._certificate = certificate

    def trusting(self) -> Transport:
        """The same, to which every certificate is good."""
        return Transport(self._network, replace(self._faults, certificates_unchecked=True), self._certificate)

    def send(self, request: Request) -> Response:
        """The whole answer; raises Broken or Untrusted."""
        response = self._once(request)
        for _ in range(_MOST_REDIRECTS):
            location = response.header("location")
            if response.status not in _REDIRECTS or not location:
                break
            url = urljoin(request.url, location)
            if self._faults.redirects_followed:
                request = replace(request, url=url)
            elif self._faults.redirects_become_get and _origin(url) == _origin(request.url):
                request = Request("GET", url, (("Accept", "application/json"),), b"", request.operation)
            else:
                break
            response = self._once(request)
        return response

    def look_up(self, url: str, *, follow: bool) -> None:
        """HEAD; `follow` the redirects from there to anywhere, as no client should."""
        for _ in range(_MOST_REDIRECTS if follow else 1):
            location = self._once(Request("HEAD", url)).header("location")
            if not location:
                return
            url = urljoin(url, location)

    def send_by_timer(self, request: Request, interval: float) -> Response:
        """The answer to the first of the same requests that a timer sends, until the answer to that one is there."""
        sent: list[http.client.HTTPConnection] = []
        try:
            while len(sent) <= _MOST_OPEN and not (sent and self._network.arrives(sent[0], interval)):
                sent.append(self._begun(request))
            return self._answered(sent[0])
        finally:
            for connection in sent:
                connection.close()

    def _once(self, request: Request) -> Response:
        return self._answered(self._begun(request))

    def _begun(self, request: Request) -> http.client.HTTPConnection:
        """Send the request; raises Broken or Untrusted."""
        parts = urlsplit(request.url)
        patience = None if self._faults.answers_awaited_for_ever else ANSWER_TIMEOUT
        verify = not self._faults.certificates_unchecked
        connection = self._network.connection(
            parts.scheme, parts.netloc, verify=verify, patience=patience, certificate=self._certificate
        )
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        with _trouble(connection):
            connection.putrequest(request.method, target, skip_accept_encoding=True)
            for name, value in request.headers:
                connection.putheader(name, value)
            if request.content and not self._faults.content_length_missing:
                connection.putheader("Content-Length", str(len(request.content)))
            elif not request.content and request.method == "POST":
                connection.putheader("Content-Length", "0")
            connection.endheaders(request.content or None)
        return connection

    def _answered(self, connection: http.client.HTTPConnection) -> Response:
        """Read the answer and close the connection; raises Broken or Untrusted."""
        with _trouble(connection):
            answer = connection.getresponse()
            result = Response(answer.status, tuple(answer.getheaders()), self._content(answer))
        connection.close()
        return result

    def _content(self, answer: http.client.HTTPResponse) -> bytes:
        try:
            return answer.read()
        except http.client.IncompleteRead as error:
            if self._faults.truncated_answer_used:
                return bytes(error.partial)
            raise


@contextmanager
def _trouble(connection: http.client.HTTPConnection) -> Iterator[None]:
    """Close the connection where the block fails; what fails is Broken or Untrusted."""
    try:
        try:
            yield
        except BaseException:
            connection.close()
            raise
    except ssl.SSLCertVerificationError as error:
        raise Untrusted(str(error.verify_message or error)) from error
    except TimeoutError as error:
        raise Broken("no answer in time", timeout=True) from error
    except (OSError, http.client.HTTPException) as error:
        raise Broken(f"{type(error).__name__}: {error}") from error


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
