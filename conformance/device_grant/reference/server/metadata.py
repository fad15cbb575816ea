"""Authorization server metadata (RFC 8414 section 2, RFC 8628 section 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from device_grant.protocol import DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT
from device_grant.reference.server.ends import metadata as ends
from device_grant.reference.server.http import Answer, Call
from device_grant.reference.server.mutual_tls.announced import authentication_methods, mutual_tls_members
from device_grant.reference.server.possession.binding import metadata_members

if TYPE_CHECKING:
    from device_grant.reference.server.faults import Faults
    from device_grant.reference.server.settings import Settings

_UNSIGNED = "eyJhbGciOiJub25lIn0.e30."
"""A JWT of the algorithm none without claims (RFC 7519 section 6)."""
AUTHORIZATION_PATH = "/authorize"
"""Exists only with the fault `authorization_redirects_anywhere`."""
USERINFO_PATH = "/userinfo"
JWKS_PATH = "/jwks"
AUTHENTICATION_METHODS = ("client_secret_basic", "client_secret_post", "none")


def openid_configuration(members: dict[str, Any], faults: Faults) -> dict[str, Any]:
    """The document at the other well-known place: the same, but for a fault."""
    return members | ({"jwks_uri": members["jwks_uri"] + "/former"} if faults.openid_configuration_other_keys else {})


async def redirect_anywhere(call: Call) -> Answer:
    """What that fault serves there: nobody signs in, nothing is checked."""
    asked = dict(parse_qsl(call.query.decode("ascii", errors="replace")))
    target = asked.get("redirect_uri", "/")
    return Answer(302, b"", "text/html", {"Location": target.encode("ascii", errors="replace").decode()})


def document(settings: Settings, faults: Faults, base: str) -> dict[str, Any]:
    """The metadata document. No authorization endpoint: no grant of this server uses one."""
    members: dict[str, Any] = {
        "issuer": settings.base + ("/other" if faults.metadata_issuer_differs else ""),
        "token_endpoint": f"{base}/token",
        "device_authorization_endpoint": f"{base}/device_authorization",
        "registration_endpoint": f"{base}/register",
        "userinfo_endpoint": f"{base}{USERINFO_PATH}",
        "jwks_uri": f"{base}{JWKS_PATH}",
        "scopes_supported": list(settings.known_scopes),
        # Required by section 2, while 3.2 forbids empty arrays: `none` is the registered response type that
        # promises neither code nor token.
        "response_types_supported": ["none"],
        "grant_types_supported": [DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT],
        "token_endpoint_auth_methods_supported": [*AUTHENTICATION_METHODS, *authentication_methods(settings)],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }
    members |= metadata_members(faults)
    members |= mutual_tls_members(members, settings, faults)
    if faults.authorization_redirects_anywhere:
        members["authorization_endpoint"] = f"{base}{AUTHORIZATION_PATH}"
    members |= ends.endpoints(faults, base)
    if faults.metadata_lacks_device_endpoint:
        del members["device_authorization_endpoint"]
    if faults.metadata_lacks_grant:
        members["grant_types_supported"] = [REFRESH_TOKEN_GRANT]
    if faults.metadata_empty_array:
        members["ui_locales_supported"] = []
    if faults.metadata_issuer_query:
        members["issuer"] += "?tenant=1"
    _misplace(members, faults, base)
    _overpromise(members, faults, base)
    if faults.password_grant_offered:
        members["grant_types_supported"].append("password")
    if faults.metadata_sparse:
        return {name: value for name, value in members.items() if not name.endswith("_supported")}
    return members


def _misplace(members: dict[str, Any], faults: Faults, base: str) -> None:
    endpoints = [name for name in members if name.endswith("_endpoint")]
    if faults.metadata_urls_relative:
        members |= {name: members[name].removeprefix(base) for name in endpoints}
    if faults.metadata_device_endpoint_misnamed:
        members["device_code_endpoint"] = members.pop("device_authorization_endpoint")
    if faults.metadata_urls_dead:
        members |= {name: members[name].replace(base, f"{base}/moved", 1) for name in endpoints}


def _overpromise(members: dict[str, Any], faults: Faults, base: str) -> None:
    if faults.metadata_jwt_unsigned:
        members["token_endpoint_auth_methods_supported"].append("private_key_jwt")
        members["token_endpoint_auth_signing_alg_values_supported"] = ["none"]
    if faults.metadata_jwks_http:
        members["jwks_uri"] = "http://keys.example.com/jwks"
    if faults.metadata_signature_missing:
        members["signed_metadata"] = _UNSIGNED
    if faults.metadata_code_without_endpoint or faults.metadata_code_without_pkce:
        members["grant_types_supported"].append("authorization_code")
    if faults.metadata_code_without_pkce:
        members["authorization_endpoint"] = f"{base}/authorize"
    if faults.metadata_pkce_as_string:
        members["code_challenge_methods_supported"] = "S256 plain"
