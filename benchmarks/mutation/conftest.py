"""Limits on one mutant, and the note of what killed it."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from proof import EXERCISES

if TYPE_CHECKING:
    import pytest

LIMIT = 60
"""Seconds of CPU that the whole suite may take for one mutant; it takes about a third of that if nothing is wrong."""
LONGEST = 900
"""Seconds of wall time after which a mutant that waits for ever is ended; far off, lest a busy machine kill mutants."""
TIMED_OUT = 36
"""Exit status that mutmut counts as a timeout."""


def pytest_sessionstart() -> None:
    """A mutant that never ends is ended here."""
    if "__mutmut_" in os.environ.get("MUTANT_UNDER_TEST", ""):
        for number in (signal.SIGPROF, signal.SIGALRM):
            signal.signal(number, lambda *_: os._exit(TIMED_OUT))
        signal.setitimer(signal.ITIMER_PROF, LIMIT)
        signal.alarm(LONGEST)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those first that see every kind of answer: most mutants die of them."""
    items.sort(key=lambda item: not any(f"[{name}-" in item.nodeid for name in EXERCISES))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note the test that failed: mutmut keeps no record of it."""
    notes, mutant = os.environ.get("MUTATION_KILLS"), os.environ.get("MUTANT_UNDER_TEST", "")
    if notes and report.failed and "__mutmut_" in mutant:
        reason = report.longreprtext.strip().rpartition("\n")[2][:300]
        with Path(notes).open("a") as file:
            file.write(f"{mutant}\t{report.nodeid.rpartition('[')[2].rstrip(']')}\t{reason}\n")
