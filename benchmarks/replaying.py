"""How many recorded exchanges a second `device-grant replay` judges."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from benchmarks.measuring import BenchmarkError, Section, figure, run_process

CASSETTES = Path(__file__).parent.parent / "cassettes"
NAMES = ("reference-rfc8628", "reference-aws-sso-oidc")
LIMIT = 300.0


def measure(*, quick: bool) -> Section:
    """Each cassette, its replay started anew; the best of three rounds."""
    rows: list[tuple[str, ...]] = []
    for name in NAMES[:1] if quick else NAMES:
        exchanges, seconds, cpu = min((_replayed(name) for _ in range(1 if quick else 3)), key=lambda one: one[1])
        rows.append((name, str(exchanges), figure(seconds), figure(cpu), figure(exchanges / seconds)))
    how = (
        "`device-grant replay cassettes/NAME --report …`: every recorded exchange is judged again, the suite's start "
        f"and its report included. {'One round' if quick else 'Best of three rounds'}."
    )
    columns = ("cassette", "exchanges", "seconds", "CPU seconds", "exchanges a second")
    return Section("Cassette replay", how, columns, tuple(rows))


def _replayed(name: str) -> tuple[int, float, float]:
    """Exchanges, wall time and processor time of one replay."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "device_grant", "replay", str(CASSETTES / name), "--report", folder]
        done = run_process(command, limit=LIMIT)
        if done.status != 0:
            raise BenchmarkError(f"cassettes/{name} cannot be replayed: {done.output.strip()[-400:]}")
        footer = json.loads((Path(folder) / "results.jsonl").read_text("utf-8").splitlines()[-1])
    return int(footer["exchanges"]), done.seconds, done.cpu
