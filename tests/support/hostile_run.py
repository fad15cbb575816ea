"""A whole run against a hostile server, in process, and what of it was the suite's own error."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from device_grant.engine.options import Options
from device_grant.engine.payloads import decoded, encoded
from device_grant.engine.scheduling import Task, rank
from device_grant.engine.server_subject import ServerSubject
from device_grant.engine.session import CheckSession
from device_grant.errors import DeviceGrantError, ExitCode
from device_grant.report import REPORT_FORMS
from device_grant.results import read
from device_grant.targets.load import read_target
from device_grant.targets.transports.in_process import AsgiTarget
from device_grant.targets.users import ModuleUser
from support.hostile import PERSON, server, target_toml
from support.proof import BROWSER, judges

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from device_grant.catalogue import Catalogue
    from device_grant.judging import Check
    from device_grant.judging.ledger import Expects
    from device_grant.protocol import Secrets
    from device_grant.results import Report
    from device_grant.server.session.run import Run
    from support.hostile import Plan


class FewExamples(ServerSubject):
    """A server that meets few generated requests, and the browser that all runs of the process share."""

    walked = True

    def preflight(self) -> Check | None:
        return super().preflight() if self.walked else None

    def open(self, catalogue: Catalogue, expects: Expects, secrets: Secrets) -> Run:
        run = super().open(catalogue, expects, secrets)
        run.profile = replace(
            run.profile, examples=3, stories=2, steps=10, race_rounds=1, race_seconds=0, shrinking=0.05
        )
        run.chromium = BROWSER
        return run

    def close(self) -> None:
        if self._run is not None:
            # The browser outlives the run.
            self._run.chromium = type(BROWSER)()
        super().close()


@dataclass
class Ended:
    """What became of a run."""

    report: Report | None = None
    """None: the run did not begin, for a reason that is no error of the suite."""
    errors: list[str] = field(default_factory=list)
    """The suite's own, each with where it came from."""

    def note(self, where: str, error: BaseException) -> None:
        self.errors.append(f"{where}: " + "".join(traceback.format_exception(error)[-4:]))

    def verdicts(self, check: str) -> dict[str, str]:
        """By requirement, what a check said of it."""
        assert self.report is not None
        return {result.requirement: result.verdict for result in self.report.results if result.check == check}

    def message(self, check: str) -> str:
        """The first that a check said of any requirement."""
        assert self.report is not None
        return next((result.message for result in self.report.results if result.check == check), "")


def run_against(plan: Plan, folder: Path, keep: Callable[[str], bool] = lambda _: True) -> Ended:
    """Run the checks that are kept, all by default, as a session does, and write every form of report."""
    ended = Ended()
    file = folder / "target.toml"
    file.write_text(target_toml(plan))
    located, user, app = read_target(file), ModuleUser(PERSON), server(plan)
    options = Options(target=str(file), report=folder / "report", seed=1)
    subject = FewExamples(options, lambda _: AsgiTarget(located, user, app=app))
    subject.walked = plan.walked
    session = CheckSession(options, subject)
    try:
        session.start()
    except DeviceGrantError as error:
        if error.exit_code == ExitCode.SUITE_ERROR:
            ended.note("start", error)
        return ended
    try:
        selection = session.selection()
        tasks = [Task(f"hostile::{name}", check) for name, check in judges()[0].items() if keep(name)]
        tasks = sorted(
            (one for one in tasks if selection.keeps(one.check)), key=lambda one: rank(one.check, waits=False)
        )
        session.begin(tasks)
        assert session.collector is not None
        ended.errors += [
            f"{case.check}: {case.message}" for case in session.collector.cases if case.outcome == "suite-error"
        ]
        for task in tasks:
            finished, payload = session.run(task)
            if finished.error is not None and getattr(finished.error, "exit_code", None) != ExitCode.UNREACHABLE:
                ended.note(task.check.name, finished.error)
            session.take(decoded(encoded(payload)))
        session.finish()
        ended.report = session.collector.report
        for form in REPORT_FORMS.values():
            form.render(ended.report)
        read(folder / "report" / "results.jsonl")
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
        ended.note("run", error)
    finally:
        session.stop()
        if session.collector is not None and session.collector.writer is not None:
            session.collector.writer.close()
    return ended
