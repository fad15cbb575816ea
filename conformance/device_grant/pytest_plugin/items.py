"""Checks and invariants as pytest items, and what a finished check means to pytest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from device_grant.catalogue import Verdict
from device_grant.engine.scheduling import Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from device_grant.catalogue import Requirement
    from device_grant.judging import Check, Invariant, Rule
    from device_grant.judging.trial import Trial
    from device_grant.pytest_plugin.session import SessionPlugin

SESSION = "device-grant-session"
"""Name under which the plugin that holds the session is registered."""
GROUP = "device-grant-side-by-side"
"""The checks that wait on a real clock: one worker runs them all, side by side in threads."""


class CheckFailed(Exception):  # noqa: N818 - a finding about the target, shown by pytest as a failure
    """A check found an unexpected failure; the text is what pytest prints."""


class CheckItem(pytest.Item):
    """One check."""

    def __init__(self, *, entry: Check, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.entry = entry
        self.trial: Trial | None = None
        self.payload: str | None = None

    @property
    def task(self) -> Task:
        """What the engine runs."""
        return Task(plain(self.nodeid), self.entry)

    def runtest(self) -> None:
        """Run the check against the target of this session."""
        plugin: SessionPlugin = self.config.pluginmanager.getplugin(SESSION)
        plugin.run(self)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """A finding, expected or not, is shown as text, an error of the suite with its traceback."""
        if isinstance(excinfo.value, CheckFailed | pytest.xfail.Exception):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where the check is."""
        return self.path, self.entry.function.__code__.co_firstlineno - 1, self.entry.name


class InvariantItem(pytest.Item):
    """One invariant, or rule: passes or fails by what the exchanges of this process have shown so far."""

    def __init__(self, *, rule: Invariant | Rule, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rule = rule

    def runtest(self) -> None:
        """Fail with the messages of the unexpected failures."""
        plugin: SessionPlugin = self.config.pluginmanager.getplugin(SESSION)
        session = plugin.session
        broken = session.broken_invariants.get(self.rule.name)
        if broken:
            raise CheckFailed("\n".join(sorted(broken)))
        if self.rule.name not in session.seen_invariants:
            pytest.skip("no exchange to judge")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The messages alone."""
        if isinstance(excinfo.value, CheckFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where the rule is."""
        code = self.rule.function.__code__
        return Path(code.co_filename), code.co_firstlineno - 1, self.rule.name


def plain(nodeid: str) -> str:
    """A node id without the group that xdist has written into it."""
    return nodeid.removesuffix(f"@{GROUP}")


def check_name(nodeid: str) -> str:
    """`polling::test_pending` of `…/test_polling.py::test_pending`."""
    module, _, function = plain(nodeid).partition("::")
    return f"{Path(module).stem.removeprefix('test_')}::{function}"


def conclude(trial: Trial, withheld: Callable[[Requirement], bool]) -> None:
    """Pass, skip, xfail or fail as pytest understands it; `withheld` results are not named."""
    claims = list(trial.claims())
    failing = [claim for claim in claims if claim.verdict is Verdict.FAIL]
    expects = trial.run.expects
    unexpected = [c for c in failing if not expects(c.requirement.id, c.check, c.message)]
    if unexpected:
        lines = [f"{claim.requirement.id}: {claim.message}" for claim in unexpected]
        raise CheckFailed(trial.run.secrets.redact("\n".join(lines)))
    if failing:
        # pytest's own reports are files too: what is withheld is not named in them.
        shown = {claim.requirement.id for claim in failing if not withheld(claim.requirement)}
        pytest.xfail("; ".join(sorted(shown)) + " expected by the baseline" if shown else "withheld by the baseline")
    if trial.stop is not None and not claims:
        pytest.skip(f"{trial.stop.verdict.label}: {trial.stop}")
    unjudged = [c for c in claims if c.verdict in (Verdict.UNTESTABLE, Verdict.NOT_APPLICABLE)]
    if claims and len(unjudged) == len(claims):
        pytest.skip(f"{unjudged[0].verdict.label}: {unjudged[0].message}")
