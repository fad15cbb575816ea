"""What the metadata says of mutual TLS (RFC 8705 sections 3.3 and 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from device_grant.protocol.certificates import MUTUAL_TLS_METHODS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_grant.reference.server.faults import Faults
    from device_grant.reference.server.settings import Settings

_ALIASED = ("device_authorization_endpoint", "token_endpoint", "userinfo_endpoint")
"""Endpoints to which clients make requests themselves, and show a certificate."""


def authentication_methods(settings: Settings) -> tuple[str, ...]:
    """Methods of client authentication by certificates; none where nobody can show one."""
    return MUTUAL_TLS_METHODS if settings.mutual_tls_base else ()


def mutual_tls_members(members: Mapping[str, Any], settings: Settings, faults: Faults) -> dict[str, Any]:
    """Members to be added to those of a metadata document."""
    elsewhere = settings.mutual_tls_base
    if not elsewhere:
        return {}
    aliases = {
        name: members[name].replace(settings.base, elsewhere, 1)
        for name in _ALIASED
        if str(members.get(name)).startswith(settings.base)
    }
    return {
        "tls_client_certificate_bound_access_tokens": "true" if faults.mtls_metadata_as_text else True,
        "mtls_endpoint_aliases": list(aliases.values()) if faults.mtls_aliases_list else aliases,
    }
