"""What makes a session of pytest one of ours: silent, and with the suite registered. Not imported for `--help`."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest

from device_grant.engine.items import SUITE

if TYPE_CHECKING:
    from device_grant.engine.suite import Suite


class Quiet:
    """Keeps pytest's own terminal silent: the report is ours, its machinery stays."""

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: Any) -> None:
        """Let the terminal reporter, which other plugins expect to exist, write nowhere."""
        reporter = config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None and config.getoption("verbose") <= 0:
            from _pytest.config import create_terminal_writer

            reporter._tw = create_terminal_writer(config, io.StringIO())  # noqa: SLF001 - pytest offers no other way


class Named:
    """Registers the suite under the name by which items find it."""

    def __init__(self, suite: Suite) -> None:
        self._suite = suite

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: Any) -> None:
        """Before the plugin itself would make a suite from the options."""
        if not config.pluginmanager.hasplugin(SUITE):
            config.pluginmanager.register(self._suite, SUITE)
