"""Lets pytest run a session of the engine: selects and orders its items, carries their lines to the results."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from device_grant.engine.payloads import decoded, encoded
from device_grant.engine.scheduling import rank
from device_grant.errors import DeviceGrantError, TargetUnreachableError, UsageError
from device_grant.pytest_plugin.items import CheckItem, InvariantItem, conclude
from device_grant.pytest_plugin.workers import WorkerPlugin, group, grouped, is_worker, locks, safe_workers
from device_grant.report.text import one_line, plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from device_grant.engine.session import CheckSession

PAYLOAD = "device_grant"
"""Attribute of a test report that carries the lines of a check, also from an xdist worker to its controller."""
_TOURED = "Only what {} exchanged was looked at: --check '*' looks at what all checks exchange."
_NAMED = "Only {} that --check names ran."
_SELECTED = "Only {} of {} ran, as pytest selected them."
_HELD = "Only {} of {} ran: the others are not in the recording."
_STOPPING = "stopping after"
"""How pytest begins to say that -x or --maxfail ends a run."""


class SessionPlugin:
    """Runs one session."""

    def __init__(self, session: CheckSession) -> None:
        self.session = session
        self.kept = 0
        """Checks that fit the dialect and the options, before pytest's own selected among them."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> Iterator[None]:
        """Start, unless the command line has done so already; then xdist starts its workers."""
        config = self._config = session.config
        config.pluginmanager.register(WorkerPlugin(self.session))
        capturing = config.pluginmanager.getplugin("capturemanager")
        if capturing is not None:
            self.session.speaking = capturing.global_and_fixture_disabled
        if not self.session.started:
            try:
                self.session.start(
                    worker=is_worker(config), parallel=bool(getattr(config.option, "numprocesses", None))
                )
            except DeviceGrantError as error:
                self.end(config, error)
        # Registered last, so that it has the last word after all that select and sort: --lf, --ff, random orders.
        config.pluginmanager.register(OrderPlugin(self))
        with safe_workers(config):
            return (yield)

    def end(self, config: pytest.Config, error: DeviceGrantError, items: list[pytest.Item] | None = None) -> None:
        """End the session with an error; a worker goes on with nothing to do, and hands it to its controller."""
        self.session.error = error
        if items is not None:
            items.clear()
        if not is_worker(config):
            pytest.exit(str(error), returncode=int(error.exit_code))

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Keep what applies to the dialect and to --only."""
        if self.session.error is not None:
            items.clear()
            return
        selection = self.session.selection()
        try:
            selection.require_checks([item.entry.name for item in items if isinstance(item, CheckItem)])
        except UsageError as error:
            self.end(config, error, items)
            items.clear()
            return
        kept: list[pytest.Item] = []
        dropped: list[pytest.Item] = []
        for item in items:
            keep = True
            if isinstance(item, CheckItem):
                keep = selection.keeps(item.entry)
            elif isinstance(item, InvariantItem):
                keep = selection.keeps_rule(item.rule)
            (kept if keep else dropped).append(item)
        items[:] = kept
        if dropped:
            config.hook.pytest_deselected(items=dropped)
        self.kept = sum(isinstance(item, CheckItem) for item in kept)
        if selection.touring:
            self.session.narrowed = _TOURED.format(plural(self.kept, "check"))
        elif selection.checks and not self.session.narrowed:
            self.session.narrowed = _NAMED.format(plural(self.kept, "check"))
        asked = sum(isinstance(item, CheckItem) and selection.asks(item.entry) for item in (*kept, *dropped))
        if self.kept < asked and not self.session.narrowed:
            self.session.narrowed = _HELD.format(self.kept, plural(asked, "check"))
        group(config, [item for item in items if isinstance(item, CheckItem) and self.session.waits(item.entry)])

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Write the header; on a real clock, begin the timed checks: they go on side by side."""
        # What was imported until now stays: looking through it again and again at the end of a run, as pytest
        # does for exceptions that nobody saw, would take a fifth of a short run.
        gc.freeze()
        config = session.config
        tasks = [item.task for item in session.items if isinstance(item, CheckItem)]
        if config.option.collectonly:
            tasks = []
        try:
            self.session.begin(tasks)
        except DeviceGrantError as error:
            self.end(config, error, session.items)
            return
        if self.session.opened and not config.option.collectonly:
            worker = is_worker(config)
            # Where any worker may get them one by one, none is begun before it is asked for.
            beside = tasks if not worker or grouped(config) else []
            self.session.plan(beside, at_once=not worker, locks=locks(config))

    def pytest_runtest_logstart(self, location: tuple[str, int | None, str]) -> None:
        """Tell the progress display."""
        if self.session.on_check is not None:
            self.session.on_check(location[2])

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """An interrupted run has no footer; so has one whose target went away."""
        # As xdist ends workers where -x or --maxfail asks for it.
        self.session.stopped = str(excinfo.value).startswith(_STOPPING)
        if self.session.stopped:
            return
        self.session.interrupted = self.session.error is not None or not isinstance(
            excinfo.value, pytest.exit.Exception
        )

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Stop the target, settle the results; the exit status is that of the verdicts."""
        if self.session.stopped or str(session.shouldfail).startswith(_STOPPING):
            self.session.stopped_early()
        try:
            code = self.session.finish()
        except DeviceGrantError as error:
            # Of several that one full disk causes, the first one tells where it began.
            self.session.error = self.session.error or error
            code = int(self.session.error.exit_code)
        if code is not None and not session.config.option.collectonly:
            session.exitstatus = code

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what is wrong on the main path, which is no item of pytest's."""
        collector = self.session.collector
        for case in collector.cases if collector is not None else ():
            for finding in case.findings or ():
                terminalreporter.write_line(f"Main path: {one_line(finding.title)}", red=True)

    def run(self, item: CheckItem) -> None:
        """Run (or wait for) the check of an item, then pass, skip or fail as pytest understands it."""
        finished, payload = self.session.run(item.task)
        item.trial = finished.trial
        item.payload = encoded(payload)
        if isinstance(finished.error, TargetUnreachableError):
            # Everything that follows would only accuse a server that is no longer there.
            item.session.shouldstop = str(finished.error)
            self.end(item.config, finished.error)
        if finished.error is not None:
            raise finished.error
        conclude(finished.trial, self.session.withheld)

    # From worker to controller.

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
        """Hang the lines of a check on the report of its call."""
        report = yield
        if call.when == "call" and isinstance(item, CheckItem) and item.payload is not None:
            setattr(report, PAYLOAD, item.payload)
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the lines of a check; in a controller they come from its workers."""
        text = getattr(report, PAYLOAD, None)
        if not text or self.session.collector is None or self.session.error is not None:
            return
        try:
            self.session.take(decoded(text))
        except DeviceGrantError as error:
            # The disk is full, or so: what follows could not be kept either.
            self.session.interrupted = True
            self.end(self._config, error)


class OrderPlugin:
    """Leaves a session its own shard and puts its checks in order, once everything else has selected and sorted."""

    def __init__(self, plugin: SessionPlugin) -> None:
        self._plugin = plugin

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
        """Drop the checks of the other shards; what must be alone or last goes there."""
        yield
        session = self._plugin.session
        if session.error is not None:
            return
        left = sum(isinstance(item, CheckItem) for item in items)
        if left < self._plugin.kept:
            session.narrowed = _SELECTED.format(left, plural(self._plugin.kept, "check"))
        if session.share is not None:
            try:
                self._keep_own(config, items)
            except UsageError as error:
                self._plugin.end(config, error, items)
                return
        worker = is_worker(config)

        def position(item: pytest.Item) -> tuple[int, int]:
            if not isinstance(item, CheckItem):
                # Invariants stay last, for they are judged on what all checks have exchanged.
                return (4 if isinstance(item, InvariantItem) else 0), 0
            # All that wait are given to one worker: where they stand among the others makes no difference.
            waits = not worker and session.waits(item.entry)
            return rank(item.entry, waits=waits), session.subject.turn(item.entry)

        items.sort(key=position)

    def _keep_own(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Invariants belong to each shard, for they judge its exchanges; raises UsageError for an empty one."""
        session = self._plugin.session
        checks = [item for item in items if isinstance(item, CheckItem)]
        assert session.share is not None  # noqa: S101 - asked by the caller
        own = {item.nodeid for item in session.share.own(checks)}
        session.shard = session.share.described((item.entry.name for item in checks), session.baseline)
        others = [item for item in checks if item.nodeid not in own]
        items[:] = [item for item in items if not isinstance(item, CheckItem) or item.nodeid in own]
        if others:
            config.hook.pytest_deselected(items=others)
