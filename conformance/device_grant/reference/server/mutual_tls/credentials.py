"""By which certificates a client authenticates: what it registers (RFC 8705 section 2), and whether one fits."""

from __future__ import annotations

import base64
import binascii
import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from device_grant.protocol.certificates import BY_AUTHORITY, MUTUAL_TLS_METHODS, thumbprint
from device_grant.reference.server.http import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cryptography.x509 import Certificate

    from device_grant.reference.server.faults import Faults

SUBJECTS = tuple(f"tls_client_auth_{kind}" for kind in ("subject_dn", "san_dns", "san_uri", "san_ip", "san_email"))
"""Members of a registration that say whose certificate it is (RFC 8705 section 2.1.2)."""


@dataclass(frozen=True)
class CertificateCredential:
    """What the server knows of the certificates of one client."""

    method: str
    subjects: tuple[tuple[str, str], ...] = ()
    """Members of its registration that name a subject, of which one has to fit."""
    thumbprints: frozenset[str] = frozenset()
    """Of certificates that it has made itself."""

    def fits(self, der: bytes, authorities: Iterable[str], now: float, faults: Faults) -> bool:
        """Whether a certificate is the client's; `authorities` are the certificates in PEM of those that are trusted.

        `now` is in seconds since the epoch.
        """
        if self.method != BY_AUTHORITY:
            return faults.mtls_any_certificate or thumbprint(der) in self.thumbprints
        from cryptography import x509

        try:
            shown = x509.load_der_x509_certificate(der)
        except ValueError:
            return False
        if not _issued_by(shown, authorities, now):
            return False
        return faults.mtls_any_certificate or any(value in _subjects(shown, kind) for kind, value in self.subjects)


def registered_credential(metadata: Mapping[str, Any], faults: Faults) -> CertificateCredential | None:
    """What a registration says of certificates; None where the client authenticates in another way.

    Raises Refusal invalid_client_metadata.
    """
    method = metadata.get("token_endpoint_auth_method")
    if method not in MUTUAL_TLS_METHODS:
        return None
    if method == BY_AUTHORITY:
        subjects = tuple((name, metadata[name]) for name in SUBJECTS if name in metadata)
        if not subjects or (len(subjects) > 1 and not faults.mtls_two_subjects):
            raise Refusal("invalid_client_metadata", f"{BY_AUTHORITY} needs exactly one of {', '.join(SUBJECTS)}")
        return CertificateCredential(BY_AUTHORITY, tuple((kind, _spelt(kind, value)) for kind, value in subjects))
    prints = frozenset(thumbprint(der) for der in _self_made(metadata.get("jwks")))
    if not prints:
        raise Refusal("invalid_client_metadata", f"{method} needs jwks whose keys have x5c")
    return CertificateCredential(str(method), thumbprints=prints)


def _self_made(jwks: Any) -> Iterator[bytes]:
    keys = jwks.get("keys") if isinstance(jwks, dict) else None
    for key in keys if isinstance(keys, list) else ():
        chain = key.get("x5c") if isinstance(key, dict) else None
        if isinstance(chain, list) and chain and isinstance(chain[0], str):
            try:
                yield base64.b64decode(chain[0], validate=True)
            except (binascii.Error, ValueError):
                continue


def _issued_by(shown: Certificate, authorities: Iterable[str], now: float) -> bool:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature

    moment = datetime.fromtimestamp(now, UTC)
    if not shown.not_valid_before_utc <= moment <= shown.not_valid_after_utc:
        return False
    for authority in authorities:
        try:
            shown.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.encode()))
        except (InvalidSignature, TypeError, ValueError):
            continue
        return True
    return False


def _subjects(shown: Certificate, kind: str) -> list[str]:
    """The subjects of that kind in a certificate, spelt as `_spelt` does."""
    from cryptography import x509

    if kind == SUBJECTS[0]:
        return [shown.subject.rfc4514_string()]
    try:
        names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    kinds: dict[str, type[Any]] = dict(
        zip(SUBJECTS[1:], (x509.DNSName, x509.UniformResourceIdentifier, x509.IPAddress, x509.RFC822Name), strict=True)
    )
    return [str(value) for value in names.get_values_for_type(kinds[kind])]


def _spelt(kind: str, value: str) -> str:
    """A registered subject as this server compares it; raises Refusal for what is none."""
    from cryptography import x509

    try:
        if kind == SUBJECTS[0]:
            return x509.Name.from_rfc4514_string(value).rfc4514_string()
        return str(ipaddress.ip_address(value)) if kind == "tls_client_auth_san_ip" else value
    except ValueError:
        raise Refusal("invalid_client_metadata", f"The value of {kind} is not valid") from None
