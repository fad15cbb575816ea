"""On a machine twenty times slower no verdict is another one."""

import json
import os
import subprocess
import sys
import time

import pytest
from support import ROOT

WANTED = bool(os.environ.get("DEVICE_GRANT_SLOW_MACHINE"))
"""Set: the run beside busy loops is made, which takes three minutes."""
LOOPS = 19 * (os.cpu_count() or 1)
"""Beside as many on each core, all of the lowest priority, a process has a twentieth of it."""
TARGET = ROOT / "tests" / "support" / "reference_target.toml"
SUBJECTS = "polling or user_decision or device_authorization or one_time_use"


def nice(*command):
    return ["nice", "-n", "19", sys.executable, *command]


def verdicts(report):
    command = nice("-m", "device_grant", "run", str(TARGET), "--report", str(report), "--", "-k", SUBJECTS)
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    lines = [json.loads(line) for line in (report / "results.jsonl").read_text("utf-8").splitlines()]
    results = {(line["requirement"], line["check"]): line["verdict"] for line in lines if line["kind"] == "result"}
    return results, time.monotonic() - began


@pytest.mark.skipif(not WANTED, reason="three minutes of busy loops: set DEVICE_GRANT_SLOW_MACHINE")
def test_no_verdict_depends_on_how_quick_the_machine_is(tmp_path):
    quick, seconds = verdicts(tmp_path / "quick")
    loops = []
    try:
        loops += [subprocess.Popen(nice("-c", "while True: pass")) for _ in range(LOOPS)]
        slow, more_seconds = verdicts(tmp_path / "slow")
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
    assert len(quick) > 50
    assert more_seconds > 2 * seconds, "the machine was no slower"
    assert slow == quick
