"""What a server enforces, measured on fresh grants by when it answers slow_down, and when its codes end.

RFC 8628 sections 3.2 and 3.5. A contradiction with what the server says is named with the requirement that a run judges
it by, and with the margins of the checks of that requirement: what is merely measured blames nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from device_grant.judging import StopCheck, Untestable
from device_grant.server.measuring.bisection import Bracket, bisect
from device_grant.server.session.device import PENDING
from device_grant.server.session.pace import MARGIN

if TYPE_CHECKING:
    from collections.abc import Callable

    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device, Grant

WITHIN, WITHIN_ASLEEP = 0.25, 1.0
"""Seconds of a bracket: on a clock that is moved, and on one that takes as long as it says."""
STEP = 5.0
"""Seconds that each slow_down adds (RFC 8628 section 3.5)."""
SLOW_DOWNS = 2
"""After how many of them the interval is measured: five seconds more and twice as many are the same after one."""
LATE = 3.0
"""Seconds after expires_in in which a code may still be alive."""
EARLY = 0.9
"""Of expires_in: before that no code may end."""
NO_INTERVAL = "no interval is enforced, so that nothing can be added to it"
_GONE = ("invalid_grant", "expired_token", "access_denied", "invalid_request")


@dataclass(frozen=True)
class Contradiction:
    """Something that is enforced otherwise than it is said."""

    requirement: str
    words: str


@dataclass
class Enforced:
    """What was measured."""

    said_interval: float | None = None
    """None: the server says none, which means 5 seconds."""
    said_life: float | None = None
    interval: Bracket | None = None
    """Seconds between polls; None: not measured, or none is enforced."""
    enforces_interval: bool | None = None
    """None: not measured."""
    slowed: list[Bracket] = field(default_factory=list)
    """The interval after one slow_down, then after two."""
    code: Bracket | None = None
    """The life of a code that nobody has decided."""
    approved_code: Bracket | None = None
    left_out: dict[str, str] = field(default_factory=dict)
    """What was not measured, and why."""

    @property
    def penalties(self) -> list[float]:
        """Seconds that the first slow_down adds to the interval, and those after it."""
        known = [one.middle for one in (self.interval, *self.slowed) if one is not None]
        return [round(max(0.0, after - before), 1) for before, after in pairwise(known)]

    @property
    def contradictions(self) -> list[Contradiction]:
        """What is enforced otherwise than the server says, beyond the margins of the checks."""
        return [*self._of_pace(), *self._of_life()]

    def _of_pace(self) -> list[Contradiction]:
        said = STEP if self.said_interval is None else self.said_interval
        result = []
        if self.interval is not None and not self.interval.varies and self.interval.least > said + MARGIN:
            words = f"says {said:g} s between polls, enforces {self.interval.words}"
            result.append(Contradiction("rfc8628-3.5-server-no-slow-down-when-polite", words))
        for number, one in enumerate(self.slowed, 1):
            allowed = max(said, self.interval.middle if self.interval else 0.0) + number * STEP
            if not one.varies and one.least > allowed + MARGIN:
                words = f"after {number} slow_down polls {allowed:g} s apart are due, and {one.words} are enforced"
                result.append(Contradiction("rfc8628-3.5-server-accepts-increased-interval", words))
                break
        return result

    def _of_life(self) -> list[Contradiction]:
        result, said = [], self.said_life
        lives = (
            ("codes", self.code, "rfc8628-3.5-no-pending-after-expiry"),
            ("approved codes", self.approved_code, "rfc8628-3.5-approved-then-expired"),
        )
        for name, life, late in lives:
            if life is None or said is None or life.varies:
                continue
            words = f"says that codes live {said:g} s, and {name} live {life.words}"
            if life.most is not None and life.most < EARLY * said:
                result.append(Contradiction("rfc8628-3.5-no-early-expiry", words))
            elif life.least > said + LATE:
                result.append(Contradiction(late, words))
        return result


@dataclass
class Measuring:
    """Measures one server; each question is asked of a grant of its own."""

    case: ServerCase
    device: Device
    result: Enforced = field(default_factory=Enforced)

    @property
    def within(self) -> float:
        """Seconds of a bracket."""
        return WITHIN_ASLEEP if self.case.run.target.clock.sleeps else WITHIN

    def measure(self, *, lives: bool = True) -> Enforced:
        """Everything that can be measured; what cannot is named with its reason. Raises StopCheck if nothing can.

        Without `lives`, which take longest, the interval and what slow_down adds.
        """
        first = self.device.start()
        self.result.said_interval = first.interval if first.exchange.get("interval") is not None else None
        self.result.said_life = first.promised or None
        self._part("interval", self._interval)
        self._part("slow_down", self._penalties)
        if lives:
            self._part("life of a code", lambda: self._life("code", approve=False))
            self._part("life of an approved code", lambda: self._life("approved_code", approve=True))
        return self.result

    def _part(self, name: str, measure: Callable[[], None]) -> None:
        try:
            measure()
        except StopCheck as reason:
            self.result.left_out[name] = str(reason)

    def _interval(self) -> None:
        result = self.result
        said = STEP if result.said_interval is None else result.said_interval
        result.enforces_interval = self._is_slowed(0, 0.0)
        if result.enforces_interval:
            result.interval = bisect(lambda seconds: self._is_slowed(0, seconds), said + MARGIN, self.within)

    def _penalties(self) -> None:
        if self.result.interval is None or self.result.interval.most is None:
            raise Untestable(NO_INTERVAL)
        most = self.result.interval.most
        for number in range(1, SLOW_DOWNS + 1):
            most += STEP + MARGIN

            def slowed(seconds: float, number: int = number) -> bool:
                return self._is_slowed(number, seconds)

            bracket = bisect(slowed, most, self.within)
            self.result.slowed.append(bracket)
            most = bracket.most or bracket.least

    def _is_slowed(self, hasty: int, seconds: float) -> bool:
        """Whether a poll is answered slow_down that comes so long after another one, and after so many hasty ones."""
        grant = self.device.start()
        self.case.wait(grant.interval + MARGIN)
        self._poll(grant, "poll")
        for _ in range(hasty):
            if self._poll(grant, "hasty poll") != "slow_down":
                raise Untestable("a hasty poll is not always answered slow_down")
        self.case.wait(seconds)
        code = self._poll(grant, f"poll {seconds:g} s later")
        if code not in PENDING:
            raise Untestable(f"a code came to its end before its pace was measured: {code}")
        return code == "slow_down"

    def _life(self, name: str, *, approve: bool) -> None:
        said = self.result.said_life
        if said is None:
            raise Untestable("the response states no lifetime (expires_in)")
        if said + LATE > self.case.longest_wait:
            raise Untestable(
                f"{said:g} s are too long on a real clock: configure a shorter life, or a clock that moves"
            )
        setattr(
            self.result, name, bisect(lambda seconds: self._lives(seconds, approve=approve), said + LATE, self.within)
        )

    def _lives(self, seconds: float, *, approve: bool) -> bool:
        """Whether a code is alive so long after its start was answered."""
        grant = self.device.start()
        grant.may_end = True
        if approve:
            self.device.user.approve(grant)
        self.case.wait(grant.started + seconds - self.case.now())
        code = self._poll(grant, f"poll {seconds:g} s after the start")
        if code not in (*PENDING, *_GONE, "ok"):
            raise Untestable(f"the poll of a code was answered {code}")
        return code in (*PENDING, "ok")

    def _poll(self, grant: Grant, label: str) -> str:
        return grant.poll(wait=False, label=label).code


def plain(result: Enforced) -> dict[str, Any]:
    """What was measured as JSON has it, times in seconds."""

    def bracket(one: Bracket | None) -> dict[str, Any] | None:
        if one is None:
            return None
        return {"seconds": round(one.middle, 2), "least": one.least, "most": one.most, "varies": one.varies}

    return {
        "interval": {
            "said": result.said_interval,
            "enforced": bracket(result.interval),
            "any": result.enforces_interval,
        },
        "slow_down": {"adds": result.penalties, "intervals": [bracket(one) for one in result.slowed]},
        "code": {"said": result.said_life, "enforced": bracket(result.code)},
        "approved_code": {"said": result.said_life, "enforced": bracket(result.approved_code)},
        "left_out": result.left_out,
        "contradictions": [{"requirement": one.requirement, "words": one.words} for one in result.contradictions],
    }
