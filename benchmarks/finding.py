"""How soon the faults of the reference server are found, by this suite and by schemathesis with our document.

A run of ours is a process of its own, `python -m benchmarks.finding DIALECT FAULT BEGAN FILE`, which ends at the first
requirement that is found broken. BEGAN is when it was started, on the system's monotonic clock.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measuring import CORES, STOPPED, BenchmarkError, Goal, Section, figure, run_process, served
from benchmarks.throughput import described, schemathesis_run

if TYPE_CHECKING:
    from collections.abc import Callable

MOMENTS = (10.0, 60.0)
"""Seconds within which faults are counted; the last one ends a search."""
SEED = 8628
SAMPLE, QUICK_SAMPLE = 20, 2
"""How many faults schemathesis looks for, most of them for all of MOMENTS; this suite looks for every one."""
BROKEN = ("observed", "warn", "fail")
"""Verdicts that the honest reference server never gets."""
FALSE_ALARMS = {
    # It takes made-up credentials and codes for valid ones.
    "rfc8628": ("positive_data_acceptance",),
    # Errors of the framework, which no operation of the service model names, are no modelled exceptions.
    "aws-sso-oidc": ("positive_data_acceptance", "response_schema_conformance"),
}
"""Checks of schemathesis that fail the honest server, by dialect."""
FAILED = 1
"""Exit status of schemathesis where it has found something."""
GRACE = 30.0
"""Seconds that a process has for ending beyond the search."""


RecognisedExchange = Mapping[str, float | None]
"""When each fault was found, in seconds since the start of the process; None: not at all."""


def faults() -> list[tuple[str, str]]:
    """Every fault of the reference server with the first of its dialects."""
    from device_grant.reference.server.faults import Faults

    return [(name, dialects[0]) for name, dialects, _ in Faults.catalogue()]


def chosen(number: int | None) -> list[tuple[str, str]]:
    """A sample of so many faults, always the same one; None: all of them."""
    everything = faults()
    if number is None or number >= len(everything):
        return everything
    return sorted(random.Random(SEED).sample(everything, number))  # noqa: S311 - a sample, not a secret


def measure(*, quick: bool, number: int | None = SAMPLE) -> Section:
    """Look for every fault by this suite and for a sample by schemathesis, as many at a time as there are cores.

    `number` None: all of them by both. A quick try takes a small sample for both.
    """
    sample = chosen(min(number or SAMPLE, QUICK_SAMPLE) if quick else number)
    for dialect in sorted({dialect for _, dialect in sample}):
        alarm = _by_schemathesis(dialect, "")
        if alarm is not None:
            raise BenchmarkError(
                f"schemathesis accuses the honest {dialect} server after {figure(alarm)} s: what it finds means nothing"
            )
    return section(
        _searched(_by_us, sample if quick else faults()), _searched(_by_schemathesis, sample), of=len(faults())
    )


def _searched(by: Callable[[str, str], float | None], wanted: list[tuple[str, str]]) -> RecognisedExchange:
    with ThreadPoolExecutor(CORES) as pool:
        seconds = pool.map(lambda one: by(one[1], one[0]), wanted)
        return dict(zip((fault for fault, _ in wanted), seconds, strict=True))


def section(ours: RecognisedExchange, theirs: RecognisedExchange, *, of: int) -> Section:
    """The table: what was found when."""
    rows = []
    for name, times in (("this suite", ours), ("schemathesis", theirs)):
        collected = [seconds for seconds in times.values() if seconds is not None]
        within = [f"{sum(seconds <= moment for seconds in collected)} of {len(times)}" for moment in MOMENTS]
        rows.append((name, *within, figure(statistics.median(collected)) if collected else "-"))
    missed = [fault for fault, seconds in ours.items() if seconds is None or seconds > MOMENTS[-1]]
    goal = Goal(
        "faults found by this suite" + (f" (not: {', '.join(missed)})" if missed else ""),
        float(len(ours) - len(missed)),
        float(len(ours)),
    )
    alarms = "; ".join(f"{dialect}: {', '.join(names)}" for dialect, names in FALSE_ALARMS.items())
    how = (
        f"Of the {of} faults of the reference server {_amount(ours, of)} by this suite and {_amount(theirs, of)} by "
        "schemathesis, one at a time, each in the first of its dialects. Seconds since the start of the process: "
        "`device-grant run embedded:… --fault NAME` until the first requirement is found broken; `schemathesis run` "
        "with our document against `device-grant serve --fault NAME` until its first failure, without the checks that "
        f"fail the honest server too ({alarms}). Nobody approves for schemathesis: what shows only after a decision "
        "is out of its reach."
    )
    columns = ("by", *(f"within {moment:g} s" for moment in MOMENTS), "median of those found, s")
    return Section("Faults found", how, columns, tuple(rows), (goal,))


def _amount(result: RecognisedExchange, of: int) -> str:
    return "all" if len(result) == of else f"a sample of {len(result)}"


def _by_us(dialect: str, fault: str) -> float | None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "found.json"
        began = time.monotonic()
        command = [sys.executable, "-m", "benchmarks.finding", dialect, fault, repr(began), str(file)]
        done = run_process(command, limit=MOMENTS[-1] + GRACE)
        if done.status not in (0, STOPPED):
            raise BenchmarkError(f"the run with the fault {fault} failed: {done.output.strip()[-400:]}")
        return float(json.loads(file.read_text("utf-8"))) if file.exists() else None


def _by_schemathesis(dialect: str, fault: str) -> float | None:
    with tempfile.TemporaryDirectory() as folder, served(dialect, *(["--fault", fault] if fault else [])) as base:
        command = [
            *schemathesis_run(base, described(base, dialect, Path(folder))),
            f"--max-time={MOMENTS[-1]:g}",
            "--max-failures=1",
            f"--exclude-checks={','.join(FALSE_ALARMS[dialect])}",
        ]
        done = run_process(command, limit=MOMENTS[-1] + GRACE, folder=Path(folder))
        result = done.status == FAILED and "= FAILURES =" in done.output
        return done.seconds if result and done.seconds <= MOMENTS[-1] else None


def child(dialect: str, fault: str, began: float, file: Path) -> None:
    """Run the suite in this process until a requirement is found broken, and write down when that was."""
    from device_grant.cli import cli
    from device_grant.results.collector import Collector

    add = Collector.add

    def added(collector: Collector, case: Any, results: Any, invariants: Any, *rest: Any) -> None:
        add(collector, case, results, invariants, *rest)
        if not file.exists() and any(line.verdict in BROKEN for line in (*results, *invariants)):
            file.write_text(json.dumps(time.monotonic() - began), encoding="utf-8")
            # As Ctrl-C: the session ends, and with it whatever it has started.
            raise KeyboardInterrupt

    Collector.add = added  # type: ignore[method-assign, assignment]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(KeyboardInterrupt):
        cli.main(["run", f"embedded:{dialect}", "--fault", fault], prog_name="device-grant", standalone_mode=False)


if __name__ == "__main__":
    child(sys.argv[1], sys.argv[2], float(sys.argv[3]), Path(sys.argv[4]))
    sys.stdout.flush()
    # Threads of a session that was cut off may still be waiting.
    os._exit(0)
