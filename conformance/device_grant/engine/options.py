"""What a session is asked for, and the target that it names."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from device_grant.errors import UsageError
from device_grant.targets.manners import BUDGET, RATE
from device_grant.targets.supplied import Supplied

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from device_grant.targets.ports import Target


@dataclass(frozen=True)
class Options:
    """What the command line asks for."""

    target: str
    """What is under test; a client where `party` says so."""
    party: str = "server"
    dialect: str | None = None
    only: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    """Names or globs of the only checks that are run; empty: all."""
    last_failed: bool = False
    """Whether only the checks are run that failed in the last run, where any did."""
    profile: str = "fast"
    seed: int | None = None
    report: Path | None = None
    expect: Path | None = None
    user: str | None = None
    polite: bool = False
    """Whether the server is somebody else's, and is sent little; target.toml can say so too."""
    budget: int = BUDGET
    """Requests at most of such a run."""
    rate: float = RATE
    """Of them, at most a second."""
    agreed: bool = False
    """Whether somebody knows of budget and rate, and has said yes."""
    supplied: Supplied = field(default_factory=Supplied)
    """What the target knows beforehand."""
    faults: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    """What a client that is given as a command can do."""
    recorded: bool = False
    """Whether what a client does is kept."""
    speaks: str | None = None
    """The dialect of the field by which a client is answered and judged."""
    shard: str | None = None
    """`INDEX/OF`, as it was given."""
    database: str | None = None
    """Where failing examples are kept: a folder or the address of a Redis server, with its password."""
    command: str = ""

    @classmethod
    def chosen(
        cls,
        *,
        profile: str,
        seed: int | None,
        only: Iterable[str],
        faults: Iterable[str],
        checks: Iterable[str] = (),
        **rest: Any,
    ) -> Options:
        """Options with a seed drawn where the profile is random and none was given.

        The command line that is written down names no user and password of a database.
        """
        database = rest.get("database")
        if database:
            from device_grant.server.generation.database import shown

            rest["command"] = rest["command"].replace(database, shown(database))
        if seed is None and profile != "fast":
            seed = random.SystemRandom().randrange(2**32)
        return cls(profile=profile, seed=seed, only=tuple(only), checks=tuple(checks), faults=tuple(faults), **rest)

    @property
    def rest(self) -> tuple[str, ...]:
        """Options of `device-grant run` beyond target, selection and profile, without which a result may differ."""
        user = ("--user", self.user) if self.user else ()
        expect = ("--expect", str(self.expect)) if self.expect else ()
        database: tuple[str, ...] = ()
        if self.database:
            from device_grant.server.generation.database import shown

            database = ("--database", shown(self.database))
        faults = (word for fault in self.faults for word in ("--fault", fault))
        claims = (word for claim in self.claims for word in ("--claim", claim))
        speaks = ("--speaks", self.speaks) if self.speaks else ()
        polite = ("--polite",) if self.polite else ()
        return (*polite, *user, *self.supplied.words(), *expect, *database, *faults, *claims, *speaks)


def open_target_spec(options: Options) -> Target:
    """The target that the options name, not started."""
    from device_grant.targets import open_target, resolve
    from device_grant.targets.config import UserSection
    from device_grant.targets.spec import SpecForm, parse_target
    from device_grant.targets.users import in_process_by_hand, login_user, user_of

    if options.user and options.supplied.login:
        raise UsageError(f"--user {options.user} and --login {options.supplied.login}: the user is one of them")
    user = user_of(options.user) if options.user else None
    spec = parse_target(options.target)
    words = options.supplied.words()
    if spec.form is SpecForm.EMBEDDED and options.supplied.user(UserSection()).login:
        user, words = login_user(options.supplied.user(UserSection())), options.supplied.without_login().words()
    if words and spec.form in (SpecForm.EMBEDDED, SpecForm.CASSETTE):
        embedded_server = spec.form is SpecForm.EMBEDDED
        why = "the embedded server registers its clients" if embedded_server else "a recording has its own"
        raise UsageError(f"{words[0]} is for a target that knows a client beforehand; {why}: leave it out")
    if spec.form is SpecForm.EMBEDDED:
        if options.user == "prompt":
            raise in_process_by_hand(options.target)
        from device_grant.protocol import default_dialect
        from device_grant.reference.embedded import embedded

        return embedded(spec.spoken(options.dialect) or default_dialect().name, options.faults, user=user)
    if options.faults:
        raise UsageError(f"--fault is for the embedded server; {options.target} has only the faults of its own")
    if spec.form is SpecForm.CASSETTE:
        from device_grant.recordings.replay.target import open_cassette

        return open_cassette(spec.path, options.target)
    located = options.supplied.applied(resolve(options.target, dialect=options.dialect))
    return open_target(located, user=user)


def open_own_target(options: Options) -> Target:
    """The same, for commands that send what they like; raises UsageError where target.toml says polite."""
    target = open_target_spec(options)
    if target.config.polite:
        raise UsageError(f"{options.target}: polite = true, which only `run` and `doctor` keep to")
    return target
