"""DPoP at the reference client: one key for all runs under one HOME, a proof a request, the nonce that came last.

RFC 9449 sections 4.2, 5, 7.1 and 8; with its first request from draft-parecki-oauth-dpop-device-flow on.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from device_grant.protocol import REFRESH_TOKEN_GRANT, Operation, Request
from device_grant.protocol.dialects import json_object
from device_grant.protocol.dpop import HEADER, NONCE_HEADER, USE_NONCE
from device_grant.protocol.reading import value_of
from device_grant.reference.client.answers import Failed

if TYPE_CHECKING:
    from collections.abc import Callable

    from device_grant.protocol import Response
    from device_grant.protocol.proofs import ProofKey
    from device_grant.reference.client.faults import ClientFaults
    from device_grant.reference.client.network import Surroundings
    from device_grant.reference.client.settings import ClientSettings
    from device_grant.reference.client.store import ClientStore

ALGORITHM = "ES256"
_FILE = "proof-key"


class Possession:
    """Proofs of one run."""

    def __init__(
        self, settings: ClientSettings, network: Surroundings, store: ClientStore, faults: ClientFaults
    ) -> None:
        self._settings = settings
        self._network = network
        self._store = store
        self._faults = faults
        self._key: ProofKey | None = None
        self._nonce = ""
        self._polls = 0
        self._first: dict[Operation, str] = {}

    @property
    def token_type(self) -> str:
        """What the token response has to say, in small letters."""
        return "dpop" if self._settings.dpop else "bearer"

    def send(self, request: Request, send: Callable[[Request], Response]) -> Response:
        """The answer to the request with a proof, which is sent once more where the server asks for a nonce."""
        if not self._proves(request.operation):
            return send(request)
        response = send(self._proved(request))
        while self._asks_for_nonce(response) and not self._faults.client_gives_up_on_nonce:
            response = send(self._proved(request))
            if not self._faults.client_nonce_loop:
                break
        self._note(response)
        return response

    def with_token(self, url: str, token: str) -> Request:
        """A request for what a bound token is good for (section 7.1)."""
        if not self._settings.dpop:
            return Request("GET", url, (("Authorization", f"Bearer {token}"),))
        request = Request("GET", url, (("Authorization", f"DPoP {token}"),))
        return self._with_proof(request, self._made(request, token))

    def check(self, kind: object) -> None:
        """Raise Failed where a token that should be bound is said to be of another type."""
        if self._settings.dpop and str(kind).lower() != "dpop" and not self._faults.client_takes_bearer_for_bound:
            raise Failed(f"the token is not bound to the key: its type is {kind}")

    def _proves(self, operation: Operation) -> bool:
        settings, faults = self._settings, self._faults
        if operation is Operation.DEVICE_AUTHORIZATION:
            return settings.dpop_device_code and not faults.client_binds_at_poll_only
        return settings.dpop and operation is Operation.TOKEN

    def _proved(self, request: Request) -> Request:
        faults = self._faults
        if request.operation is Operation.TOKEN:
            self._polls += 1
            if faults.client_proof_on_first_poll_only and self._polls > 1:
                return request
            refreshes = value_of(request, "grant_type") == REFRESH_TOKEN_GRANT
            if faults.client_refreshes_without_proof and refreshes:
                return request
        made = self._made(request)
        if faults.client_reuses_proof:
            made = self._first.setdefault(request.operation, made)
        return self._with_proof(request, made)

    def _made(self, request: Request, token: str = "") -> str:
        from device_grant.protocol.proofs import ProofUse, new_key, proof

        faults, key = self._faults, self._own_key()
        if faults.client_polls_with_other_key and request.operation is Operation.TOKEN:
            key = new_key(ALGORITHM)
        use = ProofUse(request.method, request.url, self._network.time(), self._nonce, token)
        header: dict[str, Any] = {}
        if faults.client_proof_typ_jwt:
            header["typ"] = "JWT"
        if faults.client_sends_private_jwk:
            header["jwk"] = key.private_jwk
        claims = {"htu": request.url} if faults.client_htu_with_query else {}
        return proof(key, use, header, claims)

    @staticmethod
    def _with_proof(request: Request, made: str) -> Request:
        return replace(request, headers=(*request.headers, (HEADER, made)))

    def _own_key(self) -> ProofKey:
        """That of earlier runs under this HOME, else a new one, which later runs then find."""
        from device_grant.protocol.proofs import new_key

        if self._key is None:
            kept = {} if self._faults.client_new_key_after_restart else self._store.read(_FILE)
            self._key = _read(kept) if kept else new_key(ALGORITHM)
            if not kept:
                self._store.write(_FILE, self._key.private_jwk)
        return self._key

    def _asks_for_nonce(self, response: Response) -> bool:
        """Whether it is a challenge of section 8; its nonce is then the one to use."""
        self._note(response)
        return (json_object(response) or {}).get("error") == USE_NONCE and bool(response.header(NONCE_HEADER))

    def _note(self, response: Response) -> None:
        given = response.header(NONCE_HEADER)
        if given and not (self._nonce and self._faults.client_keeps_first_nonce):
            self._nonce = given


def _read(kept: dict[str, Any]) -> ProofKey:
    import jwt

    from device_grant.protocol.proofs import ProofKey

    private: Any = jwt.get_algorithm_by_name(ALGORITHM).from_jwk(json.dumps(kept))
    return ProofKey(ALGORITHM, private)
