"""The registries of checks, invariants and rules: which code judges which requirement, and which fault proves it."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from device_grant.errors import SuiteError
from device_grant.judging.judgement import Judgement
from device_grant.judging.parameters import parameters_of

if TYPE_CHECKING:
    from device_grant.catalogue import Requirement
    from device_grant.protocol import Dialect, Exchange

InvariantFunction = Callable[["Exchange", "Dialect"], Iterator[Judgement]]
"""From one exchange with a server; says nothing of exchanges that show nothing."""
F = TypeVar("F", bound=Callable[..., Any])
Order = Literal["", "last"]
"""Where in a run a check stands; empty: anywhere."""


def anywhere(_dialect: Dialect) -> bool:
    """In every dialect."""
    return True


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
    when: Callable[[Dialect], bool]
    """Whether a dialect has what the check is about; without one of its requirements it does not run either."""
    sampled: bool
    """Judges what its generated examples reach; a requirement that none of them reached stays without a verdict."""
    card: str
    """The docstring: what we send, what we accept."""
    function: Callable[..., Any]
    party: str
    """Whom it judges, `server` or `client`: as `PARTY` of its package says."""
    parameters: tuple[str, ...]
    """What it asks for, by the names of `PARAMETERS`."""
    live: Mapping[str, str] = field(default_factory=dict)
    """By requirement: why nothing but a server that answers now can show it; `*` stands for the whole check."""
    order: Order = ""
    """`last`: runs after all checks that do not say so, for what it does may spoil the target for them."""
    alone: bool = False
    """No other check meets the same target while this one runs: it sends more, or measures finer, than they bear."""

    @property
    def title(self) -> str:
        """First line of the card."""
        return self.card.partition("\n")[0]


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


RuleFunction = Callable[[Any], Iterator[Judgement]]
"""From the session of one client, as `device_grant.client.rules.session.ClientSession` has it."""


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


E = TypeVar("E", Check, Invariant, Rule)


class Registry:
    """Checks, invariants and rules by name; a name that is taken is refused."""

    def __init__(self) -> None:
        self.checks: dict[str, Check] = {}
        self.invariants: dict[str, Invariant] = {}
        self.rules: dict[str, Rule] = {}

    def add(self, entry: Check | Invariant | Rule) -> None:
        """Add an entry; raises SuiteError that names both places if there is one of that name."""
        match entry:
            case Check():
                _add(self.checks, entry)
            case Invariant():
                _add(self.invariants, entry)
            case Rule():
                _add(self.rules, entry)


_registry = ContextVar("registry", default=Registry())  # noqa: B039 - the one that modules fill as they are imported


@contextmanager
def throwaway_registry() -> Iterator[Registry]:
    """Within: what is registered comes into a registry of its own, which nobody else sees."""
    registry = Registry()
    token = _registry.set(registry)
    try:
        yield registry
    finally:
        _registry.reset(token)


def check(  # noqa: PLR0913 - all but the requirements are named where they are given
    *requirements: str,
    faults: tuple[str, ...] = (),
    needs: tuple[str, ...] = (),
    timed: bool = False,
    when: Callable[[Dialect], bool] = anywhere,
    sampled: bool = False,
    live: str | Mapping[str, str] = "",
    order: Order = "",
    alone: bool = False,
) -> Callable[[F], F]:
    """Register a pytest test as the check of the named requirements.

    Its name is that of its module, without `test_`, and its own: `polling::test_pending`. SuiteError if the name is
    taken, if no package above it says which party its checks judge, or if it asks for what there is not.

    `live` says why nothing but a server that answers now can show what the check judges, or which of its requirements.
    """
    reasons = {"*": live} if isinstance(live, str) and live else dict(live or {})

    def register(function: F) -> F:
        module = function.__module__.rpartition(".")[2].removeprefix("test_")
        name = f"{module}::{function.__name__}"
        party = _party_of(function)
        entry = Check(
            name=name,
            requirements=requirements,
            faults=faults,
            needs=needs,
            timed=timed,
            when=when,
            sampled=sampled,
            card=_card(function),
            function=function,
            party=party,
            parameters=parameters_of(function, name, party),
            live=reasons,
            order=order,
            alone=alone,
        )
        _registry.get().add(entry)
        function.__check__ = entry  # type: ignore[attr-defined]
        return function

    return register


def invariant(*requirements: str, faults: tuple[str, ...] = ()) -> Callable[[InvariantFunction], InvariantFunction]:
    """Register a function as a judge of every exchange with a server; it judges these requirements and no others."""

    def register(function: InvariantFunction) -> InvariantFunction:
        name = f"invariants::{function.__name__}"
        _registry.get().add(Invariant(name, requirements, faults, _card(function), function))
        return function

    return register


def rule(*requirements: str, faults: tuple[str, ...] = ()) -> Callable[[RuleFunction], RuleFunction]:
    """Register a function as a judge of every session of a client; it judges these requirements and no others."""

    def register(function: RuleFunction) -> RuleFunction:
        _registry.get().add(Rule(f"rules::{function.__name__}", requirements, faults, _card(function), function))
        return function

    return register


def check_of(function: object) -> Check | None:
    """The check that a test function was registered as."""
    result = getattr(function, "__check__", None)
    return result if isinstance(result, Check) else None


def all_checks() -> tuple[Check, ...]:
    """Every check whose module has been imported."""
    return tuple(_registry.get().checks.values())


def all_invariants() -> tuple[Invariant, ...]:
    """Every invariant whose module has been imported."""
    return tuple(_registry.get().invariants.values())


def all_rules() -> tuple[Rule, ...]:
    """Every rule whose module has been imported."""
    return tuple(_registry.get().rules.values())


def applies(entry: Check | Invariant | Rule, dialect: Dialect, requirement_of: Callable[[str], Requirement]) -> bool:
    """Whether a check, invariant or rule has anything to judge in a dialect."""
    if isinstance(entry, Check) and not entry.when(dialect):
        return False
    return any(dialect.binds(requirement_of(name)) for name in entry.requirements)


def references() -> dict[str, tuple[str, ...]]:
    """Requirement ids by the name of the check, invariant or rule that judges them."""
    entries: tuple[Check | Invariant | Rule, ...] = (*all_checks(), *all_invariants(), *all_rules())
    return {entry.name: entry.requirements for entry in entries}


def _add(entries: dict[str, E], entry: E) -> None:
    if entry.name in entries:
        places = f"{_place(entries[entry.name].function)} and {_place(entry.function)}"
        raise SuiteError(f"{entry.name} is there twice: {places}; no two judges share a name")
    entries[entry.name] = entry


def _party_of(function: Callable[..., Any]) -> str:
    """What the nearest package above a check has for `PARTY`."""
    package = function.__module__
    while package:
        party = getattr(sys.modules.get(package), "PARTY", None)
        if party is not None:
            return str(party)
        package = package.rpartition(".")[0]
    raise SuiteError(f'{_place(function)}: no package of this check says whom it judges; give one PARTY = "server"')


def _place(function: Callable[..., Any]) -> str:
    code = inspect.unwrap(function).__code__
    return f"{code.co_filename}:{code.co_firstlineno}"


def _card(function: Callable[..., Any]) -> str:
    return inspect.getdoc(function) or ""
