"""The embedded run and the sum of its parts: what goes into generating, carrying, serving, judging and reporting.

The run is a process of its own, `python -m benchmarks.parts DIALECT FILE`, in which functions of the suite and of the
libraries are wrapped. Each second belongs to the innermost wrapped function, so that the parts add up. Seconds are
processor time of the main thread: what waits, and what other processes do meanwhile, is nobody's.
"""

from __future__ import annotations

import contextlib
import io
import json
import resource
import sys
import tempfile
import threading
import time
from collections import defaultdict
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measuring import BenchmarkError, Goal, Section, figure, per_cent, run_process

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

GENERATION = "generation (Hypothesis, schemathesis)"
TRANSPORT = "transport (httpx, to the application and back)"
SERVER = "the reference server"
USER = "the user at the pages"
CHECKS = "checks"
JUDGING = "judging (invariants, claims)"
TRANSCRIPTS = "transcripts (exchanges, outcomes, lines of results)"
REDACTION = "redaction"
REPORTING = "reporting (collector, files, terminal)"
REST = "start, imports, pytest"
OURS = (JUDGING, TRANSCRIPTS, REDACTION, REPORTING)
"""The parts that a run would not have without us, beside the checks themselves."""
SHARE = 25.0
"""Per cent of the run that each of them, and all of them together, may take."""
LIMIT = 900.0
DIALECTS = ("rfc8628", "aws-sso-oidc")


class Meter:
    """Processor time of one thread by part, each second counted once, for the innermost part."""

    def __init__(self, clock: Callable[[], float] = time.thread_time) -> None:
        self._clock = clock
        self._thread = threading.get_ident()
        self._stack = [REST]
        self._since = clock()
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.calls: defaultdict[str, int] = defaultdict(int)

    def enter(self, part: str) -> None:
        """From now on it is this part, until it is left."""
        self._turn()
        self._stack.append(part)
        self.calls[part] += 1

    def leave(self) -> None:
        """Back to the part from which this one was entered."""
        self._turn()
        self._stack.pop()

    def finish(self) -> None:
        """Count what has passed since the last turn."""
        self._turn()

    def _turn(self) -> None:
        now = self._clock()
        self.seconds[self._stack[-1]] += now - self._since
        self._since = now

    @property
    def elsewhere(self) -> bool:
        """Whether this is another thread, whose time is not counted."""
        return threading.get_ident() != self._thread

    def wrapped(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its time counted for the part."""

        @wraps(function)
        def timed(*arguments: Any, **named: Any) -> Any:
            if self.elsewhere:
                return function(*arguments, **named)
            self.enter(part)
            try:
                return function(*arguments, **named)
            finally:
                self.leave()

        return timed

    def wrap(self, owner: Any, name: str, part: str) -> None:
        """Replace a function or method of a module or class; raises AttributeError if there is none of that name."""
        setattr(owner, name, self.wrapped(part, getattr(owner, name)))

    def wrap_application(self, owner: Any, name: str, part: str) -> None:
        """Replace an asynchronous method: each of its steps is counted, not what runs while it waits."""
        function = getattr(owner, name)

        @wraps(function)
        def timed(*arguments: Any, **named: Any) -> _Steps:
            return _Steps(self, part, function(*arguments, **named))

        setattr(owner, name, timed)


class _Steps:
    """An awaitable each of whose steps is counted."""

    def __init__(self, meter: Meter, part: str, inner: Awaitable[Any]) -> None:
        self._meter = meter
        self._part = part
        self._inner = inner

    def __await__(self) -> Generator[Any, Any, Any]:
        steps, sent = self._inner.__await__(), None
        while True:
            self._meter.enter(self._part)
            try:
                waited = steps.send(sent)
            except StopIteration as end:
                return end.value
            finally:
                self._meter.leave()
            sent = yield waited


def instrument(meter: Meter) -> None:
    """Wrap what each part consists of."""
    import httpx
    from hypothesis.core import StateForActualGivenExecution
    from starlette.applications import Starlette

    from device_grant import report, results
    from device_grant.judging import Ledger
    from device_grant.protocol import Secrets, Transcript
    from device_grant.protocol.dialects import AwsSsoOidcDialect, Rfc8628Dialect
    from device_grant.report.terminal import progress, verdicts
    from device_grant.results import collector, writer
    from device_grant.results import lines as recording
    from device_grant.server.generation.fuzz import Fuzz
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Person
    from device_grant.server.session.run import Run

    # Within an example that Hypothesis runs, the check's own function is the innermost again.
    meter.wrap(Fuzz, "_run", GENERATION)
    meter.wrap(ServerCase, "execute", CHECKS)
    meter.wrap(StateForActualGivenExecution, "execute_once", GENERATION)
    meter.wrap(ServerCase, "send", CHECKS)
    meter.wrap(ServerCase, "take", JUDGING)
    for name in ("settle", "close"):
        meter.wrap(Ledger, name, JUDGING)
    meter.wrap(Transcript, "append", TRANSCRIPTS)
    meter.wrap(Run, "exchange", TRANSCRIPTS)
    for dialect in (Rfc8628Dialect, AwsSsoOidcDialect):
        meter.wrap(dialect, "decode", TRANSCRIPTS)
    meter.wrap(Person, "_decide", USER)
    meter.wrap(httpx.Client, "send", TRANSPORT)
    meter.wrap(httpx.Client, "build_request", TRANSPORT)
    meter.wrap_application(Starlette, "__call__", SERVER)
    for name in ("register", "register_variants", "redact", "leaks"):
        meter.wrap(Secrets, name, REDACTION)
    for name in ("case_line", "result_lines"):
        meter.wrap(recording, name, TRANSCRIPTS)
    for name in ("begin", "add", "finish"):
        meter.wrap(collector.Collector, name, REPORTING)
    meter.wrap(writer.ResultsWriter, "write", REPORTING)
    meter.wrap(report, "write_all", REPORTING)
    meter.wrap(results, "scan", REPORTING)
    meter.wrap(verdicts, "render", REPORTING)
    for name in ("check_started", "check_finished"):
        meter.wrap(progress.Progress, name, REPORTING)


def child(dialect: str, file: Path) -> None:
    """Run the suite in this process and write what went where."""
    from device_grant.cli import cli

    meter, began = Meter(), time.perf_counter()
    instrument(meter)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()) as said:
        command = ["run", f"embedded:{dialect}", "--report", folder]
        status = cli.main(command, prog_name="device-grant", standalone_mode=False)
        exchanges = json.loads((Path(folder) / "results.jsonl").read_text("utf-8").splitlines()[-1])["exchanges"]
    meter.finish()
    if status != 0:
        raise SystemExit(f"the embedded run ended with {status}: {said.getvalue()[-2000:]}")
    own = resource.getrusage(resource.RUSAGE_SELF)
    others = resource.getrusage(resource.RUSAGE_CHILDREN)
    collected = {
        "wall": time.perf_counter() - began,
        "process": own.ru_utime + own.ru_stime,
        "children": others.ru_utime + others.ru_stime,
        "exchanges": exchanges,
        "seconds": meter.seconds,
    }
    file.write_text(json.dumps(collected), encoding="utf-8")


def measure(*, quick: bool) -> Section:
    """One run, or one for each dialect."""
    rows: list[tuple[str, ...]] = []
    goals: list[Goal] = []
    for dialect in DIALECTS[:1] if quick else DIALECTS:
        result = _measured(dialect)
        parts, whole = result["seconds"], result["process"]
        rows.append((f"{dialect}: whole process, {result['exchanges']} exchanges", figure(whole), "100 %"))
        by_size = sorted(parts.items(), key=lambda item: -item[1])
        rows += [(f"{dialect}: {part}", figure(seconds), per_cent(seconds, whole)) for part, seconds in by_size]
        threads = max(0.0, whole - sum(parts.values()))
        rows += [
            (f"{dialect}: other threads (driving the browser)", figure(threads), per_cent(threads, whole)),
            (f"{dialect}: the browser's own processes, beside it", figure(result["children"]), "-"),
        ]
        ours = {name: 100 * parts.get(name, 0.0) / whole for name in OURS}
        most = max(ours, key=lambda name: ours[name])
        goals += [
            Goal(f"{dialect}: largest part of ours, {most}", ours[most], SHARE, least=False, unit=" %"),
            Goal(f"{dialect}: all four parts of ours", sum(ours.values()), SHARE, least=False, unit=" %"),
        ]
    how = (
        "`device-grant run embedded:DIALECT --report …` in one process, with functions wrapped from outside. Each "
        "second of processor time belongs to the innermost wrapped function. Ours, beside the checks themselves, "
        f"are {', '.join(OURS)}."
    )
    return Section("The embedded run and its parts", how, ("part", "CPU seconds", "share"), tuple(rows), tuple(goals))


def _measured(dialect: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "parts.json"
        done = run_process([sys.executable, "-m", "benchmarks.parts", dialect, str(file)], limit=LIMIT)
        if done.status != 0:
            raise BenchmarkError(f"the instrumented run of embedded:{dialect} failed: {done.output.strip()[-400:]}")
        collected: dict[str, Any] = json.loads(file.read_text("utf-8"))
        return collected


if __name__ == "__main__":
    child(sys.argv[1], Path(sys.argv[2]))
