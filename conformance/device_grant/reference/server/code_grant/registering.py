"""What RegisterClient asks of a client of the authorization code grant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from device_grant.protocol import DEVICE_CODE_GRANT
from device_grant.reference.server.code_grant.redirects import has_port, is_loopback
from device_grant.reference.server.http import Refusal, crash

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from device_grant.reference.server.faults import Faults
    from device_grant.reference.server.settings import Settings

_INSTANCES = (
    ".awsapps.com",
    ".awsapps.cn",
    ".app.aws",
    ".portal.amazonaws.com",
    ".portal.amazonaws.com.cn",
    ".portal.amazonaws.eu",
    ".app.amazonwebservices.com.cn",
    ".api.amazonwebservices.eu",
)
"""How names of hosts end at which instances of IAM Identity Center have their start URLs."""
_ISSUER = "identitycenter.amazonaws.com"


def require_code_client(members: Mapping[str, Any], grants: Iterable[str], settings: Settings, faults: Faults) -> None:
    """Raise Refusal for a registration with which nobody could sign in by a browser."""
    if faults.code_registration_refused:
        raise Refusal("invalid_request", "Invalid request: authorization_code is not served")
    if DEVICE_CODE_GRANT in grants and faults.both_grants_500:
        raise crash()
    if not members.get("scopes"):
        raise Refusal("invalid_scope", "Invalid scopes: authorization_code needs at least one")
    uris = members.get("redirectUris", ())
    if faults.loopback_needs_port and any(is_loopback(uri) and not has_port(uri) for uri in uris):
        raise Refusal("invalid_redirect_uri", "Invalid redirect URI: a port is needed")
    if not uris and not (faults.unregistered_redirect_used or faults.code_grant_for_all):
        raise Refusal("invalid_redirect_uri", "Invalid redirect URI: authorization_code needs at least one")
    issuer = members.get("issuerUrl")
    if issuer is not None and not _is_instance(issuer, settings) and not faults.issuer_url_ignored:
        raise Refusal("invalid_request", "Invalid issuer URL: it belongs to no instance of IAM Identity Center")


def _is_instance(url: str, settings: Settings) -> bool:
    """Whether a URL can be the start URL or the issuer of an instance, this server included."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or not host:
        return False
    return host == _ISSUER or host.endswith(_INSTANCES) or host == urlsplit(settings.base).hostname
