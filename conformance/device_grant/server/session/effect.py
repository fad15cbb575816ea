"""Whether what the user decides reaches the server at all: a user module may report success and have done nothing."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from device_grant.judging import Untestable
from device_grant.protocol import Purpose

if TYPE_CHECKING:
    from device_grant.protocol import Exchange
    from device_grant.server.session.device import Device, Grant

NOTHING = "the user module reported success but nothing was decided"
_POLLS = 2
"""Polls after which a decision that a server takes its time for must show."""


class Effect:
    """What a run knows of its user: decisions have shown, have been found without effect, or neither yet.

    One decision that shows is enough: where approvals work and denials do not, the fault is the server's.
    """

    def __init__(self) -> None:
        self._shows = False
        self._reached: bool | None = None
        """What came of a try: False where a decision was reported and came to nothing; None: none was, or no try."""
        self._tried = False
        self._lock = threading.Lock()

    def observe(self, grant: Grant, decision: str, exchange: Exchange, *, pending: bool) -> None:
        """Take note of a poll by the grant's own client after a decision (`approve` or `deny`) without complaint.

        If it is still `pending` and no decision has shown so far, the user is tried once with fresh authorizations.
        Raises Untestable where neither approving nor denying them changes anything.
        """
        if _shown(decision, exchange, pending=pending):
            self._shows = True
        if pending and not self._known(grant.device):
            raise Untestable(NOTHING)

    def is_none(self, device: Device) -> bool:
        """Whether the user reports decisions and none changes anything; tried once likewise."""
        return not self._known(device) and self._reached is False

    def _known(self, device: Device) -> bool:
        if self._shows:
            return True
        # Timed checks go on side by side on a real clock: one of them tries, the others wait for what it finds.
        with self._lock:
            if not self._shows and not self._tried:
                self._tried, self._reached = True, _try_out(device)
                self._shows = self._reached is True
        return self._shows


def _shown(decision: str, exchange: Exchange, *, pending: bool) -> bool:
    if decision == "approve":
        return exchange.outcome.ok
    return exchange.response is not None and not pending


def _try_out(device: Device) -> bool | None:
    device.case.note("a decision did not show: the user approves one fresh authorization and denies another")
    reached = None
    with device.case.sending_for(Purpose.CONTROL):
        for decision in ("approve", "deny"):
            shows = _reaches(device, decision)
            if shows:
                return True
            reached = reached if shows is None else shows
    return reached


def _reaches(device: Device, decision: str) -> bool | None:
    """Whether the decision shows; None where the pages do not take it."""
    fresh = device.start(label=f"start, for the user to {decision}")
    if device.user.try_to(decision, fresh):
        return None
    for _ in range(_POLLS):
        exchange, pending = fresh.ask(label=f"poll, whether the user could {decision}")
        if _shown(decision, exchange, pending=pending):
            return True
    return False
