"""The room itself: it is as large as it says, and notices what it is there to notice."""

import sys

import pytest

from hostile import clients, server_room
from hostile.modes import AWS, RFC, Mode
from hostile.room import BOTH, DAILY, KNOWN, RARE, cases
from hostile.running import Run, run


def test_the_room_is_large():
    assert len([*cases("servers"), *cases("launched")]) >= 180
    assert len(cases("clients")) >= 30
    modes = [*server_room.modes(), *clients.MODES]
    names = {mode.name for mode in modes}
    assert len(names) == len(modes), "a name stands for two modes"
    assert names >= DAILY | BOTH | RARE | set(KNOWN)
    assert {dialect for mode in modes for dialect in mode.dialects} == {RFC, AWS}


@pytest.mark.parametrize("dialect", [RFC, AWS])
def test_without_a_lie_the_server_is_honest(tmp_path, dialect):
    met = server_room.meet(Mode("honest", None), dialect, tmp_path)
    assert met.problems() == []
    assert met.code == 0, met.output


HEAVY = "b = bytearray(700 << 20); b[::4096] = b'1' * len(b[::4096]); import time; time.sleep(2)"
HALF = "b = bytearray(400 << 20); b[::4096] = b'1' * len(b[::4096]); import time; time.sleep(4)"

TWO_HALVES = f"""import subprocess, sys
for process in [subprocess.Popen([sys.executable, '-c', {HALF!r}]) for _ in range(2)]:
    process.wait()
"""


def seen(tmp_path, script, deadline=20.0, **options):
    return run([], tmp_path, deadline, program=[sys.executable, "-c", script], **options)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("raise SystemExit(3)", "exit code 3"),
        ("1 / 0", "a traceback"),
        (HEAVY, "MiB of memory"),
        ("import time; time.sleep(60)", "no end within"),
        (f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HEAVY!r}])", "MiB of memory"),
        (TWO_HALVES, "MiB of memory"),
        ("import tempfile; tempfile.mkdtemp()", "files left"),
        ("import subprocess; subprocess.Popen(['/bin/sleep', '30'], start_new_session=True)", "processes left"),
        ("print('\\x1b[2J')", "control character"),
        ("print('\\x9b31m')", "control character"),
        ("print('a\\u202eb')", "control character"),
        ("print('a' * 10_000)", "a line of"),
    ],
)
def test_what_the_room_notices(tmp_path, script, said):
    problems = seen(tmp_path, script, deadline=2.0 if "no end" in said else 20.0).problems()
    assert any(said in problem for problem in problems), problems


def test_what_the_command_itself_sends_to_a_terminal(tmp_path):
    plain = "print('\\x1b[1;32mgood\\x1b[0m \\x1b]8;id=1;file:///a/b.html\\x1b\\\\report\\x1b]8;;\\x1b\\\\\\r\\x1b[2K')"
    assert seen(tmp_path, plain, terminal=True).problems(terminal=True) == []
    for bad in ("\x1b]0;owned\x07", "\x1b[2J", "\x1b]8;;https://owned.example\x1b\\", "\x07", "\x85"):
        assert Run(0, 1.0, 1, bad, (), ()).problems(terminal=True)
