"""Cases a second of the fuzz checks against a launched server, beside schemathesis and beside the floor.

All of them talk to the same endpoint of the same server. The floor is what the same cases cost without us: drawing
them from the same strategy, and sending as many requests, the very same ones, with bare httpx.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from benchmarks.measuring import BenchmarkError, Goal, Section, figure, run_process, served

if TYPE_CHECKING:
    from device_grant.protocol import Request

DIALECTS = ("rfc8628", "aws-sso-oidc")
PATH = "/device_authorization"
CHECK = "test_malformed_device_authorization"
SEED = 1
TIMES_SCHEMATHESIS, OF_FLOOR = 5.0, 0.5
LIMIT = 600.0
"""Seconds for one run of schemathesis."""
_PHASE = re.compile(r"(?:Coverage|Fuzzing) \(in ([\d.]+)s\)")
_CASES = re.compile(r"(\d+) generated")


@dataclass(frozen=True)
class Rate:
    """So many cases in so many seconds."""

    cases: int
    seconds: float

    @property
    def a_second(self) -> float:
        """Cases a second."""
        return self.cases / self.seconds if self.seconds else 0.0


def measure(*, quick: bool) -> Section:
    """Five rounds, in each of which all are measured one after the other.

    Machines do not keep their speed: rates are compared within a round, and the rows are medians of the rounds.
    """
    rounds, examples = (1, 60) if quick else (5, 600)
    rows: list[tuple[str, ...]] = []
    goals: list[Goal] = []
    for dialect in DIALECTS:
        with served(dialect) as base:
            collected = [_round(base, dialect, examples) for _ in range(rounds)]
        rates = {name: statistics.median(one[name].a_second for one in collected) for name in collected[0]}
        cases = {name: round(statistics.median(one[name].cases for one in collected)) for name in collected[0]}
        times = {
            name: statistics.median(one["this suite"].a_second / one[name].a_second for one in collected)
            for name in rates
        }
        rows += [
            (f"{dialect}: {name}", str(cases[name]), figure(rate), f"{times[name]:.2f}") for name, rate in rates.items()
        ]
        goals += [
            Goal(f"{dialect}: times schemathesis", times["schemathesis"], TIMES_SCHEMATHESIS),
            Goal(f"{dialect}: of the floor", times["floor"], OF_FLOOR),
        ]
    how = (
        f"Malformed requests to `{PATH}` of `device-grant serve`. A case is a request that was sent and judged. "
        "*This suite* is the check of malformed device authorization requests, *schemathesis* is `schemathesis run` "
        "with the document of `device-grant openapi` (its coverage and fuzzing phases, without its start). "
        "The *floor* is drawing the same examples from the same strategies, judging nothing, and sending the same "
        f"requests with bare httpx. {'One round' if rounds == 1 else f'Medians of {rounds} rounds'}."
    )
    columns = ("client", "cases", "cases a second", "this suite is faster by")
    return Section("Cases a second", how, columns, tuple(rows), tuple(goals))


def _round(base: str, dialect: str, examples: int) -> dict[str, Rate]:
    ours, sent = _ours(base, dialect, examples)
    drawing = _drawing(base, dialect, examples)
    sending = _sending(sent)
    return {
        "this suite": ours,
        "floor": Rate(ours.cases, drawing + sending.seconds),
        "floor, drawing only": Rate(ours.cases, drawing),
        "floor, sending only": sending,
        "schemathesis": _schemathesis(base, dialect, examples),
    }


def _executed(base: str, dialect: str, examples: int) -> tuple[float, Any]:
    """Seconds that the check takes, and what it said."""
    from device_grant.catalogue import load
    from device_grant.engine import run_check
    from device_grant.server.checks.http import test_malformed_input
    from device_grant.server.session.run import new_run
    from device_grant.targets import open_target, resolve

    with open_target(resolve(base, dialect=dialect)) as target:
        run = new_run(target, dialect, load())
        run.profile = replace(run.profile, examples=examples)
        try:
            check = getattr(test_malformed_input, CHECK).__check__
            began = time.perf_counter()
            said = run_check(run, check)
            return time.perf_counter() - began, said
        finally:
            run.close()


def _ours(base: str, dialect: str, examples: int) -> tuple[Rate, list[Request]]:
    seconds, case = _executed(base, dialect, examples)
    if case.stop is not None:
        raise BenchmarkError(f"{CHECK} did not run against {base}: {case.stop}")
    sent = [exchange.request for exchange in case.transcript.exchanges]
    return Rate(len(sent), seconds), sent


def _drawing(base: str, dialect: str, examples: int) -> float:
    """Seconds for the same strategies and settings, with a judge that does nothing."""
    from device_grant.server.generation.campaign import Campaign

    with mock.patch.object(Campaign, "_judge", _nothing):
        return _executed(base, dialect, examples)[0]


def _nothing(*_: object) -> None:
    """Judges nothing."""


def _sending(requests: list[Request]) -> Rate:
    """The same requests again, one after the other, with nothing else around httpx."""
    import httpx

    began = time.perf_counter()
    with httpx.Client(trust_env=False) as http:
        for request in requests:
            headers = [(name.encode(), value.encode("utf-8", "surrogateescape")) for name, value in request.headers]
            http.request(request.method, request.url, headers=headers, content=request.content)
    return Rate(len(requests), time.perf_counter() - began)


def _schemathesis(base: str, dialect: str, examples: int) -> Rate:
    with tempfile.TemporaryDirectory() as folder:
        description = described(base, dialect, Path(folder))
        command = [
            *schemathesis_run(base, description),
            f"--include-path={PATH}",
            "--phases=coverage,fuzzing",
            f"--max-examples={examples}",
        ]
        done = run_process(command, limit=LIMIT, folder=Path(folder))
    return read_summary(done.output)


def read_summary(output: str) -> Rate:
    """Cases and seconds of schemathesis, without its start; raises BenchmarkError if it does not say."""
    phases, cases = _PHASE.findall(output), _CASES.search(output)
    if not phases or cases is None:
        raise BenchmarkError(f"schemathesis says neither cases nor time: {output.strip()[-400:]}")
    return Rate(int(cases.group(1)), sum(map(float, phases)))


def described(base: str, dialect: str, folder: Path) -> Path:
    """Our OpenAPI document of a server, as a file."""
    from device_grant.protocol.openapi import document

    path = folder / "openapi.json"
    path.write_text(json.dumps(document(dialect, base=base)), encoding="utf-8")
    return path


def schemathesis_run(base: str, description: Path) -> list[str]:
    """Its command line, without what to run."""
    tool = Path(sys.executable).with_name("schemathesis")
    if not tool.is_file():
        raise BenchmarkError(f"{tool} is missing: make setup installs schemathesis")
    # Its data base of examples would make one round differ from the next.
    options = ("--no-color", f"--seed={SEED}", "--generation-database=none")
    return [str(tool), "run", str(description), f"--url={base}", *options]
