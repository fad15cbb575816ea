"""What programs that the suite starts do against whoever started them; run by the peers of the room alone."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ESCAPES = "\x1b]0;owned\x07\x1b]8;;https://owned.example\x1b\\\x1b[2J\x1b[31m\x9b2J\x9d52;c;b3duZWQ=\x9c\x90q\x9c\u202e\u2066\u2028\x08\x7f\0"
LIFE = 90
"""Seconds after which whatever was forked ends by itself, should nobody end it before."""


def say(text: str) -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.buffer.write(text.encode("utf-8", "surrogatepass") + b"\n")
        stream.buffer.flush()


def escapes() -> None:
    say("ready " + ESCAPES)


def raw_octets() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.buffer.write(bytes(range(256)) * 20 + b"\xc2\x9b2J\x9b31m\n")
        stream.buffer.flush()


def long_line() -> None:
    say("x" * 300_000)


def long_line_of_escapes() -> None:
    say(ESCAPES * 10_000)


def many_lines() -> None:
    say("a line of a log\n" * 200_000)


def flood() -> None:
    """Write for five seconds, as fast as it is read."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        os.write(2, b"flood " * 10_000 + b"\n")


def endless_flood() -> None:
    """Write without an end, beside whatever else goes on."""
    if os.fork() == 0:
        end = time.monotonic() + LIFE
        while time.monotonic() < end:
            os.write(2, b"flood \x1b[2J " * 5_000)
        os._exit(0)


def _linger(seconds: float = LIFE) -> None:
    time.sleep(seconds)
    os._exit(0)


def child() -> None:
    if os.fork() == 0:
        _linger()


def children() -> None:
    for _ in range(20):
        child()


def daemon() -> None:
    """Leave session and process group, and be nobody's child."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            _linger()
        os._exit(0)


def silent_daemon() -> None:
    if os.fork() == 0:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(nothing, number)
        if os.fork() == 0:
            os.chdir("/")
            _linger()
        os._exit(0)


def daemon_without_a_name() -> None:
    """A daemon that has thrown away its environment."""
    command = [sys.executable, "-c", f"import time; time.sleep({LIFE})", sys.argv[-1]]
    subprocess.Popen(command, start_new_session=True, env={}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def stubborn() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)


def stubborn_children() -> None:
    stubborn()
    children()


def ends() -> None:
    sys.exit(3)


def ends_well() -> None:
    sys.exit(0)


def killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def crashed() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def stopped() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def sleeps() -> None:
    _linger()


def closes_its_outputs() -> None:
    os.close(1)
    os.close(2)


def kills_its_group() -> None:
    os.killpg(0, signal.SIGTERM)


def leaves_files() -> None:
    """Names that a shell, a terminal and a remover of trees dislike, in the folders that it is given."""
    for folder in {os.environ.get("HOME", "."), os.environ.get("TMPDIR", ".")}:
        deep = Path(folder)
        for name in ("\x1b]0;owned\x07", "\udcff\udc80", "a\nb", "-rf", "d" * 200):
            deep /= name
            deep.mkdir(exist_ok=True)
        deep.chmod(0o000)


def fills_home() -> None:
    with Path(os.environ["HOME"], "large.log").open("wb") as file:
        file.truncate(50 * 2**30)


def pipes_and_links() -> None:
    home = Path(os.environ["HOME"])
    os.mkfifo(home / "pipe.log")
    (home / "passwd.log").symlink_to("/etc/passwd")
    (home / "loop").symlink_to(".")
    (home / "zero.log").symlink_to("/dev/zero")
    socket.socket(socket.AF_UNIX).bind(str(home / "socket.log"))


def noise() -> None:
    generator = random.Random(7)
    for _ in range(50):
        sys.stdout.buffer.write(generator.randbytes(2000))
    sys.stdout.buffer.flush()


DEEDS: dict[str, Callable[[], None]] = {
    name.replace("_", " "): work
    for name, work in list(globals().items())
    if callable(work) and getattr(work, "__module__", "") == __name__ and not name.startswith("_") and name != "say"
}
