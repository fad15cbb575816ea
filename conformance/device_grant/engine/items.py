"""Checks and invariants as pytest items."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from device_grant.client.session.case import ClientCase
    from device_grant.engine.suite import Suite
    from device_grant.judging import Check, Invariant, Rule
    from device_grant.server.session.case import Case

SUITE = "device-grant-suite"
"""Name under which the session's suite is registered as a plugin."""


class CheckFailed(Exception):  # noqa: N818 - a finding about the target, shown by pytest as a failure
    """A check found an unexpected failure; the text is what pytest prints."""


class CheckItem(pytest.Item):
    """One check."""

    def __init__(self, *, entry: Check, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.entry = entry
        self.case: Case | ClientCase | None = None
        self.payload: str | None = None

    def runtest(self) -> None:
        """Run the check against the target of this session."""
        suite: Suite = self.config.pluginmanager.getplugin(SUITE)
        suite.run(self)

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
        suite: Suite = self.config.pluginmanager.getplugin(SUITE)
        broken = suite.broken_invariants.get(self.rule.name)
        if broken:
            raise CheckFailed("\n".join(sorted(broken)))
        if self.rule.name not in suite.seen_invariants:
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
