"""Certificates for the checks: made in this process, or read from the files that target.toml names."""

from __future__ import annotations

import ssl
import tempfile
from datetime import UTC, datetime
from functools import cache
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING

from device_grant.errors import UsageError
from device_grant.files import CONFIGURATION, read_octets, utf8_of
from device_grant.protocol.certificates import ClientCertificate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.x509 import Certificate, KeyUsage

    from device_grant.targets.config import TargetConfig

_FROM, _UNTIL = datetime(2020, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Checks move clocks by years, and no certificate of this process outlives it."""
_AUTHORITY = "device-grant-conformance authority"
_HOST, _ADDRESS = "localhost", IPv4Address("127.0.0.1")
"""Where launched servers listen."""


@cache
def authority() -> str:
    """The certificate in PEM of the authority that this process is; servers in process trust it."""
    return _pem(_authority()[0])


@cache
def issued(name: str) -> ClientCertificate:
    """A certificate of that authority for a client of that name, which is the common name of its subject."""
    return _certified(name, *_authority())


@cache
def self_signed(name: str) -> ClientCertificate:
    """One that a client of that name has made for itself."""
    return _certified(name, None, None)


def write_for_server(folder: Path) -> None:
    """Make a folder with what a server of this machine needs for mutual TLS.

    `certificate.pem` and `key.pem` are for itself, at 127.0.0.1 and localhost; `authority.pem` is the authority of
    that one and of `issued` ones.
    """
    folder.mkdir(mode=0o700)
    shown = _certified(_HOST, *_authority(), server=True)
    for name, text in (("certificate", shown.pem), ("key", shown.key), ("authority", authority())):
        (folder / f"{name}.pem").write_text(text, encoding="ascii")


def subject_of(certificate: ClientCertificate) -> str:
    """The subject as RFC 4514 spells it, which is what a client registers (RFC 8705 section 2.1.2)."""
    from cryptography import x509  # only checks of certificates need the library

    return x509.load_pem_x509_certificate(certificate.first.encode()).subject.rfc4514_string()


def read_certificate(certificate: Path, key: Path) -> ClientCertificate:
    """The certificate of two files in PEM; raises UsageError in one line for what is none."""
    shown = ClientCertificate(_text(certificate), _text(key))
    if "-----BEGIN CERTIFICATE-----" not in shown.pem:
        raise UsageError(f"{certificate}: no certificate in PEM: it begins with -----BEGIN CERTIFICATE-----")
    try:
        client_context(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), shown)
    except ssl.SSLError as error:
        secret = "PASSWORD" in str(error).upper()
        why = "the key needs a password: write it without one" if secret else "do they belong together?"
        said = f"not a certificate and its private key ({error.reason})"
        raise UsageError(f"{certificate} and {key}: {said}: {why}") from error
    return shown


def client_context(context: ssl.SSLContext, certificate: ClientCertificate) -> ssl.SSLContext:
    """The context, which shows the certificate from now on; raises ssl.SSLError for what is none."""
    with tempfile.TemporaryDirectory() as folder:
        # The ssl module takes files alone; nobody but this user can read them, and they are gone at once.
        place = Path(folder, "client.pem")
        place.write_text(f"{certificate.key.strip()}\n{certificate.pem.strip()}\n", encoding="ascii", errors="replace")
        context.load_cert_chain(place, password=_no_password)
    return context


def files_of(config: TargetConfig) -> Iterator[tuple[str, str, str]]:
    """Where target.toml names a certificate: the table, and the files of certificate and key as they are written."""
    if config.mtls.certificate or config.mtls.key:
        yield "mtls", config.mtls.certificate, config.mtls.key
    for number, client in enumerate(config.clients):
        if client.certificate or client.key:
            yield f"clients[{number}]", client.certificate, client.key


def _no_password() -> str:
    return ""


def _text(file: Path) -> str:
    return utf8_of(read_octets(file, CONFIGURATION), file).decode()


@cache
def _authority() -> tuple[Certificate, EllipticCurvePrivateKey]:
    return _made(_AUTHORITY, None, None, authority=True)


def _certified(
    name: str, issuer: Certificate | None, by: EllipticCurvePrivateKey | None, *, server: bool = False
) -> ClientCertificate:
    from cryptography.hazmat.primitives import serialization

    certificate, key = _made(name, issuer, by, server=server)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return ClientCertificate(_pem(certificate), private.decode())


def _usage(*, signs_certificates: bool) -> KeyUsage:
    """What the key is for (RFC 5280 section 4.2.1.3), without which Python 3.13 believes no authority."""
    from cryptography.x509 import KeyUsage

    return KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _made(
    name: str,
    issuer: Certificate | None,
    by: EllipticCurvePrivateKey | None,
    *,
    authority: bool = False,
    server: bool = False,
) -> tuple[Certificate, EllipticCurvePrivateKey]:
    """A certificate by an issuer and its key, or by itself where there is none."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_FROM)
        .not_valid_after(_UNTIL)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(_usage(signs_certificates=authority), critical=True)
    )
    if not authority:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH])
        builder = builder.add_extension(usage, critical=False)
    if server:
        places = x509.SubjectAlternativeName([x509.DNSName(_HOST), x509.IPAddress(_ADDRESS)])
        builder = builder.add_extension(places, critical=False)
    if issuer is not None and by is not None:
        known = x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key())
        builder = builder.add_extension(known, critical=False)
    return builder.sign(by or key, hashes.SHA256()), key


def _pem(certificate: Certificate) -> str:
    from cryptography.hazmat.primitives import serialization

    return certificate.public_bytes(serialization.Encoding.PEM).decode()
