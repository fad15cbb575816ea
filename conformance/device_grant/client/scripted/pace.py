"""The interval that slow_down names, in dialects whose servers name it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_grant.protocol import DEFAULT_INTERVAL, Dialect, Operation
from device_grant.protocol.numbers import number

if TYPE_CHECKING:
    from device_grant.client.scripted.replies import Reply

SLOWER = 5.0
"""Seconds that slow_down adds (RFC 8628 section 3.5)."""


@dataclass
class StatedPace:
    """How long a client of one server has to wait between two polls."""

    dialect: Dialect
    interval: float = DEFAULT_INTERVAL

    def begin(self, reply: Reply) -> None:
        """Take the interval of a device authorization response."""
        response = reply.as_response()
        if response is not None:
            stated = number(self.dialect.decode(Operation.DEVICE_AUTHORIZATION, response).members.get("interval"))
            self.interval = self.dialect.default_interval if stated is None else stated

    def after_poll(self, reply: Reply) -> Reply:
        """The answer to a poll; with the interval from then on, where it is slow_down and this dialect says that."""
        response = reply.as_response()
        if response is None or not self.dialect.slow_down_says_interval:
            return reply
        if self.dialect.decode(Operation.TOKEN, response).code != "slow_down":
            return reply
        self.interval += SLOWER
        whole = self.interval
        return reply.with_members({**reply.members, "interval": int(whole) if whole.is_integer() else whole})
