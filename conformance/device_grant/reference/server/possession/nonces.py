"""Nonces that proofs have to carry (RFC 9449 section 8)."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from device_grant.protocol.dpop import NONCE_HEADER, USE_NONCE
from device_grant.reference.server.http import Refusal

if TYPE_CHECKING:
    from device_grant.reference.server.store import Store

LIFETIME = 300.0
"""Seconds for which a nonce is good."""
_OCTETS = 18
_MOST = 10_000
"""Nonces that are remembered; the oldest go first."""


class Nonces:
    """Gives nonces and knows those that it has given."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._given: dict[str, float] = {}
        self._demanded = False

    @property
    def wanted(self) -> bool:
        """Whether proofs need one."""
        faults = self._store.faults
        return self._store.settings.dpop_nonces and not faults.dpop_iat_ignored

    def headers(self, *, remembered: bool = True) -> dict[str, str]:
        """The header field with a new nonce, for an answer."""
        faults = self._store.faults
        if not self.wanted:
            return {}
        nonce = secrets.token_urlsafe(_OCTETS)
        if faults.nonce_is_the_time:
            nonce = str(int(self._store.clock()))
        if faults.nonce_with_spaces:
            nonce += ' "x'
        if remembered:
            with self._store.lock:
                self._given[nonce] = self._store.clock()
                while len(self._given) > _MOST:
                    del self._given[next(iter(self._given))]
        further = {NONCE_HEADER.lower(): secrets.token_urlsafe(_OCTETS)} if faults.nonce_header_twice else {}
        return {NONCE_HEADER: nonce} | further

    def demand(self) -> Refusal:
        """The answer that asks for a nonce and gives one."""
        self._demanded = True
        headers = {} if self._store.faults.nonce_demanded_without_one else self.headers()
        return Refusal(USE_NONCE, "The proof needs the nonce that is given here", headers=headers)

    def missing(self, nonce: object) -> bool:
        """Whether a proof with this `nonce` has to be asked for another one."""
        faults = self._store.faults
        if not self.wanted:
            return False
        if not isinstance(nonce, str):
            return not (faults.nonce_optional_after_all and self._demanded)
        if faults.nonce_never_accepted:
            return True
        if faults.dpop_nonce_unchecked or (faults.nonce_of_right_length_accepted and self._has_length(nonce)):
            return False
        given = self._given.get(nonce)
        return given is None or self._store.clock() > given + LIFETIME

    def _has_length(self, nonce: str) -> bool:
        return bool(self._given) and len(nonce) == len(next(iter(self._given)))
