"""How a token is revoked (RFC 7009 section 2.1), and by what its end is seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from device_grant.judging import NotApplicable, StopCheck, Untestable
from device_grant.protocol import Operation, Purpose, Request
from device_grant.protocol.dialects import json_object
from device_grant.server.session import capabilities
from device_grant.server.session.asking import asker_for, spoken
from device_grant.server.session.jose.compact import read_jwt

if TYPE_CHECKING:
    from collections.abc import Callable

    from device_grant.judging import Verify
    from device_grant.protocol import Client, Exchange
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device

UNSUPPORTED = "unsupported_token_type"
UNSEEN = "neither introspection nor userinfo of this server shows whether an access token lives"
_OK, _UNAUTHORIZED = 200, 401


def revoker(case: ServerCase) -> Device:
    """A device whose client may revoke: public clients may not where the metadata, or a 401, says so.

    A server that leaves `revocation_endpoint_auth_methods_supported` out means client_secret_basic (RFC 8414 section
    2); many such servers take public clients all the same. Raises NotApplicable where no client is left.
    """
    device = case.device
    listed = case.run.endpoints.document.get("revocation_endpoint_auth_methods_supported")
    if device.client.confidential or (isinstance(listed, list) and "none" in listed):
        return device
    if not isinstance(listed, list) and may_revoke(device):
        return device
    try:
        return case.confidential
    except (Untestable, NotApplicable):
        raise NotApplicable("public clients may not revoke here, and there is no client with a secret") from None


def may_revoke(device: Device, client: Client | None = None) -> bool:
    """Whether a client is known at the endpoint, as the answer to a made-up token shows."""
    probe = revoke(device, "never-issued-token-31c7", "control: revoke a made-up token", client=client)
    return probe.status != _UNAUTHORIZED


def revocation(device: Device, token: str | None, *, client: Client | None = None, **members: Any) -> Request:
    """A revocation request, not yet sent; no `token`: without that parameter."""
    run, who = device.case.run, spoken(client or device.client)
    return run.dialect.encode(Operation.OTHER, run.endpoints.revocation, {"token": token, **members}, who)


def revoke(
    device: Device,
    token: str | None,
    label: str = "revoke",
    *,
    hint: str | None = None,
    client: Client | None = None,
) -> Exchange:
    """Revoke a token, whatever the answer; `client`: another one than the device's."""
    request = revocation(device, token, client=client, token_type_hint=hint)
    return device.case.send(request, label, purpose=Purpose.REVOCATION)


def verify_200(verify: Verify, requirement: str, exchange: Exchange, what: str) -> None:
    """Say that a revocation was answered 200; its content does not matter (RFC 7009 section 2.2)."""
    verify.that(requirement, exchange.status == _OK, f"{what} is not answered 200", exchange, accepted=["http-200"])


def taken(exchange: Exchange) -> bool:
    """Whether a revocation was answered by a success: its status alone says so (RFC 7009 section 2.2)."""
    return exchange.status // 100 == 2


@dataclass(frozen=True)
class Sight:
    """By what it is seen whether an access token lives; it showed one that did."""

    look: Callable[[str, str], tuple[bool | None, Exchange]]
    at_the_source: bool
    """Whether the server that issued the token says so; else one that takes it, which may read the token alone."""

    def lives(self, token: str, label: str) -> bool | None:
        """Whether it does; None where the answer says neither."""
        return self.look(token, label)[0]

    def may_outlive(self, token: str) -> bool:
        """Whether nothing that is seen can speak against the server.

        Who is shown a token that carries all in itself need not ask who issued it (RFC 7009 section 3).
        """
        return not self.at_the_source and read_jwt(token) is not None


def sight_of(device: Device, token: str) -> Sight | None:
    """What shows that this access token, a live one, lives; None where nothing does."""
    who = asker_for(device)
    candidates: list[Sight] = []
    if who is not None:

        def introspect(token: str, label: str) -> tuple[bool | None, Exchange]:
            said = who.ask(token, label)
            return said.active, said.exchange

        candidates.append(Sight(introspect, at_the_source=True))
    try:
        capabilities.require(device.case.run, "userinfo")
        candidates.append(Sight(_userinfo(device), at_the_source=False))
    except StopCheck:
        pass
    return next((one for one in candidates if one.lives(token, "control: the access token lives") is True), None)


def identity(device: Device, token: str) -> str | None:
    """`sub` of userinfo (OpenID Connect Core 5.3); None where this server has none, or says none to this token."""
    try:
        capabilities.require(device.case.run, "userinfo")
    except StopCheck:
        return None
    exchange = _userinfo(device)(token, "ask userinfo")[1]
    body = json_object(exchange.response) if exchange.response is not None and exchange.status == _OK else None
    sub = (body or {}).get("sub")
    return sub if isinstance(sub, str) else None


def _userinfo(device: Device) -> Callable[[str, str], tuple[bool | None, Exchange]]:
    def look(token: str, label: str) -> tuple[bool | None, Exchange]:
        headers = (("Authorization", f"Bearer {token}"), ("Accept", "application/json"))
        exchange = device.case.send(Request("GET", device.case.run.endpoints.userinfo, headers), label)
        seen = {_OK: True, _UNAUTHORIZED: False}.get(exchange.status)
        return seen, exchange

    return look
