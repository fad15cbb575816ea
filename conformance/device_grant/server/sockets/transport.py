"""Transport security as seen from outside: which plain http is no finding, and what a TLS endpoint speaks."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlunsplit

from device_grant.browser.page import split
from device_grant.judging import Inconclusive, NotApplicable, Untestable
from device_grant.targets.addresses import is_test_rig

if TYPE_CHECKING:
    import ssl

    from device_grant.protocol import Request
    from device_grant.server.session.case import ServerCase

_TIMEOUT = 5.0
"""Real seconds for connecting, and for the handshake."""
_ATTEMPTS = 2
"""Handshakes after which a connection that breaks off is no accident of the network any more."""


def plain_http_allowed(url: str) -> bool:
    """Whether a URL may be http without being a finding: only where nobody but the tester can listen."""
    return split(url).scheme == "https" or is_test_rig(url)


def require_tls_matters(case: ServerCase, url: str) -> None:
    """Raise NotApplicable where TLS says nothing about the server: a test rig on http, a call within this process."""
    if split(url).scheme == "https":
        if case.run.target.in_process:
            raise NotApplicable("called in process: TLS belongs to whatever stands before the server")
    elif is_test_rig(url):
        raise NotApplicable("tested over http on loopback or under a reserved name: no TLS to judge")


def in_clear(request: Request) -> Request:
    """The same request over plain http."""
    parts = split(request.url)
    return replace(request, url=urlunsplit(("http", *parts[1:])))


def tls_versions(url: str) -> tuple[str, ...]:
    """Which of TLS 1.2 and 1.3 the host of an https URL speaks; certificates are not looked at.

    Raises Inconclusive where the host cannot be reached by a socket, for example behind a proxy, and where the
    connection breaks off or falls silent instead of refusing the version.
    """
    from ssl import TLSVersion

    spoken = []
    for name, version in {"TLS 1.2": TLSVersion.TLSv1_2, "TLS 1.3": TLSVersion.TLSv1_3}.items():
        answer = _handshake(url, _context(version, version))
        if answer is None:
            raise Inconclusive(f"the connection broke off in a handshake with {name}: neither taken nor refused")
        if answer:
            spoken.append(name)
    return tuple(spoken)


def speaks_old_tls(url: str) -> bool:
    """Whether the host of an https URL, known to speak a newer version, completes a handshake with TLS 1.0 or 1.1.

    A host that hangs up on such a client has refused it. Raises Inconclusive where it cannot be reached, Untestable
    if this machine cannot offer the old versions.
    """
    import ssl

    try:
        with warnings.catch_warnings():
            # They are deprecated: that is what servers are asked about.
            warnings.simplefilter("ignore", DeprecationWarning)
            context = _context(ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)
        context.set_ciphers("ALL:@SECLEVEL=0")
    except (ssl.SSLError, ValueError) as error:
        raise Untestable(f"this machine's OpenSSL cannot offer old versions of TLS: {error}") from None
    return _handshake(url, context) is True


def _context(oldest: ssl.TLSVersion, newest: ssl.TLSVersion) -> ssl.SSLContext:
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = oldest
    context.maximum_version = newest
    return context


def _handshake(url: str, context: ssl.SSLContext) -> bool | None:
    """Whether a handshake completes; False: the host refuses it, None: the connection breaks off or falls silent."""
    for _ in range(_ATTEMPTS):
        answer = _attempt(url, context)
        if answer is not None:
            return answer
    return None


def _attempt(url: str, context: ssl.SSLContext) -> bool | None:
    import socket
    import ssl

    parts = split(url)
    host = parts.hostname or ""
    try:
        plain = socket.create_connection((host, parts.port or 443), timeout=_TIMEOUT)
    except (OSError, ValueError) as error:
        raise Inconclusive(f"no socket reaches the server: {type(error).__name__}") from None
    with plain:
        try:
            with context.wrap_socket(plain, server_hostname=host):
                return True
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            return None
        except ssl.SSLError as error:
            if error.reason == "NO_PROTOCOLS_AVAILABLE":
                raise Untestable("this machine's OpenSSL cannot offer that version of TLS") from None
            # An alert, or an answer that is no TLS at all.
            return False
        except (OSError, ValueError):
            return None
