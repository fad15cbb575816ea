"""A polite run against the embedded server instead of the target, to see what it would send."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from device_grant.engine.last_run import remembered
from device_grant.engine.options import open_target_spec
from device_grant.engine.selection import Selection
from device_grant.engine.server_subject import ServerSubject

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import httpx

    from device_grant.catalogue import Catalogue
    from device_grant.engine.options import Options
    from device_grant.judging import Check
    from device_grant.server.session.run import Run
    from device_grant.targets.config import KnownClient
    from device_grant.targets.manners import Manners
    from device_grant.targets.ports import GrantView, Pages, Target, User
    from device_grant.targets.transports.in_process import AsgiTarget


@dataclass(frozen=True)
class Planned:
    """One check, and what it sends."""

    check: str
    requests: dict[str, int]
    """By what they are, in the order in which they were first sent."""

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.requests.values())


@dataclass(frozen=True)
class Plan:
    """What a polite run of the target would send, as the embedded server has it."""

    target: str
    dialect: str
    budget: int
    rate: float
    """In requests a second."""
    checks: tuple[Planned, ...]
    left_out: dict[str, tuple[str, ...]]
    """Names of checks by why they are."""
    registered: int
    """Clients that stay behind."""
    malformed: int

    @property
    def total(self) -> int:
        """All requests."""
        return sum(check.total for check in self.checks)


OPENING = "the server is looked up"
"""What is sent before all checks, in the place of a check's name."""


def rehearsed(options: Options) -> Plan:
    """Run what was chosen against the embedded server, with such clients and such a user as the target has.

    No request is sent to the target. Raises UsageError where it is described wrongly.
    """
    from device_grant.catalogue import load
    from device_grant.judging.loading import import_checks
    from device_grant.protocol import Secrets
    from device_grant.reference.embedded import embedded

    import_checks("server")
    if options.last_failed:
        options = replace(options, checks=remembered(options).failed)
    catalogue = load()
    meant = open_target_spec(options)
    stand_in = embedded(meant.config.dialect)
    claims = {**stand_in.config.claims, **meant.config.claims}
    clients = _known_before(meant, catalogue, stand_in)
    stand_in.config = msgspec.structs.replace(stand_in.config, claims=claims, clients=clients)
    if meant.user is None:
        stand_in.user = None
    subject = ServerSubject(replace(options, polite=True, user=None), lambda _: stand_in)
    subject.locate()
    try:
        run = subject.open(catalogue, lambda _requirement, _check, _message: False, Secrets())
        assert run.manners is not None  # noqa: S101 - of a polite run
        checks = sorted(_chosen(run, options, catalogue), key=subject.turn)
        _ask_by_hand(run, run.manners, meant)
        subject.expect(checks)
        planned = [Planned(OPENING, {**run.manners.kinds, "page": run.manners.kinds["page"] + 1})]
        planned += _each(run, run.manners, [test for test in (subject.preflight(),) if test] + checks)
        return _plan(meant, options, run.manners, planned, checks)
    finally:
        subject.close()


def _known_before(meant: Target, catalogue: Catalogue, stand_in: AsgiTarget) -> tuple[KnownClient, ...]:
    """For each client that the target knows one of its kind, which the embedded server knows then."""
    from device_grant.server.session.run import new_run

    if not meant.config.clients:
        return ()
    made = []
    with stand_in:
        run = new_run(stand_in, stand_in.config.dialect, catalogue)
        public = iter(("primary", "other"))
        for known in meant.config.clients:
            able, secret = "device_code" in known.grants, known.authentication != "none"
            role = ("confidential" if secret else next(public, "primary")) if able else "without-grant"
            client = run.client(role)
            if client is not None:
                made.append(
                    msgspec.structs.replace(
                        known, id=client.id, secret=client.secret or "", authentication=client.authentication
                    )
                )
        run.close()
    return tuple(made)


def _chosen(run: Run, options: Options, catalogue: Catalogue) -> Iterator[Check]:
    """The checks that a run with these options has; raises UsageError for a name that none of them has."""
    from device_grant.judging import all_checks
    from device_grant.judging.loading import BEFORE
    from device_grant.server.invariants.tour import TOUR

    wanted = frozenset(entry.id for entry in catalogue.select(options.only)) if options.only else None
    watching = frozenset(name for entry in run.invariants for name in entry.requirements)
    tour, every = (
        frozenset(TOUR),
        [check for check in all_checks() if check.function.__module__ not in BEFORE["server"]],
    )
    selection = Selection(catalogue, run.dialect, "server", wanted, watching, tour, lambda _: True, options.checks)
    selection.require_checks([check.name for check in every])
    return (check for check in every if selection.keeps(check))


def _each(run: Run, manners: Manners, checks: Iterable[Check]) -> Iterator[Planned]:
    """Carry out each check, and tell what it has sent."""
    for check in checks:
        before = Counter(manners.kinds)
        run.carry_out(run.trial(check))
        sent = manners.kinds - before
        if sent:
            yield Planned(check.name, dict(sent))


def _plan(
    meant: Target, options: Options, manners: Manners, planned: Iterable[Planned], checks: Iterable[Check]
) -> Plan:
    from device_grant.server.session.polite import left_out
    from device_grant.targets.addresses import redacted_url

    reasons: dict[str, list[str]] = {}
    for check in checks:
        reason = left_out(check)
        if reason:
            reasons.setdefault(reason, []).append(check.name)
    name = meant.config.name
    return Plan(
        target=redacted_url(name) if "://" in name else name,
        dialect=meant.config.dialect,
        budget=options.budget,
        rate=options.rate,
        checks=tuple(planned),
        left_out={reason: tuple(names) for reason, names in reasons.items()},
        registered=manners.registered,
        malformed=manners.malformed,
    )


def _ask_by_hand(run: Run, manners: Manners, meant: Target) -> None:
    """Where a person is going to decide, let the embedded user do so in a browser whose requests are not ours."""
    from device_grant.server.session.by_hand import ByHand
    from device_grant.targets.users import PromptUser

    if isinstance(meant.user, PromptUser) and run.target.user is not None:
        run.by_hand = ByHand(_Elsewhere(run.target.user, manners), PromptUser(_Nothing()))


class _Elsewhere:
    """A user whose browser is not counted."""

    pages: Pages | None = None

    def __init__(self, user: User, manners: Manners) -> None:
        self._user = user
        self._manners = manners

    def approve(self, http: httpx.Client, grant: GrantView) -> None:
        with self._manners.elsewhere():
            self._user.approve(http, grant)

    def deny(self, http: httpx.Client, grant: GrantView) -> None:
        with self._manners.elsewhere():
            self._user.deny(http, grant)


class _Nothing:
    """A terminal that shows nothing."""

    columns = 0

    def write(self, text: str, /) -> int:
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""

    def readline(self) -> str:
        return "\n"
