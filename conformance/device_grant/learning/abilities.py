"""What a target can be asked: which inputs can act there, found out beforehand by a few grants."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from device_grant.errors import UsageError, one_of
from device_grant.judging import Check, StopCheck
from device_grant.judging.registry import anywhere
from device_grant.learning.endings import NotLearnableError, TooLongError
from device_grant.learning.inputs import DECISIONS, HALVES, REFRESHES, WAITS, Stimulus
from device_grant.learning.protocol import OK
from device_grant.learning.word import Actors, WordRun
from device_grant.server.session.case import ServerCase
from device_grant.server.session.device import NO_LIFETIME, Device
from device_grant.server.session.pace import LATITUDE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from device_grant.server.session.run import Run

LOGINS = 6
"""People who sign in at the same moment at most, on a real clock."""
_PROBE = Check(
    name="learning::abilities",
    requirements=(),
    faults=(),
    needs=(),
    timed=True,
    when=anywhere,
    sampled=False,
    card="Which inputs can act.",
    function=lambda: None,
    party="server",
    parameters=(),
)


def actors_for(run: Run, stimuli: Iterable[Stimulus]) -> tuple[Actors, dict[Stimulus, str]]:
    """Who asks with these inputs, and why some of them cannot be asked, by input.

    Raises NotLearnableError where no grant is to be had, and UsageError where a person would decide by hand.
    """
    require_own(run)
    asked = wanted = tuple(stimuli)
    target = run.target
    users = tuple(user for user in (target.user,) if user is not None)
    if target.second is not None and REFRESHES & set(wanted):
        # A server may keep one refresh token for a user and a client: then words would meet in it.
        users = (*users, target.second)
    actors = Actors(run, users=users, halves=bool(HALVES & set(wanted)))
    if target.clock.sleeps:
        actors.logins = threading.Semaphore(LOGINS)
    declared = declared_by(run)
    wanted = tuple(one for one in wanted if one not in declared)
    left_out = dict(_without_clients(actors, wanted))
    _settle_forms(actors, "other" if Stimulus.POLL_FOREIGN in wanted and Stimulus.POLL_FOREIGN not in left_out else "")
    fresh = WordRun(actors)
    left_out |= _without_time(fresh, actors, wanted)
    left_out |= _without_decisions(actors, wanted)
    if REFRESHES & set(wanted):
        left_out |= _without_refresh(actors, left_out)
    left_out |= declared
    return actors, {stimulus: left_out[stimulus] for stimulus in asked if stimulus in left_out}


def declared_by(run: Run) -> dict[Stimulus, str]:
    """Inputs that target.toml says cannot be asked, with its reasons; raises UsageError for what is no input."""
    result: dict[Stimulus, str] = {}
    for name, reason in run.target.config.learning.left_out.items():
        if name not in [*Stimulus]:
            raise UsageError(f"[learning] left_out in target.toml: {name!r} is no input: {one_of(name, [*Stimulus])}")
        result[Stimulus(name)] = reason
    return result


def _without_clients(actors: Actors, wanted: tuple[Stimulus, ...]) -> Iterable[tuple[Stimulus, str]]:
    run = actors.run
    if run.client() is None:
        raise NotLearnableError("no client: none in target.toml, and none could be registered")
    if Stimulus.POLL_FOREIGN in wanted and run.client("other") is None:
        yield Stimulus.POLL_FOREIGN, "there is no second client: none in target.toml, and none could be registered"
    if Stimulus.POLL_WRONG_SECRET in wanted:
        with_secret = [role for role in ("primary", "confidential") if _has_secret(run, role)]
        if with_secret:
            actors.owner = with_secret[0]
        else:
            yield Stimulus.POLL_WRONG_SECRET, "no client has a secret"
    if Stimulus.POLL_MALFORMED in wanted and "" in run.dialect.grant_types:
        yield Stimulus.POLL_MALFORMED, "a poll without grant_type is none that is malformed in this dialect"


def _has_secret(run: Run, role: str) -> bool:
    client = run.client(role)
    return client is not None and client.confidential


def _settle_forms(actors: Actors, other: str) -> None:
    """Find out in which form the endpoints take the clients, once for all words."""
    case = ServerCase(actors.run, _PROBE)
    for role in filter(None, (actors.owner, other)):
        try:
            device = Device(case, actors.client(role))
            device.start()
            device.find_form()
        except StopCheck as reason:
            if role == actors.owner:
                raise NotLearnableError(f"{reason}: device-grant doctor says what is wrong") from None


def _without_time(fresh: WordRun, actors: Actors, wanted: tuple[Stimulus, ...]) -> dict[Stimulus, str]:
    waiting = [stimulus for stimulus in wanted if stimulus in WAITS]
    clock = actors.run.target.clock
    longest = actors.run.target.config.clock.longest_wait
    if fresh.life == float("inf"):
        return dict.fromkeys(waiting, NO_LIFETIME)
    if clock.sleeps and fresh.life > longest + LATITUDE:
        reason = f"codes live {fresh.life:.0f} s on a real clock, and [clock] longest_wait is {longest:.0f} s"
        return dict.fromkeys(waiting, reason)
    return {}


def _without_decisions(actors: Actors, wanted: tuple[Stimulus, ...]) -> dict[Stimulus, str]:
    """Decisions that the pages, or the user module, do not take of a fresh grant."""
    deciding = [stimulus for stimulus in wanted if stimulus in DECISIONS]
    if not actors.users:
        return dict.fromkeys(deciding, "nobody decides: target.toml has no [user]")
    left_out: dict[Stimulus, str] = {}
    # The refusal first: a server that takes one for an approval where there was one before is seen for what it is.
    for kind in (Stimulus.DENY, Stimulus.APPROVE):
        alike = [one for one in deciding if (one is Stimulus.DENY) == (kind is Stimulus.DENY)]
        if not alike:
            continue
        if WordRun(actors).act(kind) == OK:
            actors.taken.update(alike)
        else:
            left_out |= dict.fromkeys(alike, f"a fresh grant could not be decided: {actors.refusals[kind]}")
    return left_out


def _without_refresh(actors: Actors, left_out: dict[Stimulus, str]) -> dict[Stimulus, str]:
    if not actors.users or Stimulus.APPROVE in left_out:
        return dict.fromkeys(REFRESHES, "no token can be had without an approval")
    fresh = WordRun(actors)
    try:
        fresh.act(Stimulus.APPROVE)
        fresh.act(Stimulus.POLL_POLITE)
    except TooLongError:
        return dict.fromkeys(REFRESHES, f"the first poll comes too late for codes that live {fresh.life:g} s")
    return {} if fresh.refreshable else dict.fromkeys(REFRESHES, "no refresh token comes with a token; none is owed")


def require_own(run: Run) -> None:
    """Raise UsageError where a person would have to decide hundreds of times."""
    if run.by_hand is not None:
        raise UsageError(
            "a machine is learned by hundreds of decisions, which nobody makes by hand: use --login NAME or a user "
            "module"
        )
