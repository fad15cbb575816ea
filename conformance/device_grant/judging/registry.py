"""The registries of checks, invariants and rules: which code judges which requirement, and which fault proves it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from device_grant.protocol import Dialect, Exchange

Finding = bool | str | None
"""What an invariant says of an exchange: True holds, a text says what is wrong, None has nothing to say."""


class Tolerated(str):
    """What is wrong, in an invariant, where the requirement's caveat asks for a warning at most."""

    __slots__ = ()


InvariantFunction = Callable[["Exchange", "Dialect"], Finding]
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Check:
    """One pytest test of the suite and the requirements that it can pass or fail."""

    name: str
    """Stable name, for example `polling::test_denial_is_final`."""
    requirements: tuple[str, ...]
    faults: tuple[str, ...]
    """Faults of the reference server, each of which makes this check fail (in a dialect that the fault has)."""
    needs: tuple[str, ...]
    """Claims of the target without which the check is not applicable."""
    timed: bool
    """Waits on the target's clock; on a real clock such checks go on side by side."""
    dialects: tuple[str, ...]
    """Dialects to which the check is limited; empty: wherever one of its requirements applies."""
    sampled: bool
    """Judges what its generated examples reach; a requirement that none of them reached stays without a verdict."""
    card: str
    """The docstring: what we send, what we accept."""
    function: Callable[..., Any]
    live: Mapping[str, str] = field(default_factory=dict)
    """By requirement: why nothing but a server that answers now can show it; `*` stands for the whole check."""

    @property
    def title(self) -> str:
        """First line of the card."""
        return self.card.partition("\n")[0]

    @property
    def party(self) -> str:
        """`client` for a check on clients, `server` for one on servers: by the room that it is in."""
        return "client" if self.function.__module__.startswith("device_grant.client.") else "server"


@dataclass(frozen=True)
class Invariant:
    """A rule that is judged on every exchange of the whole run."""

    name: str
    """Stable name, for example `invariants::token_success_is_json`."""
    requirements: tuple[str, ...]
    faults: tuple[str, ...]
    card: str
    function: InvariantFunction

    @property
    def party(self) -> str:
        """Whom it judges."""
        return "server"


@dataclass(frozen=True)
class Judgement:
    """What a rule says of one requirement: it holds, it does not, or (None) the evidence is too weak."""

    requirement: str
    holds: bool | None
    problem: str = ""
    """What is wrong, in stable words."""
    exchanges: tuple[Exchange, ...] = ()
    got: str = ""
    """What was measured."""
    tolerated: bool = False


RuleFunction = Callable[[Any], Iterator[Judgement]]
"""From the session of one client, as `device_grant.client.rules.session.Session` has it."""


@dataclass(frozen=True)
class Rule:
    """A rule that is judged on every session of a client, wherever its exchanges were recorded."""

    name: str
    """Stable name, for example `rules::interval_is_kept`."""
    requirements: tuple[str, ...]
    faults: tuple[str, ...]
    """Faults of the reference client that break it."""
    card: str
    function: RuleFunction

    @property
    def party(self) -> str:
        """Whom it judges."""
        return "client"


_CHECKS: dict[str, Check] = {}
_INVARIANTS: dict[str, Invariant] = {}
_RULES: dict[str, Rule] = {}


def check(  # noqa: PLR0913 - all but the requirements are named where they are given
    *requirements: str,
    faults: tuple[str, ...] = (),
    needs: tuple[str, ...] = (),
    timed: bool = False,
    dialects: tuple[str, ...] = (),
    sampled: bool = False,
    live: str | Mapping[str, str] = "",
) -> Callable[[F], F]:
    """Register a pytest test as the check of the named requirements.

    `live` says why nothing but a server that answers now can show what the check judges, or which of its requirements.
    """
    told = {"*": live} if isinstance(live, str) and live else dict(live or {})

    def register(function: F) -> F:
        name = _name(function)
        entry = Check(name, requirements, faults, needs, timed, dialects, sampled, _card(function), function, told)
        _CHECKS[name] = entry
        function.__check__ = entry  # type: ignore[attr-defined]
        return function

    return register


def invariant(*requirements: str, faults: tuple[str, ...] = ()) -> Callable[[InvariantFunction], InvariantFunction]:
    """Register a function as a rule for every exchange; it settles all of these requirements in their dialects."""

    def register(function: InvariantFunction) -> InvariantFunction:
        name = _name(function)
        _INVARIANTS[name] = Invariant(name, requirements, faults, _card(function), function)
        return function

    return register


def rule(*requirements: str, faults: tuple[str, ...] = ()) -> Callable[[RuleFunction], RuleFunction]:
    """Register a function as a rule for every session of a client."""

    def register(function: RuleFunction) -> RuleFunction:
        name = _name(function)
        _RULES[name] = Rule(name, requirements, faults, _card(function), function)
        return function

    return register


def check_of(function: object) -> Check | None:
    """The check that a test function was registered as."""
    found = getattr(function, "__check__", None)
    return found if isinstance(found, Check) else None


def all_checks() -> tuple[Check, ...]:
    """Every check whose module has been imported."""
    return tuple(_CHECKS.values())


def all_invariants() -> tuple[Invariant, ...]:
    """Every invariant whose module has been imported."""
    return tuple(_INVARIANTS.values())


def all_rules() -> tuple[Rule, ...]:
    """Every rule whose module has been imported."""
    return tuple(_RULES.values())


def references() -> dict[str, tuple[str, ...]]:
    """Requirement ids by the name of the check, invariant or rule that judges them."""
    entries: Iterator[Check | Invariant | Rule] = iter((*_CHECKS.values(), *_INVARIANTS.values(), *_RULES.values()))
    return {entry.name: entry.requirements for entry in entries}


def _name(function: Callable[..., Any]) -> str:
    package, _, module = function.__module__.rpartition(".")
    # What all modules of the package `invariants`, or `rules`, register shares one name space.
    shared = package.rpartition(".")[2]
    module = shared if shared in ("invariants", "rules") else module.removeprefix("test_")
    return f"{module}::{function.__name__}"


def _card(function: Callable[..., Any]) -> str:
    return inspect.getdoc(function) or ""
