"""The command and pytest as a person starts them, and what they leave behind.

Each runs in a process of its own, with its own files, environment and folder. The process is forked from one that has
imported already what they all import, which takes most of the time of a short run; `test_packaging.py` and the tests of
Ctrl-C start the programs themselves.
"""

from __future__ import annotations

import atexit
import json
import multiprocessing
import os
import pkgutil
import random
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from support import ROOT


def _device_grant(words):
    from device_grant.cli import main

    main(words)


def _pytest(_words):
    import pytest

    sys.exit(pytest.console_main())


PROGRAMS = {"device-grant": _device_grant, "pytest": _pytest}
WARM = (
    "pytest",
    "xdist",
    "hypothesis",
    "schemathesis.pytest.plugin",
    "device_grant.cli.run",
    "device_grant.cli.client",
    "device_grant.engine.server_subject",
    "device_grant.engine.client_subject",
    "device_grant.pytest_plugin",
    "device_grant.reference.embedded",
    "device_grant.reference.server.app",
    "device_grant.report.terminal.verdicts",
    "device_grant.report.pages.html",
)
"""What most runs import, beside the modules of checks."""


@cache
def _warm():
    """Starts processes from one that waits until this one has ended."""
    import device_grant

    context = multiprocessing.get_context("forkserver")
    checks = pkgutil.walk_packages(device_grant.__path__, "device_grant.")
    context.set_forkserver_preload([*WARM, *(one.name for one in checks if ".checks." in one.name)])
    return context


def _run(program, words, cwd, env, streams):
    for number, name in streams.items():
        file = os.open(name, os.O_RDWR | os.O_CREAT)
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    # As if started by `python -m`: the folder comes first, and nothing that the tests themselves import from.
    ours = ROOT / "tests"
    sys.path[:] = [cwd, *(one for one in sys.path if Path(one) != ROOT and not Path(one).is_relative_to(ours))]
    sys.argv = [program, *words]
    # Forks have the state of their origin.
    random.seed()
    try:
        PROGRAMS[program](list(words))
    finally:
        # multiprocessing ends a process without them.
        atexit._run_exitfuncs()


def _started(program, words, cwd, env, timeout):
    words = [str(word) for word in words]
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        streams = {0: os.devnull, 1: str(out), 2: str(err)}
        process = _warm().Process(target=_run, args=(program, words, str(cwd or Path.cwd()), env, streams))
        process.start()
        process.join(timeout)
        if process.is_alive():
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired([program, *words], timeout, out.read_text(), err.read_text())
        return subprocess.CompletedProcess([program, *words], process.exitcode, out.read_text(), err.read_text())


def device_grant(*arguments, cwd=None, env=None, timeout=60):
    return _started(
        "device-grant", arguments, cwd, {**os.environ, "NO_COLOR": "1", "COLUMNS": "100", **(env or {})}, timeout
    )


def one_line(done):
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("device-grant: ")
    return lines[0]


def run_pytest(*arguments, cwd):
    return _started("pytest", ("-p", "no:cacheprovider", *arguments), cwd, dict(os.environ), 120)


def lines_of(folder):
    return [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]
