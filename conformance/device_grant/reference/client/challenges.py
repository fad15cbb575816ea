"""By which method the reference client makes the challenge of a sign-in (RFC 7636 section 4.2), and faults of that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from device_grant.protocol import Request
from device_grant.protocol.dialects import json_object

if TYPE_CHECKING:
    from device_grant.reference.client.faults import ClientFaults
    from device_grant.reference.client.store import ClientStore
    from device_grant.reference.client.transport import Transport

Method = Literal["S256", "plain", ""]
"""Without a name: no challenge at all."""
ANNOUNCES = "/.well-known/oauth-authorization-server"
_KEPT = "challenges"


class ChallengeMethods:
    """An honest client has S256, whatever a server announces, and after any error too (sections 5 and 7.2)."""

    def __init__(self, endpoint: str, transport: Transport, store: ClientStore, faults: ClientFaults) -> None:
        self._endpoint, self._transport, self._store, self._faults = endpoint, transport, store, faults

    def first(self) -> Method:
        """Of a sign-in that begins."""
        faults = self._faults
        if faults.client_without_challenge or (faults.client_pkce_on_request_only and not self._announced()):
            return ""
        return "plain" if faults.challenge_plain or self._store.read(_KEPT).get("plain") else "S256"

    def after_error(self) -> Method | None:
        """Of another try in the same run; None: there is none."""
        faults = self._faults
        if faults.client_plain_next_time:
            self._store.write(_KEPT, {"plain": True})
        if faults.client_falls_back_to_no_challenge:
            return ""
        return "plain" if faults.client_falls_back_to_plain else None

    def _announced(self) -> bool:
        request = Request("GET", f"{self._endpoint}{ANNOUNCES}", (("Accept", "application/json"),))
        return bool((json_object(self._transport.send(request)) or {}).get("code_challenge_methods_supported"))
