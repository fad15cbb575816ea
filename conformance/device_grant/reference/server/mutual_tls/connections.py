"""The certificates of connections: who they authenticate, and what is bound to them (RFC 8705 sections 2 to 4)."""

from __future__ import annotations

import base64
import binascii
import ssl
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from device_grant.protocol.certificates import CONFIRMATION, thumbprint
from device_grant.reference.server.http import Answer, Refusal, VerbatimAnswer
from device_grant.reference.server.issued.terms import good_token
from device_grant.reference.server.issued.userinfo import presented_token

if TYPE_CHECKING:
    from device_grant.reference.server.http import Call, Handler
    from device_grant.reference.server.issued.terms import Terms
    from device_grant.reference.server.store import IssuedGrant, RegisteredClient, Store

_REFUSED = {"Cache-Control": "no-store", "WWW-Authenticate": 'Bearer error="invalid_token"'}


class Connections:
    """What the RFC dialect makes of the certificates that clients show."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._faults = store.faults
        self._aliased: set[str] = set()
        """Codes from the alias; only the fault `mtls_alias_own_codes` keeps any."""

    def authenticate(self, client: RegisteredClient, call: Call) -> bool:
        """Whether a client is one of certificates, and the connection shows its own; False: it is another one.

        Raises Refusal invalid_client.
        """
        if client.credential is None:
            return False
        if call.path == "/device_authorization" and self._faults.mtls_not_at_device_endpoint:
            return True
        der = self._shown(call)
        if der is None:
            raise Refusal("invalid_client", "The connection shows no certificate", status=401)
        authorities, now = self._store.settings.trusted_authorities, self._store.clock()
        if not client.credential.fits(der, authorities, now, self._faults):
            if self._faults.mtls_mismatch_403:
                raise VerbatimAnswer(403, b"<!doctype html><title>Forbidden</title>", "text/html")
            raise Refusal("invalid_client", "The certificate of the connection is not the client's", status=401)
        return True

    def start(self, grant: IssuedGrant, call: Call) -> None:
        """Take note of where a grant begins."""
        if self._faults.mtls_alias_own_codes and self._at_alias(call):
            self._aliased.add(grant.device_code)

    def poll(self, client: RegisteredClient, grant: IssuedGrant | None, call: Call) -> None:
        """Bind what a poll of the grant may yield to the certificate of the connection, if there is one."""
        if grant is None or grant.client.id != client.id:
            return
        if grant.device_code in self._aliased and not self._at_alias(call):
            raise Refusal("invalid_grant", "Invalid device code: it was never issued")
        grant.bound = self._bound(grant.bound, call)

    def refresh(self, client: RegisteredClient, token: str, call: Call) -> None:
        """Refuse a refresh token of a public client over another connection than its own (RFC 8705 section 4).

        What it yields is bound to the certificate of this connection. Raises Refusal invalid_grant.
        """
        held = self._store.refresh_tokens.get(token)
        if held is None or held.client.id != client.id:
            return
        bound = self._bound(held.terms, call)
        public = client.secret is None and client.credential is None
        was = held.terms.confirmation.get(CONFIRMATION)
        if public and was and was != bound.confirmation.get(CONFIRMATION) and not self._faults.mtls_refresh_unbound:
            raise Refusal("invalid_grant", "Invalid refresh token: it belongs to another certificate")
        held.terms = bound

    async def at_resource(self, handle: Handler, call: Call) -> Answer:
        """What the resource answers, once a token that is bound came over a connection with its certificate."""
        scheme, _, token = (call.header(b"authorization") or "").partition(" ")
        presented = token.strip() if scheme.lower() == "dpop" else presented_token(call)
        held = good_token(self._store, presented or "")
        named = held.terms.confirmation.get(CONFIRMATION) if held is not None else None
        if named and not self._faults.userinfo_ignores_certificate:
            der = self._shown(call)
            if der is None or thumbprint(der) != named:
                return Answer(401, b"", "application/json", dict(_REFUSED))
        return await handle(call)

    def _bound(self, terms: Terms, call: Call) -> Terms:
        """The terms with a confirmation by the certificate of the connection, or none."""
        others = {name: said for name, said in terms.confirmation.items() if name != CONFIRMATION}
        der = self._shown(call)
        if der is None or self._faults.mtls_token_unbound:
            return replace(terms, confirmation=others)
        named = thumbprint(der) + ("=" if self._faults.mtls_thumbprint_padded else "")
        if self._faults.mtls_hash_at_top_level:
            return replace(terms, confirmation=others, claims={CONFIRMATION: named})
        return replace(terms, confirmation=others | {CONFIRMATION: named})

    def _shown(self, call: Call) -> bytes | None:
        """The certificate in DER of the TLS connection, as ASGI's TLS extension tells it."""
        if self._faults.mtls_header_believed:
            forged = call.header(b"client-cert")
            if forged is not None:
                try:
                    return base64.b64decode(forged.strip(":"))
                except binascii.Error:
                    return None
        tls: dict[str, Any] = (call.scope.get("extensions") or {}).get("tls") or {}
        chain = tls.get("client_cert_chain") or ()
        try:
            return ssl.PEM_cert_to_DER_cert(chain[0].strip()) if chain else None
        except ValueError:
            return None

    def _at_alias(self, call: Call) -> bool:
        place = urlsplit(self._store.settings.mutual_tls_base).netloc
        return bool(place) and call.header(b"host") == place
