"""Who asks what a token is good for, and what is answered (RFC 7662 sections 2.1 and 2.2)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from device_grant.judging import NotApplicable, StopCheck, Untestable
from device_grant.protocol import Client, Operation, Purpose, Request
from device_grant.protocol.dialects import json_object
from device_grant.server.session import capabilities

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_grant.protocol import Exchange
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device
    from device_grant.targets.config import OtherResourceServer

NOBODY = "target.toml has no [introspection]: no resource server is known that may ask"


@dataclass(frozen=True)
class Introspected:
    """What was answered of a token."""

    exchange: Exchange
    members: Mapping[str, Any]
    """Those of the JSON object, empty where there is none."""

    @property
    def active(self) -> bool | None:
        """What a success says; None where it says neither true nor false, and for every error."""
        active = self.members.get("active") if self.exchange.status == 200 else None
        return active if isinstance(active, bool) else None


@dataclass(frozen=True)
class Asker:
    """One who may ask, by credentials of a client or by a Bearer token."""

    case: ServerCase
    client: Client | None = None
    bearer: str = ""
    resource: str = ""
    """URI of the resource server that asks (RFC 8707); empty: tokens are for it that nobody asked a resource for."""
    own: bool = False
    """Whether it is the device's client itself, and no resource server of target.toml."""

    @property
    def members(self) -> dict[str, str]:
        """What a device authorization needs, so that its tokens are for this resource server."""
        return {"resource": self.resource} if self.resource else {}

    def request(self, token: str | None, hint: str = "") -> Request:
        """A valid question, not yet sent; no `token`: without that parameter."""
        run = self.case.run
        members = {"token": token, "token_type_hint": hint or None}
        request = run.dialect.encode(Operation.OTHER, run.endpoints.introspection, members, self.client)
        if self.bearer:
            request = replace(request, headers=(*request.headers, ("Authorization", f"Bearer {self.bearer}")))
        return request

    def ask(self, token: str | None, label: str = "introspect", *, hint: str = "") -> Introspected:
        """Ask of a token."""
        return self.send(self.request(token, hint), label)

    def send(self, request: Request, label: str) -> Introspected:
        """Ask by any request."""
        exchange = self.case.send(request, label, purpose=Purpose.INTROSPECTION)
        return Introspected(exchange, (json_object(exchange.response) if exchange.response else None) or {})


def asking(case: ServerCase) -> tuple[Device, Asker]:
    """A device, and who may ask of its tokens: a resource server of target.toml, else its own confidential client.

    Raises NotApplicable where there is neither.
    """
    section = case.run.target.config.introspection
    if section.given:
        return case.device, asker(case, section)
    return asking_itself(case)


def asking_itself(case: ServerCase) -> tuple[Device, Asker]:
    """A device whose client has a secret and asks of its own tokens; raises NotApplicable where there is none."""
    try:
        device = case.confidential
    except (Untestable, NotApplicable):
        raise NotApplicable(NOBODY) from None
    if not device.client.confidential:
        raise NotApplicable(NOBODY)
    return device, Asker(case, spoken(device.client), own=True)


def asker(case: ServerCase, server: OtherResourceServer) -> Asker:
    """One of the resource servers of target.toml."""
    client = Client(server.client_id, server.secret, server.authentication) if server.client_id else None
    return Asker(case, client, server.token, server.resource)


def asker_for(device: Device) -> Asker | None:
    """Who may ask of the tokens of this device; None where nobody is known, or the server is not to be asked."""
    section = device.case.run.target.config.introspection
    if not (section.given or device.client.confidential):
        return None
    try:
        capabilities.require(device.case.run, "introspection")
    except StopCheck:
        return None
    return asker(device.case, section) if section.given else Asker(device.case, spoken(device.client), own=True)


def spoken(client: Client) -> Client:
    """The client as it speaks at the token endpoint, for the endpoints beside it."""
    names = frozenset({Operation.OTHER}) if Operation.TOKEN in client.names_itself else frozenset()
    return replace(client, names_itself=names)


def require_active(said: Introspected, asker: Asker) -> None:
    """The control: raises Untestable where a live token is not active for who asks, NotApplicable for a mere client."""
    if said.active is True:
        return
    if asker.own:
        raise NotApplicable(f"the device's own client is told nothing of its tokens; {NOBODY}")
    raise Untestable(f"a live access token is not introspected as active: {said.exchange.describe()}")
