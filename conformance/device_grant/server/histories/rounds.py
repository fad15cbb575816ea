"""Rounds of a race: whether a target can be raced, how often, and what its pages mean when nothing meets."""

from __future__ import annotations

import math
import random
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from device_grant.judging import Inconclusive, Untestable
from device_grant.server.histories.grant import DENY, GrantModel, GrantRule
from device_grant.server.session.device import PENDING
from device_grant.server.session.profile import MOST_ROUNDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from device_grant.protocol import Exchange
    from device_grant.server.histories.grant import Late
    from device_grant.server.pages.deciding import Decision
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device
    from device_grant.server.sockets.racing import Race

ROUNDS = "rounds"
"""What is measured: how many rounds went well, or in which one it went wrong."""
TOGETHER = "what requests do to one another at the same moment no recording shows"
MADE_UP = "made-up-device-code-7d20"
_LEAST, _MOST = 0.003, 0.3
"""Real seconds over which requests that are to overlap are spread."""
_MAGNITUDES = 1.2
_PROBES = 3
_SHARE = 2.0
"""How many times as long as an answer takes."""


def racing(device: Device) -> Race:
    """A race with the target of the device; Inconclusive where its requests never overlap."""
    from device_grant.server.sockets.racing import Race

    race = Race(device.case)
    held_up = race.held_up(race.token_request(device.client, grant_type="refresh_token", refresh_token=MADE_UP))
    if held_up:
        raise Inconclusive(held_up)
    return race


def rounds(case: ServerCase, most: int = MOST_ROUNDS) -> Iterator[int]:
    """Numbers of the rounds of a race, from one: requests meet by chance, so that one round shows little.

    `most` are those that are begun within `race_seconds` of the profile.
    """
    profile = case.run.profile
    end = time.perf_counter() + profile.race_seconds
    for number in range(1, max(most, profile.race_rounds) + 1):
        if number > profile.race_rounds and time.perf_counter() >= end:
            return
        yield number


def won(exchanges: list[Exchange]) -> list[Exchange]:
    """The successes."""
    return [exchange for exchange in exchanges if exchange.outcome.ok]


@dataclass
class Chance:
    """What differs from round to round: the same for the same seed and check."""

    drawn: random.Random
    spread: float
    """Real seconds within which requests are sent."""

    def delay(self) -> float:
        """Real seconds, often none: what is sent at once meets best."""
        return 0.0 if self.drawn.random() < 0.3 else self.later()

    def later(self) -> float:
        """Real seconds, never none."""
        # Evenly among the orders of magnitude: how long a server looks and does not touch, nobody knows.
        return self.spread * 10 ** -self.drawn.uniform(0, _MAGNITUDES)

    def often(self, share: float) -> bool:
        """Whether it comes to pass, in that share of cases."""
        return self.drawn.random() < share


def chance_of(case: ServerCase, device: Device) -> Chance:
    """Chance for a check, its spread as long as answers of the target take."""
    taken = math.inf
    for _ in range(_PROBES):
        began = time.perf_counter()
        device.codes_matter()
        taken = min(taken, time.perf_counter() - began)
    seed = f"{case.run.seed} {case.check.name}"
    return Chance(random.Random(seed), min(_MOST, max(_LEAST, _SHARE * taken)))  # noqa: S311 - chance, no secret


@dataclass(frozen=True)
class Practice:
    """What decisions do at other times, without which nothing that a server does in a race contradicts it."""

    lengths: dict[str, int]
    """How many requests each decision takes alone, by `approve` and `deny`."""
    late_denial: Late
    late_approval: Late
    forgets: bool
    """Whether a redeemed code is called pending."""
    single_use: bool
    """Whether a code yields one token where nothing meets."""
    denial_fails: bool = False
    """Whether the pages answer a denial by an error of HTTP although they take it."""

    def meant(self, decisions: Mapping[str, Decision]) -> dict[str, Decision]:
        """The same decisions, but that a denial is refused which is answered by an error as none is alone."""
        said = dict(decisions)
        denial = said.get(DENY)
        if denial is not None and denial.taken and denial.failed and not self.denial_fails:
            said[DENY] = replace(denial, complaint="the page answered with an error, as it does to no denial alone")
        return said

    def model(self, *rules: GrantRule) -> GrantModel:
        """The specification with these rules, but for what does not hold at other times."""
        kept = frozenset(rules) - (frozenset() if self.single_use else {GrantRule.ONE_TOKEN})
        return GrantModel(kept, self.late_denial, self.late_approval, self.forgets)


def practise(race: Race, device: Device) -> Practice:
    """Let both decisions be taken alone, each then contradicted; raises Untestable where the pages refuse one."""
    from device_grant.server.pages.deciding import decide_together, require_browsers

    require_browsers(race.case)
    denied, approved = device.start(), device.start()
    decisions: dict[str, Decision] = {}
    for action, grant in (("deny", denied), ("approve", approved)):
        decisions |= decide_together(race, grant, [action])
        if not decisions[action].taken:
            raise Untestable(f"the user could not {action}: {decisions[action].complaint}")
    denial = decide_together(race, approved, ["deny"])["deny"]
    approval = decide_together(race, denied, ["approve"])["approve"]
    polls = [approved.poll(label=f"{which} poll after approval and late denial") for which in ("first", "second")]
    other = denied.poll(label="poll after denial and late approval")
    denial_fails = decisions["deny"].failed
    if denial.failed and not denial_fails:
        denial = replace(denial, complaint="the page answered with an error")
    race.case.note(f"after an approval the page {'takes' if denial.taken else 'refuses'} a denial")
    return Practice(
        {action: decision.steps for action, decision in decisions.items()},
        # Pages that say yes to everything, decided or not, prove nothing by saying it in a race.
        "ignored" if denial.taken and polls[0].outcome.ok else "counts",
        "counts" if approval.taken and other.outcome.ok else "ignored",
        forgets=polls[0].outcome.ok and polls[1].code in PENDING,
        single_use=not all(poll.outcome.ok for poll in polls),
        denial_fails=denial_fails,
    )
