"""Mutual TLS as the scripted server has it (RFC 8705): it asks for a certificate everywhere, and takes it or none.

What a request should have shown is for the scenarios to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from device_grant.protocol.certificates import MUTUAL_TLS_METHODS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_grant.client.scripted.steps import Channel

ALIASES = "mtls_endpoint_aliases"
PREFIX = "/with-certificate"
"""What the path of an alias has before that of its endpoint."""
_ENDPOINTS: Mapping[Channel, str] = {
    "start": "device_authorization_endpoint",
    "token": "token_endpoint",
    "revocation": "revocation_endpoint",
}


@dataclass
class CertificateRequests:
    """Of one run, whose driver fills in all but the aliases."""

    aliases: tuple[Channel, ...] = ()
    """Endpoints that have an alias in the metadata (section 5); a refresh goes to that of `token`."""
    base: str = ""
    """Where the aliases are, without a slash at the end: another port than the server's, where there can be one."""
    certificate: str = ""
    """File in PEM with the certificate of the client, by an authority that the server trusts."""
    key: str = ""
    """File in PEM with its private key."""

    @property
    def variables(self) -> dict[str, str]:
        """What the client is told, by the last part of the name."""
        return {"CLIENT_CERTIFICATE": self.certificate, "CLIENT_CERTIFICATE_KEY": self.key}

    def alias(self, path: str) -> str:
        """URL of the alias of the endpoint at that path."""
        return f"{self.base}{PREFIX}{path}"

    def metadata(self, paths: Mapping[str, str]) -> dict[str, Any]:
        """Members of the metadata; `paths` are those of the endpoints, by channel."""
        collected: dict[str, Any] = {
            "token_endpoint_auth_methods_supported": list(MUTUAL_TLS_METHODS),
            "tls_client_certificate_bound_access_tokens": True,
        }
        if self.aliases:
            collected[ALIASES] = {_ENDPOINTS[name]: self.alias(paths[name]) for name in self.aliases}
        return collected
