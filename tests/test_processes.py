"""Commands in groups of their own: waited for, ended with all that they started, and ended when we are killed."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from device_grant.processes import ProcessGroup, completed, exit_words, last_words

pytestmark = pytest.mark.long

CHILDREN = """
import subprocess, sys, time
sleep = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]
print(subprocess.Popen(sleep).pid, subprocess.Popen(sleep, start_new_session=True).pid, flush=True)
"""
"""Prints the numbers of a child in its own group and of one that has left it."""


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(pid, seconds=30.0):
    deadline = time.perf_counter() + seconds
    while alive(pid) and time.perf_counter() < deadline:
        time.sleep(0.01)
    return not alive(pid)


def python(source, tmp_path):
    with (tmp_path / "log").open("wb") as log:
        return ProcessGroup([sys.executable, "-S", "-c", source], output=log)


def children(tmp_path):
    deadline = time.perf_counter() + 60
    while not (text := (tmp_path / "log").read_text()).endswith("\n") and time.perf_counter() < deadline:
        time.sleep(0.01)
    return [int(word) for word in text.split()]


@pytest.mark.parametrize("stubborn", [False, True])
def test_all_that_a_running_command_started_is_ended(tmp_path, stubborn):
    ignore = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" if stubborn else ""
    group = python(f"{ignore}{CHILDREN}time.sleep(60)", tmp_path)
    pids = children(tmp_path)
    assert group.poll() is None
    assert group.wait(0.05) is None
    assert group.end(0.3) >= {group.pid, *pids}
    assert group.poll() == (-signal.SIGKILL if stubborn else -signal.SIGTERM)
    assert all(gone(pid) for pid in pids)


def test_children_of_a_command_that_has_ended_are_ended(tmp_path):
    group = python(CHILDREN, tmp_path)
    inside, outside = children(tmp_path)
    assert group.wait(10) == 0
    assert {inside, outside} <= group.end(0.3)
    assert gone(inside)
    assert gone(outside)


def test_a_command_is_interrupted_as_by_a_person(tmp_path):
    group = python("import time\nprint(0, flush=True)\ntime.sleep(60)", tmp_path)
    children(tmp_path)
    group.interrupt()
    assert group.wait(10) not in (None, 0)
    group.end(0)
    group.interrupt()
    assert "KeyboardInterrupt" in (tmp_path / "log").read_text()


def test_a_command_is_waited_for_and_its_time_is_limited(tmp_path):
    said = completed([sys.executable, "-c", "import sys; print('a'); sys.exit('b')"], folder=tmp_path, seconds=30)
    assert (said.status, said.output, said.errors) == (1, b"a\n", b"b\n")
    began = time.perf_counter()
    slow = completed([sys.executable, "-S", "-c", CHILDREN + "time.sleep(60)"], folder=tmp_path, seconds=1)
    assert slow.status is None
    assert time.perf_counter() - began < 20
    assert all(gone(int(pid)) for pid in slow.output.split())
    with pytest.raises(OSError, match="absent"):
        completed(["./absent"], folder=tmp_path, seconds=1)


KILLED = f"""
import pathlib, sys, time
from device_grant.processes import ProcessGroup, kept_no_more, removed_with_us
for name in ("left", "kept"):
    pathlib.Path(name).mkdir()
    removed_with_us(pathlib.Path(name).resolve())
kept_no_more(pathlib.Path("kept").resolve())
with open("log", "wb") as log:
    ProcessGroup([sys.executable, "-S", "-c", {CHILDREN + "time.sleep(60)"!r}], output=log)
time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_the_guard_ends_what_we_leave(tmp_path, number):
    (tmp_path / "log").touch()
    suite = subprocess.Popen([sys.executable, "-c", KILLED], cwd=tmp_path)
    inside, outside = children(tmp_path)
    try:
        assert alive(inside)
        suite.send_signal(number)
        suite.wait(60)
        assert gone(inside)
        assert gone(outside)
        deadline = time.perf_counter() + 30
        while (tmp_path / "left").exists() and time.perf_counter() < deadline:
            time.sleep(0.02)
        assert not (tmp_path / "left").exists()
        assert (tmp_path / "kept").exists()
    finally:
        suite.kill()
        suite.wait()


FORKED = """
import os, subprocess
from device_grant.processes import GUARD, ProcessGroup
group = ProcessGroup(["sleep", "60"], output=subprocess.DEVNULL)
child = os.fork()
if child == 0:
    os._exit(0 if GUARD._process is None else 1)
assert os.waitpid(child, 0)[1] == 0
assert GUARD._process.poll() is None
group.end(1)
"""


def test_a_fork_leaves_the_guard_to_its_parent():
    subprocess.run([sys.executable, "-c", FORKED], check=True, timeout=60)


def test_words():
    assert [exit_words(status) for status in (0, 3, -9, -40)] == [
        "exit status 0",
        "exit status 3",
        "signal SIGKILL",
        "signal 40",
    ]
    assert last_words("", 3) == "it wrote nothing"
    assert last_words("a\n\n b  c\nd\n", 2) == "its last lines: b c | d"
