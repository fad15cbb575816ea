"""What a URL's host says about who can listen in: this machine, a test rig, or the world."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit, urlunsplit

from device_grant.browser.page import split

_RESERVED = frozenset({"test", "localhost", "invalid", "example", "local", "internal"})
"""Top-level names that lead to nobody's public server (RFC 2606, RFC 6761, RFC 6762)."""


def is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine by name or address."""
    host = split(url).hostname or ""
    address = _address(host)
    if address is None:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback


def is_test_rig(url: str) -> bool:
    """Whether the URL's host is a loopback or private address, a name without a dot, or a reserved name."""
    host = split(url).hostname or ""
    address = _address(host)
    if address is None:
        _, dot, top = host.rpartition(".")
        return not dot or top in _RESERVED
    return address.is_loopback or address.is_private or address.is_link_local


def redacted_url(url: str) -> str:
    """A URL without user information and query, fit for a header line."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def unaskable(url: str) -> str:
    """Why no request can be sent to an absolute URL, in a few words; empty if one can."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return str(error)
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        return "no http or https URL with a host"
    from device_grant.browser.unreadable import address  # what only reads checks needs no HTTP client

    known = address(url)
    if known is None:
        return "its host cannot be read"
    try:
        known.raw_host.decode("ascii").encode("idna")
    except UnicodeError:
        return "no host can have this name: a part of it is empty or longer than 63 octets"
    return ""


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
