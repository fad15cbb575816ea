"""What the answers of an honest server say, before client.toml and the script have their say."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from device_grant.protocol import DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_grant.client.scripted.values import Values
    from device_grant.protocol import Dialect

JWKS = "/jwks"
USERINFO = "/userinfo"
"""Where the keys are that sign ID tokens; none unless client.toml asks for such tokens."""
EXPIRES_IN = 600
INTERVAL = 1
TOKEN_LIFETIME = 3600
ISSUED = (
    "device_code",
    "user_code",
    "verification_uri",
    "verification_uri_complete",
    "access_token",
    "refresh_token",
    "client_id",
    "client_secret",
    "id_token",
)
"""What clients get of a server, by its canonical name, that is remembered."""


def codes(base: str, values: Values) -> dict[str, Any]:
    """Of a device authorization response, canonical names (RFC 8628 section 3.2)."""
    user_code = values.user_code()
    uri = f"{base}/device"
    return {
        "device_code": values.token("DC"),
        "user_code": user_code,
        "verification_uri": uri,
        "verification_uri_complete": f"{uri}?user_code={user_code}",
        "expires_in": EXPIRES_IN,
        "interval": INTERVAL,
    }


def tokens(values: Values) -> dict[str, Any]:
    """Of a token response (RFC 6749 section 5.1)."""
    return {
        "access_token": values.token("AT"),
        "token_type": "Bearer",
        "expires_in": TOKEN_LIFETIME,
        "refresh_token": values.token("RT"),
    }


def registration(dialect: Dialect, asked: Mapping[str, Any], values: Values) -> dict[str, Any]:
    """Of the answer to a registration that asked for these (RFC 7591 section 3.2.1; AWS RegisterClient)."""
    known: dict[str, Any] = {"client_id": values.token("CID", 12)}
    now = int(time.time())
    if not dialect.registration_is_echoed:
        return known | {
            "client_secret": values.token("CS"),
            "client_id_issued_at": now,
            "client_secret_expires_at": now + 90 * 86400,
        }
    method = asked.get("token_endpoint_auth_method") or "client_secret_basic"
    known |= {"client_id_issued_at": now}
    if method != "none":
        known |= {"client_secret": values.token("CS"), "client_secret_expires_at": 0}
    kept = {name: value for name, value in asked.items() if name not in known}
    return {**kept, **known, "token_endpoint_auth_method": method}


def metadata_places(issuer_path: str) -> tuple[str, ...]:
    """Well-known paths of an issuer's metadata (RFC 8414 sections 3.1 and 5)."""
    path = issuer_path.rstrip("/")
    return (
        f"/.well-known/oauth-authorization-server{path}",
        f"/.well-known/openid-configuration{path}",
        f"{path}/.well-known/openid-configuration",
    )


def metadata(issuer: str, base: str, endpoints: Mapping[str, str]) -> dict[str, Any]:
    """Of the metadata (RFC 8414 section 2); `endpoints` are URLs by channel."""
    return {
        "issuer": issuer,
        "device_authorization_endpoint": endpoints["start"],
        "token_endpoint": endpoints["token"],
        "registration_endpoint": endpoints["registration"],
        "authorization_endpoint": base + "/authorize",
        "jwks_uri": base + JWKS,
        "grant_types_supported": [DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT],
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
        "scopes_supported": ["openid", "profile", "offline_access"],
    }
