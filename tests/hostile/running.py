"""Runs the real command on a hostile peer, and says what a bystander would see of it."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import resource
import select
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Sequence

ENDS = frozenset({0, 1, 2, 4, 5})
MOST_MEMORY = 600 * 2**20
"""Octets that a run may have at its peak: its largest process, and all of its processes together."""
MOST_WITH_BROWSER = 900 * 2**20
"""The same where a real browser is among them, which has 400 MiB on an honest page."""
CAP = 2 * 2**30
"""Octets of address space after which the kernel refuses more: a bomb does no harm to the machine."""

_LOOK = 0.7
"""Seconds between two looks at what all processes of a run weigh together."""

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
    browser: bool = False

    def problems(self, *, terminal: bool = False) -> list[str]:
        """What a user must never see, each in a few words; empty where the run was as it should be."""
        said = []
        if self.code is None:
            said.append(f"no end within {self.seconds:.0f} s")
        elif self.code not in ENDS:
            said.append(f"exit code {self.code}")
        if "Traceback (most recent call last)" in self.output:
            said.append("a traceback")
        if self.memory > (MOST_WITH_BROWSER if self.browser else MOST_MEMORY):
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
    # Not within the folder: a path of a test is longer than the sockets of a browser may have.
    temporary = Path(tempfile.mkdtemp(prefix="dg"))
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
    shutil.rmtree(temporary, ignore_errors=True)
    return Run(code, seconds, memory, output.decode("utf-8", "surrogateescape"), names, files, browser)


def _follow(process: subprocess.Popen[bytes], out: int, end: float, watched: str) -> tuple[int | None, int, bytes]:
    output, open_, ended, largest = bytearray(), True, None, 0
    looked = time.monotonic()
    while time.monotonic() < end:
        if time.monotonic() > looked + _LOOK:
            looked = time.monotonic()
            largest = max(largest, _weight(process.pid))
            if watched:
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
            ended = os.waitstatus_to_exitcode(status), max(largest, _own(used))
            process.returncode = ended[0]
            break
        if not open_:
            time.sleep(0.05)
    os.close(out)
    if ended is None:
        process.kill()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = -9
        return None, max(largest, _own(used)), bytes(output)
    return ended[0], ended[1], bytes(output)


def _weight(pid: int) -> int:
    """Octets of memory of a process and all below it; what they share counts once."""
    total = 0
    with contextlib.suppress(psutil.Error):
        top = psutil.Process(pid)
        for process in (top, *top.children(recursive=True)):
            with contextlib.suppress(psutil.Error, OSError):
                total += process.memory_full_info().pss
    return total


def _own(used: resource.struct_rusage) -> int:
    """Octets that the process itself used at most; 0 where that is less than this one, which it began as a copy of."""
    here = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used.ru_maxrss * 1024 if used.ru_maxrss > here else 0


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
