"""The lines of a finished check on their way from the process that ran it to the one that collects."""

from __future__ import annotations

import json
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec

from device_grant.errors import DeviceGrantError
from device_grant.results.lines import Payload, case_line, result_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from device_grant.engine.scheduling import Task
    from device_grant.judging import Tally
    from device_grant.judging.trial import CheckRun, Trial
    from device_grant.results.model import Finding, Header, Result


@dataclass
class Finished:
    """A check that has run, and the error of ours that ended it, if any."""

    trial: Trial
    duration: float
    """Seconds on the real clock."""
    error: BaseException | None = None


class Sender:
    """Makes the payloads of one process; each tells only what is new since the one before."""

    def __init__(self, run: CheckRun, wanted: frozenset[str] | None) -> None:
        self._run = run
        self._wanted = wanted
        """Requirements of --only; None: all."""
        self._secrets = 0
        self._exchanges = 0

    def payload(
        self, task: Task, finished: Finished, header: Header, findings: Sequence[Finding] | None = None
    ) -> Payload:
        """The lines of a check that has run; they are not yet redacted.

        `findings` are those of the check before all others, None for any other check: what fails there is said
        whatever the selection, for nothing that was selected can be judged then.
        """
        run, trial = self._run, finished.trial
        outcome: Literal["ran", "suite-error"] = "suite-error" if finished.error else "ran"
        message = explained(finished.error) if finished.error else ""
        secrets = list(run.secrets.entries())[self._secrets :]
        self._secrets += len(secrets)
        sent, self._exchanges = self._exchanges, run.exchanges
        case = case_line(trial, task.nodeid, finished.duration, outcome, message)
        name = trial.check.name if findings is None else ""
        own = self._lines(name, trial.ledger.tallies.values(), failures=findings is not None)
        if trial.check.sampled:
            own = [msgspec.structs.replace(line, sampled=True) if line.verdict == "pass" else line for line in own]
        return Payload(
            header=header,
            case=msgspec.structs.replace(case, findings=list(findings)) if findings else case,
            results=own,
            invariants=self._lines(
                name, (tally for one in trial.invariants.values() for tally in one.tallies.values())
            ),
            spare=self._lines(name, trial.ledger.spare.values()),
            secrets=secrets,
            exchanges=self._exchanges - sent,
        )

    def _lines(self, check: str, tallies: Iterable[Tally], *, failures: bool = False) -> list[Result]:
        lines = result_lines(self._run, tallies, check)
        return [
            line
            for line in lines
            if self._wanted is None or line.requirement in self._wanted or (failures and line.verdict == "fail")
        ]


def encoded(payload: Payload) -> str:
    """The payload as text, which a report of pytest can carry from process to process."""
    try:
        return msgspec.json.encode(payload).decode()
    except UnicodeEncodeError:
        # JSON can hold half a surrogate pair, which no UTF-8 can: what a target sends in that way is escaped again.
        return json.dumps(msgspec.to_builtins(payload))


def decoded(text: str) -> Payload:
    """The payload back."""
    try:
        return msgspec.json.decode(text, type=Payload)
    except msgspec.DecodeError:
        return msgspec.convert(json.loads(text), Payload)


def explained(error: BaseException) -> str:
    """Our own errors say what a person needs; of anything else the end of the traceback is kept."""
    if isinstance(error, DeviceGrantError):
        return str(error)
    return "".join(traceback.format_exception(error)[-6:])
