"""Authorization server metadata (RFC 8414 section 2, RFC 8628 section 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.protocol import DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT

if TYPE_CHECKING:
    from conformance.reference.faults import Faults
    from conformance.reference.settings import Settings

AUTHENTICATION_METHODS = ("client_secret_basic", "client_secret_post", "none")


def document(settings: Settings, faults: Faults, base: str) -> dict[str, Any]:
    """The metadata document. No authorization endpoint: no grant of this server uses one."""
    members: dict[str, Any] = {
        "issuer": settings.base + ("/" if faults.metadata_issuer_differs else ""),
        "token_endpoint": f"{base}/token",
        "device_authorization_endpoint": f"{base}/device_authorization",
        "registration_endpoint": f"{base}/register",
        "scopes_supported": list(settings.known_scopes),
        # Required by section 2, while 3.2 forbids empty arrays: `none` is the registered response type that
        # promises neither code nor token.
        "response_types_supported": ["none"],
        "grant_types_supported": [DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT],
        "token_endpoint_auth_methods_supported": list(AUTHENTICATION_METHODS),
    }
    if faults.metadata_lacks_device_endpoint:
        del members["device_authorization_endpoint"]
    if faults.metadata_lacks_grant:
        members["grant_types_supported"] = [REFRESH_TOKEN_GRANT]
    if faults.metadata_empty_array:
        members["ui_locales_supported"] = []
    return members
