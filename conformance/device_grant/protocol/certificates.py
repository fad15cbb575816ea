"""Client certificates as requests show them: the TLS connection proves the key, which no message holds (RFC 8705)."""

from __future__ import annotations

import hashlib
import ssl
from dataclasses import dataclass, field

from device_grant.protocol.base64url import base64url

BY_AUTHORITY = "tls_client_auth"
"""A client of this method shows a certificate of an authority that the server trusts (RFC 8705 section 2.1)."""
SELF_SIGNED = "self_signed_tls_client_auth"
"""Here the server knows the certificate itself (RFC 8705 section 2.2)."""
MUTUAL_TLS_METHODS = (SELF_SIGNED, BY_AUTHORITY)
CONFIRMATION = "x5t#S256"
"""The member of `cnf` that names a certificate (RFC 8705 section 3.1)."""
_BEGIN = "-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True)
class ClientCertificate:
    """A certificate and its private key."""

    pem: str
    """The certificate, and those of its chain after it."""
    key: str = field(default="", repr=False)
    """Its private key in PEM."""

    @property
    def first(self) -> str:
        """The certificate itself, in PEM."""
        return _BEGIN + self.pem.partition(_BEGIN)[2].partition(_BEGIN)[0]

    @property
    def der(self) -> bytes:
        """The certificate itself, in DER."""
        return ssl.PEM_cert_to_DER_cert(self.first.strip())

    @property
    def thumbprint(self) -> str:
        """As access tokens name it."""
        return thumbprint(self.der)


def thumbprint(der: bytes) -> str:
    """The SHA-256 of a certificate in base64url without padding (RFC 8705 section 3.1)."""
    return base64url(hashlib.sha256(der).digest())
