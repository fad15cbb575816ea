"""What the reference client ties its device grants to: code verifiers (RFC 7636) and a resource (RFC 8707)."""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from device_grant.reference.client.faults import ClientFaults
    from device_grant.reference.client.settings import ClientSettings


class FlowBinding:
    """Parameters of one flow after the other."""

    def __init__(self, settings: ClientSettings, faults: ClientFaults) -> None:
        self._settings = settings
        self._faults = faults
        self._verifier = ""

    def of_start(self) -> dict[str, Any]:
        """Of a device authorization request, which begins a new flow."""
        members: dict[str, Any] = {}
        if self._settings.pkce:
            self._verifier = secrets.token_urlsafe(48)
            plain = self._faults.client_device_pkce_plain
            digest = urlsafe_b64encode(hashlib.sha256(self._verifier.encode()).digest()).rstrip(b"=").decode()
            members |= {
                "code_challenge": self._verifier if plain else digest,
                "code_challenge_method": "plain" if plain else "S256",
            }
        return members | self._resource()

    def of_poll(self) -> dict[str, Any]:
        """Of a token request of that flow."""
        if self._faults.client_device_pkce_new_verifier:
            self._verifier = secrets.token_urlsafe(48)
        return ({"code_verifier": self._verifier} if self._settings.pkce else {}) | self._resource()

    @property
    def further(self) -> str:
        """A second resource of each poll; empty: none."""
        return f"{self._settings.resource}more/" if self._asks_for_all else ""

    @property
    def _asks_for_all(self) -> bool:
        return bool(self._settings.resource) and self._faults.client_asks_for_all_resources

    def _resource(self) -> dict[str, Any]:
        faults, resource = self._faults, self._settings.resource
        if not resource:
            return {}
        if faults.client_resource_relative:
            resource = "/api"
        if faults.client_resource_fragment:
            resource += "#read"
        if faults.client_resource_query:
            resource += "?tenant=1"
        return {"resource": resource}
