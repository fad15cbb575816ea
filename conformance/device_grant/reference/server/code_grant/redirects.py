"""Where a browser may be sent: the redirect URIs of a client, loopback ones at any port (RFC 8252 section 7.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlencode, urlsplit

from device_grant.reference.server.registration import redirect_uri_acceptable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_grant.reference.server.faults import Faults
    from device_grant.reference.server.store import RegisteredClient

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def redirect_allowed(client: RegisteredClient, uri: str, faults: Faults) -> bool:
    """Whether a browser may be sent there with a code for the client."""
    if faults.unregistered_redirect_used and not client.redirect_uris:
        return redirect_uri_acceptable(uri)
    if uri in client.redirect_uris:
        return True
    if faults.redirect_prefix_match and any(uri.startswith(_origin(known)) for known in client.redirect_uris):
        return True
    return not faults.loopback_port_fixed and any(_same_but_port(known, uri) for known in client.redirect_uris)


def with_answer(uri: str, members: Mapping[str, str]) -> str:
    """The redirect URI with members in its query, beside those that it has (RFC 6749 section 4.1.2)."""
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode(members)}"


def origin_of(uri: str) -> str:
    """Scheme, host and port, for a Content-Security-Policy; empty for a URI that has none."""
    parts = _parts(uri)
    return f"{parts.scheme}://{parts.netloc}" if parts is not None and parts.netloc else ""


def is_loopback(uri: str) -> bool:
    """Whether a URI is plain http to this machine."""
    parts = _parts(uri)
    return parts is not None and parts.scheme == "http" and parts.hostname in _LOOPBACK


def has_port(uri: str) -> bool:
    """Whether a URI names a port."""
    parts = _parts(uri)
    return parts is not None and parts.port is not None


def _same_but_port(known: str, uri: str) -> bool:
    if not is_loopback(known) or not is_loopback(uri) or not redirect_uri_acceptable(uri):
        return False
    one, other = urlsplit(known), urlsplit(uri)
    plain = "@" not in other.netloc and "@" not in one.netloc
    return plain and (one.hostname, one.path, one.query) == (other.hostname, other.path, other.query)


def _origin(known: str) -> str:
    parts = urlsplit(known)
    return f"{parts.scheme}://{parts.hostname}"


def _parts(uri: str) -> SplitResult | None:
    try:
        parts = urlsplit(uri)
        _ = parts.hostname, parts.port
    except ValueError:
        return None
    return parts
