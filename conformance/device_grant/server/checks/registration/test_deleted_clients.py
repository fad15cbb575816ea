"""Clients that are gone between the approval and the redemption (RFC 7592 section 2.3, RFC 8628 section 3.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import NotApplicable, Untestable, check
from device_grant.protocol import Request
from device_grant.protocol.exchange import REFUSED
from device_grant.server.session.device import Device
from device_grant.server.session.registering import with_secret

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.server.session.case import ServerCase


@check("rfc8628-3.4-deleted-client-refused", faults=("deleted_client_redeems",), timed=True)
def test_approved_code_of_a_deleted_client(case: ServerCase, verify: Verify) -> None:
    """Register a client, approve its request, delete it as RFC 7592 has it, poll. Accepted: a refusal of any kind."""
    if not case.run.endpoints.registration:
        raise NotApplicable("clients cannot be registered")
    answer = with_secret(case)
    address, token = answer.get("registration_client_uri"), answer.get("registration_access_token")
    if not (answer.outcome.ok and isinstance(address, str) and isinstance(token, str)):
        raise NotApplicable("a registration brings no address and token by which it could be deleted")
    grant = Device(case, case.run.client_of(answer)).start()
    grant.device.user.approve(grant)
    deleted = case.send(Request("DELETE", address, (("Authorization", f"Bearer {token}"),)), "delete the client")
    if deleted.status // 100 != 2:
        raise Untestable(f"the client could not be deleted: {deleted.describe()}")
    exchange = grant.poll(label="poll of the client that is deleted")
    verify("rfc8628-3.4-deleted-client-refused", exchange, accepted=["invalid_client", "invalid_grant", REFUSED])
