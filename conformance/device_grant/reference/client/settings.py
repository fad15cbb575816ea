"""What the reference client is told by its environment: the contract of docs/reference/client-toml.md."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from device_grant.protocol import RFC8628, Operation

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class ClientSettings:
    """Where to go, as whom, and what to do."""

    operation: str
    dialect: str
    endpoint: str
    issuer: str
    endpoints: Mapping[Operation, str]
    """Empty where the metadata must tell."""
    client_id: str
    client_secret: str
    scope: str
    start_url: str
    device_code: str
    refresh_token: str
    revocation: str
    """Where tokens are revoked; empty where the metadata must tell."""
    jwks_uri: str
    """Where the keys are that sign ID tokens; empty where the metadata must tell, or there are none."""
    pkce: bool
    """Whether to send a code challenge with the device authorization."""
    resource: str
    """Where the tokens are to be good (RFC 8707); empty: nowhere in particular."""
    dpop: bool
    """Whether to ask for tokens that are bound to a key, and to take no others."""
    dpop_device_code: bool
    """Whether the device authorization request has a proof too."""
    certificate: tuple[str, str] | None
    """Files in PEM with the certificate by which it authenticates, and with its key; None: it does not."""
    home: Path

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """Read them; what is absent is empty."""

        def said(name: str) -> str:
            return environment.get(f"DEVICE_GRANT_{name}", "")

        discover, certificate = said("DISCOVER") == "1", said("CLIENT_CERTIFICATE")
        named = {
            Operation.REGISTRATION: said("REGISTRATION_ENDPOINT"),
            Operation.DEVICE_AUTHORIZATION: said("DEVICE_AUTHORIZATION_ENDPOINT"),
            Operation.TOKEN: said("TOKEN_ENDPOINT"),
        }
        return cls(
            operation=said("OPERATION") or "flow",
            dialect=said("DIALECT") or RFC8628,
            endpoint=said("ENDPOINT"),
            issuer=said("ISSUER"),
            endpoints={} if discover else {name: url for name, url in named.items() if url},
            client_id=said("CLIENT_ID"),
            client_secret=said("CLIENT_SECRET"),
            scope=said("SCOPE"),
            start_url=said("START_URL"),
            device_code=said("DEVICE_CODE"),
            refresh_token=said("REFRESH_TOKEN"),
            revocation=said("REVOCATION_ENDPOINT"),
            jwks_uri=said("JWKS_URI"),
            pkce=said("PKCE") == "1",
            resource=said("RESOURCE"),
            dpop=said("DPOP") == "1",
            dpop_device_code=said("DPOP_DEVICE_CODE") == "1",
            certificate=(certificate, said("CLIENT_CERTIFICATE_KEY")) if certificate else None,
            home=Path(environment.get("HOME", ".")),
        )
