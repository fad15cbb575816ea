"""What some tests need of the machine, and how to tell that it is missing.

A test says `@needs("chromium")`, a parameter `marks=needs("chromium")`. `tests/conftest.py` skips it where that is
missing, and the last lines of the run say what was missing and how many tests wanted it.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

needs = pytest.mark.needs
PROPERTY = "missing"
"""Name of the property of a report that says for want of what its test was skipped."""


@cache
def aws_cli() -> tuple[str, tuple[int, ...]]:
    """The first AWS CLI of version 2 or later in PATH and its version; an empty name where there is none."""
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        program = shutil.which("aws", path=folder)
        if program is None:
            continue
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=30)
        match = re.match(r"aws-cli/(\d+)\.(\d+)", done.stdout)
        if match and int(match[1]) >= 2:
            return program, tuple(int(part) for part in match.groups())
    return "", ()


@cache
def awscli_of_the_matrix() -> Path:
    """The AWS CLI that signs in by a browser, built as its member of the matrix is; raises UsageError and its like."""
    from device_grant.client.drivers.load import known_clients, read_client
    from device_grant.targets.building import built

    located = read_client(known_clients()["awscli-pkce"] / "client.toml")
    run = located.config.run
    return built(located.folder, run.build, located.config.name, moved=True).folder / "aws" / "aws"


def _awscli_of_the_matrix() -> str:
    from device_grant.errors import DeviceGrantError

    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        return "what npm has of it runs on Linux on x86-64"
    try:
        awscli_of_the_matrix()
    except DeviceGrantError as error:
        return str(error)
    return ""


def _module(name: str) -> Callable[[], str]:
    return lambda: "" if importlib.util.find_spec(name) else "pip install --group dev"


def _chromium() -> str:
    from support.proof import browser_missing

    return browser_missing()


def _libfaketime() -> str:
    from device_grant.targets.clocks import FaketimeClock

    return "" if FaketimeClock.available() else "Debian and Ubuntu: apt-get install libfaketime"


NEWER_GO = "go1.27.3"
"""A Go that came as a module, and is newer than the one that is installed."""


def _go() -> str:
    return "" if shutil.which("go") else "https://go.dev/dl"


def _newer_go() -> str:
    if _go():
        return _go()
    environment = {**os.environ, "GOTOOLCHAIN": NEWER_GO}
    asked = subprocess.run(["go", "version"], capture_output=True, text=True, check=False, timeout=600, env=environment)
    return "" if NEWER_GO in asked.stdout else f"GOTOOLCHAIN={NEWER_GO} go version, which fetches it"


MISSING: dict[str, Callable[[], str]] = {
    "chromium": _chromium,
    "playwright": _module("playwright"),
    "axe-playwright-python": _module("axe_playwright_python"),
    "libfaketime": _libfaketime,
    "go": _go,
    "a newer Go": _newer_go,
    "AWS CLI 2.36": _awscli_of_the_matrix,
    "AWS CLI 2": lambda: "" if aws_cli()[0] else "Debian and Ubuntu: apt-get install awscli",
    "glewlwyd": lambda: "" if shutil.which("glewlwyd") else "Debian and Ubuntu: apt-get install glewlwyd",
    "redis-server": lambda: "" if shutil.which("redis-server") else "Debian and Ubuntu: apt-get install redis-server",
}
"""By what a test may need: a function that says why it is missing, or nothing."""


@cache
def missing(thing: str) -> str:
    """Why a thing is missing; empty where it is there. Raises KeyError for a thing that no test may need."""
    return MISSING[thing]()


def wanted(item: pytest.Item) -> list[str]:
    """What a test needs."""
    return [thing for mark in item.iter_markers("needs") for thing in mark.args]


def skip_without(item: pytest.Item) -> None:
    """Skip a test that needs what is not there, and note what that is."""
    lacking = [thing for thing in dict.fromkeys(wanted(item)) if missing(thing)]
    if lacking:
        item.user_properties.extend((PROPERTY, thing) for thing in lacking)
        pytest.skip("; ".join(f"{thing} is missing ({missing(thing)})" for thing in lacking))


def summary(reports: list[pytest.TestReport]) -> str:
    """One line on what was missing: each thing with the number of tests that were skipped for want of it."""
    things = [thing for report in reports for name, thing in report.user_properties if name == PROPERTY]
    counts = ", ".join(f"{thing} ({things.count(thing)})" for thing in sorted(set(things)))
    return f"skipped for want of: {counts}" if counts else ""
