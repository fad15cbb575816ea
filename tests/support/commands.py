"""The command and pytest as a person starts them, and what they leave behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys


def device_grant(*arguments, cwd=None, env=None, timeout=60):
    return subprocess.run(
        [sys.executable, "-m", "device_grant", *arguments],
        cwd=cwd,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "100", **(env or {})},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def one_line(done):
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("device-grant: ")
    return lines[0]


def run_pytest(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def lines_of(folder):
    return [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]
