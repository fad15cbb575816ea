"""Workers of pytest-xdist and their controller: what they tell each other, and which of them waits on a real clock."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from device_grant.engine.exclusion import PREFIX
from device_grant.engine.payloads import decoded, encoded
from device_grant.errors import DeviceGrantError, ExitCode, SuiteError
from device_grant.processes import temporary_folder
from device_grant.pytest_plugin.items import GROUP, check_name, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from device_grant.engine.session import CheckSession

FIRST = "device_grant_first"
"""Where the first worker leaves the lines of the check that stood before all others."""
ERROR = "device_grant_error"
"""Where a worker leaves the message and the exit code of the error that ended it."""
NARROWED = "device_grant_narrowed"
"""Where a worker leaves why not all checks were run; all workers select the same."""
_CTRL_C = "keyboard-interrupt"
"""What xdist gives as the reason where a person ended a worker."""
_LOCKS = "device_grant_locks"
"""Where a controller tells its workers of the folder whose locks they share."""
_SAFE = "PYTHONSAFEPATH"
"""Any text in it keeps Python from looking for modules in the current folder."""
_OURS = "workers-of-device-grant"


def is_worker(config: pytest.Config) -> bool:
    """Whether this process is one of several."""
    return hasattr(config, "workerinput")


def group(config: pytest.Config, items: Iterable[pytest.Item]) -> None:
    """In a worker, have all these items given to the same one: else each would wait for its own part, one by one."""
    if is_worker(config):
        for item in items:
            item.add_marker(pytest.mark.xdist_group(GROUP))


def grouped(config: pytest.Config) -> bool:
    """Whether this worker gets either all the items of a group or none; so it is unless --dist says otherwise."""
    return bool(getattr(config.option, "loadgroup", False))


def locks(config: pytest.Config) -> Path | None:
    """The folder whose locks all workers of the run share; None outside a worker."""
    given: dict[str, str] = getattr(config, "workerinput", {})
    return Path(given[_LOCKS]) if _LOCKS in given else None


@contextmanager
def safe_workers(config: pytest.Config) -> Iterator[None]:
    """Within: workers that are started import nothing from the current folder, whose re.py is not the one they need.

    In a worker: give up what was said to it alone, for a target that it starts may well live in the current folder.
    """
    if os.environ.get(_SAFE) == _OURS:
        del os.environ[_SAFE]
    if not getattr(config.option, "numprocesses", None) or os.environ.get(_SAFE):
        yield
        return
    os.environ[_SAFE] = _OURS
    try:
        yield
    finally:
        del os.environ[_SAFE]


class WorkerPlugin:
    """Carries errors from workers to their controller, and shows it how far they are."""

    def __init__(self, session: CheckSession) -> None:
        self._session = session
        self._stack = ExitStack()
        self._locks: Path | None = None
        self._given: list[str] | None = None
        """The checks that the workers have collected, in a controller."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """In the controller: tell a worker of the folder whose locks all of them share."""
        if self._locks is None:
            self._locks = self._stack.enter_context(temporary_folder(PREFIX))
        node.workerinput[_LOCKS] = str(self._locks)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """In the controller: all workers have collected the same; the first one tells how much there is to do."""
        if self._given is not None:
            return
        # Only invariants have the name of what is judged in brackets.
        self._given = [plain(nodeid) for nodeid in ids if not nodeid.endswith("]")]
        self._session.announce([check_name(nodeid) for nodeid in self._given])

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str) -> None:
        """In the controller: a worker has crashed in a check, whose verdicts nobody will ever know."""
        self._session.error = SuiteError(
            f"a worker process crashed in {plain(crashitem)}: run without -n to see what ends it there"
        )

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """In the controller: take the error of a worker that has ended, the first one of several."""
        if error and error != _CTRL_C and self._session.error is None:
            self._session.error = SuiteError(f"a worker process ended, {error}: run without -n to see why")
        output = getattr(node, "workeroutput", {})
        if FIRST in output:
            self._session.take(decoded(output[FIRST]))
        self._session.narrowed = self._session.narrowed or output.get(NARROWED, "")
        left = output.get(ERROR)
        if left is not None and self._session.error is None:
            message, code = left
            self._session.error = DeviceGrantError(message)
            self._session.error.exit_code = ExitCode(code)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """In a worker: leave the error for the controller; there: end with its exit code."""
        self._stack.close()
        # Each worker has walked, for it meets a server of its own perhaps; one of them tells of it.
        worker: dict[str, Any] = getattr(session.config, "workerinput", {})
        if worker.get("workerid") == "gw0" and self._session.first is not None:
            session.config.workeroutput[FIRST] = encoded(self._session.first)  # type: ignore[attr-defined]  # set by xdist
        if is_worker(session.config):
            session.config.workeroutput[NARROWED] = self._session.narrowed  # type: ignore[attr-defined]  # set by xdist
        if self._session.error is None and not self._session.interrupted and not self._session.stopped:
            self._session.error = self._unaccounted()
        error = self._session.error
        if error is None:
            return
        if is_worker(session.config):
            output: dict[str, Any] = session.config.workeroutput  # type: ignore[attr-defined]  # set by xdist
            output[ERROR] = (str(error), int(error.exit_code))
        else:
            session.exitstatus = int(error.exit_code)

    def _unaccounted(self) -> SuiteError | None:
        """Each check that was given out must have come back: a verdict that got lost must not pass for a good one."""
        if self._given is None or self._session.collector is None:
            return None
        back = {case.nodeid for case in self._session.collector.cases}
        lost = [nodeid for nodeid in self._given if nodeid not in back]
        if not lost:
            return None
        more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
        return SuiteError(f"no worker process has said what became of {lost[0]}{more}: run without -n")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
        """In the controller: say what ended the workers, which have no terminal."""
        if self._session.error is not None and getattr(config.option, "numprocesses", None):
            terminalreporter.write_line(f"Exit: {self._session.error}", red=True)
