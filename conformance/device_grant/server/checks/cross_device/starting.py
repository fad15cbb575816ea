"""Many starts in a row, by a client that anybody could have registered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.protocol import Operation
from device_grant.server.session.device import Device

if TYPE_CHECKING:
    from device_grant.protocol import Exchange
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Grant

MOST = 30
"""Starts, at most; the first that is refused ends them."""


def of_nobody(case: ServerCase) -> Grant:
    """A grant of a client that anybody could have registered; else of the primary one."""
    if case.run.endpoints.registration and case.run.claims("registration") is not False:
        answer = case.send(case.run.registration_request(), "register")
        if answer.outcome.ok:
            device = Device(case, case.run.client_of(answer))
            exchange = device.request(label="start by the new client")
            if exchange.outcome.ok:
                return device.started(exchange)
    return case.device.start()


def starts_of(device: Device) -> list[Exchange]:
    """Answers to starts, the first refusal being the last; a refusal is not waited out."""
    answers: list[Exchange] = []
    while len(answers) < MOST and (not answers or answers[-1].outcome.ok):
        body = device.authorization_members()
        answers.append(
            device.case.call(Operation.DEVICE_AUTHORIZATION, body, device.client, "one more start", patient=False)
        )
    return answers
