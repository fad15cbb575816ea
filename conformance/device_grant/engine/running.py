"""One check by itself, without a session: what tests, tools and other people's code use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, cast

from device_grant.catalogue import Verdict, load
from device_grant.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from device_grant.client.drivers.invocation import Driver
    from device_grant.judging import Check, Claim, Ledger, StopCheck
    from device_grant.judging.trial import CheckRun, Trial
    from device_grant.protocol import Transcript
    from device_grant.targets.ports import Target

BROKEN = frozenset({Verdict.OBSERVED, Verdict.WARN, Verdict.FAIL})
"""Verdicts of a requirement that does not hold, whatever its level makes of that."""


@dataclass(frozen=True)
class CheckOutcome:
    """What one check has said of what is under test."""

    trial: Trial

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """The verdict of the check itself on each requirement that it judged."""
        return _verdicts(self.trial.ledger)

    @property
    def claims(self) -> dict[str, Claim]:
        """The worst claim of the check itself on each requirement: its message, and the exchanges that show it."""
        return {claim.requirement.id: claim for claim in self.trial.claims()}

    @property
    def broken(self) -> frozenset[str]:
        """The requirements that the check itself found not to hold."""
        return frozenset(name for name, verdict in self.verdicts.items() if verdict in BROKEN)

    @property
    def invariants(self) -> dict[str, dict[str, Verdict]]:
        """By invariant, or rule: its verdict on each requirement that the exchanges of the check showed."""
        return {name: result for name, one in self.trial.invariants.items() if (result := _verdicts(one))}

    @property
    def broken_invariants(self) -> dict[str, frozenset[str]]:
        """By invariant, or rule, that found anything: the requirements that it found not to hold."""
        collected = {
            name: frozenset(requirement for requirement, verdict in own.items() if verdict in BROKEN)
            for name, own in self.invariants.items()
        }
        return {name: broken for name, broken in collected.items() if broken}

    @property
    def worst(self) -> Verdict:
        """The worst verdict, those of the invariants included; PASS where nothing was judged."""
        own = [self.verdicts, *self.invariants.values()]
        return max((verdict for one in own for verdict in one.values()), default=Verdict.PASS)

    @property
    def stop(self) -> StopCheck | None:
        """Why the check ended before its end, if it did."""
        return self.trial.stop

    @property
    def transcript(self) -> Transcript:
        """What was sent, answered and done, in order."""
        return self.trial.transcript


def run_check(
    target: str | Target | Driver | CheckRun, name: str | Check, *, faults: Iterable[str] = ()
) -> CheckOutcome:
    """Run one check, for example `polling::test_pending`, and return what it said.

    `target` is what the command line takes (`embedded:rfc8628`, `https://…`, a target.toml; for a scenario on clients
    `honest:rfc8628`, a client.toml); or a Target or a Driver that has been entered; or a run of one, whose registered
    clients and connections several checks then share. `faults` are those of the reference server or client, for a
    target that is given by its name.

    Raises UsageError for a name that no check has, TargetUnreachableError for a target that does not answer, and
    whatever error of the suite ends the check.
    """
    from device_grant.client.session.run import ClientRun
    from device_grant.server.session.run import Run

    check = named_check(name) if isinstance(name, str) else name
    if isinstance(target, str):
        return _by_name(target, check, tuple(faults))
    if tuple(faults):
        raise UsageError("faults are for a target that is given by its name: a started one has its own")
    if isinstance(target, Run | ClientRun):
        return _carried_out(target, check)
    run = _run_of(target, check.party)
    try:
        return _carried_out(run, check)
    finally:
        run.close()


def _by_name(spec: str, check: Check, faults: tuple[str, ...]) -> CheckOutcome:
    from device_grant.engine.options import Options
    from device_grant.engine.subject import subject_of
    from device_grant.protocol import Secrets

    subject = subject_of(Options(target=spec, party=check.party, faults=faults))
    subject.locate()
    try:
        return _carried_out(subject.open(load(), lambda _requirement, _check, _message: False, Secrets()), check)
    finally:
        subject.close()


def _run_of(target: Target | Driver | CheckRun, party: str) -> CheckRun:
    from device_grant.protocol import any_dialect
    from device_grant.server.session.run import new_run

    if party == "server":
        server = cast("Target", target)
        return new_run(server, server.config.dialect, load())
    from device_grant.client.session.run import ClientRun

    driver = cast("Driver", target)
    return ClientRun(driver, any_dialect(driver.config.judged_by), load())


def _carried_out(run: CheckRun, check: Check) -> CheckOutcome:
    trial = run.trial(check)
    run.carry_out(trial)
    return CheckOutcome(trial)


@cache
def named_check(name: str) -> Check:
    """The check of that name; raises UsageError where there is none."""
    from device_grant.judging import all_checks
    from device_grant.judging.loading import PACKAGES, import_checks

    for party in PACKAGES:
        import_checks(party)
        first = next((check for check in all_checks() if check.name == name), None)
        if first is not None:
            return first
    raise UsageError(f"no check is called {name!r}: `device-grant list` names them")


def _verdicts(ledger: Ledger) -> dict[str, Verdict]:
    return {requirement: tally.verdict for requirement, tally in ledger.tallies.items()}
