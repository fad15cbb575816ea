"""Signing out: the reference client revokes its token (RFC 7009 section 2)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from device_grant.protocol import Client, Operation, Request
from device_grant.reference.client.answers import Failed
from device_grant.targets.addresses import is_test_rig

if TYPE_CHECKING:
    from device_grant.protocol import Dialect
    from device_grant.reference.client.faults import ClientFaults
    from device_grant.reference.client.network import Surroundings
    from device_grant.reference.client.transport import Transport

_MOST_TRIES = 3
_USUAL_PAUSE = 5.0
_LONGEST_PAUSE = 60.0
"""Seconds until the next try after a 503, where the server says none, and at most."""


@dataclass(frozen=True)
class SignOut:
    """One revocation, which is tried again where the server says that it cannot do it now."""

    dialect: Dialect
    network: Surroundings
    transport: Transport
    faults: ClientFaults

    def run(self, url: str, client: Client, token: str) -> None:
        """Revoke the token; raises Failed where it may live on, Broken and Untrusted as requests do."""
        clear = urlsplit(url).scheme != "https" and not is_test_rig(url)
        if clear and not self.faults.client_revokes_in_the_clear:
            raise Failed("the revocation endpoint is not https")
        transport = self.transport.trusting() if self.faults.client_revokes_anywhere else self.transport
        request = self._request(url, client, token)
        for left in reversed(range(_MOST_TRIES)):
            response = transport.send(request)
            if response.status != HTTPStatus.SERVICE_UNAVAILABLE or self.faults.client_503_is_success:
                break
            if left:
                said = response.header("retry-after") or ""
                self.network.sleep(min(float(said), _LONGEST_PAUSE) if said.isdecimal() else _USUAL_PAUSE)
        late = response.status == HTTPStatus.SERVICE_UNAVAILABLE and self.faults.client_503_is_success
        if response.status != HTTPStatus.OK and not late:
            raise Failed(f"the token may live on: the revocation was answered {response.status}")

    def _request(self, url: str, client: Client, token: str) -> Request:
        members = {"token": token, "token_type_hint": "refresh_token"}
        request = self.dialect.encode(Operation.OTHER, url, members, client)
        if not self.faults.client_revokes_by_query:
            return request
        by_query = f"{url}?{request.content.decode()}"
        return replace(request, method="GET", url=by_query, content=b"", headers=request.headers[1:])
