"""Client certificates on their way to applications in process: no TLS is spoken, the application is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from device_grant.protocol.certificates import ClientCertificate

_EXTENSION = "device_grant.certificate"


class Showing(httpx.BaseTransport):
    """Sends through another transport what a connection with that certificate would bring."""

    def __init__(self, inner: httpx.BaseTransport, certificate: ClientCertificate) -> None:
        self.inner = inner
        self._certificate = certificate

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer; over plain HTTP nothing is shown."""
        if request.url.scheme == "https":
            request.extensions[_EXTENSION] = self._certificate
        return self.inner.handle_request(request)


def certificate_of(request: httpx.Request) -> ClientCertificate | None:
    """What is shown with it."""
    shown: ClientCertificate | None = request.extensions.get(_EXTENSION)
    return shown


def tls_extension(shown: ClientCertificate) -> dict[str, Any]:
    """The TLS extension of ASGI (version 0.2) for a connection with that certificate, which nobody has verified."""
    return {
        "server_cert": None,
        "client_cert_chain": [shown.first.strip() + "\n"],
        "client_cert_name": None,
        "client_cert_error": None,
        "tls_version": 0x0304,
        "cipher_suite": None,
    }
