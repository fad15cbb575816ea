"""What the metadata says of both endpoints (RFC 8414 section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from device_grant.reference.server.ends.desk import INTROSPECTION_PATH, REVOCATION_PATH

if TYPE_CHECKING:
    from device_grant.reference.server.faults import Faults

_IN_THE_CLEAR = "http://login.example.com"
_SECRETS = ["client_secret_basic", "client_secret_post"]


def endpoints(faults: Faults, base: str) -> dict[str, Any]:
    """Members by name; where faults lead astray, only what is announced does."""
    revoked_at = _IN_THE_CLEAR if faults.revocation_endpoint_http else base
    introspected_at = _IN_THE_CLEAR if faults.introspection_endpoint_http else base
    fragment = "#token" if faults.revocation_endpoint_fragment else ""
    return {
        "revocation_endpoint": f"{revoked_at}{REVOCATION_PATH}{fragment}",
        "revocation_endpoint_auth_methods_supported": [*_SECRETS, "none"],
        "introspection_endpoint": f"{introspected_at}{INTROSPECTION_PATH}",
        "introspection_endpoint_auth_methods_supported": list(_SECRETS),
    }
