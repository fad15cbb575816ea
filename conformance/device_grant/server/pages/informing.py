"""What people are shown before they decide, and of which client (RFC 8628 sections 3.3 and 5.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import Untestable
from device_grant.server.pages.visitor import Visitor
from device_grant.server.session.device import Device

if TYPE_CHECKING:
    from device_grant.browser.page import Page
    from device_grant.protocol import Exchange
    from device_grant.server.session.case import ServerCase


def named(case: ServerCase, name: str) -> tuple[Device, str]:
    """A device whose client is registered under that name; else the primary one and the name that target.toml gives."""
    if case.run.endpoints.registration and case.run.claims("registration") is not False:
        answer: Exchange = case.send(case.run.registration_request(client_name=name), "register under a name")
        if answer.outcome.ok:
            device = Device(case, case.run.client_of(answer))
            if device.request(label="start by the named client").outcome.ok:
                return device, name
    client = case.device.client.id
    return case.device, next((one.name for one in case.run.target.config.clients if one.id == client), "")


def before_deciding(device: Device) -> list[Page]:
    """Pages that a person sees before a request is approved, and the one at verification_uri_complete."""
    with Visitor(device.case) as browser:
        refused = browser.decide("approve", device.start().view)
        if refused:
            raise Untestable(f"the user could not approve: {refused}")
        seen = browser.informing()[:-1]
        if not seen:
            user = device.case.decider
            if user is not None and user.pages is not None:
                raise Untestable("the user module decides without a page: let it open one, and it can be judged")
            raise Untestable("the user decides elsewhere: use a user module, and the pages can be judged")
        complete = device.start().verification_uri_complete
        return [*seen, browser.open(complete)] if complete else seen
