"""Clients that authenticate by certificates: those of target.toml, or registered ones of each method that is listed."""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from device_grant.judging import NotApplicable, Untestable
from device_grant.protocol import Client, Operation
from device_grant.protocol.certificates import BY_AUTHORITY, MUTUAL_TLS_METHODS, SELF_SIGNED, ClientCertificate
from device_grant.server.checks.mutual_tls.certified import ACCEPT_OURS, registers, require_tls, shown_by_device
from device_grant.server.session.device import Device
from device_grant.server.session.methods import METHOD
from device_grant.server.session.mutual_tls import certificate_of

if TYPE_CHECKING:
    from device_grant.server.session.case import ServerCase

SUBJECT = "tls_client_auth_subject_dn"
OTHER_SUBJECT = "tls_client_auth_san_dns"


@dataclass(frozen=True)
class CertifiedParty:
    """A device whose client authenticates by a certificate, and what somebody else shows in its place."""

    device: Device
    stranger: ClientCertificate

    @property
    def method(self) -> str:
        """Of its authentication."""
        return self.device.client.authentication

    def impostors(self) -> tuple[tuple[str, Client], ...]:
        """Clients that only say who they are, with words for what they show."""
        client = self.device.client
        return (
            ("with the certificate of somebody else", replace(client, certificate=self.stranger)),
            ("without a certificate", replace(client, certificate=None)),
            ("without a certificate at the usual endpoint", Client(client.id)),
        )

    def forged(self) -> tuple[tuple[str, str], ...]:
        """Headers by which proxies tell of a certificate, here from outside (RFC 8705 section 6.5, RFC 9440)."""
        shown = self.device.client.certificate
        pem = quote(shown.first.strip() + "\n", safe="") if shown else ""
        der = base64.b64encode(shown.der).decode() if shown else ""
        return (
            ("X-SSL-Client-Cert", pem),
            ("X-SSL-Client-Verify", "SUCCESS"),
            ("X-Client-Cert", pem),
            ("SSL-Client-Cert", pem),
            ("X-Forwarded-Client-Cert", f'Cert="{pem}"'),
            ("Client-Cert", f":{der}:"),
        )


def listed_methods(case: ServerCase) -> tuple[str, ...]:
    """Methods by certificates that the metadata lists."""
    listed = case.run.endpoints.document.get(f"{METHOD}s_supported")
    return tuple(one for one in MUTUAL_TLS_METHODS if isinstance(listed, list) and one in listed)


def certified_parties(case: ServerCase) -> tuple[CertifiedParty, ...]:
    """One of each kind whose right certificate is served where grants start.

    Raises NotApplicable where the server has no such clients, and Untestable where none is served.
    """
    clients = _known(case) or tuple(one for method in listed_methods(case) if (one := _registered(case, method)))
    if not clients and not listed_methods(case):
        raise NotApplicable(
            "the metadata lists no client authentication by certificates, and target.toml has no such client"
        )
    served, refused = [], ""
    for client in clients:
        require_tls(case, Operation.DEVICE_AUTHORIZATION, client)
        party = CertifiedParty(Device(case, client), _stranger(client.authentication))
        control = party.device.request(label=f"control: start with the right certificate ({party.method})")
        if control.outcome.ok:
            served.append(party)
        else:
            refused = f": {party.method} with the right certificate was answered {control.describe()}"
    if not served:
        raise Untestable(f"no client is served that authenticates by a certificate{refused}; {ACCEPT_OURS}")
    return tuple(served)


def _known(case: ServerCase) -> tuple[Client, ...]:
    return tuple(
        Client(known.id, None, known.authentication, certificate=certificate_of(known))
        for known in case.run.target.config.clients
        if known.authentication in MUTUAL_TLS_METHODS and "device_code" in known.grants
    )


def _registered(case: ServerCase, method: str) -> Client | None:
    from device_grant.targets.certificates import self_signed, subject_of  # what lists checks makes no certificates

    run = case.run
    if not registers(case):
        return None
    shown = self_signed("device") if method == SELF_SIGNED else shown_by_device(case)
    members: dict[str, Any] = {METHOD: method}
    members |= {"jwks": _key_set(shown)} if method == SELF_SIGNED else {SUBJECT: subject_of(shown)}
    answer = case.send(run.registration_request("confidential", **members), f"register a client of {method}")
    if not answer.outcome.ok or answer.get(METHOD) != method:
        return None
    return replace(run.client_of(answer), certificate=shown)


def _stranger(method: str) -> ClientCertificate:
    from device_grant.targets.certificates import issued, self_signed  # likewise

    return (issued if method == BY_AUTHORITY else self_signed)("somebody else")


def _key_set(shown: ClientCertificate) -> dict[str, Any]:
    """The JWK Set of a certificate that its client has made (RFC 8705 section 2.2.2)."""
    from cryptography import x509
    from jwt.algorithms import ECAlgorithm

    public: Any = x509.load_der_x509_certificate(shown.der).public_key()
    key = ECAlgorithm.to_jwk(public, as_dict=True)
    return {"keys": [{**key, "x5c": [base64.b64encode(shown.der).decode()]}]}
