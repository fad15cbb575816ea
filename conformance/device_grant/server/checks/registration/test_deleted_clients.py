"""Clients that are deleted (RFC 7592 section 2.3) or disabled, and what they are given then (RFC 8628 section 3.4)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from device_grant.judging import NotApplicable, Untestable, check
from device_grant.protocol import Request
from device_grant.protocol.exchange import REFUSED
from device_grant.server.session.device import Device
from device_grant.server.session.methods import known_client
from device_grant.server.session.registering import with_secret
from device_grant.targets.ports import UserError

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Client, Exchange
    from device_grant.server.session.case import ServerCase

_OF_THE_CODE = frozenset({"invalid_grant", "expired_token", "access_denied"})
"""Refusals that say nothing of the client."""


@check("rfc8628-3.4-deleted-client-refused", faults=("deleted_client_redeems",), timed=True)
def test_approved_code_of_a_deleted_client(case: ServerCase, verify: Verify) -> None:
    """Register a client, approve its request, delete it as RFC 7592 has it, poll. Accepted: a refusal of any kind."""
    answer, address, token = _managed(case)
    grant = Device(case, case.run.client_of(answer)).start()
    grant.device.user.approve(grant)
    deleted = _delete(case, address, token, "delete the client")
    if deleted.status // 100 != 2:
        raise Untestable(f"the client could not be deleted: {deleted.describe()}")
    exchange = grant.poll(label="poll of the client that is deleted")
    verify("rfc8628-3.4-deleted-client-refused", exchange, accepted=["invalid_client", "invalid_grant", REFUSED])


@check(
    "rfc7592-2.3-token-required",
    "rfc7592-2.3-deleted-204",
    faults=("management_token_unchecked", "deletion_answered_200"),
)
def test_deletion_with_tokens_of_others(case: ServerCase, verify: Verify) -> None:
    """Delete a registration with no token, a wrong one, another client's, its own. Accepted: 401 thrice, then 204.

    The control is that the right one deletes; where a wrong one did, it is tried on another client.
    """
    (_, address, token), (_, _, foreign) = _managed(case), _managed(case)
    wrong = {"no token": None, "a wrong token": f"x{token[1:]}x", "another client's token": foreign}
    refused = [_delete(case, address, given, f"delete with {name}") for name, given in wrong.items()]
    if any(exchange.status // 100 == 2 for exchange in refused):
        _, address, token = _managed(case)
    deleted = _delete(case, address, token, "delete the client")
    if deleted.status // 100 != 2:
        raise Untestable(f"a client cannot be deleted with its own token either: {deleted.describe()}")
    for exchange in refused:
        verify("rfc7592-2.3-token-required", exchange, accepted=["http-401"], tolerated=[REFUSED])
    problem = f"the deletion was answered with status {deleted.status}"
    verify.that("rfc7592-2.3-deleted-204", deleted.status == HTTPStatus.NO_CONTENT, problem, deleted)


def _managed(case: ServerCase) -> tuple[Exchange, str, str]:
    """A registration, the address at which it is managed and the token for that; ends the check where there is none."""
    if not case.run.endpoints.registration:
        raise NotApplicable("clients cannot be registered")
    answer = with_secret(case)
    address, token = answer.get("registration_client_uri"), answer.get("registration_access_token")
    if not (answer.outcome.ok and isinstance(address, str) and isinstance(token, str)):
        raise NotApplicable("a registration brings no address and token by which it could be deleted")
    return answer, address, token


def _delete(case: ServerCase, address: str, token: str | None, label: str) -> Exchange:
    headers = () if token is None else (("Authorization", f"Bearer {token}"),)
    return case.send(Request("DELETE", address, headers), label)


# Last: a client that is not enabled again serves no other check.
@check("rfc8628-3.4-disabled-client-refused", faults=("disabled_client_redeems",), timed=True, order="last")
def test_approved_code_of_a_disabled_client(case: ServerCase, verify: Verify) -> None:
    """Approve a client's request, disable the client, poll, enable it. Accepted: a refusal of any kind.

    The control: the code is redeemed when the client is enabled again, or refused as a code and not as a client.
    """
    switch, client = case.run.target.switch_client, _switchable(case)
    if switch is None or client is None:
        raise Untestable("nobody says how a client is disabled: disable and enable of [[clients]] in target.toml")
    grant = Device(case, client).start()
    grant.device.user.approve(grant)
    case.note("the client is disabled")
    try:
        try:
            switch(client.id, "disable")
            exchange = grant.poll(label="poll while the client is disabled")
        finally:
            switch(client.id, "enable")
    except UserError as refused:
        raise Untestable(f"the client could not be disabled and enabled: {refused}") from None
    again = grant.poll(label="poll when it is enabled again")
    if not again.outcome.ok and again.outcome.code not in _OF_THE_CODE:
        raise Untestable(f"enabled again, the client is still refused: {again.describe()}")
    verify("rfc8628-3.4-disabled-client-refused", exchange, accepted=["invalid_client", "invalid_grant", REFUSED])


def _switchable(case: ServerCase) -> Client | None:
    """A client that can be disabled: one of its own for which target.toml says how, else one registered for this."""
    known = [client for client in case.run.target.config.clients if client.disable]
    if case.run.target.config.clients:
        return known_client(known, "primary")
    answer = with_secret(case)
    return case.run.client_of(answer) if answer.outcome.ok else None
