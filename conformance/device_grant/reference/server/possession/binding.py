"""What is bound to the key of a proof: tokens, refresh tokens of public clients, device codes (RFC 9449 section 5).

The last of these is the extension of draft-parecki-oauth-dpop-device-flow: a device authorization request with a proof.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from device_grant.protocol.dpop import INVALID_PROOF, NONCE_HEADER, USE_NONCE, read_proof
from device_grant.reference.server.http import Refusal
from device_grant.reference.server.possession.bound import Bound
from device_grant.reference.server.possession.proofs import ALGORITHMS, Proofs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from device_grant.reference.server.faults import Faults
    from device_grant.reference.server.http import Answer, Call
    from device_grant.reference.server.issued.tokens import Tokens
    from device_grant.reference.server.store import IssuedGrant, RegisteredClient, Store

BOUND = "dpop_bound_access_tokens"
"""The member of a registration by which a client asks to be refused without proofs (section 5.2)."""
LISTED = "dpop_signing_alg_values_supported"
"""The metadata member (section 5.1)."""
JKT = "dpop_jkt"
"""The parameter of an authorization request (section 10); at other endpoints an unknown one."""


class KeyBinding:
    """Decides by which keys the token endpoint is asked."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.faults = store.faults
        self.proofs = Proofs(store)

    def at_start(self, call: Call, url: str, parameters: Mapping[str, str]) -> str:
        """The key that a new device code is bound to; empty: none."""
        faults = self.faults
        if JKT in parameters and faults.dpop_jkt_refused:
            raise Refusal("invalid_request", f"{JKT} has no meaning here")
        if not self.proofs.comes_with(call):
            return ""
        if faults.start_refuses_dpop_header:
            raise Refusal("invalid_request", "There are no proofs here")
        if faults.start_proof_unchecked:
            proof = read_proof(call.header(b"dpop") or "")
            return proof.thumbprint if proof else ""
        try:
            return self.proofs.key_of(call, url)
        except Refusal as refusal:
            if faults.start_proof_error_generic and refusal.code == INVALID_PROOF:
                raise Refusal("invalid_request", refusal.description) from None
            raise

    def at_token(self, call: Call, url: str, parameters: Mapping[str, str]) -> str:
        """The key of a token request; empty: none. What is wrong with its proof is a Refusal."""
        faults = self.faults
        polled = self._store.grant_by_device_code(parameters.get("device_code", ""))
        if faults.device_grant_refuses_dpop and polled is not None and self.proofs.comes_with(call):
            raise Refusal("invalid_request", "There are no proofs for the device grant")
        lax = faults.dpop_none_at_refresh and polled is None
        try:
            return self.proofs.key_of(call, url, lax=lax)
        except Refusal as refusal:
            if polled is not None:
                self._mistreat(polled, refusal)
            if faults.invalid_proof_as_invalid_grant and refusal.code == INVALID_PROOF:
                raise Refusal("invalid_grant", refusal.description) from None
            raise

    def _mistreat(self, polled: IssuedGrant, refusal: Refusal) -> None:
        """What faults do to a code that was polled with a proof that is refused."""
        faults = self.faults
        if refusal.code == USE_NONCE:
            if faults.nonce_demand_spends_code and polled.decided:
                self._store.drop_grant(polled)
            if faults.nonce_round_counts_as_poll:
                polled.last_poll = self._store.clock()
        elif faults.invalid_proof_spends_code:
            self._store.drop_grant(polled)

    def require_proof(self, client: RegisteredClient, key: str) -> None:
        """Refuse a client that has asked to be refused without one."""
        if client.dpop_bound and not key and not self.faults.dpop_bound_client_may_omit:
            raise Refusal(INVALID_PROOF, "This client has to send proofs: it is registered so")

    def require_key(self, grant: IssuedGrant | None, key: str) -> None:
        """Refuse a poll of a bound device code by another key, or by none."""
        if grant is None or not grant.key:
            return
        faults = self.faults
        if faults.bound_code_never_pending and not grant.decided:
            raise Refusal("invalid_grant", "Invalid device code: nobody has decided")
        if faults.device_code_follows_last_key and key:
            return
        if grant.key != key and not (faults.bound_code_redeemed_without_proof and not key):
            raise Refusal("invalid_grant", "Invalid device code: it belongs to another key")

    def of_code(self, client: RegisteredClient, grant: IssuedGrant | None, key: str) -> Bound:
        """What the tokens of a device code are bound to."""
        faults = self.faults
        if grant is not None and grant.key:
            return Bound(
                "" if faults.bound_code_yields_bearer else key, "" if faults.bound_code_refresh_unbound else key
            )
        # Whoever authenticates needs no other protection, and may change the key (section 5).
        protected = client.secret is None or faults.dpop_binds_confidential_refresh
        return Bound(key, key if protected else "")

    def token_type(self, tokens: Tokens) -> str:
        """What the response calls the access token."""
        if self.faults.bearer_poll_called_dpop:
            return "DPoP"
        return "DPoP" if tokens.key and not self.faults.dpop_token_called_bearer else "Bearer"

    def answered(self, call: Call, answer: Answer) -> Answer:
        """The answer to a request with a proof, with the nonce for the next one."""
        if self.proofs.comes_with(call) and NONCE_HEADER not in answer.headers:
            succeeded = answer.status == HTTPStatus.OK
            fresh = self.proofs.nonces.headers(remembered=not (succeeded and self.faults.nonce_from_200_refused))
            asked_for_one = USE_NONCE.encode() in answer.content
            answer.headers |= {} if asked_for_one else fresh
        return answer


def metadata_members(faults: Faults) -> dict[str, Any]:
    """What the metadata says of proofs."""
    listed = list(ALGORITHMS) + (["none", "HS256"] if faults.dpop_algorithms_with_none else [])
    return {LISTED: listed}
