"""The valid requests, before any that is generated: what is wrong with their answers is found here, once.

Inside an example a failure of an invariant is raised and ends it. A server whose every answer breaks one rule would
so end all examples, and none would be judged for what it was made to show.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from device_grant.judging import Untestable
from device_grant.protocol import Request

if TYPE_CHECKING:
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device, Grant


def rehearse(device: Device, *, to_the_end: bool = False) -> None:
    """Start a grant and poll it; `to_the_end` also approves, redeems, refreshes, and polls what is over.

    Raises Untestable where no grant can be started.
    """
    grant = device.start(label="rehearsal: start")
    grant.ask(wait=to_the_end, label="rehearsal: poll")
    if to_the_end and not device.user.try_to("approve", grant):
        _redeem(grant)


def rehearse_everything(case: ServerCase) -> None:
    """Fetch the metadata, register, and go through a grant, as far as the target has all that."""
    run = case.run
    if run.endpoints.metadata:
        case.send(Request("GET", run.endpoints.metadata, (("Accept", "application/json"),)), "rehearsal: metadata")
    if run.endpoints.registration and run.claims("registration") is not False:
        case.send(run.registration_request(), "rehearsal: register")
    with suppress(Untestable):  # what is generated shows more of a server that has no client, or starts no grant
        rehearse(case.device, to_the_end=run.target.clock.kind != "real" and case.decider is not None)


def _redeem(grant: Grant) -> None:
    exchange, _ = grant.ask(label="rehearsal: redeem")
    token = exchange.get("refresh_token")
    if isinstance(token, str):
        grant.device.refresh(token, label="rehearsal: refresh")
    if exchange.outcome.ok:
        grant.ask(label="rehearsal: poll of what is redeemed")
