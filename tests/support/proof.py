"""Runs checks against the reference server with a fault, without pytest in between."""

from __future__ import annotations

import atexit
import hashlib
import os
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from device_grant.browser.chromium import Chromium
from device_grant.catalogue import Catalogue, load
from device_grant.engine import run_check
from device_grant.judging import Untestable, all_checks, all_invariants
from device_grant.judging import applies as has_something_to_judge
from device_grant.judging.loading import import_checks
from device_grant.protocol import any_dialect
from device_grant.reference.embedded import embedded
from device_grant.reference.server import user
from device_grant.reference.server.faults import Faults
from device_grant.server.invariants.tour import TOUR
from device_grant.server.session.run import new_run
from device_grant.targets.users import ModuleUser

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from device_grant.engine import CheckOutcome
    from device_grant.judging import Check, Invariant
    from device_grant.targets import Target

EXERCISES = TOUR

BROWSER = Chromium()
"""One for all runs of this process: starting it takes longer than most checks."""
atexit.register(BROWSER.close)


@dataclass(frozen=True)
class Outcome:
    """What a few checks said of a faulty server."""

    checks: dict[str, frozenset[str]]
    """Requirements found broken, by the check that settled them."""
    invariants: dict[str, frozenset[str]]
    """The same by invariant."""


@dataclass
class Shared:
    """Where the test processes of one run find what the others have found."""

    folder: Path | None = None
    """None: there are no others."""


SHARED = Shared()


@cache
def judges() -> tuple[dict[str, Check], dict[str, Invariant]]:
    """Every check and every invariant by name, all modules imported."""
    import_checks("server")
    checks = {entry.name: entry for entry in all_checks() if entry.party == "server"}
    return checks, {entry.name: entry for entry in all_invariants()}


@cache
def faults() -> dict[str, tuple[str, ...]]:
    """The dialects of each fault."""
    return {name: tuple(dialects) for name, dialects, _ in Faults.catalogue()}


@cache
def catalogue() -> Catalogue:
    return load()


def needs_browser(check: Check) -> bool:
    """Whether it says nothing without Playwright and Chromium."""
    return check.name.startswith(("page_browser::", "decision_browser::"))


@cache
def browser_missing() -> str:
    """Why there is no real browser; empty: there is one."""
    try:
        BROWSER.browser("http://target.test")
    except Untestable as reason:
        return str(reason)
    return ""


def applies(check: Check, dialect: str) -> bool:
    """Whether the check runs in that dialect."""
    return has_something_to_judge(check, any_dialect(dialect), catalogue().get)


def judged(target: Target, names: Iterable[str], examples: int) -> Iterator[CheckOutcome]:
    """What each of the named checks, those that apply, says of the target, which is started.

    Of generated cases there are at most `examples`, and none after the first that fails: that something is found is
    the question here, not how much of it.
    """
    checks, _ = judges()
    dialect = target.config.dialect
    run = new_run(target, dialect, catalogue())
    run.chromium, own = BROWSER, run.chromium
    run.profile = replace(run.profile, examples=examples, shrinking=0)
    for name in names:
        check = checks[name]
        if not applies(check, dialect):
            continue
        yield run_check(run, check)
    run.chromium = own
    run.close()


@cache
def _user() -> ModuleUser:
    """The reference server's own, which keeps nothing between two grants."""
    return ModuleUser(Path(user.__file__))


@cache
def run_checks(dialect: str, fault: str, names: tuple[str, ...]) -> Outcome:
    """Run the named checks, those that apply, against the reference server with one fault.

    What another test process of this run has found (`SHARED`) is not found again.
    """
    folder = SHARED.folder
    if folder is None:
        return _run_checks(dialect, fault, names)
    key = msgspec.json.encode((dialect, fault, names))
    file = folder / hashlib.sha256(key).hexdigest()
    if file.exists():
        return msgspec.json.decode(file.read_bytes(), type=Outcome)
    outcome = _run_checks(dialect, fault, names)
    written = file.with_suffix(f".{os.getpid()}")
    written.write_bytes(msgspec.json.encode(outcome))
    written.replace(file)
    return outcome


def _run_checks(dialect: str, fault: str, names: tuple[str, ...]) -> Outcome:
    broken: dict[str, frozenset[str]] = {}
    invariants: dict[str, set[str]] = {}
    with embedded(dialect, [fault] if fault else [], user=_user()) as target:
        for said in judged(target, names, 40):
            broken[said.trial.check.name] = said.broken
            for invariant, result in said.broken_invariants.items():
                invariants.setdefault(invariant, set()).update(result)
    return Outcome(broken, {name: frozenset(result) for name, result in invariants.items()})
