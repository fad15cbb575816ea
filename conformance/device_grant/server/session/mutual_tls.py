"""Where clients that show a certificate make their requests (RFC 8705 section 5), and which certificate they show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from device_grant.protocol import Operation
from device_grant.protocol.certificates import MUTUAL_TLS_METHODS, ClientCertificate

if TYPE_CHECKING:
    from device_grant.protocol import Client
    from device_grant.server.session.run import Run
    from device_grant.targets.config import KnownClient, MutualTls

ALIASES = "mtls_endpoint_aliases"
BOUND = "tls_client_certificate_bound_access_tokens"
"""In the metadata, and in the registration of a client (RFC 8705 sections 3.3 and 3.4)."""
MEMBERS = {
    Operation.DEVICE_AUTHORIZATION: "device_authorization_endpoint",
    Operation.TOKEN: "token_endpoint",
    Operation.REGISTRATION: "registration_endpoint",
}
"""What the metadata calls the endpoints of the operations."""


def alias_of(run: Run, member: str) -> str:
    """The URL that the metadata has for those who show certificates, by the name of the member; empty: none."""
    from device_grant.targets.discovery import is_address  # what lists checks needs no HTTP client

    aliases = run.endpoints.document.get(ALIASES)
    url = aliases.get(member) if isinstance(aliases, dict) else None
    return url if isinstance(url, str) and is_address(url) else ""


def url_for(run: Run, operation: Operation, client: Client | None) -> str:
    """Where that client makes a request: at the alias, if there is one and the client is one of certificates."""
    usual = run.url(operation)
    if client is None or (client.certificate is None and client.authentication not in MUTUAL_TLS_METHODS):
        return usual
    return alias_of(run, MEMBERS.get(operation, "")) or usual


def certificate_of(table: KnownClient | MutualTls) -> ClientCertificate | None:
    """The certificate that a table of target.toml names; None where it names none. Raises UsageError."""
    from device_grant.targets.certificates import read_certificate

    return read_certificate(Path(table.certificate), Path(table.key)) if table.certificate else None
