"""What makes pytest silent, and run a session of the engine that has been made already. Not imported for `--help`."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest

from device_grant.pytest_plugin.items import SESSION
from device_grant.pytest_plugin.session import SessionPlugin

if TYPE_CHECKING:
    from device_grant.engine.session import CheckSession


class Quiet:
    """Keeps pytest's own terminal silent: the report is ours, its machinery stays."""

    def __init__(self) -> None:
        self.broke: BaseException | None = None
        """What ended pytest itself."""

    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Keep it: pytest only prints it, and nobody reads that."""
        self.broke = self.broke or excinfo.value

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: Any) -> None:
        """Let the terminal reporter, which other plugins expect to exist, write nowhere."""
        reporter = config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None and config.getoption("verbose") <= 0:
            from _pytest.config import create_terminal_writer

            reporter._tw = create_terminal_writer(config, io.StringIO())  # noqa: SLF001 - pytest offers no other way


class Named:
    """Registers a session that has been made already, under the name by which items find it."""

    def __init__(self, session: CheckSession) -> None:
        self._session = session

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: Any) -> None:
        """Before the plugin itself would make one from the options."""
        if not config.pluginmanager.hasplugin(SESSION):
            config.pluginmanager.register(SessionPlugin(self._session), SESSION)
