"""Faults of mutual TLS (RFC 8705)."""

from __future__ import annotations

from dataclasses import dataclass

from device_grant.reference.misbehaviour import RFC, Misbehaviour, fault


@dataclass(frozen=True, kw_only=True)
class MutualTlsFaults(Misbehaviour):
    """Faults of client certificates."""

    # What the metadata says.
    mtls_metadata_as_text: bool = fault('tls_client_certificate_bound_access_tokens is the text "true".', RFC)
    mtls_aliases_list: bool = fault("mtls_endpoint_aliases is an array of URLs.", RFC)
    mtls_alias_own_codes: bool = fault("Codes from the alias are unknown at the conventional token endpoint.", RFC)

    # Client authentication.
    mtls_not_at_device_endpoint: bool = fault("The device authorization endpoint looks at no certificate.", RFC)
    mtls_any_certificate: bool = fault("Any acceptable certificate authenticates any client.", RFC)
    mtls_mismatch_403: bool = fault("A certificate of somebody else is answered 403 with a page.", RFC)
    mtls_header_believed: bool = fault("The header Client-Cert counts as the certificate of the connection.", RFC)
    mtls_two_subjects: bool = fault("A client is registered with two kinds of subject.", RFC)

    # Bound tokens.
    mtls_token_unbound: bool = fault("Tokens that are asked for over mutual TLS have no cnf.", RFC)
    mtls_thumbprint_padded: bool = fault("x5t#S256 ends in an equals sign.", RFC)
    mtls_hash_at_top_level: bool = fault("x5t#S256 is a claim of its own.", RFC)
    mtls_introspection_without_cnf: bool = fault("Introspection tells no certificate of bound tokens.", RFC)
    userinfo_ignores_certificate: bool = fault("Userinfo serves bound tokens over any connection.", RFC)
    mtls_refresh_unbound: bool = fault("Refresh tokens of public clients work with any certificate, and none.", RFC)
