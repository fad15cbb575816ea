"""What all tests have: one that needs something of the machine is skipped without it, and the run says what it was."""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING

from support.needs import MISSING, skip_without, summary, wanted

if TYPE_CHECKING:
    import pytest


def pytest_configure(config: pytest.Config) -> None:
    said = "skipped where one of them is missing; so marked, perhaps with none, a test also runs where all are missing"
    config.addinivalue_line("markers", "hostile: a hostile peer that is met at the gate alone (-m hostile)")
    config.addinivalue_line("markers", "long: takes seconds, mostly of waiting, and so begins before the others")
    config.addinivalue_line("markers", f"needs(*things): {said}; known are {', '.join(MISSING)}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        unknown = set(wanted(item)) - MISSING.keys()
        assert not unknown, f"{item.nodeid} needs {unknown}: tests/support/needs.py does not say how to tell that"
    items[:] = _long_ones_first(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def _long_ones_first(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    # A worker is given one part of the whole, from its beginning, and takes from the ends of others when it is done: a
    # long one at the end of a part would be waited for by all.
    long = [item for item in items if item.get_closest_marker("long")]
    others = [item for item in items if not item.get_closest_marker("long")]
    ordered = []
    for part in range(workers):
        ordered += long[part::workers]
        ordered += others[part * len(others) // workers : (part + 1) * len(others) // workers]
    return ordered


def pytest_collection_finish() -> None:
    # What was collected stays: looking through it again and again takes a twentieth of the time of the tests.
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_runtest_setup(item: pytest.Item) -> None:
    skip_without(item)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    line = summary(terminalreporter.stats.get("skipped", []))
    if line:
        terminalreporter.write_line(line)
