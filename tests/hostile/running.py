"""Runs the real command on a hostile peer, and says what a bystander would see of it."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import resource
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ENDS = frozenset({0, 1, 2, 4, 5})
MOST_MEMORY = 600 * 2**20
"""Octets that the largest process of a run may have at its peak."""
CAP = 2 * 2**30
"""Octets of address space after which the kernel refuses more: a bomb does no harm to the machine."""

_OURS = re.compile(r"\x1b\[[0-9;?]*[A-GKhlm]|\x1b\]8;[\w=]*;(?:(?:file|https)://(?!owned)[\x21-\x7e]*)?\x1b\\")
"""What the command itself sends to a terminal: colours, moves of its line of progress, links to its report."""
_CONTROL = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


@dataclass(frozen=True)
class Run:
    """How the command ended: `code` is None where its deadline was over."""

    code: int | None
    seconds: float
    memory: int
    output: str
    left_processes: tuple[str, ...]
    left_files: tuple[str, ...]

    def problems(self, *, terminal: bool = False) -> list[str]:
        """What a user must never see, each in a few words; empty where the run was as it should be."""
        said = []
        if self.code is None:
            said.append(f"no end within {self.seconds:.0f} s")
        elif self.code not in ENDS:
            said.append(f"exit code {self.code}")
        if "Traceback (most recent call last)" in self.output:
            said.append("a traceback")
        if self.memory > MOST_MEMORY:
            said.append(f"{self.memory // 2**20} MiB of memory")
        if self.left_processes:
            said.append(f"processes left: {', '.join(self.left_processes)[:120]}")
        if self.left_files:
            said.append(f"files left: {', '.join(self.left_files)[:120]}")
        text = _OURS.sub("", self.output).replace("\r", "\n") if terminal else self.output
        control = _CONTROL.search(text)
        if control:
            start = max(0, control.start() - 30)
            said.append(f"control character on the terminal: {text[start : control.end() + 20]!a}")
        longest = max(map(len, text.split("\n")))
        if longest > 5000:
            said.append(f"a line of {longest} characters on the terminal")
        return said


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (CAP, CAP))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def run(  # noqa: PLR0913 - each is about another thing
    command: Sequence[str],
    folder: Path,
    deadline: float,
    *,
    terminal: bool = False,
    browser: bool = False,
    more: dict[str, str] | None = None,
    program: Sequence[str] = (sys.executable, "-m", "device_grant"),
) -> Run:
    """Run `device-grant` with these arguments in `folder`, at most `deadline` seconds; `browser`: one is on PATH."""
    mark = str(folder)  # in the environment or the command line of all that is started
    temporary = folder / "tmp"
    temporary.mkdir()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV", "COLUMNS"))},
        "TMPDIR": str(temporary),
        "HOME": str(folder),
        "XDG_CACHE_HOME": str(folder / "cache"),
        # A browser would be started for every page that cannot be used; it takes seconds, and more than the cap.
        "PATH": os.environ["PATH"] if browser else str(folder),
        "PYTHONWARNINGS": "default",
        "TERM": "xterm-256color",
        **(more or {}),
    }
    out, inner = pty.openpty() if terminal else os.pipe()
    begun = time.monotonic()
    process = subprocess.Popen(  # its end is waited for below, with what it used
        [*program, *command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=inner,
        stderr=inner,
        start_new_session=True,
        preexec_fn=None if browser else _limit,  # noqa: PLW1509 - nothing but two system calls
    )
    os.close(inner)
    code, memory, output = _follow(process, out, begun + deadline, mark if browser else "")
    seconds = time.monotonic() - begun
    left = _marked(mark)
    if left and code is not None:
        time.sleep(0.5)  # what was killed at the very end may take a moment to be gone
        left = _marked(mark)
    names = tuple(" ".join(_command(one))[:80] for one in left) if code is not None else ()
    _kill(mark)
    files = tuple(sorted(path.name for path in temporary.iterdir())) if code is not None else ()
    return Run(code, seconds, memory, output.decode("utf-8", "surrogateescape"), names, files)


def _follow(process: subprocess.Popen[bytes], out: int, end: float, watched: str) -> tuple[int | None, int, bytes]:
    output, open_, ended = bytearray(), True, None
    looked = time.monotonic()
    while time.monotonic() < end:
        if watched and time.monotonic() > looked + 1:
            looked = time.monotonic()
            _kill_beyond_the_cap(watched)
        if open_ and select.select([out], [], [], 0.05)[0]:
            try:
                read = os.read(out, 65_536)
            except OSError:  # a terminal says so that nobody writes to it any more
                read = b""
            open_ = bool(read)
            if len(output) < 50_000_000:
                output += read
            continue
        pid, status, used = os.wait4(process.pid, os.WNOHANG)
        if pid:
            ended = os.waitstatus_to_exitcode(status), used.ru_maxrss * 1024
            process.returncode = ended[0]
            break
        if not open_:
            time.sleep(0.05)
    os.close(out)
    if ended is None:
        process.kill()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = -9
        return None, used.ru_maxrss * 1024, bytes(output)
    return ended[0], ended[1], bytes(output)


def _marked(mark: str) -> list[psutil.Process]:
    # A client inherits no environment, and a daemon may throw its own away: each has the folder in one of the two.
    marked = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            said = [*process.cmdline(), *process.environ().values()]
            if any(mark in text for text in said) and process.status() != psutil.STATUS_ZOMBIE:
                marked.append(process)
    return marked


def _kill_beyond_the_cap(mark: str) -> None:
    # Programs that reserve far more address space than they use cannot be given a cap by the kernel.
    for process in _marked(mark):
        with contextlib.suppress(psutil.Error):
            if process.memory_info().rss > CAP:
                process.kill()


def _command(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.Error):
        return process.cmdline()
    return ["?"]


def _kill(mark: str) -> None:
    for _ in range(20):
        left = _marked(mark)
        if not left:
            return
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        time.sleep(0.05)
