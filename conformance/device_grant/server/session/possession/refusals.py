"""Wrong proofs, tried with approved codes, and judged once a right one was seen to be served."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_grant.server.session.device import GONE
from device_grant.server.session.possession.proving import OF_PROOFS, REFUSALS, proving_device

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Exchange
    from device_grant.protocol.proofs import WrongProof
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Grant


_SLACK = 15.0
"""Seconds that a poll may take beyond its interval, where others keep the user."""


@dataclass
class _Attempt:
    wrong: WrongProof
    exchange: Exchange
    by_nonces: bool
    """Whether the server had given a nonce."""


class Refusals:
    """Polls approved codes with wrong proofs, and judges the answers once a right one was seen to be served.

    One code serves for all attempts as long as it lives: a refusal that may be the end of the code, and not that of the
    proof, is tried once more with a new one.
    """

    def __init__(self, case: ServerCase, verify: Verify) -> None:
        self.case = case
        self.verify = verify
        self.device = proving_device(case)
        self.attempts: list[_Attempt] = []
        self._grant: Grant | None = None
        self._fresh = True

    def attempt(self, wrong: WrongProof) -> None:
        """Poll once with a wrong proof."""
        exchange = self._poll(wrong)
        if exchange.code in GONE and not self._fresh:
            self._grant = None
            exchange = self._poll(wrong)
        if exchange.outcome.ok or exchange.code in GONE:
            self._grant = None
        self.attempts.append(_Attempt(wrong, exchange, bool(self.device.nonces)))

    def _poll(self, wrong: WrongProof) -> Exchange:
        if self._grant is not None and self._grant.time_left < self._grant.interval + _SLACK:
            # It would be over by the time of the answer, which would then show nothing.
            self._grant = None
        self._fresh = self._grant is None
        self._grant = self._grant or self.device.approved()
        return self.device.poll_with(self._grant, wrong.values, f"poll with a wrong proof: {wrong.name}")

    def settle(self, *, error: str = "") -> None:
        """Judge all attempts, of plainly wrong proofs also their error codes; the last poll is the control.

        Raises as `bound_tokens` does.
        """
        # Wrong proofs may have ended it, which a check of its own judges.
        self.device.bound_tokens(self._grant if self._grant is not None and self._lives() else None, may_end=True)
        for one in self.attempts:
            self._judge(one)
            if error and one.wrong.plain:
                self.verify(error, one.exchange, accepted=(*OF_PROOFS, "authorization_pending", "slow_down"))

    def _lives(self) -> bool:
        return bool(self.attempts) and self.attempts[-1].exchange.code not in GONE

    def _judge(self, one: _Attempt) -> None:
        refused = not one.exchange.outcome.ok
        if one.wrong.latitude and not refused:
            by_time = "nonces" in one.wrong.latitude
            if not by_time or one.by_nonces:
                self.case.note(f"accepted, which is allowed: {one.wrong.name} ({one.wrong.latitude})")
                refused = True
        problem = f"a token was issued for a wrong proof: {one.wrong.name}"
        self.verify.that(one.wrong.requirement, refused, problem, one.exchange, accepted=REFUSALS)
