"""Transport security as seen from outside: which plain http is no finding, and what a TLS endpoint speaks."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from conformance.judging import Inconclusive, NotApplicable

if TYPE_CHECKING:
    from conformance.protocol import Request
    from conformance.server.case import Case

_RESERVED = frozenset({"test", "localhost", "invalid", "example", "local", "internal"})
"""Top-level names that lead to nobody's public server (RFC 2606, RFC 6761, RFC 6762)."""
_HANDSHAKE_TIMEOUT = 5.0


def is_test_rig(url: str) -> bool:
    """Whether the URL's host is a loopback or private address, a name without a dot, or a reserved name."""
    host = urlsplit(url).hostname or ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        _, dot, top = host.rpartition(".")
        return not dot or top in _RESERVED
    return address.is_loopback or address.is_private or address.is_link_local


def plain_http_allowed(url: str) -> bool:
    """Whether a URL may be http without being a finding: only where nobody but the tester can listen."""
    return urlsplit(url).scheme == "https" or is_test_rig(url)


def require_tls_matters(case: Case, url: str) -> None:
    """Raise NotApplicable where TLS says nothing about the server: a test rig on http, a call within this process."""
    if urlsplit(url).scheme == "https":
        if case.run.target.in_process:
            raise NotApplicable("called in process: TLS belongs to whatever stands before the server")
    elif is_test_rig(url):
        raise NotApplicable("tested over http on loopback or under a reserved name: no TLS to judge")


def in_clear(request: Request) -> Request:
    """The same request over plain http."""
    parts = urlsplit(request.url)
    return replace(request, url=urlunsplit(("http", *parts[1:])))


def tls_versions(url: str) -> tuple[str, ...]:
    """Which of TLS 1.2 and 1.3 the host of an https URL speaks; certificates are not looked at.

    Raises Inconclusive where the host cannot be reached by a socket, for example behind a proxy.
    """
    versions = {"TLS 1.2": ssl.TLSVersion.TLSv1_2, "TLS 1.3": ssl.TLSVersion.TLSv1_3}
    return tuple(name for name, version in versions.items() if _handshake(url, version))


def _handshake(url: str, version: ssl.TLSVersion) -> bool:
    parts = urlsplit(url)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    host = parts.hostname or ""
    try:
        plain = socket.create_connection((host, parts.port or 443), timeout=_HANDSHAKE_TIMEOUT)
    except OSError as error:
        raise Inconclusive(f"no socket reaches the server: {type(error).__name__}") from None
    with plain:
        try:
            with context.wrap_socket(plain, server_hostname=host):
                return True
        except (OSError, ValueError):
            return False
