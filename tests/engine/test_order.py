"""What checks declare of order and exclusivity holds in one process, on a real clock, and among workers."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.commands import run_pytest
from support.raw_server import RawServer

from device_grant.engine.running import named_check

pytestmark = pytest.mark.long

REFERENCE = str(Path(__file__).parents[1] / "support" / "reference_target.toml")

CHECKS = """\
import os
import time

from device_grant.judging import NotApplicable, check

PARTY = "server"
REQUIREMENT = "rfc8628-3.5-authorization-pending"


def busy(name):
    with open("log.txt", "a") as log:
        log.write(f"{name} begins\\n")
    time.sleep(0.15)
    with open("log.txt", "a") as log:
        log.write(f"{name} ends\\n")
    raise NotApplicable("this check is none")


@check(REQUIREMENT, order="last")
def test_last():
    busy("last")


@check(REQUIREMENT, alone=True)
def test_alone():
    busy("alone")


@check(REQUIREMENT, alone=True, timed=True)
def test_alone_and_timed():
    busy("alone_and_timed")
"""
MORE = """

@check(REQUIREMENT, timed={timed})
def test_{name}():
    busy("{name}")
"""
USUAL = {f"timed_{number}": True for number in range(3)} | {f"plain_{number}": False for number in range(3)}


@pytest.fixture
def folder(tmp_path):
    more = "".join(MORE.format(name=name, timed=timed) for name, timed in USUAL.items())
    (tmp_path / "test_declared.py").write_text(CHECKS + more)
    return tmp_path


def events(folder, *arguments):
    """What the checks have written, in the order in which it happened."""
    done = run_pytest("test_declared.py", "-q", *arguments, cwd=folder)
    # All of them say that they do not apply: nothing was judged.
    assert done.returncode == 5, done.stdout + done.stderr
    lines = [tuple(line.split()) for line in (folder / "log.txt").read_text().splitlines()]
    names = {"last", "alone", "alone_and_timed", *USUAL}
    assert sorted(lines) == sorted((name, what) for name in names for what in ("begins", "ends"))
    return lines


def most_at_once(lines):
    """How many checks were there at the same time at most, and with whom `alone` and `last` ones were."""
    inside, most = set(), 0
    for name, what in lines:
        if what == "ends":
            inside.remove(name)
            continue
        inside.add(name)
        most = max(most, len(inside))
        assert len(inside) == 1 or not {one for one in inside if one.startswith("alone")}, inside
    return most


def test_in_one_process_the_declared_order_has_the_last_word(folder):
    (folder / "conftest.py").write_text(
        "import pytest\n\n\n@pytest.hookimpl(trylast=True)\ndef pytest_collection_modifyitems(items):\n"
        "    items.reverse()\n"
    )
    begun = [name for name, what in events(folder, "--grant-target", "embedded:rfc8628") if what == "begins"]
    assert begun == [*reversed(USUAL), "alone_and_timed", "alone", "last"]


def test_on_a_real_clock_alone_is_alone_and_last_is_last(folder):
    lines = events(folder, f"--grant-target={REFERENCE}")
    assert most_at_once(lines) > 1
    assert lines[-2:] == [("last", "begins"), ("last", "ends")]


def test_among_workers_that_meet_the_same_server_too(folder):
    with RawServer("rfc8628") as server:
        lines = events(folder, "--grant-target", server.base, "--grant-dialect", "rfc8628", "-n", "2")
    assert most_at_once(lines) > 1
    assert lines[-2:] == [("last", "begins"), ("last", "ends")]


def test_guessing_is_declared_to_be_last_and_alone():
    """A server that protects itself against it may refuse the user of other checks for a while."""
    guessing = named_check("verification_page::test_wrong_codes_are_slowed_down")
    assert (guessing.order, guessing.alone) == ("last", True)
