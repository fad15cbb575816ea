"""How the reference client finds its endpoints (RFC 8414)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from device_grant.protocol import Operation, Request
from device_grant.protocol.dialects import json_object
from device_grant.reference.client.answers import Failed

if TYPE_CHECKING:
    from device_grant.reference.client.faults import ClientFaults
    from device_grant.reference.client.transport import Transport

_ALIASES = "mtls_endpoint_aliases"
_ALIASED = {"device_authorization_endpoint", "token_endpoint"}
"""Aliases of RFC 8705 section 5 that the fault `client_chokes_on_aliases` knows."""


@dataclass(frozen=True)
class Discovered:
    """What an issuer's metadata names."""

    endpoints: dict[Operation, str]
    jwks_uri: str
    revocation: str


def discover(issuer: str, transport: Transport, faults: ClientFaults, *, mutual: bool = False) -> Discovered:
    """What the issuer's metadata names, the aliases first where TLS is `mutual`; raises Failed if it is of no use."""
    parts = urlsplit(issuer)
    origin = f"{parts.scheme}://{parts.netloc}"
    path = parts.path if faults.issuer_slash_kept else parts.path.rstrip("/")
    places = [
        f"{origin}/.well-known/oauth-authorization-server{path}",
        f"{origin}/.well-known/openid-configuration{path}",
        f"{origin}{path}/.well-known/openid-configuration",
    ]
    if faults.well_known_appended:
        places[0] = f"{origin}{path}/.well-known/oauth-authorization-server"
    if faults.openid_location_first:
        places.reverse()
    for place in dict.fromkeys(places):
        method = "POST" if faults.metadata_by_post else "GET"
        response = transport.send(Request(method, place, (("Accept", "application/json"),)))
        document = json_object(response) if response.status == 200 else None  # noqa: PLR2004 - OK
        if document is None:
            continue
        if document.get("issuer") != issuer and not faults.issuer_unchecked:
            raise Failed("the metadata is of another issuer")
        if faults.client_chokes_on_aliases and document.get(_ALIASES, {}).keys() - _ALIASED:
            raise Failed("the metadata has an alias that is unknown")
        if mutual and not faults.client_ignores_aliases:
            document |= _usable(document.get(_ALIASES))
        if faults.endpoints_guessed:
            document |= {f"{name}_endpoint": f"{origin}/{name}" for name in ("device_authorization", "token")}
        collected = {
            operation: document[f"{operation.value}_endpoint"]
            for operation in (Operation.REGISTRATION, Operation.DEVICE_AUTHORIZATION, Operation.TOKEN)
            if isinstance(document.get(f"{operation.value}_endpoint"), str)
        }
        if Operation.TOKEN in collected and Operation.DEVICE_AUTHORIZATION in collected:
            names = ("jwks_uri", "revocation_endpoint")
            return Discovered(collected, *(str(document.get(name) or "") for name in names))
    raise Failed("no metadata")


def _usable(aliases: Any) -> dict[str, str]:
    """The aliases that are there (RFC 8705 section 5), by the names of their endpoints."""
    return {name: url for name, url in aliases.items() if isinstance(url, str)} if isinstance(aliases, dict) else {}
